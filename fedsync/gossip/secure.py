"""TLS over any stream: shake hands, and know who is there before the first frame. Trio; the rules are in tls.py."""

import ssl
from collections.abc import Callable

import trio

from fedsync.gossip.link import PATIENCE, Link, LinkClosed, Meter, Patience, hang_up
from fedsync.gossip.relaywords import PROTOCOL
from fedsync.gossip.tls import NotThePeer, leaf_key
from fedsync.records.ids import Key


async def dial_over(
    stream: trio.abc.Stream, context: ssl.SSLContext, peer: Key, *, patience: Patience = PATIENCE
) -> Link:
    """Return a link to `peer` over a new `stream`, as the side that called. Raises LinkClosed, the stream closed."""
    return await _secure(stream, context, lambda key: key == peer, False, patience)


async def answer_over(
    stream: trio.abc.Stream,
    context: ssl.SSLContext,
    allowed: Callable[[Key], bool],
    *,
    patience: Patience = PATIENCE,
) -> Link:
    """Return a link over a new `stream`, as the side that was called. Raises LinkClosed, the stream closed.

    `allowed` is asked after OpenSSL, since `context` may be older than the last recall.
    """
    return await _secure(stream, context, allowed, True, patience)


async def _secure(
    stream: trio.abc.Stream,
    context: ssl.SSLContext,
    allowed: Callable[[Key], bool],
    server_side: bool,
    patience: Patience,
) -> Link:
    meter = Meter(stream)
    secured = trio.SSLStream(meter, context, server_side=server_side)
    try:
        with trio.move_on_after(patience.handshake) as scope:
            await secured.do_handshake()
        if scope.cancelled_caught:
            raise LinkClosed("slow-handshake", f"no handshake within {patience.handshake:.0f} seconds")
        key = leaf_key(secured.getpeercert(binary_form=True))
        if not allowed(key):
            raise NotThePeer("the peer's key is not one that we allow now")
    except BaseException as error:
        # At once and without a word: otherwise a peer that we refused waits for us, and we for it.
        hang_up(secured)
        await trio.aclose_forcefully(secured)
        if isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError | NotThePeer):
            raise _no_handshake(error, server_side) from error
        raise
    relay = secured.selected_alpn_protocol() == PROTOCOL
    return Link(secured, key, patience=patience, meter=meter, relay=relay)


def _no_handshake(error: Exception, server_side: bool) -> LinkClosed:
    cause = error.__cause__
    unknown = isinstance(error, NotThePeer) or isinstance(cause, ssl.SSLCertVerificationError)
    if unknown or (isinstance(cause, ssl.SSLError) and cause.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        if server_side:
            return LinkClosed("stranger", "someone called whose key we do not know, or keep out")
        return LinkClosed("wrong-peer", "who answers there has another key than the peer")
    if not isinstance(cause, ssl.SSLError):
        return LinkClosed("lost", "the connection broke during the handshake")
    if "EOF" in str(cause):
        return LinkClosed("lost", "the other side hung up during the handshake")
    return LinkClosed("not-tls", "the other side does not speak TLS 1.3 with a key")
