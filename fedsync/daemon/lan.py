"""The local network: this node says now and then that it is here, and hears others that it knows (see `gossip.beacon`).

Datagrams to a group that no router passes on, IPv4 and IPv6, on each network that this machine is in. Where a network
does not take part, nothing is lost but this one way of finding somebody.
"""

import logging
import secrets
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

import trio

from fedsync.config import Address, Lan
from fedsync.gossip.beacon import BEACON_BYTES, Ear, beacon
from fedsync.records.ids import Key

GROUP4, GROUP6 = "239.255.84.43", "ff12::6665:6473:796e"
"""Where beacons go: groups of this network alone, drawn by chance from those that anybody may use."""
PORT = 7443
BEACON_SECONDS = 60.0
"""Between two beacons; the first few come sooner, since somebody may have been waiting."""
FIRST_SECONDS = (0.5, 2.0, 8.0)

log = logging.getLogger("fedsync")


class Neighbours:
    """Says that this node is here, and hears who else is."""

    def __init__(
        self,
        key: Key,
        lan: Lan,
        wanted: Callable[[], Iterable[Key]],
        found: Callable[[], None],
        jitter: Callable[[], float],
    ) -> None:
        """`wanted`: the nodes that are looked for now; `found`: told when one is heard at a place that is new."""
        self.ear = Ear()
        self._key, self._lan, self._wanted, self._found, self._jitter = key, lan, wanted, found, jitter

    def places(self, key: Key) -> tuple[str, ...]:
        """Return where a node was heard on this network of late."""
        return self.ear.places(key, trio.current_time())

    async def run(self, listen: Address | None, port: int) -> None:
        """Speak and listen until cancelled; at once done where the operator wants none of it.

        `listen`: where peers connect, and `port` at which; a node that nobody can call only listens. One that listens at
        this very machine alone has no neighbours, unless the operator names the loopback among its networks.
        """
        if not self._lan.beacon or (
            listen is not None and _is_loopback(listen.host) and not self._lan.interfaces
        ):
            return
        there = {name for _, name in socket.if_nameindex()}
        for name in self._lan.interfaces:
            if name not in there:
                log.warning("config.toml: this machine is on no network called %s (interfaces) so far.", name)
        opened = [each for family in _families(listen) if (each := _open(family)) is not None]
        if not opened:
            log.info("This machine has no way to find neighbours on its local network.")
            return
        with ExitStack() as stack:
            for each in opened:
                stack.enter_context(each)
            async with trio.open_nursery() as nursery:
                for each in opened:
                    nursery.start_soon(self._hear, each)
                await self._speak(opened, port if listen is not None else 0, _number(listen))

    async def _speak(self, sockets: "list[trio.socket.SocketType]", port: int, ours: bytes) -> None:
        first = iter(FIRST_SECONDS)
        while True:
            await trio.sleep(next(first, BEACON_SECONDS) * (0.75 + 0.5 * self._jitter()))
            said = beacon(secrets.token_bytes(16), self._key, port) if port else None
            for each in sockets:
                for interface in _interfaces(self._lan.interfaces):
                    # Networks come and go, so each is joined anew each time; most are joined already.
                    _join(each, interface)
                    if said is not None:
                        await _send(each, interface, said, ours)

    async def _hear(self, opened: "trio.socket.SocketType") -> None:
        while True:
            try:
                # One byte more than a beacon: what is longer is none.
                data, beside, _, sender = await opened.recvmsg(BEACON_BYTES + 1, socket.CMSG_SPACE(64))
                host = _host(sender)
            except OSError:
                await trio.sleep(1)  # a network that went away
                continue
            if opened.family == socket.AF_INET6 and not _to_group(beside):
                continue
            if self.ear.hear(data, host, self._wanted(), trio.current_time()) is not None:
                self._found()


def _to_group(beside: Iterable[tuple[int, int, bytes]]) -> bool:
    """Say whether a datagram was sent to the group, by what the kernel says of it: from further away nobody can do that."""
    group = socket.inet_pton(socket.AF_INET6, GROUP6)
    return any(
        (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and data[:16] == group
        for level, kind, data in beside
    )


def _host(sender: Any) -> str:
    """Return the address that a datagram came from; one that holds on one network alone, with the name of that."""
    host = str(sender[0])
    if len(sender) < 4 or not sender[3] or "%" in host:
        return host
    return f"{host}%{socket.if_indextoname(sender[3])}"


def _families(listen: Address | None) -> list[socket.AddressFamily]:
    if listen is None or listen.host == "":
        return [socket.AF_INET, socket.AF_INET6]
    try:
        version = ip_address(listen.host.partition("%")[0]).version
    except ValueError:
        return [socket.AF_INET, socket.AF_INET6]
    return [socket.AF_INET if version == 4 else socket.AF_INET6]


def _open(family: socket.AddressFamily) -> "trio.socket.SocketType | None":
    """Return a socket that hears the group and nothing else; None where this cannot be."""
    made = None
    try:
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            made.bind((GROUP4, PORT))
        else:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
            # A group of one link can be bound on one link only; so where it was sent to is looked at instead.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            made.bind(("::", PORT))
        return trio.socket.from_stdlib_socket(made)
    except OSError as error:
        log.debug("no neighbours over %s: %s", family.name, error)
        if made is not None:
            made.close()
        return None


def _interfaces(names: tuple[str, ...]) -> Iterator[int]:
    """Yield the networks by number: those that the operator names, or all but this very machine's own."""
    for number, name in socket.if_nameindex():
        if name in names if names else name != "lo":
            yield number


def _join(opened: "trio.socket.SocketType", interface: int) -> None:
    try:
        if opened.family == socket.AF_INET:
            group = socket.inet_aton(GROUP4) + bytes(4) + struct.pack("@i", interface)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        else:
            group = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", interface)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    except OSError:
        pass  # joined already, or it takes no part


def _number(listen: Address | None) -> bytes:
    """Return the one IPv4 address at which this node listens, so that its beacons come from there; else zeros."""
    try:
        return socket.inet_aton(listen.host) if listen is not None else bytes(4)
    except OSError:
        return bytes(4)


async def _send(opened: "trio.socket.SocketType", interface: int, data: bytes, ours: bytes) -> None:
    try:
        if opened.family == socket.AF_INET:
            which = bytes(4) + ours + struct.pack("@i", interface)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, which)
            await opened.sendto(data, (GROUP4, PORT))
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("@I", interface))
            await opened.sendto(data, (GROUP6, PORT))
    except OSError:
        pass  # a network that is down or takes no part: the others may


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
