"""All small worlds of a cast, and all orders in which their records can come.

A cast is a set of records that people might write: each honest log may be any one chain of them, the liar's any tree.
A world is a subset that stores could hold: with each record the one before it in its log. `explore` begins with
nothing but page 0 and empty logs, and adds one record at a time, so every world is the end, and every subset of it a
prefix, of every order. Two orders are followed as one from where they have led to the same rows in *all* tables,
rooted or not: what comes afterwards can't tell them apart. People who may do the same are looked at once for all
their permutations, as are two rival pages: this takes it that nothing hangs on how ids sort, which the random worlds
do not take.

Every step holds the production fold against the twin, and the promises about growing sets against both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from fedsync.crdt.books.book import apply_blocks
from fedsync.crdt.view import Draft, MemoryView
from tests.authority.build import Built, build, statuses
from tests.authority.naive import Rules
from tests.authority.playing import begin, differing
from tests.authority.properties import Growth, beyond_the_bound, broken
from tests.authority.scribe import Scribe, Term

Json = dict[str, Any]
World = frozenset[str]
Path = tuple[str, ...]


@dataclass
class Cast:
    """What might be written. `given`: what is held from the start; `renamings`: who may stand for whom."""

    name: str
    records: list[Json]
    given: set[str]
    liar: str = ""
    renamings: Sequence[Mapping[str, str]] = ({},)
    size: int = 99
    """The largest number of records beyond the given ones."""

    @property
    def said(self) -> dict[str, Json]:
        """What may come, by name."""
        return {each["id"]: each for each in self.records if each["id"] not in self.given}


@dataclass
class Explored:
    """What came of a cast: worlds up to renaming, steps from one to the next, states, and all that was wrong."""

    worlds: int = 0
    steps: int = 0
    states: int = 0
    wrong: list[str] = field(default_factory=list)


def explore(cast: Cast, enough: int = 5) -> Explored:
    """Play all worlds of a cast in all orders; stop after `enough` faults."""
    return _Explorer(cast, enough).run()


class _Explorer:
    def __init__(self, cast: Cast, enough: int) -> None:
        self.cast, self.enough, self.said = cast, enough, cast.said
        self.built: Built = build({"id": cast.name, "records": cast.records})
        self.base = begin(self.built)
        first = [name for name in self.built.blocks if name.partition(" ")[0] in ("clerk", "log")]
        first += [f"page {each}" for each in cast.given if f"page {each}" in self.built.blocks]
        self._take(self.base, first)
        self.rows = _rows(self.base)
        self.given = [each for each in cast.records if each["id"] in cast.given]
        self.seen = Explored()

    def run(self) -> Explored:
        level: dict[World, dict[Any, tuple[Json, Path]]] = {frozenset(): {frozenset(): ({}, ())}}
        for _ in range(min(self.cast.size, len(self.said)) + 1):
            after: dict[World, dict[Any, tuple[Json, Path]]] = {}
            for world, states in level.items():
                self.seen.worlds += 1
                self.seen.states += len(states)
                if len(world) < self.cast.size:
                    self._step(world, states, after)
                if len(self.seen.wrong) >= self.enough:
                    return self.seen
            level = after
        return self.seen

    def _step(
        self,
        world: World,
        states: Mapping[Any, tuple[Json, Path]],
        after: dict[World, dict[Any, tuple[Json, Path]]],
    ) -> None:
        before = self._rules(world)
        was = before.state().named()
        for name in self._next(world):
            larger = world | {name}
            first, renaming = self._first(larger)
            rules = self._rules(larger)
            beyond = beyond_the_bound(self._records(larger))
            now = rules.state().named()
            self._blame(larger, broken(Growth(before, was, rules, now, beyond)))
            wanted = now if first == larger else self._rules(first).state().named()
            for delta, path in states.values():
                self.seen.steps += 1
                if first == larger:
                    changes, path = self._fold(delta, (name,)), (*path, name)
                else:
                    path = tuple(renaming.get(each, each) for each in (*path, name))
                    changes = self._fold({}, path)
                view = self._view(changes)
                differs = differing(statuses(self.built, view), wanted)
                if differs:
                    self._blame(first, [f"after {path} the fold and the twin differ: {differs}"])
                after.setdefault(first, {}).setdefault(frozenset(changes.items()), (changes, path))

    def _blame(self, world: World, wrong: list[str]) -> None:
        self.seen.wrong += [f"{self.cast.name}, {sorted(world)}: {each}" for each in wrong]

    def _next(self, world: World) -> Iterator[str]:
        """Yield what may come to a world: what its log has not got past, or another branch of the liar's."""
        said = {
            (self.said[each].get("log"), self.said[each].get("prev"))
            for each in world
            if "log" in self.said[each]
        }
        for name, one in self.said.items():
            if name in world or (one.get("log") and one["prev"] is not None and one["prev"] not in world):
                continue
            if one.get("log") in (None, self.cast.liar) or (one["log"], one["prev"]) not in said:
                yield name

    def _first(self, world: World) -> tuple[World, Mapping[str, str]]:
        """Return the world that stands for all its renamings."""
        forms = (
            (sorted(r.get(each, each) for each in world), at) for at, r in enumerate(self.cast.renamings)
        )
        form, at = min(forms)
        return frozenset(form), self.cast.renamings[at]

    def _records(self, world: World) -> list[Json]:
        return [*self.given, *(self.said[each] for each in world)]

    def _rules(self, world: World) -> Rules:
        return Rules(self._records(world))

    def _take(self, view: MemoryView, blocks: Sequence[str]) -> None:
        draft = Draft(view)
        apply_blocks(draft, [self.built.blocks[each] for each in blocks])
        view.commit(draft.changes)

    def _view(self, delta: Json) -> MemoryView:
        view = _copy(self.base)
        view.commit(delta)  # type: ignore[arg-type]
        return view

    def _fold(self, delta: Json, names: Sequence[str]) -> Json:
        """Return the rows that are other than at the start, after these records came one by one."""
        view, now = self._view(delta), dict(delta)
        for name in names:
            block = f"page {name}" if self.said[name]["kind"] == "page" else f"record {name}"
            draft = Draft(view)
            apply_blocks(draft, [self.built.blocks[block]])
            view.commit(draft.changes)
            now.update(draft.changes)  # type: ignore[arg-type]
        return {place: row for place, row in now.items() if self.rows.get(place) != row}


