"""The table of where pages stand. Touches nothing."""

from fedsync.crdt.view import Table

CARRIED = Table("page_carried", ("page", "scope"), ())
"""In logs of which bodies a page stands: whoever follows a body in part holds that body's logs alone."""

CARRIED_TABLES = (CARRIED,)
