"""What is lent and booked, who comes to which shift, and what hours were given. Pure."""
