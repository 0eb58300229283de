"""A federation that lives through a scenario: first a storm, then a calm in which all must come to the same."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from itertools import combinations
from random import Random
from typing import Final

from fedsync.crdt.books.booktables import RESULTS, VOTE_VERDICTS
from fedsync.crdt.books.fellows import joined
from fedsync.crdt.books.minutes import pages
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Check
from fedsync.gossip.trees import Trees
from fedsync.records.ids import Extent, LogId, PayloadId, RecordId, Scope
from fedsync.sim.calling import OVER_RELAYS, Calls, Steering
from fedsync.sim.councils import Council
from fedsync.sim.disk import Disk, Kept
from fedsync.sim.finding import Finding
from fedsync.sim.growth import Growth
from fedsync.sim.heap import Heap
from fedsync.sim.homes import Home
from fedsync.sim.ledger import Ledger
from fedsync.sim.lies import WAVE_S, Liar
from fedsync.sim.links import Link, Net
from fedsync.sim.node import Node
from fedsync.sim.people import Community
from fedsync.sim.places import Places
from fedsync.sim.pouring import Pouring
from fedsync.sim.rare import Seen
from fedsync.sim.regions import Delegation, Region
from fedsync.sim.relaying import Relays
from fedsync.sim.roads import Roads
from fedsync.sim.scenario import ANY, EQUIVOCATE, LIES, POUR, Crowd, Partition, Scenario
from fedsync.sim.scoping import Scoping
from fedsync.sim.shelves import Reader
from fedsync.sim.siege import LOOK_S, Hollow, Watch, besiege
from fedsync.sim.signing import Signing
from fedsync.sim.twofaced import TwoFaced, towards

PICTURES: Final = 120
"""Moments of a storm at which is noted how far each node is."""
ASKED: Final = 300
"""In the calm all are compared so many times, if it takes that long."""
ASK_S: Final = 2.0
"""But at most so often, in seconds."""
RESTORE_S: Final = 300.0
"""A node that is set back to a backup is down for so long, in seconds: until then all that it sent has come or is lost."""
IN_COMMIT: Final = 0.3
"""This share of the crashes waits for the moment when a node has records in its hands."""
ISLAND_S: Final = 900.0
"""For so long, in seconds, nodes that a crowd keeps busy may be on an island after all else is well."""
WAVES: Final = 500
"""Waves of a flood in a storm, at most: a season of them shows no more than a week."""
QUIET_S: Final = 600.0
"""After all have come to the same nothing is written for so long, to see what silence costs."""
THIN_SETTLES_S: Final = 2 * 3600.0
THIN_QUIET_S: Final = 24 * 3600.0
"""The same of thin links, on which signs of life are rare: a day, which begins two hours later."""


def on_islands(nodes: Sequence[Node]) -> int:
    """Return how many of these are joined by no links, among these, with the first."""
    met = [nodes[0]]
    for node in met:
        beyond = [end.link.beyond(node) for end in node.ends.values() if end.link.talks]
        met += [each for each in nodes if each in beyond and each not in met]
    return len(nodes) - len(met)


class World:
    """Everything follows from the scenario and the seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.dice = Random(f"{scenario.name} {seed}")
        self.heap, self.seen, self.ledger = Heap(), Seen(), Ledger()
        laid = Roads if scenario.links.profile else Net
        self.net: Net = laid(self.heap, self.dice, self.seen, scenario.links)
        self.held: dict[Node, int] = {}
        """How many of the records that all should come to hold each node has."""
        self.pictures: list[tuple[float, int, list[int]]] = []
        """(second, records to hold, how many of them each honest node has)."""
        self.took: float | None = None
        """Seconds of calm until all were the same."""
        self.quiet: tuple[float, int] = (0.0, 0)
        """Seconds in which nothing happened, and the bytes sent in them on the busiest link."""
        self.copies = 0.0
        """How often a block came to an honest node, on average over the second half of the storm."""
        self.apart: list[tuple[float, float]] = []
        """From when to when nodes were cut off."""
        self.nodes: list[Node] = []
        self.seconds: list[Node] = []
        """The other faces of those that have two."""
        self.doubled: dict[LogId, None] = {}
        """Logs of which one of these has told two versions."""
        self.communities: list[Community] = []
        self.backups: dict[Node, tuple[Disk, list[RecordId]]] = {}
        """The last backup of each node, and which records are in it."""
        self._restoring: set[Node] = set()
        self.rulings: dict[LogId, set[RecordId]] = {}
        """For the checks: what holds of logs of which a page names a record."""
        self.gone: set[Node] = set()
        """Nodes that left for good."""
        self._unborn: set[Node] = set()
        self.places: Places | None = None
        """Where each node answers, and whom operators removed, where nodes have to learn it."""
        self._seals: dict[Node, list[Delegation]] = {}
        """For which bodies each node seals."""
        self.calls = Calls(self.net)
        self.callers: list[Node] = []
        """The nodes that nobody can call."""
        self.relays: Relays | None = None
        """Who carries for these."""
        self.crowd: list[Node] = []
        self.siege: Watch | None = None
        """How those fared whom a crowd besieged."""
        self._side: Sequence[Node] = ()
        """The nodes on one side of a partition, while there is one."""
        self._over = False
        self.ledger.signing = signing = Signing(scenario.signatures)
        kinds = [
            self.dice.choice(LIES) if each.kind == ANY else each.kind
            for each in scenario.liars
            for _ in range(each.count)
        ]
        for at in range(scenario.nodes):
            kind = kinds[at - scenario.honest] if at >= scenario.honest else None
            self._settle(f"{'Village' if kind is None else 'Liars'} {at + 1}", signing.check, kind)
        for community in self.communities:
            community.goods.others = [each.goods for each in self.communities]
            if self.dice.random() < scenario.trouble.late:
                self._unborn.add(community.node)
                community.node.alive = False
                self.heap.at(self.dice.random() * scenario.storm / 2, partial(self._be_born, community))
            else:
                community.found()
        self.regions = self._gather()
        self.syndicates = self._ally()
        """Bodies of communities of several regions."""
        self.above = self._raise() if scenario.world else None
        """The world above the regions."""
        self.delegations = [each for body in self.bodies_of_bodies() for each in body.delegations]
        for each in self.delegations:
            self._seals.setdefault(each.home.node, []).append(each)
        for node in self.nodes:
            node.settled = partial(self._seal_soon, node)
        if scenario.scopes:
            self._scope()
        if scenario.shares is not None:
            for community in self.communities:
                community.node.limit(scenario.shares, community.scope)
        self._join()
        self.growth = Growth(len(self.nodes) + len(self.crowd) - 1)
        self._plan()
        self.pouring = [
            Pouring(community, self.heap, self.dice, self.seen, scenario.shares.author, scenario.storm)
            for community, kind in zip(self.communities[scenario.honest :], kinds, strict=True)
            if kind == POUR and scenario.shares is not None
        ]
        """Communities that write far more than others take."""

    # --- Making -----------------------------------------------------------------------------------------

    def _settle(self, name: str, verify: Check, kind: str | None) -> None:
        clocks, dice = self.scenario.clocks, self.dice
        offset = int(dice.uniform(-clocks.off, clocks.off) * 1000) if dice.random() < clocks.share else 0
        lies = None if kind is None else partial(self._lying, self._liar(kind, len(self.nodes)))
        made: type[Node] = TwoFaced if kind == EQUIVOCATE else Node
        node = made(name, self.net, verify, self.scenario.pace, offset, self._watch, lies)
        self.held[node] = 0
        self.nodes.append(node)
        self.communities.append(Community(name, node, self.ledger, kind == "weak"))
        if isinstance(node, TwoFaced):
            node.pens = self.communities[-1].facts
            node.doubled = self._doubled
            second = TwoFaced(name, self.net, verify, self.scenario.pace, offset, self._watch_not, lies)
            node.second, second.pens = second, node.pens
            self.seconds.append(second)

    def _doubled(self, log: LogId) -> None:
        self.seen.note("lied")
        self.seen.note("equivocated")
        self.doubled[log] = None

    def _liar(self, kind: str, at: int) -> Liar:
        def blocks() -> list[bytes]:
            if kind == "weak":
                self.seen.note("forged")
                return [self.communities[at].forgery()]
            return [
                each.raw for each in self.nodes[at].disk.entries if isinstance(each, Kept) and not each.own
            ]

        def logs() -> list[LogId]:
            return [each.log for each in self.ledger.promised[:50]]

        wave_s = max(WAVE_S, self.scenario.storm / WAVES)
        return Liar(kind, self.dice, logs, lambda: self.heap.now, blocks, wave_s)

    def _gather(self) -> list[Region[Community]]:
        """Return the regions that the honest communities will found; who is left over joins the last."""
        size, honest = self.scenario.region, self.communities[: self.scenario.honest]
        if not size:
            return []
        firsts = range(0, max(1, len(honest) // size) * size, size)
        parts = [honest[at : at + size] if at != firsts[-1] else honest[at:] for at in firsts]
        return [Region[Community](f"Region {at + 1}", part, self.seen) for at, part in enumerate(parts)]

    def _raise(self) -> Region[Council]:
        """Return the world that the regions will found."""
        return Region("World", [Council(each) for each in self.regions], self.seen, 2, "world")

    def _ally(self) -> list[Region[Community]]:
        """Return the syndicates: of every second community of each region, those first of which none speaks for it."""
        return [
            Region(f"Syndicate {at + 1}", [each for region in self.regions for each in region.members[1 - at % 2 :: 2]],
                   self.seen, kind="syndicate")
            for at in range(self.scenario.syndicates)
        ]  # fmt: skip

    def _scope(self) -> None:
        """Let nodes keep what their community's book makes kin. To found a region their operators ask for its books."""
        keys = {each.home.node.peer: each.clerk.genesis.key for each in self.delegations}
        # Who lies keeps whatever is announced, and so claims to follow everything.
        for community in self.communities[: self.scenario.honest]:
            community.node.scoping = Scoping(community.scope, community.body, keys)
        for region in self.bodies_of_communities:
            for member in region.members:
                member.node.follow(region.scope, region.body)
                for other in region.members:
                    member.node.follow(other.scope, other.body, Extent.BOOK)
        for council in self.above.members if self.above is not None else ():
            assert self.above is not None
            council.node.follow(self.above.scope, self.above.body)
            for region in self.regions:
                council.node.follow(region.scope, region.body, Extent.BOOK)

    def _fence(self) -> None:
        """From now on what stays within a region may be on no link out of it, of whom all around hold by now that they joined.

        Who has not heard of it yet takes it that they have joined nothing, and gives what is theirs to anybody.
        """
        self.net.lying = frozenset(node.peer for node in self.nodes if node.lies is not None)
        reader = Reader()
        nodes = {each.node: None for body in self.bodies_of_communities for each in body.members}
        books = {node: reader.read(node).books for node in nodes}
        for region in self.regions:
            for member in region.members:
                # Partners in a syndicate have it too; they pass it on to nobody beside them.
                around = [each.members for each in self.bodies_of_communities if member in each.members]
                inside = frozenset(each.node.peer for members in around for each in members)
                beside = {each.node: None for members in around for each in members}
                if all(region.body in books[node].joined(PayloadId(member.body)) for node in beside):
                    logs = [pen.log for teller in member.tellers for pen in (teller.facts, teller.plans)]
                    self.net.regional |= dict.fromkeys(map(bytes, logs), (member.node.peer, inside))

    def _seal_soon(self, node: Node) -> None:
        """Let a node seal what it may, once it has seen something that bears on a book."""
        if isinstance(node.steering, Finding):
            node.steering.soon()
        for delegation in self._seals.get(node, ()):
            if not delegation.planned:
                delegation.planned = True
                self.heap.after(self.scenario.pace.commit, delegation.seal)

    def _lying(self, liar: Liar, frame: bytes, heard: bytes) -> list[bytes]:
        said = liar(frame, heard)
        if said != [frame]:
            self.seen.note("lied")
        return said

    def _join(self) -> None:
        """Lay links: among the honest in the scenario's shape, so that no liar can keep them apart; then to liars."""
        dice, nature, honest = self.dice, self.scenario.links, self.honest
        pairs: dict[tuple[int, int], None] = {}
        count = len(honest)
        match nature.shape:
            case "mesh":
                pairs = {(one, two): None for two in range(count) for one in range(two)}
            case "star":
                pairs = {(0, two): None for two in range(1, count)}
            case "overlay":
                self._steer()
                return
            case "tree":
                pairs = {(dice.randrange(two), two): None for two in range(1, count)}
            case _:
                pairs = {(one, one + 1): None for one in range(count - 1)}
                if nature.shape == "ring" and count > 2:
                    pairs[0, count - 1] = None
        if self.above is not None:
            # Who speaks for a region has links with those who speak for others.
            spoken = sorted(self.nodes.index(each.node) for each in self.above.members)
            pairs |= dict.fromkeys(combinations(spoken, 2))
        for syndicate in self.syndicates:
            # Who sits there has links with the others: nobody in between keeps what is theirs.
            partners = sorted(self.nodes.index(each.node) for each in syndicate.members)
            pairs |= dict.fromkeys(combinations(partners, 2))
        for _ in range(nature.more):
            one, two = sorted(dice.sample(range(count), 2))
            pairs[one, two] = None
        for one, two in pairs:
            self.net.join(honest[one], honest[two])
        for liar in self.nodes[count:]:
            chosen = dice.sample(honest, min(count, dice.randint(1, 3)))
            if isinstance(liar, TwoFaced):
                # Each face is shown to somebody, where there is somebody to show it to.
                others = [
                    each for each in honest if liar.towards(each.peer) is not liar.towards(chosen[0].peer)
                ]
                chosen += [each for each in others[:1] if each not in chosen]
            for node in chosen:
                self.net.join(
                    *dice.choice([(towards(liar, node.peer), node), (node, towards(liar, node.peer))])
                )

    def _steer(self) -> None:
        """Let the nodes choose their links by themselves, among all that there are."""
        self.callers = self._who_only_call()
        unheard = (OVER_RELAYS,) if self.scenario.relays is not None else ()
        crowd = self.crowd = [self._one_of(of, at) for of, at in self._places()]
        admitted = [
            Candidate(node.peer, f"{of.kind} {at % of.bodies}".encode(), (node.name,))
            for node, (of, at) in zip(crowd, self._places(), strict=True)
        ]
        all_of_it = Scope(sha256(self.scenario.name.encode()).digest()[:16])
        group = Group(
            all_of_it,
            [
                Candidate(each.node.peer, each.scope, unheard if each.node in self.callers else (each.name,))
                for each in self.communities
            ]
            + admitted,
        )
        self.calls.towards, self.calls.deaf = towards, frozenset(self.callers)
        if self.scenario.relays is not None:
            called = [node for node in self.honest if node not in self.callers]
            offering = self.dice.sample(called, min(len(called), self.scenario.relays.count))
            self.relays = Relays(offering, self.scenario.relays, self.net, self.calls.apart)
            self.calls.relays, self.net.carries = self.relays, self.relays.carries
        self.calls.stations = {node.peer: node for node in (*self.nodes, *crowd)}
        if self.scenario.links.announced:
            self.places = Places(self)
            return
        for node in self.nodes:
            node.steering = Steering(node, self.calls, self.dice, [group])
            if isinstance(node, TwoFaced) and node.second is not None:
                node.second.steering = node.steering
            self.heap.after(self.dice.random(), node.steering.start)
        if crowd:
            most = max(each.besieged for each in self.scenario.crowds)
            besieged = self.honest[:most]
            self.siege = besiege(crowd, self.calls, besieged, self.honest, self.dice.random)

    def _who_only_call(self) -> list[Node]:
        """Choose the nodes that nobody can call: no two neighbours, of whom one invited the other."""
        honest, count = self.honest, round(self.scenario.links.callers * self.scenario.honest)
        if not count:
            return []
        first, half = self.dice.randrange(len(honest)), len(honest) // 2
        apart = [honest[(first + 2 * at) % len(honest)] for at in range(half)]
        return self.dice.sample(apart, min(count, half))

    def _places(self) -> list[tuple[Crowd, int]]:
        return [(each, at) for each in self.scenario.crowds for at in range(each.count)]

    def _one_of(self, crowd: Crowd, at: int) -> Node:
        """Make one of a crowd: it follows what the others do, and lies."""
        lies = partial(self._lying, self._liar(crowd.kind, 0))
        return Hollow(
            f"{crowd.kind} {at + 1}",
            self.net,
            self.ledger.signing.check,
            self.scenario.pace,
            0,
            self._watch_not,
            lies,
        )

    def _watch_not(self, node: Node, ids: Sequence[RecordId]) -> None:
        """Nobody asks what a crowd holds."""

    @property
    def honest(self) -> list[Node]:
        """The nodes that do what they should."""
        return [each for each in self.nodes[: self.scenario.honest] if each not in self.gone]

    def _watch(self, node: Node, ids: Sequence[RecordId]) -> None:
        self.held[node] += sum(map(self.ledger.public.__contains__, ids))

    # --- What goes on, and what goes wrong --------------------------------------------------------------

    def _plan(self) -> None:
        scenario = self.scenario
        work, trouble = scenario.work, scenario.trouble
        for community in self.communities:
            self._often(work.stock, partial(community.trade, self.dice, work.local))
            self._often(work.goods, partial(community.deal, self.dice))
            self._often(work.decisions, partial(community.decide, self.dice))
        self._often(trouble.cut_every, self._cut)
        self._often(trouble.crash_every, self._crash)
        for delegation in self.delegations:
            self._often(work.regions, partial(delegation.govern, self.dice))
        if self.delegations:
            self._often(trouble.recall_every, self._recall)
            self._often(trouble.misdeed_every, self._misdeed)
        if self.places is not None:
            self._often(trouble.move_every, self.places.move)
            self.places.plan_removals()
            self._often(trouble.introduce_every, self.places.introducing.introduce)
        self._often(trouble.fork_every, self._fork)
        # A backup is made about as often as one is used, so it is neither always fresh nor always old.
        self._often(trouble.restore_every, self._back_up)
        self._often(trouble.restore_every, self._restore)
        for _ in range(round(trouble.leave * scenario.honest)):
            self.heap.at(scenario.storm * self.dice.uniform(0.5, 1.0), self._leave)
        for partition in scenario.partitions:
            self.heap.at(partition.begins, partial(self._part, partition))
        if scenario.scopes:
            self.heap.at(scenario.storm / 2, self._fence)
        for at in range(PICTURES + 1):
            self.heap.at(scenario.storm * at / PICTURES, self._look)

    def _often(self, mean: float, what: Callable[[], None]) -> None:
        """Do something again and again while the storm lasts, at random times."""
        if mean > 0:
            self.heap.after(self.dice.expovariate(1 / mean), partial(self._again, mean, what))

    def _again(self, mean: float, what: Callable[[], None]) -> None:
        if not self._over:
            what()
            self._often(mean, what)

    def _cut(self) -> None:
        if not self.net.links:
            return
        link, dice = self.dice.choice([*self.net.links]), self.dice
        if "cut" not in link.stops:
            self.seen.note("cut")
            self.net.stop(link, "cut", loud=dice.random() < 0.5)
            self.heap.after(
                dice.expovariate(1 / self.scenario.trouble.cut_lasts), partial(self.net.lift, link, "cut")
            )

    def _crash(self) -> None:
        node = self.dice.choice(self.honest)
        if self.dice.random() < IN_COMMIT:
            node.doom = partial(self._fall, node)
        else:
            self._fall(node)

    def _fall(self, node: Node) -> None:
        if node.alive and not self._over:
            loud = self.dice.random() < 0.5
            node.crash(loud)
            if loud and self.relays is not None:
                self.relays.fell(node)
            lasts = self.dice.expovariate(1 / self.scenario.trouble.crash_lasts)
            self.heap.after(lasts, partial(self._come_back, node))

    def _come_back(self, node: Node) -> None:
        if not node.alive and node not in self._restoring | self.gone | self._unborn:
            node.start()

    def _be_born(self, community: Community) -> None:
        self._unborn.discard(community.node)
        self.seen.note("joined")
        community.node.start()
        community.found()

    def _leave(self) -> None:
        """Let a node leave for good that the others can do without; what only it had is lost."""
        node = self.dice.choice(self.honest)
        if len(self.honest) < 3 or node in self._unborn | self._restoring or self._cuts_off(node):
            return
        self.seen.note("left")
        before = node.ids()
        if node.alive:
            node.crash(loud=self.dice.random() < 0.5)
        self.gone.add(node)
        self.backups.pop(node, None)
        self._forget_what_is_lost(before)
        self._count_again()

    def _cuts_off(self, gone: Node) -> bool:
        """Say whether some of the honest could not reach the others without this node."""
        left = [each for each in self.honest if each is not gone]
        reached, todo = {left[0]}, [left[0]]
        while todo:
            at = todo.pop()
            for link in self.net.links:
                for one, two in ((link.one, link.two), (link.two, link.one)):
                    beyond = next((each for each in left if each is two), None)
                    if one is at and beyond is not None and beyond not in reached:
                        reached.add(beyond)
                        todo.append(beyond)
        return len(reached) < len(left)

    def _fork(self) -> None:
        """Let somebody go on from an old record at another node, best where nobody at home can see it."""
        honest, side = self.honest, self._side
        authors = [each for each in self.communities if each.node in honest]
        for community in self.dice.sample(authors, len(authors)):
            others = [each for each in honest if each is not community.node]
            beyond = [each for each in others if (each in side) != (community.node in side)]
            if community.fork(self.dice, self.dice.choice(beyond or others)):
                self.seen.note("fork")
                self.seen.counts["fork-apart"] += bool(beyond)
                # What lies in dispute is nobody's to hold any more.
                self._count_again()
                return

    def _recall(self) -> None:
        if self.dice.choice(self.delegations).recall(self.dice):
            self.seen.note("recall")
            if self._side:
                self.seen.note("recall-apart")

    def _misdeed(self) -> None:
        self.dice.choice(self.delegations).misdeed(self.dice, self.honest)

    def _back_up(self) -> None:
        node = self.dice.choice(self.honest)
        if node in self._unborn:
            return
        self.backups[node] = node.backup(), node.ids()

    def _restore(self) -> None:
        """Take a node down; a while later, when nothing of it is under way any more, it begins again from its backup."""
        node, dice = self.dice.choice(self.honest), self.dice
        if node in self.backups and node.alive and node not in self._restoring:
            self._restoring.add(node)
            node.crash(loud=dice.random() < 0.5)
            self.heap.after(RESTORE_S, partial(self._begin_again, node, dice.random() < 0.5))

    def _begin_again(self, node: Node, noticed: bool) -> None:
        if node not in self._restoring:
            return
        self._restoring.discard(node)
        self.seen.note("restore")
        before = node.ids()
        node.restore(self.backups[node][0], noticed)
        node.start()
        self._forget_what_is_lost(before)
        self._count_again()

    def _forget_what_is_lost(self, before: list[RecordId]) -> None:
        """Take out of the ledger what only one node held, and from the pens what no backup holds either."""
        honest = {id_ for node in self.honest for id_ in node.ids()}
        # What only a liar has may never be served, or may turn up again.
        liars = [*self.nodes[self.scenario.honest :], *self.seconds]
        everywhere = honest | {id_ for node in liars for id_ in node.ids()}
        if self.ledger.survey(before, honest):
            self.seen.note("lost-for-good")
        kept = {id_ for _, ids in self.backups.values() for id_ in ids}
        for community in self.communities:
            community.lose(everywhere | kept)

    def _count_again(self) -> None:
        for node in self.nodes:
            self.held[node] = sum(each in self.ledger.public for each in node.ids())

    def _part(self, partition: Partition) -> None:
        side = self.dice.sample(self.nodes, max(1, round(len(self.nodes) * partition.share)))
        self._side = side
        self.calls.sides.append(side)
        across = [link for link in self.net.links if (link.one in side) != (link.two in side)]
        for link in across:
            self.net.stop(link, "partition", loud=self.dice.random() < 0.5)
        self.apart.append((partition.begins, partition.ends))
        before = len(self.ledger.promised)
        self.heap.at(partition.ends, partial(self._heal, across, side, before))

    def _heal(self, across: list[Link], side: list[Node], before: int) -> None:
        inside = {each.scope for each in self.communities if each.node in side}
        written = {each.scope in inside for each in self.ledger.promised[before:] if not each.local}
        if len(written) == 2:
            self.seen.note("partition")
        self._side = ()
        self.calls.sides.remove(side)
        for link in across:
            self.net.lift(link, "partition")

    # --- How it goes ------------------------------------------------------------------------------------

    def live(self) -> None:
        """Live through the storm and the calm."""
        self.heap.run(self.scenario.storm / 2)
        before = {node: (node.came, node.new) for node in self.honest}
        self.heap.run(self.scenario.storm)
        came = sum(node.came - before[node][0] for node in self.honest)
        new = sum(node.new - before[node][1] for node in self.honest)
        self.copies = came / new if new else 0.0
        self._over = self.net.calm = True
        for node in self.nodes:
            if node in self._restoring:
                # Nobody comes to set it back any more: it begins again as it was.
                self._restoring.discard(node)
            self._come_back(node)
        for link in [*self.net.links]:
            for why in sorted(link.stops - {"window"}):
                self.net.lift(link, why)
        begun = self.heap.now
        if self.heap.run(begun + self.scenario.calm, self._agree, max(ASK_S, self.scenario.calm / ASKED)):
            self.took = self.heap.now - begun
        self.ledger.survey((), {id_ for node in self.honest for id_ in node.ids()})
        self._picture()
        thin = bool(self.scenario.links.profile)
        if thin:
            self.heap.run(self.heap.now + THIN_SETTLES_S)
        sent = {link: link.sent for link in self.net.links}
        quiet = THIN_QUIET_S if thin else QUIET_S
        self.heap.run(self.heap.now + quiet)
        self.quiet = quiet, max(link.sent - sent.get(link, 0) for link in self.net.links)
        if self.scenario.liars:
            # A liar that is heard again brings what it has at any moment: the others still have to tell each other of it.
            self.heap.run(self.heap.now + self.scenario.calm, self._agree, ASK_S)
        self._picture()
        if self.scenario.crowds:
            # Who mostly has links with liars may be on an island for a while, but does not stay there.
            self.heap.run(self.heap.now + ISLAND_S, lambda: not on_islands(self.honest), LOOK_S)
        # What a restore had lost a liar may have brought back meanwhile: it is promised again, and its log may be forked.
        self.ledger.survey((), {id_ for node in self.honest for id_ in node.ids()})

    def _agree(self) -> bool:
        """Say whether the honest nodes believe that they hold the same. `checks` does not believe it."""
        self._picture()
        if not all(each.has_come(self.honest) for each in self.pouring):
            return False
        if self.scenario.scopes:
            return self._agree_on_bodies()
        first: object = None
        # What a liar founded need not ever be heard of: nobody has to listen to who was struck.
        founded = {each.scope for each in self.communities[: self.scenario.honest] if not self.gone}
        for node in self.honest:
            followed = sorted(scope for scope, *_ in node.memory.following)
            if not founded <= {*followed}:
                return False
            sets = [key for key in node.memory.sets() if key[1] != 0]
            roots = (followed, sorted(Trees(node.memory).roots(sets)))
            if first is not None and roots != first:
                return False
            first = roots
        return True

    def _agree_on_bodies(self) -> bool:
        """Say the same where nodes keep different bodies: who keeps one holds the same of it, and keeps its region whole."""
        for region in self.bodies_of_communities:
            bodies = {region.scope, *(each.scope for each in region.members)}
            for member in region.members:
                if not bodies <= {scope for scope, *_ in member.node.memory.following}:
                    return False
        roots: dict[SetKey, bytes] = {}
        for node in self.honest:
            kept = {scope for scope, *_ in node.memory.following}
            trees = Trees(node.memory)
            for key, root in trees.roots(key for key in node.memory.sets() if key[0] in kept and key[1] != 0):
                if roots.setdefault(key, root) != root:
                    return False
        return True

    def bodies_of_bodies(self) -> list[Region[Home]]:
        """Return the regions, the syndicates, and the world above them if there is one."""
        return [*self.bodies_of_communities, *([self.above] if self.above is not None else ())]

    @property
    def bodies_of_communities(self) -> list[Region[Community]]:
        """The regions and the syndicates."""
        return [*self.regions, *self.syndicates]

    def title(self, scope: Scope) -> str:
        """Return what a body is called, in words."""
        called = {each.scope: each.name for each in self.communities}
        called |= {each.scope: each.name for each in self.bodies_of_bodies()}
        return called.get(scope, "a body that nobody founded")

    def note_sealed(self) -> None:
        """Count the pages after the first that are final, as the first honest node shows them."""
        view = self.honest[0].view
        for community in self.communities:
            for page in pages(view, community.scope):
                if page.number and page.status == "sealed":
                    self.seen.note("sealed")
        for region in self.bodies_of_bodies():
            view = next((each.node.view for each in region.members if each.node not in self.gone), view)
            for page in pages(view, region.scope):
                if page.number and page.status == "sealed":
                    self.seen.note(f"{region.kind}-sealed")
            if region in self.syndicates:
                self.seen.counts["allied"] += sum(
                    region.body in joined(each.node.view, each.scope) for each in region.members
                )
            finals = [row for _, row in view.scan(RESULTS, (region.scope,)) if "final" in row]
            self.seen.counts["final"] += len(finals)
            for member in region.members:
                for _, row in view.scan(VOTE_VERDICTS, (member.scope,)):
                    self.seen.counts["void"] += "void" in row

    def _look(self) -> None:
        self.growth.look(self.honest)
        self._picture()

    def _picture(self) -> None:
        now = self.heap.now
        if not self.pictures or self.pictures[-1][0] < now:
            self.pictures.append(
                (
                    now,
                    len(self.ledger.public),
                    [self.held[each] for each in self.nodes[: self.scenario.honest]],
                )
            )
