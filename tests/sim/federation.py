"""One seeded story of a federation: communities live through a rough time; then it is calm, and all must agree."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from fedsync.crdt.books.decisions import decisions
from fedsync.crdt.books.minutes import pages
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.transit import all_transfers
from fedsync.crdt.logs.seats import is_named
from fedsync.crdt.root import body_root
from fedsync.crdt.view import Draft
from fedsync.gossip.limits import MAX_BACKLOG, MAX_REFUSALS
from fedsync.records.block import claimed_genesis
from fedsync.records.ids import LogClass
from fedsync.sim.lies import Liar
from fedsync.store.places import Place
from tests.sim.houses import House, World
from tests.sim.tellers import Body, Teller

ROUGH_S = 140.0
CALM_S = 4 * 3600.0
SOON_S = 25.0
"""Links are tried again every 5 seconds, and news may have three of them to go, on slow links."""


@dataclass
class Federation:
    """Everything follows from the seed."""

    seed: int
    path: Path
    world: World = field(init=False)
    bodies: list[Body] = field(default_factory=list)
    liar: House | None = None
    twins: list[tuple[Body, Teller]] = field(default_factory=list)
    backups: list[tuple[House, Path]] = field(default_factory=list)
    calm: bool = False
    steady: bool = False
    """Links lose nothing but by being cut, as TLS does, and nobody lies to peers: then no timer is waited for."""
    took: float = -1.0

    def __post_init__(self) -> None:
        self.world = World(self.seed, self.path)
        dice = self.dice = self.world.dice
        for at in range(dice.randint(2, 4)):
            house = self.world.house(f"house{at}")
            self.bodies.append(Body(f"Body {at}", house))
            self.bodies[-1].found(dice.randint(3, 4))
        for body in self.bodies:
            body.goods.others = [each.goods for each in self.bodies]
        houses = self.honest = [body.house for body in self.bodies]
        for at in range(1, len(houses)):
            self._join(houses[at], dice.choice(houses[:at]))
        if len(houses) > 2 and dice.random() < 0.5:
            one, two = dice.sample(houses, 2)
            if not any({link.one, link.two} == {one, two} for link in self.world.links):
                self._join(one, two)
        if dice.random() < 0.2:
            house = dice.choice(houses)
            house.follow_limit = house.node.follow_limit = dice.randint(1, len(houses))
        self.steady = dice.random() < 0.5
        if not self.steady and dice.random() < 0.7:
            self._invite_a_liar()

    def _join(self, one: House, two: House) -> None:
        self.world.link(one, two, self.dice.choice([0.01, 0.05, 0.5]), self.dice.choice([1e7, 1e6, 3e4]))

    # --- Lies -------------------------------------------------------------------------------------------

    def _invite_a_liar(self) -> None:
        liar = self.liar = self.world.house("liar")
        body = Body("Liars", liar)
        body.found(3)
        self.liars = body
        for house in self.dice.sample(self.honest, self.dice.randint(1, min(2, len(self.honest)))):
            one, two = self.dice.choice([(liar, house), (house, liar)])
            self._join(one, two)
        lie = Liar(
            self.dice.choice(["withhold", "roots", "junk", "spoil", "claims"]),
            self.dice,
            lambda: sorted(log for body in self.bodies for log in body.acknowledged),
            lambda: self.world.now,
        )
        liar.tamper = lambda _, frame: lie(frame)

    # --- What people do ---------------------------------------------------------------------------------

    def work(self) -> None:
        dice = self.dice
        body = dice.choice([*self.bodies, self.liars]) if self.liar else dice.choice(self.bodies)
        teller = dice.choice(body.tellers)
        house = body.house if dice.random() < 0.7 else dice.choice(self.world.houses)
        acts = [body.trade, body.promise, body.propose, body.speak, body.reseat, body.greet, body.settle]
        dice.choices(acts, [7, 4, 2, 8, 2, 1, 2])[0](teller, house, dice)

    def equivocate(self) -> None:
        """Go on from an earlier record of one's own, at another house; and let twins write on."""
        dice = self.dice
        if self.twins and dice.random() < 0.6:
            body, teller = dice.choice(self.twins)
        else:
            body = dice.choice(self.bodies)
            teller = dice.choice(body.tellers)
            log_class = dice.choice(list(teller.ends) or [LogClass.FACTS])
            log = teller.logs[log_class].log
            house = dice.choice(self.world.houses)
            heads = house.store.logs.heads(log)
            if house.busy or not heads or len(self.twins) >= 5:
                return
            seq = dice.randint(0, heads[0].seq)
            record = house.holdings.id_at(log, (heads[0].seq, heads[0].id), seq)
            base = house.store.logs.base(log, seq + 1, record) if record else None
            if base is None or not base.signed:
                return
            teller = teller.twin(log_class, base)
            self.twins.append((body, teller))
        house = dice.choice(self.world.houses)
        # What a liar wrote is nobody's to keep: the rules on forks say how much of it stays.
        kept, body.acknowledged = body.acknowledged, {}
        dice.choice([body.trade, body.promise, body.lie, body.lie, body.propose, body.speak])(
            teller, house, dice
        )
        body.acknowledged = kept

    def courier(self) -> None:
        """Some block comes over a link whose session knows nothing of it, before what admits its author."""
        up = [link.ends for link in self.world.links if link.ends is not None]
        if not up:
            return
        one, two = self.dice.choice(up)
        end, source = self.dice.choice([(one, two.house), (two, one.house)])
        logs = [
            log for key in source.holdings.sets() for _, log, _, _ in source.holdings.items(key, b"", None)
        ]
        if logs:
            raws = source.reader.logs.raw_blocks(self.dice.choice(sorted(set(logs))))
            end.house.put(end, 1 << 60, next(iter(raws)))

    # --- What goes wrong --------------------------------------------------------------------------------

    def cut_one(self) -> None:
        self.world.cut(self.dice.choice(self.world.links))

    def weather(self) -> None:
        world, dice = self.world, self.dice
        world.loss = dice.choice([0.0, 0.0, 0.05, 0.3])
        world.duplication = dice.choice([0.0, 0.0, 0.1, 0.5])
        world.reorder = dice.choice([0.0, 0.0, 0.1, 0.5])
        world.commit_s = dice.choice([0.0, 0.03, 0.03, 1.0])
        if self.steady:
            world.loss = world.duplication = world.reorder = 0.0

    def restart(self) -> None:
        self.dice.choice(self.world.houses).restart()

    def back_up(self) -> None:
        house, path = self.dice.choice(self.honest), self.path / f"backup{len(self.backups)}"
        house.backup(path)
        self.backups.append((house, path))

    def restore(self) -> None:
        if not self.backups:
            return
        house, path = self.dice.choice(self.backups)
        house.restore(path, self.dice.random() < 0.5)
        # What only this house had is gone, and with it what was acknowledged: that is what backups are for. What
        # another house is only about to commit it may lose as well.
        for body in self.bodies:
            for log, (seq, record) in list(body.acknowledged.items()):
                if not any(each.reader.logs.holds(log, seq, record) for each in self.honest):
                    del body.acknowledged[log]
            for teller in body.tellers if self.dice.random() < 0.5 else ():
                self._lose_the_pen(teller, house)
            for teller in body.tellers if house is body.house else ():
                if teller.aside is not None:
                    self._lose_the_pen(teller.aside, house)

    def _lose_the_pen(self, teller: Teller, house: House) -> None:
        """Somebody's own tools go back with the house: what they write next forks what others hold."""
        for log_class, genesis in teller.logs.items():
            tip = house.store.logs.tip(genesis.log)
            if tip is not None:
                teller.ends[log_class] = tip
            else:
                teller.ends.pop(log_class, None)

    def trouble(self) -> None:
        if self.calm:
            return
        names = [self.work, self.equivocate, self.courier, self.cut_one, self.weather, self.restart]
        what = self.dice.choices([*names, self.back_up, self.restore], [30, 2, 1, 4, 1, 1, 0.5, 0.5])[0]
        what()
        self.world.at(self.world.now + self.dice.expovariate(1.5), self.trouble)

    def tend(self) -> None:
        """Connect what is down, now and then; settle what was moved."""
        for link in self.world.links:
            free = link.ends is None and self.world.now >= link.shunned_until
            if free and self.dice.random() < (0.9 if self.calm else 0.3):
                self.world.connect(link, self.dice.random() < 0.2 and not self.calm)
        for house in self.honest:
            directory = house.store.directory
            if not house.busy and directory.place is not Place.SAME and directory.has_pulled:
                with house.store.transaction():
                    directory.settle_old_machine_gone()
        self.world.at(self.world.now + 5.0, self.tend)

    # --- How it goes ------------------------------------------------------------------------------------

    def live(self) -> None:
        """Live through it; `took` is how long the calm took to make all equal, in seconds."""
        world = self.world
        world.at(0.0, self.tend)
        world.at(0.0, self.trouble)
        world.run(ROUGH_S)
        self.calm = True
        world.loss = world.duplication = world.reorder = 0.0
        world.commit_s = 0.03
        begun = world.now
        if world.run(CALM_S, self.equal):
            self.took = world.now - begun
            world.run(200.0)

    def equal(self) -> bool:
        """Say whether all who follow a body hold the same of it."""
        held: dict[object, bytes] = {}
        for house in self.honest:
            mine = dict(house.set_roots())
            followed = {scope for scope, _ in house.bodies()}
            for scope in followed:
                part = b"".join(root for key, root in sorted(mine.items()) if key[0] == scope)  # type: ignore[index]
                if held.setdefault(scope, part) != part:
                    return False
        return True

    def faults(self) -> list[str]:
        """Return what is not as it should be."""
        found = [] if self.took >= 0 else ["the sets are not equal"]
        if self.steady and self.took > SOON_S:
            found.append(f"it took {self.took:.1f} s on links that lose nothing")
        if not self.equal():
            found.append("the sets are not equal any more")
        shown: dict[object, tuple[str, object]] = {}
        for house in self.honest:
            for house_fault in self._house_faults(house):
                found.append(f"{house.name}: {house_fault}")
            view = house.node.state
            parts: list[tuple[tuple[str, object], object]] = []
            parts.append((("state root", house.bodies()), house.node.state_root()))
            parts.append((("transfers", house.bodies()), list(all_transfers(view))))
            for scope, _ in sorted(house.bodies()):
                parts.append((("root", scope), body_root(Draft(view), scope)))
                parts.append((("decisions", scope), decisions(view, scope)))
                parts.append((("statuses", scope), [(each.id, each.status) for each in pages(view, scope)]))
                parts.append((("stock", scope), [each for each in levels(view, scope) if not each.local]))
            for what, value in parts:
                first = shown.setdefault(what, (house.name, value))
                if first[1] != value:
                    found.append(f"{what[0]} of {house.name} is not that of {first[0]}")
        return found

    def _house_faults(self, house: House) -> list[str]:
        found = []
        logs, followed = house.store.logs, {scope for scope, _ in house.bodies()}
        for body in self.bodies:
            for log, (seq, record) in body.acknowledged.items():
                fork = logs.fork_at(log)
                disputed = fork is not None and fork <= seq and logs.row(log).genesis.log_class != 0  # type: ignore[union-attr]
                pin = logs.pinned(log)
                # The book let another branch hold, or this one only up to an earlier record.
                settled = pin is not None and (pin[0] < seq or (fork is not None and fork <= seq))
                if (
                    body.scope in followed
                    and not disputed
                    and not settled
                    and not logs.holds(log, seq, record)
                ):
                    found.append(f"record {seq} of log {log.hex()[:8]} of {body.name} is lost")
        for log in house.store.parked.logs():
            for waiting in house.store.parked.waiting(log):
                genesis = claimed_genesis(waiting.raw)
                named = genesis is not None and is_named(house.node.state, genesis.scope, genesis.key)
                if named and logs.row(log) is None:
                    found.append(f"log {log.hex()[:8]} is still parked, and its author is named")
        for body in self.bodies:
            for teller in body.tellers:
                away = teller.aside is not None and body.house is not house
                if away and logs.row(teller.put_aside().logs[LogClass.FACTS].log) is not None:
                    found.append(f"what {teller.name} keeps at home is held")
        before = house.node.state_root()
        house.node.rebuild()
        if house.node.state_root() != before:
            found.append("folding again gives another state")
        return found + self._sizes(house)

    def _sizes(self, house: House) -> list[str]:
        """Return what is still kept in memory of what should be done with."""
        found = []
        held = len(list(house.store.conn.execute("SELECT id FROM logs")))
        owners = house.engine._asked._owners
        for peer, session in house.engine._sessions.items():
            exchange, sizes = session._exchange, session.sizes
            lies = self.liar is not None and peer == self.liar.peer
            counts = {
                "blocks at the door": (sizes.taking, 0),
                "bytes that wait for room": (sizes.backlog, MAX_BACKLOG if lies else 0),
                "refusals": (sizes.refused + sizes.refused_there, 2 * MAX_REFUSALS),
                "claims to be lifted": (len(exchange._again), len(exchange.refused)),
                "logs named": (len(exchange.listed), held),
                "wishes": (0 if lies else sizes.wanted, 0),
                "tips to tell": (len(exchange.push.due), 0),
            }
            found += [f"{what}: {is_} of {most}" for what, (is_, most) in counts.items() if is_ > most]
        if self.liar is None and owners:
            found.append(f"{len(owners)} logs are still claimed")
        return found


