"""What must not be lost: one SQLite file, one writer. Never reads what a record says."""