def _rows(view: MemoryView) -> Json:
    return {(table, key): row for table, rows in view._rows.items() for key, row in rows.items()}  # type: ignore[misc]


def _copy(view: MemoryView) -> MemoryView:
    copy = MemoryView()
    for table, rows in view._rows.items():
        copy._rows[table] = dict(rows)
    for table, groups in view._keys.items():
        copy._keys[table] = {first: [*keys] for first, keys in groups.items()}
    return copy


# --- Casts -----------------------------------------------------------------------------------------------


def slot(seats: int, k: int, depth: int, size: int, rounds: int = 2) -> Cast:
    """Return two rival pages after page 0, tellers who say anything of them up to a depth, the first of them a liar."""
    world = Scribe()
    book = world.community("A", seats, k)
    pages = [world.page(book, "A.0", [{"kind": "decision", "text": each}]) for each in "PQ"]
    given = {each["id"] for each in world.records}
    for at in range(seats):
        _tree(world, f"La{at}", None, pages, rounds, depth, "A.0")
    logs = [f"La{at}" for at in range(1, seats)]
    renamings = []
    for others in permutations(logs):
        for rivals in permutations(pages):
            words = dict(zip([*logs, *pages], [*others, *rivals], strict=True))
            renamings.append({name: _renamed(name, words) for name in world.voices})
    return Cast(f"slot {k} of {seats}", world.records, given, "La0", renamings, size)


def _renamed(name: str, words: Mapping[str, str]) -> str:
    log, *acts = name.split("|")
    return "|".join([words.get(log, log), *(act[0] + words[act[1:4]] + act[4:] for act in acts)])


