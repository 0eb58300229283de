"""How a session stands, for people: one word, two numbers, one sentence. Pure."""

from dataclasses import dataclass

from fedsync.gossip.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Report:
    """What `fedsync status` shows of a peer. None: not known yet."""

    state: str
    """connecting, comparing, catching up, behind, same, live, over."""
    we_lack: int | None
    they_lack: int | None
    reason: str


def report(phase: str, exchange: Exchange, equal: bool, comparing: bool, closed: str) -> Report:
    """Return the report of a session."""
    if phase == "greeting":
        return Report("connecting", None, None, "waiting for the peer's first word")
    if phase == "over":
        return Report("over", None, None, closed or "the connection is gone")
    lack, unserved = exchange.wants.lack, exchange.wants.unserved
    theirs = exchange.server.lack
    refused = len(exchange.refused) + len(exchange.refused_by_peer)
    if exchange.wants.outstanding or exchange.taking:
        words = "1 log is" if exchange.wants.open == 1 else f"{exchange.wants.open:,} logs are"
        return Report("catching up", lack, theirs, f"{words} on the way")
    if comparing:
        return Report("comparing", None, None, "finding out which logs differ")
    if equal and not lack:
        return Report("same", 0, theirs, "both hold the same")
    if unserved:
        return Report("behind", lack, theirs, f"the peer told of {unserved} logs and did not send them")
    if refused:
        return Report("same", lack, theirs, f"all but {refused} logs that one side refuses")
    if lack:
        return Report("behind", lack, theirs, "another peer is asked first")
    # Nothing is known that differs; the next comparison of roots, within a minute, makes sure.
    return Report("live" if theirs else "same", 0, theirs, "what is new goes to and fro")
