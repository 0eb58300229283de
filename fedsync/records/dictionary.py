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
    """This program has no dictionary of that number: what was compressed with it waits for a newer one."""

    def __init__(self, number: int) -> None:
        super().__init__(f"a dictionary of the number {number}, which this version does not have")
        self.number = number


class DamagedDictionary(RuntimeError):
    """A dictionary that came with the program is not the one that it should be: the installation is damaged."""


@cache
def dictionary(number: int) -> bytes:
    """Return the dictionary of this number. Raises NoDictionary, and DamagedDictionary when the file was changed."""
    if number not in DIGESTS:
        raise NoDictionary(number)
    data = files("fedsync.records.dictionaries").joinpath(f"{number}.bin").read_bytes()
    if sha256(data).hexdigest() != DIGESTS[number]:
        raise DamagedDictionary(
            f"the file dictionaries/{number}.bin of this installation was changed: install it again"
        )
    return data
