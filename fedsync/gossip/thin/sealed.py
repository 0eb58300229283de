"""Packets between two nodes, sealed to each other's node keys: none has to be answered before the next may go. Pure.

    packet  = form 1 | session 8 | count 3 | text | tag 8        20 bytes beside the text
    brief   = form 1 | count 3 | text | tag 8                    12, once both have shown that they know each other's session
    form    = 1 FIRST, 2 PAIRED, 3 BRIEF; 128 more when the text is readable
    session = seconds since 1970, 4 | random 4                   of who sends; a new one with each start of a carrier
    key     = HKDF-SHA256(X25519 of both node keys; "fedsync packet 1" | mode 1 | sender 32 | receiver 32 | session 8), 16 bytes
    tag     = AES-128-CCM, 8 bytes, nonce = count in 7 bytes; it covers the form and, but for FIRST, the receiver's session

Who hears FIRST knows that the peer made it once, perhaps long ago. Who hears PAIRED or BRIEF knows that it is meant for
this very session of its own, so it is no older than that. Hence:

- A session of the peer that FIRST names must have begun later than any that was known, or it is a repetition. Then
  FIRST without text goes back: a peer whose clock or disk fell back pairs with that, and is believed.
- A new session of the peer means that it has forgotten what was under way. When this side has taken in anything of
  an earlier one it begins anew too, and what came is not taken in: two that begin at once would else do so for ever.

There is no forward secrecy: whoever gets a node's private key can read what was recorded. Only what is public to its
federation anyway goes this way; a stream over TLS keeps more (docs/threat-model.md).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key
from fedsync.records.x25519 import agreeing_key, agreeing_private_key

FIRST: Final = 1
PAIRED: Final = 2
BRIEF: Final = 3
READABLE: Final = 128
"""Added to a form: the text is not encrypted."""
SESSION_BYTES: Final = 8
RANDOM_BYTES: Final = 4
COUNT_BYTES: Final = 3
TAG_BYTES: Final = 8
"""A forger who may try a thousand times a second needs half a billion years."""
HEAD_BYTES: Final = 1 + SESSION_BYTES + COUNT_BYTES
BRIEF_HEAD_BYTES: Final = 1 + COUNT_BYTES
OVERHEAD: Final = HEAD_BYTES + TAG_BYTES
"""Bytes of a packet beside its text, at most."""
MOST_PACKETS: Final = 1 << 8 * COUNT_BYTES
"""Packets of one session: after 16 million of them a new one is begun."""
FIRST_EVERY: Final = 4
"""Among so many packets one is FIRST, while it is not known whether the peer is in the session that others are meant for."""
UNHEARD_MOST: Final = 16
"""Packets after which that is not known any more, when nothing was heard meanwhile: the peer may have forgotten all, and not know where to call."""
WINDOW: Final = 4096
"""Packets by which one may come later than others sent after it; those that are older are taken for repeated."""

Code: TypeAlias = Literal["foreign", "repeated", "outdated", "readable", "unreadable"]


@dataclass(frozen=True, slots=True)
class Text:
    """What the peer sealed for us."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Anew:
    """The peer has begun anew, and so must we: `Seal.begin` is called before anything else, with a new carrier above it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The packet is none for us.

    foreign: not from this peer, or not for this session, or damaged. outdated: from a session of the peer that is older than one
    that is known. readable, unreadable: the peer has it that everybody may read what is carried, or that nobody may, and we have not.
    """

    code: Code


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one peer from one start to the next; losing it makes the first packets go to and fro once more."""

    own: int = 0
    """When our last session began, in seconds since 1970."""
    peer: int = 0
    """The same of the peer's."""

    def pack(self) -> bytes:
        """Return it as bytes."""
        return self.own.to_bytes(4, "big") + self.peer.to_bytes(4, "big")

    @classmethod
    def unpack(cls, data: bytes) -> "Kept":
        """Return what `pack` made bytes of; nothing is kept when they are none of its."""
        if len(data) != 8:
            return cls()
        return cls(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big"))


class Seal:
    """What is sealed to one peer and opened from it. `begin` comes first."""

    def __init__(
        self,
        secret: bytes,
        own: Key,
        peer: Key,
        *,
        clear: bool = False,
        brief: bool = False,
        kept: Kept = Kept(),
    ) -> None:
        """`secret`: of `agree`. `clear`: text stays readable. `brief`: packets need not say whose session they are of."""
        self._secret, self._own, self._peer = secret, own, peer
        self._clear, self._brief = clear, brief
        self.kept = kept
        """To be kept for the next start. It changes with `begin`, and when the peer begins anew."""
        self._session = b""
        self._count = 0
        self._lock = AESCCM(bytes(16), TAG_BYTES)
        self._theirs: _Stream | None = None
        """The peer's session that we know of."""
        self._bound = False
        """Whether our packets are meant for that session alone."""
        self._answers = False
        """Whether we begin anew because the peer did: then it is likely to be in the session that we know."""
        self._taken = False
        """Whether text of it was taken in since we began."""
        self._confirmed = False
        """Whether the peer has shown that it knows our session."""
        self._unheard = 0
        """Packets since it was heard."""

    @property
    def spent(self) -> bool:
        """Whether this session has no packets left: a new one must be begun."""
        return self._count >= MOST_PACKETS

    def begin(self, seconds: int, random: bytes) -> None:
        """Begin a session: the carrier above is new. `seconds`: since 1970, as far as known; `random`: 4 bytes."""
        own = min(max(seconds, self.kept.own + 1), 2**32 - 1)
        self.kept = Kept(own, self.kept.peer)
        self._session = own.to_bytes(4, "big") + random[:RANDOM_BYTES]
        self._lock = self._key(self._own, self._peer, self._session)
        self._count = 0
        self._bound, self._answers = self._answers, False
        self._taken = self._confirmed = False
        self._unheard = 0

    def seal(self, text: bytes) -> bytes:
        """Return a packet for the peer. No more than MOST_PACKETS of one session."""
        if self.spent:
            raise ValueError("this session has used all its counts")
        form = self._form(text)
        count = self._count.to_bytes(COUNT_BYTES, "big")
        self._count += 1
        self._unheard += 1
        form |= READABLE * self._clear
        head = bytes([form]) + (b"" if form & ~READABLE == BRIEF else self._session) + count
        bound = bytes([form])
        if form & ~READABLE != FIRST and self._theirs is not None:
            bound += self._theirs.session
        if self._clear:
            return head + text + self._lock.encrypt(_nonce(count), b"", bound + text)
        return head + self._lock.encrypt(_nonce(count), text, bound)

    def _form(self, text: bytes) -> int:
        if self._theirs is None or not self._bound or not text:
            return FIRST
        sure = self._confirmed and self._unheard <= UNHEARD_MOST
        # Perhaps the peer has left the session that we know, as we have left the one that it knows: then only FIRST is read.
        if not sure and self._count % FIRST_EVERY == FIRST_EVERY - 1:
            return FIRST
        return BRIEF if self._confirmed and self._brief else PAIRED

    def knows(self, packet: bytes) -> bool:
        """Say whether a packet names the peer's session that we answer to: to open it costs no new key."""
        return self._theirs is not None and packet[1 : 1 + SESSION_BYTES] == self._theirs.session

    def open(self, packet: bytes) -> Text | Anew | Refused:
        """Return what a packet says. Text may be empty: then it only shows that the peer is there."""
        if not packet:
            return Refused("foreign")
        form, readable = packet[0] & ~READABLE, bool(packet[0] & READABLE)
        head = {FIRST: HEAD_BYTES, PAIRED: HEAD_BYTES, BRIEF: BRIEF_HEAD_BYTES}.get(form)
        if head is None or len(packet) < head + TAG_BYTES:
            return Refused("foreign")
        theirs = self._theirs
        if form == BRIEF:
            if theirs is None:
                return Refused("foreign")
            stream = theirs
        else:
            session = packet[1 : 1 + SESSION_BYTES]
            known = theirs is not None and theirs.session == session
            stream = theirs if known and theirs is not None else _Stream(session)
        count = packet[head - COUNT_BYTES : head]
        bound = packet[:1] + (b"" if form == FIRST else self._session)
        text = self._opened(stream, readable, count, packet[head:], bound)
        if text is None:
            return Refused("foreign")
        if readable != self._clear:
            return Refused("readable" if readable else "unreadable")
        if stream is not theirs and form == FIRST and stream.began <= self.kept.peer:
            return Refused("outdated")
        if not stream.first_time(int.from_bytes(count, "big")):
            return Refused("repeated")
        if stream is not theirs:
            self._theirs, self._confirmed = stream, False
            self.kept = Kept(self.kept.own, max(self.kept.peer, stream.began))
            if self._taken:
                self._answers = True
                return Anew()
        self._confirmed = self._confirmed or form != FIRST
        self._bound = True
        self._unheard = 0
        self._taken = self._taken or bool(text)
        return Text(text)

    def _opened(
        self, stream: "_Stream", readable: bool, count: bytes, rest: bytes, bound: bytes
    ) -> bytes | None:
        if readable not in stream.locks:
            stream.locks[readable] = self._key(self._peer, self._own, stream.session, readable)
        lock = stream.locks[readable]
        try:
            if not readable:
                return lock.decrypt(_nonce(count), rest, bound)
            text, tag = rest[:-TAG_BYTES], rest[-TAG_BYTES:]
            lock.decrypt(_nonce(count), tag, bound + text)
        except InvalidTag:
            return None
        return text

    def _key(self, sender: Key, receiver: Key, session: bytes, readable: bool | None = None) -> AESCCM:
        mode = bytes([self._clear if readable is None else readable])
        info = b"fedsync packet 1" + mode + sender + receiver + session
        return AESCCM(HKDF(SHA256(), 16, None, info).derive(self._secret), TAG_BYTES)


class _Stream:
    """One session of the peer: its keys, and which of its packets have come."""

    __slots__ = ("_highest", "_seen", "began", "locks", "session")

    def __init__(self, session: bytes) -> None:
        self.session = session
        self.began = int.from_bytes(session[:-RANDOM_BYTES], "big")
        self.locks: dict[bool, AESCCM] = {}
        self._highest = -1
        self._seen = 0
        """One bit for each of the last counts, the highest in bit 0."""

    def first_time(self, count: int) -> bool:
        """Note that a packet came; say whether that is sure to be for the first time."""
        ahead = count - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW) | 1) & ((1 << WINDOW) - 1)
            self._highest = count
            return True
        if -ahead >= WINDOW or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True


def agree(private: PrivateKey, peer: Key) -> bytes:
    """Return the secret that two nodes share by their keys alone. Raises BadSignature for a key of no use."""
    return agreeing_private_key(private).exchange(agreeing_key(peer))


def _nonce(count: bytes) -> bytes:
    return count.rjust(7, b"\0")
