"""How simulated people sign, and how nodes check it: as real ones do, or with hashes that cost nothing. Pure.

A stubbed signature has the 64 bytes of a real one and stands for one key and one record, so that what was changed on the
way is found out; but whoever knows a public key can make it. Nothing in a simulation that has stubs tries to.
"""

from collections.abc import Callable
from hashlib import sha256, sha512
from typing import Final

from fedsync.records import ed25519
from fedsync.records.block import Base, Block, check
from fedsync.records.ed25519 import BadSignature, Rule, Signs
from fedsync.records.ids import Key

CHECKED_KEPT: Final = 20_000
"""Blocks whose check is remembered: what is under way among all nodes at a time, at some KB each."""


class StubKey:
    """Signs in place of a private key."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def sign(self, data: bytes, /) -> bytes:
        """Return 64 bytes that stand for a signature."""
        return _stub(self._key, data)


class Stubs:
    """The rule for stubbed signatures."""

    def verify(self, key: Key, signature: bytes, message: bytes) -> None:
        """Return if this is what `key` would have said of `message`; raise BadSignature otherwise."""
        if signature != _stub(key, message):
            raise BadSignature("mismatch")

    def check_key(self, key: bytes) -> Key:
        """Return `key`, whatever it is but small."""
        if key in ed25519.SMALL_ORDER:
            raise BadSignature("key-small-order")
        return Key(key)


def _stub(key: bytes, message: bytes) -> bytes:
    return sha512(b"stub" + key + message).digest()


class Signing:
    """How all in one world sign and check."""

    def __init__(self, how: str) -> None:
        """`how`: as in a scenario, `stub`, `once` or `each`."""
        self.rule: Rule = Stubs() if how == "stub" else ed25519
        self.check: Callable[[bytes, Base | None], Block] = check if how == "each" else Checker(self.rule)
        self._stubbed = how == "stub"

    def pair(self, seed: bytes) -> tuple[Signs, Key]:
        """Return what signs for the owner of a seed, and the public key."""
        if self._stubbed:
            key = Key(sha256(b"stub" + seed).digest())
            return StubKey(key), key
        private = ed25519.private_key(seed)
        return private, ed25519.public_key(private)


class Checker:
    """`check`, done once for the same bytes at the same place, and remembered for all nodes."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._done: dict[tuple[bytes, object], Block] = {}

    def __call__(self, raw: bytes, base: Base | None) -> Block:
        """Return the block. Raises BadBlock, each time anew."""
        # A record's id stands for its log and all before it.
        key = raw, base and (base.id, base.place, base.signed)
        found = self._done.get(key)
        if found is None:
            if len(self._done) >= CHECKED_KEPT:
                # The oldest: what is under way now was seen lately.
                del self._done[next(iter(self._done))]
            found = self._done[key] = check(raw, base, self.rule)
        return found


REAL: Final = Signing("once")
"""Keys and signatures as they are."""
