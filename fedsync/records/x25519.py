"""The key for agreeing on secrets that belongs to a key for signing, so that a node has one key to hand out, not two. Pure.

Edwards and Montgomery curve are one curve in two forms (RFC 7748, section 4.1): a point's y becomes u = (1 + y) / (1 - y),
and the secret number is the same. X25519 multiplies by a number that 8 divides, so a part of small order that a hostile
key may have vanishes. What is agreed on must be bound to both keys and to its purpose by whoever derives a key from it.
"""

from hashlib import sha512

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from fedsync.records.ed25519 import P, PrivateKey, check_key

_Y_MASK = (1 << 255) - 1


def agreeing_key(key: bytes) -> X25519PublicKey:
    """Return what belongs to the public key `key`. Raises BadSignature with a `key-` code when nothing may be signed by it."""
    y = int.from_bytes(check_key(key), "little") & _Y_MASK
    # y is not 1: that point has small order, which is refused.
    u = (1 + y) * pow(1 - y, -1, P) % P
    return X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))


def agreeing_private_key(private: PrivateKey) -> X25519PrivateKey:
    """Return what belongs to `private`: the number that its signatures use (RFC 8032, section 5.1.5)."""
    return X25519PrivateKey.from_private_bytes(sha512(private.private_bytes_raw()).digest()[:32])
