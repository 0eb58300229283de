"""Joining: the one message that an invitee may send, and the answer. Pure but for the two ends of a link, at the bottom.

    JOIN    = ["join", content, signature]      content = msgpack [node key, name, scope, body id, [address...]]
    answer  = ["welcome", name, [address...]]  or  ["refused", "used" | "expired" | "not-for-you"]

The link is between the one-time key of the invitation and the inviter's node key. The JOIN is signed by the node that
it names, over JOIN_TAG | one-time key | inviter's key | content, so that nobody brings in a key that is not his own.
The same node may send it again: an answer that was lost must cost nobody an invitation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, assert_never

from fedsync.gossip.invite import (
    Address,
    BadMessage,
    Invitation,
    addresses_of,
    bytes_of,
    fields_of,
    key_of,
    text_of,
)
from fedsync.records import ed25519
from fedsync.records.codec import Value, pack
from fedsync.records.ids import Key, PageId, Scope

JOIN_TAG: Final = b"fedsync/1/join\0"
MAX_JOIN: Final = 4096
"""Bytes of a JOIN, and of the answer."""
MAX_NAME: Final = 200
"""Characters of a community's name."""


@dataclass(frozen=True, slots=True)
class Join:
    """What an invitee says, once: who it is, what it follows, and where it answers."""

    node: Key
    name: str
    scope: Scope
    body: PageId
    addresses: tuple[Address, ...]

    def seal(self, node: ed25519.PrivateKey, invitation: Invitation) -> bytes:
        """Return the JOIN for this invitation, signed by the node that it names."""
        assert ed25519.public_key(node) == self.node
        content = self._content()
        return pack(
            ["join", content, ed25519.sign(node, _to_sign(invitation.key, invitation.inviter, content))]
        )

    def _content(self) -> bytes:
        addresses: list[Value] = [str(address) for address in self.addresses]
        return pack([self.node, self.name, self.scope, self.body, addresses])

    @classmethod
    def check(cls, data: bytes, *, invitee: Key, inviter: Key) -> "Join":
        """Return the JOIN that came over a link from the one-time key `invitee` to `inviter`. Raises BadMessage."""
        tag, content, signature = fields_of(data, 3)
        if tag != "join" or not isinstance(content, bytes) or not isinstance(signature, bytes):
            raise BadMessage("not a JOIN")
        fields = fields_of(content, 5)
        join = cls(
            node=key_of(fields[0]),
            name=text_of(fields[1], MAX_NAME),
            scope=Scope(bytes_of(fields[2], 16)),
            body=PageId(bytes_of(fields[3], 32)),
            addresses=addresses_of(fields[4]),
        )
        try:
            ed25519.verify(join.node, signature, _to_sign(invitee, inviter, content))
        except ed25519.BadSignature:
            raise BadMessage("the JOIN is not signed by the node that it names") from None
        return join


@dataclass(frozen=True, slots=True)
class Welcome:
    """The inviter's yes: its name, and where else it answers. From now on it trusts the node key."""

    name: str
    addresses: tuple[Address, ...] = ()


RefusalCode: TypeAlias = Literal["used", "expired", "not-for-you"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The inviter's no."""

    code: RefusalCode

    @property
    def sentence(self) -> str:
        """What it means, and what to do."""
        match self.code:
            case "used":
                return "Another node has used this invitation. If it was not yours, tell the inviter at once."
            case "expired":
                return "This invitation has expired. Ask for a new one."
            case "not-for-you":
                return "This invitation is meant for another node. Ask for one of your own."
            case _:
                assert_never(self.code)


Verdict: TypeAlias = Welcome | Refused


@dataclass(frozen=True, slots=True)
class Standing:
    """What the inviter keeps of an invitation."""

    expires: int
    """Milliseconds since 1970, by the inviter's clock."""
    meant_for: Key | None = None
    """The only node that may use it, when that was said."""
    used_by: Key | None = None


def refusal(standing: Standing, node: Key, now: int) -> Refused | None:
    """Return why `node` may not use an invitation `now` (ms), or None: then store `used_by`, and welcome it after.

    The node that used it is welcome again, at any time: its answer may have been lost.
    """
    if standing.used_by is not None:
        return None if standing.used_by == node else Refused("used")
    if standing.meant_for is not None and standing.meant_for != node:
        return Refused("not-for-you")
    if now >= standing.expires:
        return Refused("expired")
    return None


def answer_bytes(verdict: Verdict) -> bytes:
    """Return the answer to a JOIN."""
    match verdict:
        case Welcome(name, addresses):
            return pack(["welcome", name, [str(address) for address in addresses]])
        case Refused(code):
            return pack(["refused", code])
        case _:
            assert_never(verdict)


def read_answer(data: bytes) -> Verdict:
    """Return what the inviter answered. Raises BadMessage."""
    fields = fields_of(data)
    match fields:
        case ["welcome", name, addresses]:
            return Welcome(text_of(name, MAX_NAME), addresses_of(addresses))
        case ["refused", "used" | "expired" | "not-for-you" as code]:
            return Refused(code)
        case _:
            raise BadMessage("not an answer to a JOIN")


class Carrier(Protocol):
    """What is needed of a link (link.py)."""

    limit: int
    peer: Key

    async def receive(self) -> list[bytes]:
        """Return the frames that came next."""

    def send(self, body: bytes) -> bool:
        """Queue a frame."""

    def cut(self, code: Literal["misbehaved"], sentence: str) -> Exception:
        """End the link at once, and return what to raise."""


async def offer_join(link: Carrier, join: bytes) -> Verdict:
    """Send a sealed JOIN to the inviter and return the answer. Raises LinkClosed."""
    link.limit = MAX_JOIN
    link.send(join)
    frames = await link.receive()
    try:
        return read_answer(_only(frames))
    except BadMessage as error:
        raise link.cut("misbehaved", f"the inviter's answer cannot be read: {error}") from error


async def answer_join(link: Carrier, own_key: Key, decide: Callable[[Join], Verdict]) -> Verdict:
    """Hear the one JOIN of an invitee, answer what `decide` says, and return it. Raises LinkClosed.

    `decide` must have stored its yes before it returns: nothing leaves before it is durable. Nothing more of the
    invitee is read; when the handler of the link returns, the answer is sent and the link closed.
    """
    verdict = decide(await hear_join(link, own_key))
    link.send(answer_bytes(verdict))
    return verdict


async def hear_join(link: Carrier, own_key: Key) -> Join:
    """Return the one JOIN of an invitee, for a caller who must wait before it answers with `answer_bytes`."""
    link.limit = MAX_JOIN
    frames = await link.receive()
    try:
        return Join.check(_only(frames), invitee=link.peer, inviter=own_key)
    except BadMessage as error:
        raise link.cut("misbehaved", f"the invitee's JOIN cannot be read: {error}") from error


def _only(frames: list[bytes]) -> bytes:
    if len(frames) != 1:
        raise BadMessage("more than one message")
    return frames[0]


def _to_sign(invitee: Key, inviter: Key, content: bytes) -> bytes:
    return JOIN_TAG + invitee + inviter + content
