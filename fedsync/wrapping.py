"""What is carried by strangers can be wrapped up, so that only those whom it is for can read it.

A fresh key hides what is carried, piece by piece with ChaCha20-Poly1305, the piece's number being its nonce; for each
recipient that key is enclosed with HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305) to the key for
agreeing that belongs to the node's one key. Nothing says whose enclosures these are; how many and how long can be seen.
Who made it is not proved by wrapping: what is within is signed.

    enclosures = version 1 | salt 16 | one enclosure of 80 bytes for each recipient
    piece      = number 8 big-endian | hidden | tag 16

Each piece opens alone, so what is damaged or missing hides nothing else. A bundle's file that is wrapped up has the chunks
of any other (docs/bundles.md): one of kind 16 with the enclosures, repeated now and then and at the end, and one of kind 17
for each chunk that is hidden, which is its kind 1 | its number 3 | its body, as a piece.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from fedsync.gossip.bundles.chunks import MAGIC, Chunk, Damage, Piece, cut, pack
from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key
from fedsync.records.x25519 import agreeing_key, agreeing_private_key

VERSION: Final = 1
SALT_BYTES: Final = 16
ENCLOSURE_BYTES: Final = 32 + 32 + 16
"""What HPKE puts before the key, the key, and its tag."""
MOST_RECIPIENTS: Final = 64
"""Whoever opens it tries each enclosure: 0.1 ms each."""
MOST_ENCLOSURES_BYTES: Final = 1 + SALT_BYTES + MOST_RECIPIENTS * ENCLOSURE_BYTES
OVERHEAD: Final = 8 + 16
"""Bytes by which a wrapped piece is longer."""

ENCLOSURES_KIND: Final = 16
WRAPPED_KIND: Final = 17
REPEATED: Final = 64
"""The enclosures stand again after so many chunks: 4 MB at most have to wait for them when the first are damaged."""
MOST_TRIED: Final = 16
"""Different enclosures of one file that are tried; a file has one. Else a stick full of them would keep us for hours."""

_PURPOSE: Final = b"fedsync/1/wrapped\0"


class NotForUs(Exception):
    """It is wrapped up for others, or its enclosures are damaged: nobody can tell which."""


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class Wrapper:
    """Hides pieces for these recipients. One for each file: a piece's number is never used twice with one key."""

    def __init__(self, recipients: Iterable[Key]) -> None:
        keys = sorted(set(recipients))
        if not 0 < len(keys) <= MOST_RECIPIENTS:
            raise ValueError(f"something is wrapped up for 1 to {MOST_RECIPIENTS}, not {len(keys)}")
        secret, salt = os.urandom(32), os.urandom(SALT_BYTES)
        self._cipher, self._number, suite = ChaCha20Poly1305(secret), 0, _suite()
        enclosed = [suite.encrypt(secret, agreeing_key(key), _PURPOSE + salt) for key in keys]
        # In the order of chance, so that the order of keys says nothing.
        self.enclosures = bytes([VERSION]) + salt + b"".join(sorted(enclosed))

    def wrap(self, piece: bytes) -> bytes:
        """Return a piece, hidden."""
        number = self._number.to_bytes(8, "big")
        self._number += 1
        return number + self._cipher.encrypt(bytes(4) + number, piece, self.enclosures[: 1 + SALT_BYTES])


class Unwrapper:
    """Opens the pieces of one file."""

    def __init__(self, secret: bytes, about: bytes) -> None:
        self._cipher, self._about = ChaCha20Poly1305(secret), about

    def unwrap(self, piece: bytes) -> bytes:
        """Return what a piece hides. Raises NotForUs when it is damaged or of another file."""
        try:
            return self._cipher.decrypt(bytes(4) + piece[:8], piece[8:], self._about)
        except (InvalidTag, ValueError):
            raise NotForUs from None


def unwrapper(enclosures: bytes, ours: "Opener") -> Unwrapper:
    """Return what opens the pieces that go with these enclosures. Raises NotForUs."""
    return Unwrapper(ours.secret(enclosures), enclosures[: 1 + SALT_BYTES])


