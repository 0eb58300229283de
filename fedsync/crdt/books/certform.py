"""The form of a certificate: its parts, its canonical bytes, and its bounds. Pure; nothing is checked here but the form.

docs/record-format.md has the grammar; `certificate` says what a certificate shows.
"""

from dataclasses import dataclass

from fedsync.records.codec import NotCanonical, Value, pack, unpack
from fedsync.records.ids import PageId
from fedsync.records.places import MAX_RUN_RECORDS

FORMAT = 1
"""The version of the format; a later one is refused."""
MAX_CERTIFICATE_BYTES = 16 * 1024 * 1024
"""So much is read at most: some 4,000 pages of 4 KB. A longer book is shown from a page on that is trusted already."""
MAX_PAGES = 4096
MAX_VOICES = 1024
"""Voices of one page: an epoch that fits a record names no more than some 200 logs."""

_FIELDS = {"body", "certificate", "first", "pages", "proofs", "void"}


class BadCertificate(ValueError):
    """It does not show what it claims. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True, slots=True)
class Voice:
    """A signature or approval as it stands in its log: its header, those up to the signed one, and the signature.

    `genesis` begins a log that no epoch names: that of a repair key.
    """

    headers: tuple[bytes, ...]
    signature: bytes
    payload: bytes
    genesis: bytes | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The parts of a certificate, not checked. `first` is the number of the first page; 0 for the whole book."""

    body: PageId
    first: int
    pages: tuple[bytes, ...]
    proofs: tuple[tuple[int, tuple[Voice, ...]], ...]
    """Of some pages, by number, the voices that prove them."""
    void: tuple[int, ...] = ()
    """Pages whose epoch names bodies that are not of a lower level, or lacks consents: it changes nothing."""

    def pack(self) -> bytes:
        """Return the canonical bytes."""
        return pack(
            {
                "certificate": FORMAT,
                "body": self.body,
                "first": self.first,
                "pages": list(self.pages),
                "proofs": [
                    [number, [_voice_value(each) for each in voices]] for number, voices in self.proofs
                ],
                "void": list(self.void),
            }
        )


def read(data: bytes) -> Certificate:
    """Return the parts of a certificate, unchecked. Raises BadCertificate."""
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise BadCertificate("oversize", f"{len(data)} bytes; {MAX_CERTIFICATE_BYTES} are allowed")
    try:
        value = unpack(data)
    except NotCanonical as error:
        raise BadCertificate("malformed", f"it cannot be read: {error}") from None
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise BadCertificate("malformed", "it is no certificate")
    if value["certificate"] != FORMAT or type(value["certificate"]) is not int:
        raise BadCertificate("version", "it is of a format that this version of fedsync does not know")
    pages, proofs = _list(value["pages"], MAX_PAGES), _list(value["proofs"], MAX_PAGES)
    if not pages:
        raise BadCertificate("malformed", "it holds no page")
    return Certificate(
        PageId(_bytes(value["body"], 32)),
        _number(value["first"]),
        tuple(_bytes(each) for each in pages),
        tuple(_proof(each) for each in proofs),
        tuple(_number(each) for each in _list(value["void"], MAX_PAGES)),
    )


def _proof(value: Value) -> tuple[int, tuple[Voice, ...]]:
    match value:
        case [number, list() as voices]:
            return _number(number), tuple(_voice(each) for each in _list(voices, MAX_VOICES))
    raise BadCertificate("malformed", "a proof is a page's number and voices")


def _voice(value: Value) -> Voice:
    match value:
        case [list() as headers, signature, payload]:
            genesis = None
        case [list() as headers, signature, payload, begins]:
            genesis = _bytes(begins)
        case _:
            raise BadCertificate("malformed", "a voice is headers, a signature and a payload")
    parts = tuple(_bytes(each) for each in _list(headers, MAX_RUN_RECORDS))
    if not parts:
        raise BadCertificate("malformed", "a voice has its header")
    return Voice(parts, _bytes(signature, 64), _bytes(payload), genesis)


def _voice_value(voice: Voice) -> list[Value]:
    found: list[Value] = [list(voice.headers), voice.signature, voice.payload]
    return found if voice.genesis is None else [*found, voice.genesis]


def _bytes(value: Value, length: int | None = None) -> bytes:
    if not isinstance(value, bytes) or (length is not None and len(value) != length):
        raise BadCertificate("malformed", "a field that should hold bytes does not, or not as many")
    return value


def _number(value: Value) -> int:
    if type(value) is not int or value < 0:
        raise BadCertificate("malformed", "a page's number is a number from 0")
    return value


def _list(value: Value, most: int) -> list[Value]:
    if not isinstance(value, list) or len(value) > most:
        raise BadCertificate("malformed", f"a list is missing, or longer than {most}")
    return value
