"""What lies in stores and what is on its way. Pure."""
