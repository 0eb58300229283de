"""Invitations: how a node that nobody knows yet gets in, once. Pure; what is said over the link is in join.py.

An invitation is a code that travels by any private way: a one-time token, and where to go with it. Both sides make
the same one-time key from the token; the inviter trusts it as the **invitee** of that invitation, who may send one
JOIN and nothing else. So no listener answers strangers, and there is no second protocol for joining. Both screens
show the same six words (`secret_of_words`): a code that was swapped on its way shows others.

The code is canonical msgpack in base32: [token, inviter's node key, scope, body id, [address...]], and four bytes of
a hash over it and the version.
"""

import re
from base64 import b32decode, b32encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from fedsync.records import ed25519
from fedsync.records.codec import NotCanonical, Value, check_text, pack, unpack
from fedsync.records.ids import Key, PageId, Scope

VERSION: Final = 1
PREFIX: Final = "FEDSYNC"
"""What a code begins with, then its version, one character."""
TOKEN_BYTES: Final = 16
CHECK_BYTES: Final = 4
GROUP: Final = 5
"""Characters between dashes, for people who read a code aloud."""
MAX_CODE: Final = 4096
"""Characters of a code that are looked at."""
MAX_ADDRESSES: Final = 8
MAX_HOST: Final = 255

KEY_TAG: Final = b"fedsync/1/invite-key\0"
CHECK_TAG: Final = b"fedsync/1/invite-check\0"
WORDS_TAG: Final = b"fedsync/1/invite-words\0"


class BadInvitation(Exception):
    """The code cannot be used. `code` says why and never changes; the text says what to do. The person must act."""

    def __init__(self, code: Literal["not-an-invitation", "wrong-version", "damaged"], sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class BadMessage(Exception):
    """The bytes do not say what they should. Who made them is to blame."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node answers: a name or number of a host, and a port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if (
            not 0 < len(self.host) <= MAX_HOST
            or not 0 < self.port < 65536
            or re.search(r"[\s\[\]/]", self.host)
        ):
            raise ValueError(f"not an address: {self.host!r}, port {self.port}")
        check_text(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address in "host:port" or "[host]:port". Raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"not an address: {text!r}; write [host]:port when the host has colons")
        if not colon or not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError(f"not an address: {text!r}; write host:port")
        return cls(host, int(port))


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a code says. The token is a secret: whoever has it first may join."""

    token: bytes
    inviter: Key
    scope: Scope
    body: PageId
    addresses: tuple[Address, ...]

    @property
    def private_key(self) -> ed25519.PrivateKey:
        """The one-time key with which the invitee calls."""
        return ed25519.private_key(sha256(KEY_TAG + self.token).digest())

    @property
    def key(self) -> Key:
        """The one-time key that the inviter trusts, in the role of invitee. It names the invitation."""
        return ed25519.public_key(self.private_key)

    def code(self) -> str:
        """Return the text that is given to the invitee: letters, digits 2 to 7, dashes."""
        content = self._content()
        text = b32encode(content + _check(str(VERSION), content)).decode().rstrip("=")
        groups = [text[at : at + GROUP] for at in range(0, len(text), GROUP)]
        return "-".join([f"{PREFIX}{VERSION}", *groups])

    def secret_of_words(self) -> bytes:
        """Return 32 bytes of which both screens show six words: they depend on all that the code says."""
        return sha256(WORDS_TAG + self._content()).digest()

    def _content(self) -> bytes:
        addresses: list[Value] = [str(address) for address in self.addresses]
        return pack([self.token, self.inviter, self.scope, self.body, addresses])

    @classmethod
    def parse(cls, text: str) -> "Invitation":
        """Return what a code says, however it was broken into lines or typed. Raises BadInvitation."""
        plain = re.sub(r"[\s-]", "", text[:MAX_CODE]).upper()
        if not plain.startswith(PREFIX) or len(plain) == len(PREFIX):
            raise BadInvitation(
                "not-an-invitation", f"An invitation begins with {PREFIX}{VERSION}; this does not."
            )
        version, rest = plain[len(PREFIX)], plain[len(PREFIX) + 1 :]
        if version != str(VERSION):
            raise BadInvitation(
                "wrong-version",
                f"This invitation is of version {version!a}, and this fedsync reads version {VERSION}. "
                "Ask for one that is made by the same version, or update.",
            )
        damaged = BadInvitation("damaged", "This invitation is damaged or incomplete. Copy it again, whole.")
        try:
            data = b32decode(rest + "=" * (-len(rest) % 8))
        except ValueError:
            raise damaged from None
        content, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
        # The last character has bits to spare; a typing error there is one too.
        if check != _check(version, content) or b32encode(data).decode().rstrip("=") != rest:
            raise damaged
        try:
            fields = fields_of(content, 5)
            return cls(
                token=bytes_of(fields[0], TOKEN_BYTES),
                inviter=key_of(fields[1]),
                scope=Scope(bytes_of(fields[2], 16)),
                body=PageId(bytes_of(fields[3], 32)),
                addresses=addresses_of(fields[4]),
            )
        except BadMessage:
            raise damaged from None


def _check(version: str, content: bytes) -> bytes:
    return sha256(CHECK_TAG + version.encode() + content).digest()[:CHECK_BYTES]


def fields_of(data: bytes, count: int | None = None) -> list[Value]:
    """Return the fields of a message, `count` of them. Raises BadMessage, as all below."""
    try:
        value = unpack(data)
    except NotCanonical as error:
        raise BadMessage(str(error)) from None
    if not isinstance(value, list) or count not in (None, len(value)):
        raise BadMessage("not the fields that belong there")
    return value


def bytes_of(value: Value, size: int) -> bytes:
    """Return `value` if it is `size` bytes."""
    if not isinstance(value, bytes) or len(value) != size:
        raise BadMessage(f"not {size} bytes")
    return value


def key_of(value: Value) -> Key:
    """Return `value` if it is a key under which signatures can be accepted."""
    try:
        return ed25519.check_key(bytes_of(value, 32))
    except ed25519.BadSignature as error:
        raise BadMessage(f"no key of use: {error.code}") from None


def text_of(value: Value, limit: int) -> str:
    """Return `value` if it is a text of 1 to `limit` characters."""
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise BadMessage("not a name")
    return value


def addresses_of(value: Value) -> tuple[Address, ...]:
    """Return `value` if it is a list of addresses, MAX_ADDRESSES at most."""
    if not isinstance(value, list) or len(value) > MAX_ADDRESSES:
        raise BadMessage("not a list of addresses")
    try:
        return tuple(Address.parse(text_of(each, MAX_HOST + 8)) for each in value)
    except ValueError:
        raise BadMessage("not an address") from None
