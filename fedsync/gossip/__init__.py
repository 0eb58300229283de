"""How records travel: protocol machines without I/O, and a thin trio shell. Never reads what a record says."""
