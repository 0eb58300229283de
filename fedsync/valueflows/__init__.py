"""ValueFlows, the vocabulary of what communities make, keep, give and promise: goods as JSON-LD. Pure."""
