"""A federation in virtual time: the production machines and folds, modelled links, and everything that goes wrong.

Everything follows from a scenario and a seed. Nothing here looks at a clock, waits, or touches a disk.
"""
