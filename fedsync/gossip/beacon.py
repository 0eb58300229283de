"""Finding known nodes on the same local network: a short word that says "I am here" to those alone who know who speaks. Pure.

    beacon = "fsB1" | nonce 16 | SHA-256("fedsync/1/beacon\\0" | nonce | port 2 | key)[:16] | port 2

Whoever hears it learns that some node of fedsync listens at this address and port. Which one, only who has its key can
tell, by trying it; the next beacon has another nonce. Nothing rests on what a beacon says: it is a place to call, and
TLS checks the key there. So one that is replayed or made up costs a call that comes to nothing, and these are few: all
that strangers can send is bounded here.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from fedsync.gossip.gate import TokenBucket, place_of
from fedsync.records.ids import Key

MAGIC: Final = b"fsB1"
NONCE_BYTES: Final = 16
TAG_BYTES: Final = 16
BEACON_BYTES: Final = len(MAGIC) + NONCE_BYTES + TAG_BYTES + 2
TAG: Final = b"fedsync/1/beacon\0"

HEARD_PER_SECOND: Final = 10.0
HEARD_BURST: Final = 30.0
"""Beacons that are looked at, whoever sends them. Each is tried with all keys that are looked for: with 4,000 of them this
is at most a twentieth of one core."""
HEARD_PER_SECOND_EACH: Final = 0.5
HEARD_BURST_EACH: Final = 6.0
"""The same from one address: a node says who it is once a minute, some may share an address."""
ADDRESSES_KEPT: Final = 256
"""Addresses remembered with their buckets: a local network has no more."""
PLACES_EACH: Final = 3
"""Places kept of one node, the newest first: who sends another's beacons again must not crowd out the true one at once."""
NODES_KEPT: Final = 256
"""Nodes whose places are kept."""
PLACE_S: Final = 600.0
"""How long a place is kept, in seconds, after it was heard last: ten beacons."""
MOVE_S: Final = 30.0
"""A node's places change at most so often, in seconds: so often may a liar make us call."""


def beacon(nonce: bytes, key: Key, port: int) -> bytes:
    """Return what a node with this key, which listens at `port`, says to whoever is near. `nonce`: 16 random bytes, new each time."""
    where = port.to_bytes(2)
    return MAGIC + nonce + _tag(nonce, where, key) + where


def _tag(nonce: bytes, port: bytes, key: Key) -> bytes:
    return sha256(TAG + nonce + port + key).digest()[:TAG_BYTES]


@dataclass(slots=True)
class _Place:
    address: str
    heard: float


class Ear:
    """What was heard on the local network: where known nodes are."""

    def __init__(self) -> None:
        self._all = TokenBucket(HEARD_PER_SECOND, HEARD_BURST)
        self._each: OrderedDict[str, TokenBucket] = OrderedDict()
        self._places: OrderedDict[Key, list[_Place]] = OrderedDict()
        self._moved: dict[Key, float] = {}

    def hear(self, data: bytes, host: str, known: Iterable[Key], now: float) -> Key | None:
        """Take a datagram that came from `host`; return who of those known speaks from a place that is new, else None."""
        if len(data) != BEACON_BYTES or not data.startswith(MAGIC) or not self._may(host, now):
            return None
        nonce = data[len(MAGIC) : len(MAGIC) + NONCE_BYTES]
        tag, port = data[-TAG_BYTES - 2 : -2], data[-2:]
        if port == bytes(2):
            return None
        for key in known:
            if _tag(nonce, port, key) == tag:
                return key if self._note(key, _address(host, int.from_bytes(port)), now) else None
        return None

    def places(self, key: Key, now: float) -> tuple[str, ...]:
        """Return where a node was heard of late, the newest place first."""
        return tuple(each.address for each in self._places.get(key, ()) if now - each.heard <= PLACE_S)

    def _may(self, host: str, now: float) -> bool:
        place = place_of(host)
        bucket = self._each.get(place)
        if bucket is None:
            if len(self._each) >= ADDRESSES_KEPT:
                self._each.popitem(last=False)
            bucket = self._each[place] = TokenBucket(HEARD_PER_SECOND_EACH, HEARD_BURST_EACH)
        self._each.move_to_end(place)
        # The own bucket first, so that one address cannot empty the bucket of all.
        return bucket.take(1, now) and self._all.take(1, now)

    def _note(self, key: Key, address: str, now: float) -> bool:
        places = [each for each in self._places.get(key, []) if now - each.heard <= PLACE_S]
        for each in places:
            if each.address == address:
                each.heard = now
                return False
        if places and now - self._moved.get(key, now - MOVE_S) < MOVE_S:
            return False
        self._moved[key] = now
        self._places[key] = [_Place(address, now), *places][:PLACES_EACH]
        self._places.move_to_end(key)
        if len(self._places) > NODES_KEPT:
            gone, _ = self._places.popitem(last=False)
            self._moved.pop(gone, None)
        return True


def _address(host: str, port: int) -> str:
    plain = host.partition("%")[0]
    number = ip_address(plain)
    return f"[{host}]:{port}" if number.version == 6 else f"{host}:{port}"
