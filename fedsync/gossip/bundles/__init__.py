"""A session written to files: what one node holds, carried to others on sticks, by mail, by whatever carries bytes. Pure."""
