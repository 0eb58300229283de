"""The words: what a record is and what it says. Pure: no clock, no randomness, no disk, no thread."""
