"""The curve of Ed25519 in plain integers: slow, not constant in time, for making and judging test vectors only.

`verdict` is the rule of docs/record-format.md once more, shared with nothing in fedsync: the naive twin.
"""

from hashlib import sha512
from typing import NamedTuple

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """x and y of a point on -x^2 + y^2 = 1 + D x^2 y^2."""

    x: int
    y: int


NEUTRAL = Point(0, 1)


def add(one: Point, other: Point) -> Point:
    """Return the sum; complete, so it doubles too."""
    cross = D * one.x * other.x * one.y * other.y % P
    x = (one.x * other.y + one.y * other.x) * pow(1 + cross, P - 2, P) % P
    y = (one.y * other.y + one.x * other.x) * pow(1 - cross, P - 2, P) % P
    return Point(x, y)


def times(factor: int, point: Point) -> Point:
    """Return `factor` (not negative) times `point`, in projective steps so that one inverse is enough."""
    x, y, z = 0, 1, 1
    for bit in bin(factor)[2:]:
        x, y, z = _add_projective((x, y, z), (x, y, z))
        if bit == "1":
            x, y, z = _add_projective((x, y, z), (point.x, point.y, 1))
    inverse = pow(z, P - 2, P)
    return Point(x * inverse % P, y * inverse % P)


def _add_projective(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    a = one[2] * other[2] % P
    c, d = one[0] * other[0] % P, one[1] * other[1] % P
    e = D * c * d % P
    f, g = a * a - e, a * a + e
    x = a * f * ((one[0] + one[1]) * (other[0] + other[1]) - c - d) % P
    return x, a * g * (d + c) % P, f * g % P


def recover_x(y: int, odd: int) -> int | None:
    """Return the x that stands over `y` with this parity (0 has one parity only, but is given for both), or None."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square:
        return None
    return (P - x) % P if x % 2 != odd else x


def decode(encoding: bytes) -> Point | None:
    """Return the point that a lenient reader sees (y reduced, sign of x = 0 overlooked), or None off the curve."""
    number = int.from_bytes(encoding, "little")
    y = (number & (2**255 - 1)) % P
    x = recover_x(y, number >> 255)
    return None if x is None else Point(x, y)


def encode(point: Point) -> bytes:
    """Return the canonical encoding."""
    return (point.y | (point.x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = recover_x(_BASE_Y, 0)
assert _BASE_X is not None
BASE = Point(_BASE_X, _BASE_Y)


def torsion() -> list[Point]:
    """Return 0*T .. 7*T of a T of order 8: L times a point that is not in the base point's group."""
    y = 3
    while True:
        x = recover_x(y, 0)
        if x is not None:
            point = times(L, Point(x, y))
            if times(4, point) != NEUTRAL:
                return [times(n, point) for n in range(8)]
        y += 1


TORSION = torsion()


def small_order_encodings() -> list[bytes]:
    """Return every 32 bytes that a lenient reader takes for a point of small order: 14 of them, sorted."""
    found = set()
    for point in TORSION:
        for y in {point.y, point.y + P} if point.y < 19 else {point.y}:
            for sign in (0, 1):
                encoding = (y | sign << 255).to_bytes(32, "little")
                if decode(encoding) in TORSION:
                    found.add(encoding)
    return sorted(found)


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """Return the number k that binds a signature to its R, key and message."""
    return int.from_bytes(sha512(r + key + message).digest(), "little") % L


def holds(key: bytes, signature: bytes, message: bytes, *, cofactor: int) -> bool:
    """Say whether c*S*B = c*(R + k*A), leniently read: cofactor 1 as OpenSSL does, 8 as RFC 8032 allows."""
    a, r = decode(key), decode(signature[:32])
    if a is None or r is None:
        return False
    left = times(int.from_bytes(signature[32:], "little"), BASE)
    right = add(r, times(challenge(signature[:32], key, message), a))
    return times(cofactor, left) == times(cofactor, right)


SMALL = frozenset(small_order_encodings())


def verdict(key: bytes, signature: bytes, message: bytes) -> str:
    """Return "ok" or the code of the first step of the rule that fails."""
    if len(key) != 32:
        return "key-length"
    if key in SMALL:
        return "key-small-order"
    if int.from_bytes(key, "little") % 2**255 >= P:
        return "key-not-canonical"
    if decode(key) is None:
        return "key-off-curve"
    if len(signature) != 64:
        return "signature-length"
    if signature[:32] in SMALL:
        return "r-small-order"
    if int.from_bytes(signature[:32], "little") % 2**255 >= P:
        return "r-not-canonical"
    if int.from_bytes(signature[32:], "little") >= L:
        return "s-too-large"
    return "ok" if holds(key, signature, message, cofactor=1) else "mismatch"


def public(seed: bytes) -> bytes:
    """Return the public key of a 32-byte seed."""
    return encode(times(_secret(seed)[0], BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the signature of RFC 8032."""
    secret, prefix = _secret(seed)
    r = int.from_bytes(sha512(prefix + message).digest(), "little") % L
    start = encode(times(r, BASE))
    s = (r + challenge(start, public(seed), message) * secret) % L
    return start + s.to_bytes(32, "little")


def _secret(seed: bytes) -> tuple[int, bytes]:
    digest = sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254, digest[32:]
