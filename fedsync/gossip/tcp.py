"""TLS over TCP, the default carrier: call a peer, and answer those who call. Trio and sockets."""

import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.gossip.gate import Gate, Refusal
from fedsync.gossip.link import PATIENCE, Link, LinkClosed, Patience
from fedsync.gossip.secure import answer_over, dial_over
from fedsync.gossip.tls import dial_context
from fedsync.records.ids import Key

CONNECT_SECONDS: Final = 20.0
"""To look up a name, connect and shake hands. With 2 % loss and 300 ms it takes 2 s, seldom 10."""
USER_TIMEOUT_MS: Final = 120_000
"""Sent bytes that nobody acknowledges for so long mean a dead link; the kernel's own limit is 15 minutes."""
UNSENT_BYTES: Final = 32 * 1024
"""What the kernel takes beyond what is on its way: enough that a quick line never waits for us."""
KEEPALIVE_IDLE_SECONDS: Final = 240
KEEPALIVE_EVERY_SECONDS: Final = 20
"""A silent link is asked whether it lives: routers forget it after 5 minutes or more, and a peer whose power failed says
nothing. Asking costs 104 bytes, as much as three BEATs; what was written and is not acknowledged is noticed without."""

REFUSALS: Final[dict[Refusal, str]] = {
    "too-many-strangers": "too many connections have not shown their key yet",
    "too-many-from-there": "too many connections from one address have not shown their key yet",
    "too-often-from-there": "one address connects too often",
    "too-often": "too many connections are made",
}


async def connect(
    host: str,
    port: int,
    own_key: Ed25519PrivateKey,
    peer: Key,
    *,
    within: float = CONNECT_SECONDS,
    answered: float = CONNECT_SECONDS,
    patience: Patience = PATIENCE,
    relay: bool = False,
) -> Link:
    """Return a link to `peer`, who should answer at `host` and `port`, `within` seconds. Raises LinkClosed.

    `answered`: the system there must have answered after so long; the handshake may take the rest.
    Run it with `Link.run`. Whether the peer took us is known when its first frame has come (`Link.heard`).
    `relay`: the link is for words with a relay, not for a session.
    """
    # Two milliseconds; only listeners trust so many that it must be done elsewhere.
    context = dial_context(own_key, peer, relay)
    with trio.move_on_after(within):
        with trio.move_on_after(answered) as scope:
            try:
                tcp = await trio.open_tcp_stream(host, port)
            except OSError as error:
                raise LinkClosed(
                    "unreachable", f"nobody answers at {host}:{port}: {_plain(error)}"
                ) from error
        if not scope.cancelled_caught:
            tune(tcp)
            return await dial_over(tcp, context, peer, patience=patience)
        within = answered
    raise LinkClosed("unreachable", f"nobody answered at {host}:{port} within {within:.0f} seconds")


async def serve(
    listeners: list[trio.SocketListener],
    *,
    context: Callable[[], ssl.SSLContext],
    allowed: Callable[[Key], bool],
    gate: Gate,
    handle: Callable[[Link], Awaitable[None]],
    report: Callable[[str, LinkClosed], None] = lambda host, why: None,
    patience: Patience = PATIENCE,
) -> None:
    """Answer all who connect to `listeners`, and run `handle` with the link of each who is allowed. Until cancelled.

    `context` and `allowed` are asked for each connection, so both may change. `report` is told the address and
    the reason whenever a connection ends, or comes to nothing. What else `handle` raises is raised here.
    """

    async def answer(tcp: trio.SocketStream) -> None:
        try:
            host = str(tcp.socket.getpeername()[0])
        except OSError:  # gone already
            await trio.aclose_forcefully(tcp)
            return
        refusal = gate.enter(host, trio.current_time())
        if refusal is not None:
            await trio.aclose_forcefully(tcp)
            report(host, LinkClosed("busy", REFUSALS[refusal]))
            return
        try:
            tune(tcp)
            link = await answer_over(tcp, context(), allowed, patience=patience)
        except LinkClosed as why:
            report(host, why)
            return
        finally:
            gate.leave(host)
        report(host, await link.run(handle))

    await trio.serve_listeners(answer, listeners)


def tune(tcp: trio.SocketStream) -> None:
    """Set what makes the connection quick on bad links and its death known. What the system lacks is left out."""
    _set(tcp, socket.IPPROTO_TCP, "TCP_NODELAY", 1)
    _set(tcp, socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", USER_TIMEOUT_MS)
    # What the kernel has not sent yet, nothing overtakes: on a slow line it would else take some hundred KB.
    _set(tcp, socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", UNSENT_BYTES)
    _set(tcp, socket.SOL_SOCKET, "SO_KEEPALIVE", 1)
    _set(tcp, socket.IPPROTO_TCP, "TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS)
    _set(tcp, socket.IPPROTO_TCP, "TCP_KEEPINTVL", KEEPALIVE_EVERY_SECONDS)
    # At 300 ms and 2 % loss, 1 MB takes 5 s with bbr and 11 to 22 s with cubic. Kernels allow it or not.
    _set(tcp, socket.IPPROTO_TCP, "TCP_CONGESTION", b"bbr")


def _set(tcp: trio.SocketStream, level: int, option: str, value: int | bytes) -> None:
    number = getattr(socket, option, None)
    if number is not None:
        with suppress(OSError):
            tcp.setsockopt(level, number, value)


def _plain(error: OSError) -> str:
    """Return the first cause in `error` as words; trio hides it below a group when it tried several addresses."""
    cause: BaseException | None = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    first = cause if isinstance(cause, OSError) else error
    if first is not error and first.errno is not None and first.errno > 0:
        # What trio says there names the address once more, as Python writes it.
        return os.strerror(first.errno).lower()
    return (first.strerror or str(first)).lower()
