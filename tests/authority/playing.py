"""Plays a world record by record through the production fold, and holds each state against the naive twin."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from fedsync.crdt.book import apply_blocks, bind
from fedsync.crdt.view import Draft, MemoryView
from tests.authority.build import Built, build, statuses
from tests.authority.naive import Rules
from tests.authority.properties import Growth, beyond_the_bound, broken
from tests.crdt.books import tag

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


def begin(built: Built) -> MemoryView:
    """Return the state of a node that follows all bodies of a world and holds nothing yet."""
    view, draft = MemoryView(), None
    draft = Draft(view)
    for body in built.bodies:
        bind(draft, tag(body), built.pages[page0(built, body)])
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
    more = {name for name in got if name.startswith("frozen ")} - wanted.keys()
    return found | {name: (got[name], None) for name in more}


def grow(built: Built, order: list[str], stops: Iterable[int]) -> Iterator[tuple[Rules, Json, Json]]:
    """Yield the twin's rules, its answers and the production fold's after so many blocks of an order."""
    view, at = begin(built), 0
    for stop in stops:
        take(built, view, order[at:stop])
        at = stop
        rules = Rules(held(built, order[:stop]))
        yield rules, rules.state().named(), statuses(built, view)


def faults(world: Json, random: Random, orders: int = 1, every: bool = False) -> list[str]:
    """Return all in which the production fold differs from the twin on growing parts of a world, or breaks a promise."""
    built, beyond = build(world), beyond_the_bound(world["records"])
    found: list[str] = []
    for _ in range(orders):
        order = order_of(built, random)
        size = len(order)
        stops = range(1, size + 1) if every else sorted({*random.choices(range(1, size), k=6), size})
        before: tuple[Rules, Json] | None = None
        for rules, wanted, got in grow(built, order, stops):
            differs = differing(got, wanted)
            if differs:
                return [*found, f"the fold and the twin differ after {len(rules.voices)} voices: {differs}"]
            if before is not None:
                found += broken(Growth(*before, rules, got, beyond))
            before = rules, got
    return found
