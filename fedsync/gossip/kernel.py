"""What the system knows of a TCP connection, and how much of ours it takes. Sockets; only Linux tells, others say nothing."""

import socket
import struct
from contextlib import suppress
from typing import Final

import trio

from fedsync.gossip.stall import Progress

_UNACKED: Final = struct.Struct("=I")
_ACKED: Final = struct.Struct("=Q")
_UNACKED_AT, _ACKED_AT, _LENGTH = 24, 120, 128
"""Where struct tcp_info has packets that are not confirmed, and bytes that are: part of what Linux promises to programs."""
LEAST_AHEAD_BYTES: Final = 16 * 1024
"""What it takes in ahead of what is read here, at least."""
LEAST_UNSENT_BYTES: Final = 4 * 1024
"""What the kernel takes on a slow line beyond what is on its way."""


def progress(tcp: trio.SocketStream) -> Progress | None:
    """Return how what was sent gets on; None when the system does not tell."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return None
    try:
        told = tcp.getsockopt(socket.IPPROTO_TCP, option, _LENGTH)
    except (OSError, trio.ClosedResourceError):
        return None
    if not isinstance(told, bytes) or len(told) < _LENGTH:
        return None
    return Progress(_ACKED.unpack_from(told, _ACKED_AT)[0], _UNACKED.unpack_from(told, _UNACKED_AT)[0])


def take_little(tcp: trio.SocketStream, size: int) -> None:
    """Have the kernel take in no more than about `size` bytes ahead of what is read here; Linux counts twice as many."""
    with suppress(OSError, trio.ClosedResourceError):
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(size, LEAST_AHEAD_BYTES))


def keep_little(tcp: trio.SocketStream, size: int) -> None:
    """Have the kernel take no more than about `size` bytes beyond what is on its way: nothing overtakes what it has."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with suppress(OSError, trio.ClosedResourceError):
            tcp.setsockopt(socket.IPPROTO_TCP, option, max(size, LEAST_UNSENT_BYTES))
