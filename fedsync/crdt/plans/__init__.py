"""What is needed, offered and promised, and what parties agreed. Pure."""
