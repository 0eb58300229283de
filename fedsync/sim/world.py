"""A federation that lives through a scenario: first a storm, then a calm in which all must come to the same."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

from fedsync.records.ids import LogId, RecordId
from fedsync.sim.agreeing import agree, agree_on_bodies
from fedsync.sim.bodies import Bodies
from fedsync.sim.calling import Calls, Steering
from fedsync.sim.choosing import admitted, everybody, who_only_call
from fedsync.sim.finding import Finding
from fedsync.sim.growth import Growth
from fedsync.sim.heap import Heap
from fedsync.sim.laying import lay, lay_to_liar
from fedsync.sim.ledger import Ledger
from fedsync.sim.links import Net
from fedsync.sim.lives import Lives
from fedsync.sim.node import Node
from fedsync.sim.places import Places
from fedsync.sim.population import Population
from fedsync.sim.pouring import Pouring
from fedsync.sim.progress import Progress
from fedsync.sim.rare import Seen
from fedsync.sim.regions import Delegation
from fedsync.sim.relaying import Relays
from fedsync.sim.roads import Roads
from fedsync.sim.scenario import Scenario
from fedsync.sim.severing import Severing
from fedsync.sim.siege import LOOK_S, Watch, besiege, on_islands
from fedsync.sim.signing import Signing
from fedsync.sim.twofaced import TwoFaced, towards

PICTURES: Final = 120
"""Moments of a storm at which is noted how far each node is."""
ASKED: Final = 300
"""In the calm all are compared so many times, if it takes that long."""
ASK_S: Final = 2.0
"""But at most so often, in seconds."""
ISLAND_S: Final = 900.0
"""For so long, in seconds, nodes that a crowd keeps busy may be on an island after all else is well."""
QUIET_S: Final = 600.0
"""After all have come to the same nothing is written for so long, to see what silence costs."""
THIN_SETTLES_S: Final = 2 * 3600.0
THIN_QUIET_S: Final = 24 * 3600.0
"""The same of thin links, on which signs of life are rare: a day, which begins two hours later."""


class World:
    """Everything follows from the scenario and the seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.dice = Random(f"{scenario.name} {seed}")
        self.heap, self.seen, self.ledger = Heap(), Seen(), Ledger()
        laid = Roads if scenario.links.profile else Net
        self.net: Net = laid(self.heap, self.dice, self.seen, scenario.links)
        self.progress = Progress(self.ledger, scenario.honest)
        self.took: float | None = None
        """Seconds of calm until all were the same."""
        self.quiet: tuple[float, int] = (0.0, 0)
        """Seconds in which nothing happened, and the bytes sent in them on the busiest link."""
        self.copies = 0.0
        """How often a block came to an honest node, on average over the second half of the storm."""
        self.rulings: dict[LogId, set[RecordId]] = {}
        """For the checks: what holds of logs of which a page names a record."""
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
        self._over = False
        self.ledger.signing = Signing(scenario.signatures)
        self.population = Population(scenario, self.net, self.ledger, self.progress.watch)
        self.communities, self.nodes = self.population.communities, self.population.nodes
        self.progress.begin(self.nodes)
        trouble = scenario.trouble
        self.severing = Severing(self.net, self.calls.sides, self.communities, self.ledger, trouble.cut_lasts)
        self.lives = Lives(
            self.net, self.communities, scenario.honest, self.population.faces, self.ledger, self.progress, trouble.crash_lasts
        )  # fmt: skip
        for community in self.communities:
            community.goods.others = [each.goods for each in self.communities]
            if self.dice.random() < trouble.late:
                self.lives.found_later(community, self.dice.random() * scenario.storm / 2)
            else:
                community.found()
        self.bodies = Bodies(scenario, self.communities, self.seen)
        for each in self.bodies.delegations:
            self._seals.setdefault(each.home.node, []).append(each)
        for node in self.nodes:
            node.settled = partial(self._seal_soon, node)
        if scenario.scopes:
            # Who lies keeps whatever is announced, and so claims to follow everything.
            self.net.lying = frozenset(node.peer for node in self.nodes if node.lies is not None)
            self.bodies.scope()
        if scenario.shares is not None:
            for community in self.communities:
                community.node.limit(scenario.shares, community.scope)
        self._join()
        self.growth = Growth(len(self.nodes) + len(self.crowd) - 1)
        self._plan()
        self.pouring = [
            Pouring(community, self.heap, self.dice, self.seen, scenario.shares.author, scenario.storm)
            for community in self.population.pouring
            if scenario.shares is not None
        ]
        """Communities that write far more than others take."""

    # --- Making -----------------------------------------------------------------------------------------

    def _seal_soon(self, node: Node) -> None:
        """Let a node seal what it may, once it has seen something that bears on a book."""
        if isinstance(node.steering, Finding):
            node.steering.soon()
        for delegation in self._seals.get(node, ()):
            if not delegation.planned:
                delegation.planned = True
                self.heap.after(self.scenario.pace.commit, delegation.seal)

    def _join(self) -> None:
        """Lay links, or let nodes choose them."""
        if self.scenario.links.shape == "overlay":
            self._steer()
            return
        nature, honest = self.scenario.links, self.honest
        near = [{each.node for each in members} for members in self.bodies.near()]
        lay(self.net, nature.shape, nature.more, honest, near)
        for liar in self.nodes[self.scenario.honest :]:
            lay_to_liar(self.net, liar, honest)

    def _steer(self) -> None:
        """Let the nodes choose their links by themselves, among all that there are."""
        scenario = self.scenario
        self.callers = who_only_call(self.honest, scenario.links.callers, self.dice)
        known = []
        for of in scenario.crowds:
            crowd = self.population.crowd(of)
            self.crowd += crowd
            known += [admitted(node, f"{of.kind} {at % of.bodies}") for at, node in enumerate(crowd)]
        group = everybody(scenario.name, self.communities, self.callers, scenario.relays is not None, known)
        self.calls.towards, self.calls.deaf = towards, frozenset(self.callers)
        if scenario.relays is not None:
            called = [node for node in self.honest if node not in self.callers]
            offering = self.dice.sample(called, min(len(called), scenario.relays.count))
            self.relays = Relays(offering, scenario.relays, self.net, self.calls.apart)
            self.calls.relays, self.net.carries = self.relays, self.relays.carries
            self.lives.fell = self.relays.fell
        self.calls.stations = {node.peer: node for node in (*self.nodes, *self.crowd)}
        if scenario.links.announced:
            self.places = Places(self)
            return
        for node in self.nodes:
            node.steering = Steering(node, self.calls, self.dice, [group])
            if isinstance(node, TwoFaced) and node.second is not None:
                node.second.steering = node.steering
            self.heap.after(self.dice.random(), node.steering.start)
        if self.crowd:
            most = max(each.besieged for each in scenario.crowds)
            besieged = self.honest[:most]
            self.siege = besiege(self.crowd, self.calls, besieged, self.honest, self.dice.random)

    @property
    def honest(self) -> list[Node]:
        """The nodes that do what they should."""
        return self.lives.honest

    # --- What goes on, and what goes wrong --------------------------------------------------------------

    def _plan(self) -> None:
        scenario = self.scenario
        work, trouble = scenario.work, scenario.trouble
        for community in self.communities:
            self._often(work.stock, partial(community.trade, self.dice, work.local))
            self._often(work.goods, partial(community.deal, self.dice))
            self._often(work.decisions, partial(community.decide, self.dice))
        self._often(trouble.cut_every, self.severing.cut)
        self._often(trouble.crash_every, self.lives.crash)
        for delegation in self.bodies.delegations:
            self._often(work.regions, partial(delegation.govern, self.dice))
        if self.bodies.delegations:
            self._often(trouble.recall_every, self._recall)
            self._often(trouble.misdeed_every, self._misdeed)
        if self.places is not None:
            self._often(trouble.move_every, self.places.move)
            self.places.plan_removals()
            self._often(trouble.introduce_every, self.places.introducing.introduce)
        self._often(trouble.fork_every, self._fork)
        # A backup is made about as often as one is used, so it is neither always fresh nor always old.
        self._often(trouble.restore_every, self.lives.back_up)
        self._often(trouble.restore_every, self.lives.restore)
        for _ in range(round(trouble.leave * scenario.honest)):
            self.heap.at(scenario.storm * self.dice.uniform(0.5, 1.0), self.lives.leave)
        for partition in scenario.partitions:
            self.heap.at(partition.begins, partial(self.severing.part, partition))
        if scenario.scopes:
            self.heap.at(scenario.storm / 2, partial(self.bodies.fence, self.net))
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

    def _fork(self) -> None:
        """Let somebody go on from an old record at another node, best where nobody at home can see it."""
        honest, side = self.honest, self.severing.side
        authors = [each for each in self.communities if each.node in honest]
        for community in self.dice.sample(authors, len(authors)):
            others = [each for each in honest if each is not community.node]
            beyond = [each for each in others if (each in side) != (community.node in side)]
            if community.fork(self.dice, self.dice.choice(beyond or others)):
                self.seen.note("fork")
                self.seen.counts["fork-apart"] += bool(beyond)
                # What lies in dispute is nobody's to hold any more.
                self.progress.count_again()
                return

    def _recall(self) -> None:
        if self.dice.choice(self.bodies.delegations).recall(self.dice):
            self.seen.note("recall")
            if self.severing.side:
                self.seen.note("recall-apart")

    def _misdeed(self) -> None:
        self.dice.choice(self.bodies.delegations).misdeed(self.dice, self.honest)

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
        self.lives.end_trouble()
        self.severing.mend()
        begun = self.heap.now
        if self.heap.run(begun + self.scenario.calm, self._agree, max(ASK_S, self.scenario.calm / ASKED)):
            self.took = self.heap.now - begun
        self.ledger.survey((), {id_ for node in self.honest for id_ in node.ids()})
        self.progress.picture(self.heap.now)
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
        self.progress.picture(self.heap.now)
        if self.scenario.crowds:
            # Who mostly has links with liars may be on an island for a while, but does not stay there.
            self.heap.run(self.heap.now + ISLAND_S, lambda: not on_islands(self.honest), LOOK_S)
        # What a restore had lost a liar may have brought back meanwhile: it is promised again, and its log may be forked.
        self.ledger.survey((), {id_ for node in self.honest for id_ in node.ids()})

    def _agree(self) -> bool:
        """Say whether the honest nodes believe that they hold the same."""
        self.progress.picture(self.heap.now)
        if not all(each.has_come(self.honest) for each in self.pouring):
            return False
        if self.scenario.scopes:
            return agree_on_bodies(self.honest, self.bodies.of_communities)
        # What a liar founded need not ever be heard of: nobody has to listen to who was struck.
        founded = {each.scope for each in self.communities[: self.scenario.honest] if not self.lives.gone}
        return agree(self.honest, founded)

    def _look(self) -> None:
        self.growth.look(self.honest)
        self.progress.picture(self.heap.now)
