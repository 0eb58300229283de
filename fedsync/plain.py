"""What may reach a terminal: letters and signs of any script, and nothing that a terminal would obey; a few words. Pure."""

import unicodedata

_JOINERS = "\u200c\u200d"
"""Persian is not written without them, nor are many emoji; they change nothing but the shape of letters."""


def is_plain(text: str) -> bool:
    """Return whether `text` is one line that looks like what it is: no controls, nothing that turns its order."""
    return text.isprintable() or all(map(_shown, text))  # Most text is, and lists are long.


def plain(text: object) -> str:
    """Return `text` on one line, with everything that a terminal would obey written out as \\u and its number."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(each if _shown(each) else f"\\u{ord(each):04x}" for each in text)


def _shown(each: str) -> bool:
    return each.isprintable() or each in _JOINERS or unicodedata.category(each) == "Zs"


def many(number: int, word: str) -> str:
    """Return how many there are of something, as people count: 1 line, 2 lines."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def is_are(number: int) -> str:
    """Return the word that goes with so many."""
    return "is" if number == 1 else "are"


def ago(ms: int | None, now: int) -> str:
    """Return how long ago a time was: 12 s, 3 h, 9 d; "never" for none."""
    if ms is None:
        return "never"
    seconds = max(0, (now - ms) // 1000)
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} s ago"
