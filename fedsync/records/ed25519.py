"""The one rule for keys and signatures, so that no two libraries can split the federation. Pure.

Ed25519 libraries disagree on edge cases: OpenSSL takes signatures under small-order keys that libsodium
refuses, some verify with the cofactor and some without. Two nodes that disagree about one signature hold
different logs for ever. So the verdict here is a function of the bytes alone, in this order:

1. the key has 32 bytes, the signature 64 (R, then S);
2. the key and R each are canonical (y < p) and none of the 14 encodings of the 8 points of small order;
3. the key lies on the curve, and S < L;
4. S*B = R + H(R | key | message)*A without the cofactor, which is what OpenSSL checks.

Points of mixed order pass 2 and are then judged by 4. There is no batch verification: it multiplies by the
cofactor and so answers differently. tests/vectors/ed25519.json freezes the verdicts.
"""

from functools import lru_cache
from typing import Final, Literal, Protocol, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fedsync.records.ids import Key

PrivateKey: TypeAlias = Ed25519PrivateKey
"""What signs. It is loaded by whoever keeps the keys; here it is only used."""


class Signs(Protocol):
    """What signs: a private key, or what stands for one where nothing is secret."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64-byte signature of `data`."""
        ...


class Rule(Protocol):
    """A rule for keys and signatures. This module is the only one for real records; a simulation may have a cheaper one."""

    def verify(self, key: Key, signature: bytes, message: bytes) -> None:
        """Return if `signature` is `key`'s over `message`; raise BadSignature otherwise."""
        ...

    def check_key(self, key: bytes) -> Key:
        """Return `key` if signatures under it can be accepted; raise BadSignature otherwise."""
        ...


KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEYS_KEPT: Final = 4096
"""Parsed public keys that are remembered, about 1 KiB each: the authors of a few regions."""

P: Final = 2**255 - 19
"""The field's prime."""
L: Final = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point."""
D: Final = -121665 * pow(121666, -1, P) % P
"""The curve's constant: -x^2 + y^2 = 1 + D x^2 y^2."""

_EIGHT: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""y of the points of order 8 is this or its negative."""
_SIGN_BIT: Final = 1 << 255
_Y_MASK: Final = _SIGN_BIT - 1

SMALL_ORDER: Final = frozenset(
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, P - 1, P, P + 1, _EIGHT, P - _EIGHT)
    for sign in (0, _SIGN_BIT)
)
"""Every encoding, canonical or not, of a point of order 1, 2, 4 or 8. Seven values of y with either sign."""

Code: TypeAlias = Literal[
    "key-length",
    "key-not-canonical",
    "key-small-order",
    "key-off-curve",
    "signature-length",
    "r-not-canonical",
    "r-small-order",
    "s-too-large",
    "mismatch",
]


class BadSignature(Exception):
    """The bytes are no signature of this key. Whoever sent them is to blame; `code` says why and never changes."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


def verify(key: Key, signature: bytes, message: bytes) -> None:
    """Return if `signature` is `key`'s over `message` by the rule above; raise BadSignature otherwise."""
    public = _parsed(key)
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature("signature-length")
    r = signature[:32]
    if r in SMALL_ORDER:
        raise BadSignature("r-small-order")
    if int.from_bytes(r, "little") & _Y_MASK >= P:
        raise BadSignature("r-not-canonical")
    if int.from_bytes(signature[32:], "little") >= L:
        raise BadSignature("s-too-large")
    try:
        public.verify(signature, message)
    except InvalidSignature:
        raise BadSignature("mismatch") from None


def check_key(key: bytes) -> Key:
    """Return `key` as a Key if signatures under it can be accepted; raise BadSignature with a `key-` code otherwise."""
    _parsed(key)
    return Key(key)


def sign(private: Signs, message: bytes) -> bytes:
    """Return the 64-byte signature of `message`: always the same one for the same key (RFC 8032)."""
    return private.sign(message)


def public_key(private: PrivateKey) -> Key:
    """Return the public half of `private`."""
    return Key(private.public_key().public_bytes_raw())


def private_key(seed: bytes) -> PrivateKey:
    """Return the key of a 32-byte seed. The seed is the secret."""
    return Ed25519PrivateKey.from_private_bytes(seed)


# A key that is refused is not remembered: an exception leaves no entry, so an attacker's keys do not push
# out honest ones. The test for the curve costs 90 microseconds, once per key remembered.
@lru_cache(maxsize=KEYS_KEPT)
def _parsed(key: bytes) -> Ed25519PublicKey:
    """Return the library's form of `key`, after checking it."""
    if len(key) != KEY_BYTES:
        raise BadSignature("key-length")
    if key in SMALL_ORDER:
        raise BadSignature("key-small-order")
    y = int.from_bytes(key, "little") & _Y_MASK
    if y >= P:
        raise BadSignature("key-not-canonical")
    # x^2 = (y^2 - 1) / (D y^2 + 1) must be a square. u/v is one exactly when u*v is, which saves the inverse.
    # (v is never 0, since -1/D is no square; u = 0 only for y = 1 and -1, of small order.)
    if pow((y * y - 1) * (D * y * y + 1), (P - 1) // 2, P) != 1:
        raise BadSignature("key-off-curve")
    return Ed25519PublicKey.from_public_bytes(key)