def _tree(
    world: Scribe, log: str, after: str | None, pages: Sequence[str], rounds: int, depth: int, slot_: str
) -> None:
    """Write all chains of acts up to a depth, each act once at each place; a name tells the whole chain."""
    last = world.voices[after]["round"] if after else 0
    for round_ in range(last, rounds):
        for page in pages:
            acts = [("+", "sign", None), ("!", "approve", None)] + [
                ("+", "sign", lock) for lock in range(round_)
            ]
            for sign, kind, lock in acts:
                name = f"{after or log}|{sign}{page}@{round_}" + ("" if lock is None else f"^{lock}")
                seq = 0 if after is None else world.voices[after]["seq"] + 1
                one = {
                    "kind": kind,
                    "id": name,
                    "log": log,
                    "seq": seq,
                    "prev": after,
                    "page": page,
                    "slot": slot_,
                }
                one |= {"round": round_} | ({} if lock is None else {"lock": lock})
                world.voices[name] = one
                world.records.append(one)
                if depth > 1:
                    _tree(world, log, name, pages, rounds, depth - 1, slot_)


def _cast(name: str, world: Scribe, liar: str = "", held: Sequence[str] = ()) -> Cast:
    given = {each["id"] for each in world.records if each["kind"] == "log" or each.get("no") == 0} | {*held}
    return Cast(name, world.records, given, liar)


def recalls() -> Cast:
    """A delegate signs, votes and forks; the assembly recalls, early or late; its teller lies and seals a rival of that."""
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    world.vote(log)
    page = world.sealed("R", [{"kind": "decision", "text": "d"}], by=[log])
    kept = world.ends[log]
    world.vote(log, option="y")
    tip = {log: [world.voices[str(kept)]["seq"], kept]}
    end = world.ends["La0"]
    world.sealed("A", [{"kind": "recall", "mandate": ["A.1", 0], "cuts": tip}])
    world.ends["La0"] = end
    world.sealed("A", [{"kind": "decision", "text": "we did not"}], on="A.1")
    return _cast("recalls", world, "La0", [page])


def words() -> Cast:
    """A delegate votes twice on a fork; the assembly's word, the recall, the head seen above and the result, in any order."""
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    vote = world.vote(log)
    world.ends[log] = None
    other = world.vote(log, option="y")
    recall = {"kind": "recall", "mandate": ["A.1", 0], "cuts": {log: [0, other]}}
    word = world.sealed("A", [recall, {"kind": "confirm", "motion": "D", "vote": vote}])
    result = {"kind": "result", "motion": "D", "votes": [vote, other], "need": 1}
    world.ends[log] = vote
    world.sealed("R", [{"kind": "witness", "body": "A", "page": word}, result], by=[log])
    return _cast("words", world, log)


def cuts() -> Cast:
    """A delegate forks its log and votes on both branches; a recall keeps one of them."""
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    world.vote(log)
    world.ends[log] = None
    world.vote(log, "E")
    tip = world.vote(log, "F")
    world.vote(log, "G")
    world.sealed("A", [{"kind": "recall", "mandate": ["A.1", 0], "cuts": {log: [1, tip]}}])
    return _cast("cuts", world, log)


def two_words() -> Cast:
    """An assembly names one vote and later another; the body above sees both pages and certifies the vote on one page."""
    world = Scribe()
    world.community("A")
    world.region("R", ["A"])
    log = world.sent("A", "R")
    votes = [world.vote(log), world.vote(log, option="y")]
    named = [world.sealed("A", [{"kind": "confirm", "motion": "D", "vote": each}]) for each in votes]
    result = {"kind": "result", "motion": "D", "votes": votes, "need": 1}
    world.sealed("R", [{"kind": "witness", "body": "A", "page": named[1]}, result], by=[log])
    return _cast("two words", world)


def locks() -> Cast:
    """Who approved a page signs its rival past a quorum, and approves it; a liar signs both."""
    world = Scribe()
    book = world.community("A", 3, 2)
    one, other = (world.page(book, "A.0", [{"kind": "decision", "text": each}]) for each in "PQ")
    world.sign("La0", one, 0, "approve")
    world.sign("La0", other, 2, lock=1)
    world.sign("La0", other, 2, "approve")
    world.sign("La1", other, 1)
    world.sign("La1", other, 2, "approve")
    world.sign("La2", other, 1)
    world.sign("La2", one, 0, after=None, fork=True)
    world.sign("La2", one, 0, "approve")
    return _cast("locks", world, "La2")