class Opener:
    """A node's key, ready to open what is wrapped up for it."""

    def __init__(self, private: PrivateKey) -> None:
        self._private: X25519PrivateKey = agreeing_private_key(private)

    def secret(self, enclosures: bytes) -> bytes:
        """Return the key that hides the pieces. Raises NotForUs."""
        about, rest = enclosures[: 1 + SALT_BYTES], enclosures[1 + SALT_BYTES :]
        if len(enclosures) > MOST_ENCLOSURES_BYTES or enclosures[:1] != bytes([VERSION]):
            raise NotForUs
        suite = _suite()
        for enclosure in _each(rest):
            try:
                found = suite.decrypt(enclosure, self._private, _PURPOSE + about[1:])
            except (InvalidTag, ValueError):
                continue
            if len(found) == 32:
                return found
        raise NotForUs


def _each(rest: bytes) -> Sequence[bytes]:
    return [rest[at : at + ENCLOSURE_BYTES] for at in range(0, len(rest), ENCLOSURE_BYTES)]


# --- Files ------------------------------------------------------------------------------------------------


def wrapped(pieces: Iterable[bytes], recipients: Iterable[Key]) -> Iterator[bytes]:
    """Yield a bundle's file, given in pieces, wrapped up for these nodes."""
    wrapper = Wrapper(recipients)
    number = 0

    def chunk(kind: int, body: bytes) -> bytes:
        nonlocal number
        number += 1
        return pack(kind, number - 1, body)

    yield MAGIC
    for count, found in enumerate(cut(pieces)):
        if not isinstance(found, Chunk):
            raise ValueError("what is wrapped up must be whole")
        if count % REPEATED == 0:
            yield chunk(ENCLOSURES_KIND, wrapper.enclosures)
        plain = bytes((found.kind,)) + found.number.to_bytes(3, "big") + found.body
        yield chunk(WRAPPED_KIND, wrapper.wrap(plain))
    yield chunk(ENCLOSURES_KIND, wrapper.enclosures)


def unwrapped(found: Iterable[Piece], ours: Opener | None) -> Iterator[Piece]:
    """Yield what the chunks of a file hide, and those that hide nothing as they are.

    What cannot be opened is told as one Damage, `wrapped`: it is for others, or there is no key here.
    """
    reader = Unwrapping(ours)
    for piece in found:
        yield from reader.take(piece)
    yield from reader.end()


class Unwrapping:
    """The same for whoever has the chunks one after the other."""

    def __init__(self, ours: Opener | None) -> None:
        self._ours = ours
        self._opened: Unwrapper | None = None
        self._tried: set[bytes] = set()
        self._early: list[Chunk] = []
        """Chunks that came before any enclosure that is ours."""
        self._closed = 0
        """Bytes that could not be opened."""

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Take in the next one; yield what can be told by it."""
        if isinstance(piece, Damage):
            yield piece
        elif piece.kind == ENCLOSURES_KIND:
            yield from self._try(piece.body)
        elif piece.kind != WRAPPED_KIND:
            yield piece
        elif self._opened is not None:
            yield self._open(piece, self._opened)
        else:
            self._early.append(piece)
            if len(self._early) > REPEATED:
                self._closed += len(self._early.pop(0).body)

    def end(self) -> Iterator[Piece]:
        """Tell what could not be opened, if there was something."""
        closed = self._closed + sum(len(each.body) for each in self._early)
        if closed:
            yield Damage(0, closed, "wrapped")

    def _try(self, enclosures: bytes) -> Iterator[Piece]:
        if self._ours is None or enclosures in self._tried or len(self._tried) >= MOST_TRIED:
            return
        self._tried.add(enclosures)
        try:
            self._opened = unwrapper(enclosures, self._ours)
        except NotForUs:
            return
        early, self._early = self._early, []
        for each in early:
            yield self._open(each, self._opened)

    def _open(self, piece: Chunk, opened: Unwrapper) -> Piece:
        try:
            plain = opened.unwrap(piece.body)
        except NotForUs:
            return Damage(-1, len(piece.body), "damaged")
        if len(plain) < 5:
            return Damage(-1, len(piece.body), "damaged")
        return Chunk(plain[0], int.from_bytes(plain[1:4], "big"), plain[4:])
