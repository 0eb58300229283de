"""Plays a world record by record through the production fold, and holds each state against the naive twin."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from random import Random
from typing import Any

from fedsync.crdt.books.book import apply_blocks, bind
from fedsync.crdt.view import Draft, MemoryView
from tests.authority.build import Built, build, fold, statuses
from tests.authority.meeting import met
from tests.authority.naive import Rules
from tests.authority.properties import LAST, Growth, beyond_the_bound, broken
from tests.crdt.books import rooted, tag

Json = dict[str, Any]


def order_of(built: Built, random: Random) -> list[str]:
    """Return the names of a world's blocks in an order in which stores could come by them."""
    later: dict[str, list[str]] = {}
    for name, before in built.after.items():
        later.setdefault(before, []).append(name)
    ready = [name for name in built.blocks if name not in built.after]
    order = []
    while ready:
        at = random.randrange(len(ready))
        ready[at], ready[-1] = ready[-1], ready[at]
        name = ready.pop()
        order.append(name)
        ready += later.get(name, [])
    return order


def begin(built: Built, outside: Collection[str] = ()) -> MemoryView:
    """Return the state of a node that follows all bodies of a world, some from outside, and holds nothing yet."""
    view, draft = MemoryView(), None
    draft = Draft(view)
    for body in built.bodies:
        bind(draft, tag(body), built.pages[page0(built, body)], body in outside)
    view.commit(draft.changes)
    return view


def page0(built: Built, body: str) -> str:
    """Return the name of a body's page 0."""
    return next(
        str(each["id"]) for each in built.world["records"]
        if each["kind"] == "page" and each["body"] == body and not each["no"]
    )  # fmt: skip


def take(built: Built, view: MemoryView, names: Iterable[str]) -> None:
    """Fold some blocks in one batch."""
    draft = Draft(view)
    for name in names:
        apply_blocks(draft, [built.blocks[name]])
        view.hold(built.blocks[name])
    view.commit(draft.changes)


def held(built: Built, names: Iterable[str]) -> list[Json]:
    """Return the records of a world that these blocks carry."""
    names = {name.partition(" ")[2] for name in names if not name.startswith("clerk ")}
    return [each for each in built.world["records"] if each["id"] in names]


def differing(got: Json, wanted: Json) -> Json:
    """Return where a state is not what the twin says."""
    found = {name: (got.get(name), each) for name, each in wanted.items() if got.get(name) != each}
    more = {name for name in got if name.startswith(("frozen ", "certified "))} - wanted.keys()
    return found | {name: (got[name], None) for name in more}


def grow(
    built: Built, order: list[str], stops: Iterable[int], outside: Collection[str] = ()
) -> Iterator[tuple[Rules, Json, Json]]:
    """Yield the twin's rules, its answers and the production fold's after so many blocks of an order."""
    view, at = begin(built, outside), 0
    for stop in stops:
        take(built, view, order[at:stop])
        at = stop
        rules = Rules(held(built, order[:stop]), outside)
        yield rules, rules.state().named(), statuses(built, view)


def faults(
    world: Json,
    random: Random,
    stops: int = 6,
    reached: Counter[str] | None = None,
    outside: Collection[str] = (),
) -> list[str]:
    """Return all in which the production fold differs from the twin or breaks a promise, on a world that grows.

    In one order the state is asked for after `stops` blocks; two other orders, with repetitions and bodies followed
    at any time, must end in the same rooted rows.
    """
    built, beyond = build(world), beyond_the_bound(world["records"])
    order = order_of(built, random)
    size = len(order)
    at = range(1, size + 1) if stops >= size else sorted({*random.sample(range(1, size), stops), size})
    found: list[str] = []
    before: tuple[Rules, Json] | None = None
    for rules, wanted, got in grow(built, order, at, outside):
        differs = differing(got, wanted)
        if differs:
            return [*found, f"twin: the fold says, and the twin, after {len(rules.voices)} voices: {differs}"]
        if before is not None:
            growth = Growth(*before, rules, got, beyond)
            found += broken(growth)
            if reached is not None:
                reached.update(met(growth))
        before = rules, got
    states = [rooted(fold(built, random, outside)) for _ in range(2)]
    if states[0] != states[1]:
        rows = {
            key for key in states[0].keys() | states[1].keys() if states[0].get(key) != states[1].get(key)
        }
        found.append(f"order: two orders end in other rows: {sorted(map(str, rows))[:3]}")
    return found + at_last(world, built, random, beyond, outside)


def at_last(
    world: Json, built: Built, random: Random, beyond: frozenset[str], outside: Collection[str] = ()
) -> list[str]:
    """Return what is broken of the promises about what came at the very end of a world."""
    promise = LAST.get(world.get("last", ""))
    if promise is None:
        return []
    late = {each["id"] for each in world["records"][world["last_from"] :]}
    order = order_of(built, random)
    first = [name for name in order if name.partition(" ")[2] not in late]
    whole = [*first, *(name for name in order if name.partition(" ")[2] in late)]
    (before, _, was), (after, _, now) = grow(built, whole, [len(first), len(whole)], outside)
    return [f"{promise.__name__}: {what}" for what in promise(Growth(before, was, after, now, beyond))]
