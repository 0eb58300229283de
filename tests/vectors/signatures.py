"""Makes tests/vectors/ed25519.json: signatures at every edge where libraries are known to differ.

Where they come from: four are the test vectors of RFC 8032, section 7.1. All others are made here, with
the curve arithmetic of edwards.py and fixed seeds, after the classes of cases that Chalkias, Garillot and
Nikolaenko describe in "Taming the many EdDSAs" (2020). No file of another project is copied.
"""

from hashlib import sha256, sha512
from itertools import count

from tests.vectors import edwards
from tests.vectors.edwards import BASE, TORSION, L, P, Point, add, challenge, encode, times

RFC_8032 = {
    "test 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "test 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "test 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "test sha(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        sha512(b"abc").hexdigest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}


def scalar(label: str) -> int:
    """Return a number below L that anyone can make again."""
    return int.from_bytes(sha512(b"fedsync vectors: " + label.encode()).digest(), "little") % L


def made(name: str, key: bytes, signature: bytes, message: bytes) -> dict[str, object]:
    """Return a case, judged by the naive rule, with what the two equations would say to a lenient reader."""
    case: dict[str, object] = {
        "name": name,
        "key": key.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
        "verdict": edwards.verdict(key, signature, message),
    }
    if len(key) == 32 and len(signature) == 64:
        case["lenient"] = edwards.holds(key, signature, message, cofactor=1)
        case["lenient_with_cofactor"] = edwards.holds(key, signature, message, cofactor=8)
    return case


def twisted(
    name: str,
    a: int,
    a_twist: int,
    r: int,
    r_twist: int,
    *,
    fits: bool,
    key: bytes = b"",
    big_r: bytes = b"",
) -> dict[str, object]:
    """Return a signature by A = a*B + a_twist*T with R = r*B + r_twist*T, T of order 8.

    The message is chosen so that the twists cancel (`fits`: both equations hold) or do not (only the one
    with the cofactor holds). `key` and `big_r` are other encodings of A and R to be used.
    """
    key = key or encode(_twist(a, a_twist))
    big_r = big_r or encode(_twist(r, r_twist))
    for n in count():
        message = b"%s, try %d" % (name.encode(), n)
        k = challenge(big_r, key, message)
        if ((r_twist + k * a_twist) % 8 == 0) == fits:
            return made(name, key, big_r + _number((r + k * a) % L), message)
    raise AssertionError("unreachable")


def _twist(factor: int, twist: int) -> Point:
    return add(times(factor, BASE), TORSION[twist])


def _number(number: int) -> bytes:
    return number.to_bytes(32, "little")


def _flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")


def cases() -> list[dict[str, object]]:
    """Return every case of the corpus."""
    return [*_ordinary(), *_small(), *_mixed(), *_numbers(), *_encodings()]


def _ordinary() -> list[dict[str, object]]:
    found = []
    for name in RFC_8032:
        key, message, signature = _rfc(name)
        found.append(made(f"RFC 8032 {name}", key, signature, message))
    key, message, signature = _rfc("test 3")
    for bit in (0, 100, 255):
        found.append(made(f"bit {bit} of R flipped", key, _flip(signature, bit), message))
    for bit in (256, 300, 507, 511):
        found.append(made(f"bit {bit - 256} of S flipped", key, _flip(signature, bit), message))
    found.append(made("the key's sign flipped", _flip(key, 255), signature, message))
    found.append(made("bit of the message flipped", key, signature, _flip(message, 3)))
    found.append(made("message longer by a zero", key, signature, message + b"\0"))
    found.append(made("R and S exchanged", key, signature[32:] + signature[:32], message))
    found.append(made("S negated", key, signature[:32] + _number(L - _s(signature)), message))
    found.append(
        made(
            "the key of another",
            bytes.fromhex(RFC_8032["test 2"][1]),
            signature,
            message,
        )
    )
    found.append(made("all zero", bytes(32), bytes(64), b""))
    found.append(made("signature all zero", key, bytes(64), message))
    found.append(made("signature all ones", key, b"\xff" * 64, message))
    for length in (0, 32, 63, 65, 128):
        found.append(made(f"a signature of {length} bytes", key, (signature * 2)[:length], message))
    for length in (0, 31, 33, 64):
        found.append(made(f"a key of {length} bytes", (key * 2)[:length], signature, message))
    return found


def _rfc(name: str) -> tuple[bytes, bytes, bytes]:
    """Return the key, message and signature of a case of RFC 8032."""
    _, key, message, signature = RFC_8032[name]
    return bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)


