"""Which fold it is. Apart from the fold, so that who only looks at what it left need not load it."""

VERSION = 42
"""Counts up when the same blocks would give another state, so that a node folds them again."""