def first_sync(seed: int, path: Path) -> float:
    """Let an empty node follow a full one over a clean link; return how many seconds it took."""
    world = World(seed, path)
    dice = world.dice
    try:
        full, empty = world.house("full"), world.house("empty")
        many, few = Body("Many", full), Body("Few", empty)
        many.found(3)
        few.found(3)
        # Pages that name further tellers lie in logs that only earlier pages admit, and facts come between them.
        for _ in range(dice.randint(1, 4)):
            drafter, crowd = dice.choice(many.tellers), dice.choice([1, 5, 40])
            assert many.seat(drafter, full, [many.newcomer() for _ in range(crowd)])
            many.introduce(many.tellers[-1], full)
        for teller in many.tellers:
            for _ in range(dice.choice([1, 1, 2, 4])):
                many.trade(teller, full, dice)
            many.introduce(teller, full)
        world.commit_s = dice.choice([0.0, 0.01, 0.05, 0.25])
        pair = (full, empty) if dice.random() < 0.5 else (empty, full)
        world.connect(world.link(*pair, dice.choice([0.001, 0.01, 0.1]), dice.choice([1e7, 1e6])))

        def equal() -> bool:
            return full.bodies() == empty.bodies() and full.set_roots() == empty.set_roots()

        world.run(600.0, equal)
        return world.now if equal() else float("inf")
    finally:
        world.close()


def main() -> None:
    """Tell one story: `python -m tests.sim.federation SEED PLACE` prints what came of it."""
    seed, place = int(sys.argv[1]), Path(sys.argv[2])
    story = Federation(seed, place)
    story.live()
    print(story.took, story.world.steps, story.world.trace.hexdigest(), story.faults())
    print([house.node.state_root().hex() for house in story.honest])
    story.world.close()


if __name__ == "__main__":
    main()
