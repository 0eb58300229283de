"""The dictionaries for what is compressed on thin links: words that records of the known kinds are full of. Pure.

Each has a number, lies in `dictionaries/N.bin` and never changes once something was sent with it: a better one gets the next
number. `scripts/make-dictionary` writes the newest from records like those of the shipped data. It is read once, with the program.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

NEWEST = 1
"""The one that this program writes with. It reads all that it has."""
MAX_DICTIONARY_BYTES = 8 * 1024
"""What lies further back than this costs more to point at than it saves."""
DIGESTS = {1: "fdc2d260e38b951d3c01782cf0c282b93906e9e0c1e6d3855989274d2c8a45d5"}
"""SHA-256 of each: who changed one would be understood by nobody."""


class NoDictionary(LookupError):
    """There is no dictionary of that number, or not as it should be: what was compressed with it cannot be read here."""

    def __init__(self, number: int) -> None:
        super().__init__(f"a dictionary of the number {number}, which this installation does not have")
        self.number = number


@cache
def dictionary(number: int) -> bytes:
    """Return the dictionary of this number. Raises NoDictionary, also when its file was changed or is gone."""
    if number not in DIGESTS:
        raise NoDictionary(number)
    try:
        data = files("fedsync.records.dictionaries").joinpath(f"{number}.bin").read_bytes()
    except OSError:
        raise NoDictionary(number) from None
    # With a changed one nothing would come out right, and nobody would know why.
    if sha256(data).hexdigest() != DIGESTS[number]:
        raise NoDictionary(number)
    return data


def usable() -> int:
    """Return the number of the newest dictionary that is here as it should be, 0 when none is."""
    return max(set(DIGESTS) - set(damaged()), default=0)


def damaged() -> list[int]:
    """Return the numbers of those that should be here and are not as they should be."""
    found = []
    for number in DIGESTS:
        try:
            dictionary(number)
        except NoDictionary:
            found.append(number)
    return found
