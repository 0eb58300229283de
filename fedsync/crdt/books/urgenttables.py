"""What is noted of pages that travel first. Nothing here is rooted: it says what to hurry with, and never what holds."""

from fedsync.crdt.view import Table

URGENT_BOOKS = Table("urgent_book", ("scope",), ("number",))
"""Of each book the highest number of a known page that ends something."""
URGENT_PAGES = Table("urgent_page", ("scope", "page"), ("before",))
"""Known pages that end something, and the number of the row above when each came to be known."""
URGENT_GIVEN = Table("urgent_given", ("scope", "about", "number", "page"), ())
"""Mandates on known pages by the seat or task that they are for: a later one replaces an earlier one."""

TABLES = (URGENT_BOOKS, URGENT_PAGES, URGENT_GIVEN)
