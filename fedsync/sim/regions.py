"""Regions: communities that found one, send delegates, vote there, confirm and recall; and delegates who do wrong.

A world above them is another such body, whose members are regions (`councils`).

A delegate has a log under each mandate, and writes at the community's own node. Who was recalled may go on writing
elsewhere, where nobody has heard of it, and may date that back; who still is a delegate may vote against the
instructions, or twice. What must come of each is worked out by `verdicts`, from the bytes alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Final, Generic, TypeVar

from fedsync.crdt.books.bearing import usual_k, usual_w
from fedsync.crdt.books.booktables import NAMED, VOTES, book, known, page_row
from fedsync.crdt.books.carrying import to_carry
from fedsync.crdt.books.confirming import awaited
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.drafting import CannotDraft, draft_page, witnesses
from fedsync.crdt.books.epoch import begun
from fedsync.crdt.books.handover import OVER, reachable
from fedsync.crdt.books.minutes import pages
from fedsync.crdt.books.motions import motions
from fedsync.crdt.books.results import named_votes, tally_now
from fedsync.crdt.books.tellers import Refuse, next_act, next_seal
from fedsync.records.codec import Value, pack, unpack
from fedsync.records.genesis import NODE
from fedsync.records.ids import LogClass, PageId, Reach, RecordId, Scope, payload_id
from fedsync.records.kinds.entries import EntryId, Result
from fedsync.records.kinds.entryform import result_value, tips_value
from fedsync.records.kinds.motions import Method, Rule
from fedsync.records.seal import normal
from fedsync.sim.homes import Home
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen
from fedsync.sim.people import voice
from fedsync.sim.rare import Seen

SEALED_AT_ONCE: Final = 50
"""Acts of a node that seals, in one go: pages follow one another."""
MOST_BRANCHES: Final = 4
"""Branches that a delegate makes of one log: of the ninth on each waits an hour, and the calm is shorter."""
BACK_MS: Final = 40 * 86_400_000
"""Who dates back dates back by up to so much."""
RULE: Final = Rule(Method.MAJORITY)


M = TypeVar("M", bound=Home, covariant=True)


class Region(Generic[M]):
    """A body whose seats are communities, and whose sealers are their nodes: a region, a syndicate; or the world, of regions."""

    def __init__(
        self, name: str, members: Sequence[M], seen: Seen, level: int = 1, kind: str = "region"
    ) -> None:
        self.name, self.members, self.seen, self.level, self.kind = name, members, seen, level, kind
        self.scope = Scope(sha256(f"body {name}".encode()).digest()[:16])
        self._founder: Pen | None = None
        self.founded = False
        self.delegations = [Delegation(self, each) for each in members]
        clerks = [each.clerk.genesis for each in self.delegations]
        epoch: dict[str, Value] = {
            "kind": "epoch",
            "name": name,
            "classification": kind,
            "level": level,
            "seats": [{"body": each.body} for each in members],
            "k": usual_k(len(members)),
            "sealers": [[each.key, each.incarnation] for each in clerks],
            "w": usual_w(len(members)),
        }
        self.page: Value = normal(
            {"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": self.scope}
        )
        self.body = PageId(payload_id(pack(self.page)))

    def found(self) -> bool:
        """Let somebody of the first member write page 0, once it has heard of all others.

        That stands in a log of the new body, for those who will look at it from outside.
        """
        first = self.members[0]
        seed, view = first.founder(), first.node.view
        if not first.node.alive or any(known(view, each.body) is None for each in self.members):
            return False
        if self._founder is None and seed is not None:
            witness, signing = first.ledger.signed.update, first.ledger.signing
            self._founder = Pen(seed, self.scope, LogClass.AUTHORITY, Reach.WORLD, witness, signing=signing)
            first.pens.append(self._founder)
        if self._founder is None:
            return False
        first.node.follow(self.scope, self.body)
        self.founded = first.say(self._founder, [("page", self.page)])
        return self.founded


@dataclass
class Delegate:
    """Somebody under one mandate. `turns`: at how many places the log was forked."""

    pen: Pen
    mandate: EntryId
    turns: int = 0
    twins: list[Pen] = field(default_factory=list)


class Delegation:
    """What one community does in a region, or a region in the world: whom it sends, and what those do."""

    def __init__(self, region: Region[Home], home: Home) -> None:
        self.region, self.home = region, home
        self.delegates: list[Delegate] = []
        """All that were ever sent, the latest last."""
        self._sent = 0
        seed = sha256(f"node {home.node.name}".encode()).digest()
        witness = home.ledger.signed.update
        self.clerk = Pen(
            seed,
            region.scope,
            LogClass.AUTHORITY,
            Reach.WORLD,
            witness,
            capacity=NODE,
            signing=home.ledger.signing,
        )
        """With which the node of the one seals the pages of the other."""
        self.planned = False
        """Whether the node will look soon for what it may seal."""
        home.pens.append(self.clerk)

    @property
    def _seen(self) -> Seen:
        return self.region.seen

    def mandates(self) -> list[Given]:
        """Return the mandates for the region that are not over, as home sees them."""
        view, seat = self.home.node.view, self.region.body
        return [
            each for each in given(view, self.home.scope)
            if each.mandate.seat == seat and each.status not in OVER
        ]  # fmt: skip

    # --- What a community does ----------------------------------------------------------------------------

    def govern(self, dice: Random) -> None:
        """Do what is due next: found, join, send somebody, confirm; else let the delegate act."""
        node, region = self.home.node, self.region
        if not node.alive:
            return
        if book(node.view, region.scope) is None:
            if self is region.delegations[0]:
                region.found()
            return
        if self.home.busy():
            self.home.sit(dice)
        elif not self.mandates():
            self._send(dice)
        elif dice.random() < 0.3 and self._confirm():
            self._seen.note("confirmed")
        else:
            self._act(dice)

    def _send(self, dice: Random) -> None:
        """Give a mandate to somebody new; join the region on the same page, the first time."""
        self._sent += 1
        seed = sha256(f"delegate {self.home.name} {self.region.name} {self._sent}".encode()).digest()
        witness = self.home.ledger.signed.update
        signing = self.home.ledger.signing
        someone = Pen(seed, self.home.scope, LogClass.AUTHORITY, Reach.WORLD, witness, signing=signing)
        told: list[Value] = ["free", ["yes"], ["yes", "abstain"]]
        instructions: dict[str, Value] = {"*": dice.choice(told)}
        entries: list[dict[str, Value]] = []
        if self._sent == 1:
            clerk = self.clerk.genesis
            entries.append({"kind": "join", "body": self.region.body, "node": [clerk.key, clerk.incarnation]})
        mandate: dict[str, Value] = {
            "kind": "mandate",
            "holder": someone.genesis.key,
            "seat": self.region.body,
            "instructions": instructions,
        }
        page = self.home.meet(dice, [*entries, mandate])
        if page is not None:
            id_ = (page, len(entries))
            pen = Pen(
                seed,
                self.home.scope,
                LogClass.AUTHORITY,
                Reach.WORLD,
                witness,
                capacity=("mandate", *id_),
                signing=signing,
            )
            self.home.pens.append(pen)
            self.delegates.append(Delegate(pen, id_))

    def recall(self, dice: Random) -> bool:
        """Recall the delegate, keeping what is known here, or nothing; return whether that was begun."""
        held = [each for each in self.mandates() if any(one.mandate == each.id for one in self.delegates)]
        if not self.home.node.alive or not held or self.home.busy():
            return False
        ended = dice.choice(held)
        cuts = reachable(self.home.node.view, [ended]) if dice.random() < 0.7 else ()
        entry: dict[str, Value] = {"kind": "recall", "mandate": [*ended.id], "cuts": tips_value(cuts)}
        return self.home.meet(dice, [entry]) is not None

    def _confirm(self) -> bool:
        """Draft the page that says which votes are the community's word; return whether there was any to confirm."""
        view = self.home.node.view
        said: dict[RecordId, dict[str, Value]] = {}
        for each in awaited(view, self.home.scope):
            motion = each.vote.question[0]
            said.setdefault(motion, {"kind": "confirm", "motion": motion, "vote": each.vote.id})
        return bool(said) and self.home.draft(list(said.values())) is not None

    # --- What a delegate does -----------------------------------------------------------------------------

    def current(self) -> Delegate | None:
        """Return who speaks for it now, as home sees it."""
        going = {each.id for each in self.mandates()}
        return next((each for each in reversed(self.delegates) if each.mandate in going), None)

    def _act(self, dice: Random) -> None:
        """Sign a page of the region that is open, or vote, or put a motion, or draft a page."""
        delegate, view = self.current(), self.home.node.view
        if delegate is None:
            return
        open_ = [each for each in pages(view, self.region.scope) if each.status in ("drafted", "adopted")]
        if open_ and self._sign(delegate, dice.choice(open_).id):
            return
        if open_ and dice.random() < 0.7:
            return
        way = dice.choice([self._put, self._vote, self._vote, self._vote, self._draft, self._draft])
        way(dice, delegate)

    def sign(self, page: PageId) -> bool:
        """Let its delegate speak for a page; return whether there was anything to say."""
        delegate = self.current()
        return delegate is not None and self._sign(delegate, page)

    def _sign(self, delegate: Delegate, page: PageId) -> bool:
        view, log = self.home.node.view, delegate.pen.log
        acts = next_act(view, page, log, begun(delegate.pen.genesis))
        if isinstance(acts, Refuse):
            return False
        slot = known(view, page)
        assert slot is not None
        return self.home.say(delegate.pen, [voice(page, slot.prev, act) for act in acts])

    def _put(self, dice: Random, delegate: Delegate) -> None:
        motion: dict[str, Value] = {
            "body": self.region.body,
            "title": f"A bridge, {dice.randrange(10**6)}",
            "text": "Shall we?",
        }
        self.home.say(delegate.pen, [("motion", motion)])

    def _vote(self, dice: Random, delegate: Delegate) -> None:
        view = self.home.node.view
        mine = delegate.pen.log
        done = {RecordId(cells[0]) for _, cells in view.scan(VOTES, (mine,))}  # type: ignore[arg-type]
        put = [each.id for each in motions(view, self.region.body) if each.id not in done]
        if put:
            self.home.say(
                delegate.pen, [("vote", {"motion": put[-1], "option": dice.choice(["yes", "yes", "no"])})]
            )

    def _draft(self, dice: Random, delegate: Delegate) -> None:
        """Draft the region's next page: a decision, or what a vote came to, and how far the members' books are."""
        view, scope = self.home.node.view, self.region.scope
        entry: dict[str, Value] = {
            "kind": "decision",
            "title": f"All of us, {dice.randrange(10**6)}",
            "text": "so be it",
        }
        put = motions(view, self.region.body)
        now = tally_now(view, scope, (dice.choice(put[-5:]).id, ""), RULE) if put else None
        votes = tuple(named_votes(now)) if now is not None else ()
        if now is not None and votes and dice.random() < 0.7:
            entry = result_value(Result(now.question[0], RULE, votes, None))
        try:
            drafted = draft_page(view, scope, [*witnesses(view, scope, 20_000), entry])
        except CannotDraft:
            return
        self.home.say(delegate.pen, [("page", normal(dict(drafted.value)))])

    # --- What a delegate should not do --------------------------------------------------------------------

    def misdeed(self, dice: Random, nodes: list[Node]) -> bool:
        """Let somebody do wrong, at any of these nodes that hold what they wrote; return whether that was done."""
        if not self.delegates:
            return False
        delegate = dice.choice(self.delegates)
        going = delegate is self.current()
        held = [each for each in nodes if each.alive and self._may_write(each, delegate)]
        if not held:
            return False
        node = dice.choice(held)
        put = motions(node.view, self.region.body)
        if not put:
            return False
        motion = dice.choice(put[-5:]).id
        vote: tuple[str, Value] = ("vote", {"motion": motion, "option": dice.choice(["yes", "no"])})
        forks = delegate.turns < MOST_BRANCHES and len(delegate.pen.ends) > 1 and dice.random() < 0.4
        back = dice.randrange(BACK_MS) if dice.random() < 0.5 else 0
        if forks:
            done = self.home.fork_at(node, delegate.pen, dice.choice(delegate.pen.ends[:-1]), vote, back)
            delegate.turns += done
            if done:
                self._seen.note("delegate-forked")
        else:
            done = self.home.say(delegate.pen, [vote], node=node, back=back)
        if done and not going:
            self._seen.note("recalled-wrote")
        if done and back:
            self._seen.note("dated-back")
        return done

    def _may_write(self, node: Node, delegate: Delegate) -> bool:
        """Say whether a node holds what the delegate wrote, and knows whence the log has its voice."""
        end = delegate.pen.end
        return known(node.view, delegate.mandate[0]) is not None and (
            end is None or node.holds(delegate.pen.log, end.seq, end.id)
        )

    # --- What the community's node does by itself ---------------------------------------------------------

    def seal(self) -> None:
        """Sign and approve what the node may seal now, and carry what was sealed for those who look from outside."""
        self.planned = False
        node, scope = self.home.node, self.region.scope
        for _ in range(SEALED_AT_ONCE):
            at = book(node.view, scope) if node.alive else None
            if at is None or at.frozen or not self._is_named():
                return
            found = next_seal(node.view, at.head, self.clerk.log)
            if found is None:
                self._carry()
                return
            page, acts = found
            if not self.home.say(self.clerk, [voice(page, at.head, act) for act in acts]):
                return

    def _carry(self) -> None:
        """Carry sealed pages into the body's own logs, when it is this node's turn."""
        view = self.home.node.view
        due = [page_row(view, page) for page in to_carry(view, self.region.scope, self.clerk.log).all]
        said = [("page", unpack(page.payload)) for page in due if page is not None]
        if said and self.home.say(self.clerk, said):
            self._seen.note("carried")

    def _is_named(self) -> bool:
        named: Iterator[object] = iter(
            self.home.node.view.scan(NAMED, (self.region.scope, self.clerk.genesis.key))
        )
        return next(named, None) is not None
