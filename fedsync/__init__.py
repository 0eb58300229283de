"""fedsync: a community's node that keeps signed records and converges with others, without a centre."""

__version__ = "0.1.0"
