"""Bad links: frames of a session carried in packets that may be lost, repeated or come in any order. Pure."""
