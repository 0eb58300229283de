"""Datagrams: one socket for each kind of address, and whoever says something that somebody's seal opens. Trio."""

import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, ip_address

import trio

from fedsync.config import Address

LONGEST = 65_536
HOPS = 16
"""Routers over which what is sent to a group may go."""
RECEIVE_BYTES = 1 << 20
"""What the system keeps of datagrams that we have not read yet."""

Place = tuple[str, int]
"""Host and port of who sent a datagram, and where the answer goes."""
Hears = Callable[[bytes, Place], None]


class Datagrams:
    """Sockets for datagrams, on the port on which the node listens for TCP, if it does."""

    def __init__(self, hears: Hears) -> None:
        """`hears` is told of each datagram that comes."""
        self._hears = hears
        self._sockets: dict[int, trio.socket.SocketType] = {}

    async def open(self, at: list[tuple[int, Address]]) -> None:
        """Open a socket at each of these addresses, of this family; and one for the other family, with any port, to call from.

        Raises OSError.
        """
        for family, where in at:
            self._sockets[family] = await _bound(family, where)
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            if family not in self._sockets:
                with suppress(OSError):  # A machine without IPv6.
                    self._sockets[family] = await _bound(family, Address(host, 0))

    @property
    def places(self) -> list[Place]:
        """Where the sockets are."""
        return [each.getsockname()[:2] for each in self._sockets.values()]

    async def run(self) -> None:
        """Hear what comes, until cancelled."""
        async with trio.open_nursery() as nursery:
            for each in self._sockets.values():
                nursery.start_soon(self._read, each)

    async def _read(self, at: trio.socket.SocketType) -> None:
        while True:
            try:
                data, source = await at.recvfrom(LONGEST)
            except OSError:
                # The answer to something that was sent: nobody is there. That is no news here.
                await trio.sleep(0.01)
                continue
            self._hears(data, source[:2])

    async def send(self, packet: bytes, to: Place) -> str:
        """Send a datagram; return why it cannot be, in words, or nothing."""
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        at = self._sockets.get(family)
        if at is None:
            await trio.lowlevel.checkpoint()
            return "this machine has no address of that kind"
        try:
            await at.sendto(packet, to)
        except OSError as error:
            return (error.strerror or str(error)).lower()
        return ""

    def close(self) -> None:
        """Close the sockets."""
        for each in self._sockets.values():
            each.close()


async def find(address: Address) -> Place:
    """Return where an address is. Raises OSError, or UnicodeError for a name that is none."""
    found = await trio.socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
    host, port = found[0][4][:2]
    return str(host), int(port)


async def _bound(family: int, where: Address) -> trio.socket.SocketType:
    made = trio.socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        await made.bind((where.host, where.port))
    except BaseException:
        made.close()
        raise
    return made


async def hearing(where: Address) -> trio.socket.SocketType:
    """Return a socket that hears what is sent to a group's address and port, or to this machine's. Raises OSError."""
    host, port = await find(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = trio.socket.socket(family, socket.SOCK_DGRAM)
    try:
        # Several programs of one machine may listen to one group.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        group = ip_address(host.partition("%")[0])
        if not group.is_multicast:
            await made.bind((host, port))
        elif isinstance(group, IPv4Address):
            await made.bind((host, port))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + bytes(4))
        else:
            await made.bind((host, port))
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group.packed + bytes(4))
    except BaseException:
        made.close()
        raise
    return made


async def calling(where: Address) -> tuple[trio.socket.SocketType, Place]:
    """Return a socket that may send to a group or a whole network, and where to. Raises OSError."""
    host, port = await find(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = trio.socket.socket(family, socket.SOCK_DGRAM)
    with suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
    return made, (host, port)
