"""What people do with goods, promises, things and shifts."""
