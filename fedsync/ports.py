"""Ports at which a node is to listen for years, though none was named: see `free_port`."""

import errno
import secrets
import socket
from contextlib import suppress
from pathlib import Path

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Says from which ports the system takes one for each connection that goes out, of IPv6 too."""
USUAL_OUTGOING = 32_768
"""Where these begin, unless the system says otherwise."""
FIRST, LAST = 10_000, 65_535
FEWEST = 1_000
"""With fewer ports beside those of outgoing connections, these are taken too."""
TRIES = 100


def free_port(host: str) -> int:
    """Return a port of an address of this machine at which nothing listens, and which nobody is likely to take.

    It is none that the system gives to connections that go out: else one of those may have it when the node starts again. For
    a minute it is given to nobody else who asks for any port, so that it may be written down first, and used then.
    Raises OSError where this machine cannot listen at `host`.
    """
    last = _first_outgoing() - 1
    last = last if last - FIRST >= FEWEST else LAST
    for _ in range(TRIES):
        port = FIRST + secrets.randbelow(last - FIRST + 1)
        try:
            _hold(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return port
    raise OSError(errno.EADDRINUSE, "all its ports are in use")


def _first_outgoing() -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(OUTGOING.read_text("ascii").split()[0])
    return USUAL_OUTGOING


def _hold(host: str, port: int) -> None:
    """Take a port that is free, by a connection to ourselves that ends: what is left of it keeps others away for a minute.

    Not whoever lets addresses be used again, as each does that listens at a port which was named. Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, port))
    with (
        socket.socket(family, socket.SOCK_STREAM) as listening,
        socket.socket(family, socket.SOCK_STREAM) as caller,
    ):
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        with suppress(OSError):  # A machine may let nobody call itself: then it is not held.
            caller.settimeout(1.0)
            listening.settimeout(1.0)
            listening.listen(1)
            caller.connect(listening.getsockname())
            listening.accept()[0].close()
            caller.recv(1)
