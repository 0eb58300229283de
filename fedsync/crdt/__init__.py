"""What the federation agrees on: records in, state out. Pure; knows `records` only."""
