"""What of a maker's bundles has come: whether a tip that it tells of is held, and how far all of it is.

`seen` moves only over what is held or refused here, whatever a bundle says of itself: then the maker may leave it out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fedsync.gossip.bundles.form import CLASSES, NONE, Title
from fedsync.gossip.holdings import FORK, Holdings, Item
from fedsync.gossip.limits import BUCKET_DEPTH
from fedsync.gossip.trie import node_hash
from fedsync.records.ids import LogClass
from fedsync.store.carried import MAX_STRETCHES, ZERO, CameBundle, Carried, Claim


def hash_of(items: Sequence[Item]) -> bytes:
    """Return what a bucket of these items hashes to."""
    return node_hash(items, BUCKET_DEPTH)


def is_met(holdings: Holdings, claim: Claim) -> bool:
    """Say whether what a claim tells of is held, or need not be: above a fork nothing is wanted."""
    held = holdings.log(claim.log)
    if held is None:
        return False
    if held.fork is not None and held.fork <= claim.seq and claim.log_class != LogClass.AUTHORITY:
        return True
    if claim.kind == FORK:
        return False
    for head in held.heads:
        id_ = holdings.id_at(claim.log, head, claim.seq)
        if id_ is not None and id_[: len(claim.name)] == claim.name:
            return True
    return False


def add_stretch(told: Iterable[tuple[int, int]], first: int, count: int) -> tuple[tuple[int, int], ...]:
    """Return stretches (from, to below) with one more, joined where they meet; the first MAX_STRETCHES of them."""
    found: list[tuple[int, int]] = []
    for low, high in sorted([*told, (first, first + count)]):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        elif low < high:
            found.append((low, high))
    return tuple(found[:MAX_STRETCHES])


def begun(title: Title, at: int) -> CameBundle:
    """Return what is known of a bundle whose title has come."""
    return CameBundle(
        title.said.bundle,
        title.said.maker,
        at,
        title.made,
        title.journal,
        title.counter,
        title.since,
        title.tips,
        title.everything,
    )


def in_journal(known: Carried, came: Sequence[CameBundle], title: Title) -> Carried:
    """Return how far a maker's journal has come, a new one from its beginning: it was restored or copied.

    A bundle of a journal that was seen before, and older than what came of the present one, is an old stick and no new
    journal.
    """
    old = any(each.journal == title.journal for each in came)
    last = max((each.made for each in came if each.journal == known.seen_journal), default=-1)
    if known.seen_journal == title.journal or (known.seen_journal and old and title.made <= last):
        return known
    return replace(known, seen_journal=title.journal, seen=ZERO)


def is_newest(came: Sequence[CameBundle], title: Title) -> bool:
    """Say whether none of a journal's bundles was made after this one. Clocks are set, so what is later by clock or counter is."""
    of_now = [(each.counter, each.made) for each in came if each.journal == title.journal]
    return not any(
        counter >= title.counter and made >= title.made and (counter, made) != (title.counter, title.made)
        for counter, made in of_now
    )


def is_later_than_others(came: Iterable[CameBundle], title: Title) -> bool:
    """Say whether a bundle was made after all that came of the maker's other journals, as far as its clock tells."""
    return all(each.made < title.made for each in came if each.journal != title.journal)


def advanced(
    known: Carried, came: Sequence[CameBundle], claims: Sequence[Claim]
) -> tuple[Carried, list[CameBundle]]:
    """Return how far all is held that a maker told of, and those of its bundles that are done by it."""
    seen, done = list(known.seen), []
    lowest = [
        min((each.counter for each in claims if each.log_class == log_class and not each.code), default=None)
        for log_class in range(CLASSES)
    ]
    for each in sorted(came, key=lambda each: each.counter):
        if each.journal != known.seen_journal or (each.tips and each.told != ((0, each.tips),)):
            continue
        for log_class, since in enumerate(each.since):
            missing = lowest[log_class]
            held = missing is None or missing > each.counter
            if since != NONE and held and (each.everything or since <= seen[log_class]):
                seen[log_class] = max(seen[log_class], each.counter)
        if not each.done and all(
            since == NONE or seen[log_class] >= each.counter for log_class, since in enumerate(each.since)
        ):
            done.append(replace(each, done=True))
    one, two, three, four = seen
    return replace(known, seen=(one, two, three, four)), done