def _s(signature: bytes) -> int:
    return int.from_bytes(signature[32:], "little")


def _small() -> list[dict[str, object]]:
    found = []
    a, r = scalar("small a"), scalar("small r")
    for encoding in edwards.small_order_encodings():
        point = edwards.decode(encoding)
        assert point is not None
        order = TORSION.index(point)
        label = f"{encoding.hex()[:4]}..{encoding.hex()[-2:]}"
        found.append(
            twisted(
                f"A of small order {label}, R of small order",
                0,
                order,
                0,
                order,
                fits=True,
                key=encoding,
            )
        )
        for twist in {0, -order % 8}:
            if order % 2 == 0 or twist:
                name = f"A of small order {label}, R twisted by {twist}"
                found.append(twisted(name, 0, order, r, twist, fits=True, key=encoding))
        found.append(
            twisted(
                f"R of small order {label}, A mixed",
                a,
                1,
                0,
                order,
                fits=True,
                big_r=encoding,
            )
        )
        if order == 0:
            found.append(
                twisted(
                    f"R of small order {label}, A plain",
                    a,
                    0,
                    0,
                    0,
                    fits=True,
                    big_r=encoding,
                )
            )
    return found


def _mixed() -> list[dict[str, object]]:
    found = [twisted("A and R plain", scalar("a"), 0, scalar("r"), 0, fits=True)]
    for twist in range(1, 8):
        a, r = scalar(f"a {twist}"), scalar(f"r {twist}")
        found.append(twisted(f"A mixed by {twist}, R plain, both hold", a, twist, r, 0, fits=True))
        found.append(
            twisted(
                f"A mixed by {twist}, R plain, only with cofactor",
                a,
                twist,
                r,
                0,
                fits=False,
            )
        )
        found.append(
            twisted(
                f"A plain, R mixed by {twist}, only with cofactor",
                a,
                0,
                r,
                twist,
                fits=False,
            )
        )
        # With an A mixed by 1 every twist of R can be met.
        found.append(twisted(f"A mixed, R mixed by {twist}, both hold", a, 1, r, twist, fits=True))
        found.append(
            twisted(
                f"A mixed, R mixed by {twist}, only with cofactor",
                a,
                1,
                r,
                twist,
                fits=False,
            )
        )
    return found


def _numbers() -> list[dict[str, object]]:
    key, message, signature = _rfc("test 2")
    r, s = signature[:32], _s(signature)
    found = []
    for multiple in (1, 2, 8, 15):
        if s + multiple * L < 2**256:
            found.append(made(f"S plus {multiple} L", key, r + _number(s + multiple * L), message))
    for name, number in {
        "0": 0,
        "1": 1,
        "L - 1": L - 1,
        "L": L,
        "L + 1": L + 1,
        "2^252": 2**252,
        "2^256 - 1": 2**256 - 1,
    }.items():
        found.append(made(f"S is {name}", key, r + _number(number), message))
    return found


def _encodings() -> list[dict[str, object]]:
    key, message, signature = _rfc("test 1")
    found = []
    for y in range(P, 2**255):
        for sign in (0, 1):
            encoding = (y | sign << 255).to_bytes(32, "little")
            name = f"y = p + {y - P}, sign {sign}"
            found.append(made(f"key: {name}", encoding, signature, message))
            found.append(made(f"R: {name}", key, encoding + signature[32:], message))
    last = (P - 2).to_bytes(32, "little")
    for name, encoding in {
        "p - 2": last,
        "2": _number(2),
        "a hash": _off_curve(),
    }.items():
        found.append(made(f"key: y = {name}", encoding, signature, message))
        found.append(made(f"R: y = {name}", key, encoding + signature[32:], message))
    return found


def _off_curve() -> bytes:
    for n in count():
        encoding = sha256(b"off the curve %d" % n).digest()
        if edwards.decode(encoding) is None:
            return encoding
    raise AssertionError("unreachable")
