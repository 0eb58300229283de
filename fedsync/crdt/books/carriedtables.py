"""The table of where pages stand. Touches nothing."""

from fedsync.crdt.view import Table

CARRIED = Table("page_carried", ("page", "scope", "log"), ())
"""In which logs that reach the world a page stands, by their bodies: whoever follows a body in part holds no other logs."""

CARRIED_TABLES = (CARRIED,)
