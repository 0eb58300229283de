"""Laws of merging. Pure."""