def splits() -> Cast:
    """A teller seals two rivals; the body above, of people, witnesses one; the repair key mends; another page follows."""
    world = Scribe()
    world.log("La0", "a0", seat="A")
    world.found("A", 1, Term(["La0"], 1, ["La0"], 1, ["rep"]), "R")
    world.log("Lr0", "r0", seat="R")
    world.found("R", 2, Term(["Lr0"], 1, ["Lr0"], 1))
    one = world.sealed("A", [{"kind": "decision", "text": "P"}])
    world.sealed("A", [{"kind": "decision", "text": "after"}])
    world.ends["La0"] = None
    world.sealed("A", [{"kind": "decision", "text": "Q"}], on="A.0")
    mend = world.page(world.books["A"], "A.0", [{"kind": "decision", "text": "mend"}], by="repair")
    world.log("Rrep", "rep", seat="A")
    world.sign("Rrep", mend, 0)
    world.sealed("R", [{"kind": "witness", "body": "A", "page": one}])
    return _cast("splits", world, "La0")


def epochs() -> Cast:
    """An epoch drops two of three tellers; they sign and approve a rival of it, the next round too; the new ones go on."""
    world = Scribe()
    book = world.community("A", 3, 2)
    new = world.log("Ln", "n", seat="A")
    term = Term([new], 1, [new], 1)
    page = world.page(book, "A.0", [world.epoch(term, "A", None, None)], term)
    for log in ("La0", "La1"):
        world.sign(log, page, 0, "approve")
    rival = world.page(book, "A.0", [{"kind": "decision", "text": "we stay"}])
    for round_ in (1, 2):
        for log in ("La0", "La1"):
            world.sign(log, rival, round_, "approve")
    world.sign("La2", rival, 1)
    after = world.page(book, page, [{"kind": "decision", "text": "go on"}])
    world.sign(new, after, 0, "approve")
    return _cast("epochs", world)


def consents() -> Cast:
    """A region takes in a member by consents; its page, the consents and a page of the new epoch come in any order."""
    world = Scribe()
    for name in "AB":
        world.community(name)
    book = world.region("R", ["A"])
    log = world.sent("A", "R")
    term = Term(["A", "B"], 2, book.terms["R.0"].sealers, 1)
    entry = world.epoch(term, "R", None, None)
    entry["consents"] = {
        name: world.sealed(name, [{"kind": "consent", "to": entry["name"]}]) for name in "AB"
    }
    page = world.page(book, "R.0", [entry], term)
    world.sign(log, page, 0)
    world.sign("Nr", page, 0, "approve")
    sent = world.sent("B", "R")
    after = world.page(book, page, [{"kind": "decision", "text": "together"}])
    for each in (log, sent):
        world.sign(each, after, 0)
    world.sign("Nr", after, 0, "approve")
    return _cast("consents", world, held=["A.1", "B.1", "B.2"])


STORIES: Sequence[Callable[[], Cast]] = (recalls, words, cuts, two_words, locks, splits, epochs, consents)

QUICK: Mapping[str, Callable[[], Cast]] = {
    **{make.__name__: make for make in STORIES},
    "2 of 3, two acts deep, 3 records": lambda: slot(3, 2, 2, 3),
    "2 of 3, one act deep, 4 records": lambda: slot(3, 2, 1, 4),
    "3 of 4, one act deep, 3 records": lambda: slot(4, 3, 1, 3),
}
"""What the tests play: 9,871 worlds up to renaming, 60,000 steps between them, half a minute."""
LONG: Mapping[str, Callable[[], Cast]] = {
    "2 of 3, one act deep, 6 records": lambda: slot(3, 2, 1, 6),
    "3 of 4, one act deep, 5 records": lambda: slot(4, 3, 1, 5),
    "2 of 3, two acts deep, 4 records": lambda: slot(3, 2, 2, 4),
    "2 of 3, three rounds, one act deep, 5 records": lambda: slot(3, 2, 1, 5, 3),
    "3 of 4, two acts deep, 3 records": lambda: slot(4, 3, 2, 3),
}
"""What `scripts/worlds-soak --small` plays beside: some hours."""
