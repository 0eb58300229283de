"""What people do with books: bodies, seats, mandates, motions, votes, decisions."""
