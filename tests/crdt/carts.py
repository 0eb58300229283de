"""What the tests of transfers share: bodies with logs of plans and facts, manifests, movements, and random ones."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from fedsync.crdt.goods.transit import all_transfers
from fedsync.crdt.logs.contents import CONTENTS
from fedsync.crdt.logs.counting import Counting
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, Reach, RecordId, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft
from tests.crdt.granary import ALDER, ANN, BIRCH, CELLAR, GRANARY, NOON, OATS, WHEAT, Node, genesis
from tests.crdt.naive_transfers import Line, Ways
from tests.sealing import seal

CEDAR = Scope(b"cedar" + bytes(11))
BEN = private_key(b"b" * 32)
LOT = b"lot of last May".ljust(32, b".")
NOWHERE = RecordId(b"no such transfer".ljust(32, b"."))


class Cart(Node):
    """A node that folds plans and facts of several bodies."""

    def __post_init__(self) -> None:
        """Count by what this node's books say."""
        super().__post_init__()
        self.counting = Counting(self.bound, CONTENTS)

    def ways(self) -> Ways:
        """Return each line of each transfer that is known."""
        return {
            each.id: {
                (line.item, line.lot): Line(
                    line.announced,
                    line.picked,
                    line.received,
                    line.returned,
                    line.lost,
                    line.settled,
                    line.in_transit,
                    line.stage.value,
                )
                for line in each.lines
            }
            for each in all_transfers(self.view)
        }

    def line(self, transfer: bytes, item: bytes = WHEAT, lot: bytes = b"") -> Line:
        """Return one line."""
        return self.ways()[transfer][item, lot]


def manifest(
    quantity: int = 350,
    provider: Value = ALDER,
    receiver: Value = BIRCH,
    item: bytes = WHEAT,
    **more: Value,
) -> Draft:
    """Return a manifest of one line, or of `lines`."""
    lines: list[Value] = [{"resource_conforms_to": item, "quantity": quantity}]
    return Draft("transfer", {"provider": provider, "receiver": receiver, "lines": lines, **more}, NOON)


def cancelled(transfer: bytes) -> Draft:
    """Return the word that a transfer will not come."""
    return Draft("transfer", {"cancels": transfer}, NOON)


def carried(
    action: str, quantity: int, transfer: bytes, store: bytes | None = GRANARY, **more: Value
) -> Draft:
    """Return a movement under a transfer; of what is lost on the way give no store."""
    value: dict[str, Value] = {
        "action": action,
        "quantity": quantity,
        "resource_conforms_to": WHEAT,
        "has_point_in_time": NOON,
        "transfer": transfer,
        **more,
    }
    return Draft("economic_event", value if store is None else {**value, "store": store}, NOON)


def lost(quantity: int, transfer: bytes, reason: str = "spoiled", **more: Value) -> Draft:
    """Return a loss on the way."""
    return carried("lower", quantity, transfer, None, reason=reason, **more)


def missing(quantity: int, transfer: bytes, reason: str = "lost", **more: Value) -> Draft:
    """Return a side's word on what is missing."""
    value: dict[str, Value] = {
        "transfer": transfer,
        "resource_conforms_to": WHEAT,
        "quantity": quantity,
        "reason": reason,
        **more,
    }
    return Draft("discrepancy", value, NOON)


def plans(
    name: str, scope: Scope, *drafts: Draft, reach: Reach = Reach.REGION, who: PrivateKey = ANN
) -> list[Block]:
    """Return a log of plans, in blocks of one record each."""
    return _chain(who, genesis(name, scope, LogClass.PLANS, reach), drafts)


def facts(
    name: str, scope: Scope, *drafts: Draft, reach: Reach = Reach.REGION, who: PrivateKey = ANN
) -> list[Block]:
    """Return a log of facts, in blocks of one record each."""
    return _chain(who, genesis(name, scope, reach=reach), drafts)


def _chain(who: PrivateKey, begins: Genesis, drafts: Iterable[Draft]) -> list[Block]:
    begins = replace(begins, key=public_key(who))
    found = seal(who, begins, None, [])
    for draft in drafts:
        last = found[-1]
        found += seal(who, begins, Base(begins, last.last, last.tip, START), [draft])
    return found


def random_logs(random: Random, records: int) -> list[list[Block]]:
    """Return logs of three bodies that announce, carry, lose and disagree at random, sense or not."""
    bodies = [ALDER, BIRCH, CEDAR]
    announced: dict[str, list[Draft]] = {}
    for at in range(max(2, records // 8)):
        scope = random.choice(bodies)
        announced.setdefault(f"plans of {scope!r} {random.randrange(2)}", []).append(
            _random_manifest(random, scope, at)
        )
    logs = [
        plans(name, next(scope for scope in bodies if repr(scope) in name), *drafts)
        for name, drafts in announced.items()
    ]
    ids = [block.tip for log in logs for block in log[1:]]
    # Some are called off, by who announced them or by somebody else, known or not.
    for at, scope in enumerate(bodies):
        off = [cancelled(random.choice([NOWHERE, *ids])) for _ in range(random.randrange(3))]
        logs.append(plans(f"second thoughts {at}", scope, *off))
    known = [NOWHERE, *random.sample(ids, min(len(ids), 3))]
    told: dict[tuple[Scope, int], list[Draft]] = {}
    for _ in range(records):
        told.setdefault((random.choice(bodies), random.randrange(2)), []).append(_random_fact(random, known))
    return logs + [
        facts(f"facts {at}", scope, *drafts, who=random.choice((ANN, BEN)))
        for (scope, at), drafts in told.items()
    ]


def _random_manifest(random: Random, scope: Scope, at: int) -> Draft:
    parties: list[Value] = [ALDER, BIRCH, CEDAR, scope, "Free kitchen"]
    lines: list[Value] = []
    for _ in range(random.randint(1, 3)):
        line: dict[str, Value] = {
            "resource_conforms_to": random.choice([WHEAT, OATS]),
            "quantity": random.randint(0, 9),
        }
        lines.append({**line, "lot": LOT} if random.random() < 0.3 else line)
    more: dict[str, Value] = {"due": at}
    if random.random() < 0.5:
        more |= {"store": GRANARY, "to": random.choice([CELLAR, CELLAR, GRANARY])}
    if random.random() < 0.3:
        more["carrier"] = random.choice([public_key(ANN), "Karl"])
    provider, receiver = random.choice(parties), random.choice(parties)
    return Draft("transfer", {"provider": provider, "receiver": receiver, "lines": lines, **more}, NOON)


def _random_fact(random: Random, known: Sequence[RecordId]) -> Draft:
    transfer = random.choice(known)
    more: dict[str, Value] = {"resource_conforms_to": random.choice([WHEAT, WHEAT, OATS])}
    if random.random() < 0.3:
        more["lot"] = LOT
    quantity = random.randint(0, 6)
    match random.randrange(6):
        case 0 | 1:
            return carried("pickup", quantity, transfer, random.choice([GRANARY, CELLAR]), **more)
        case 2 | 3:
            return carried("dropoff", quantity, transfer, random.choice([GRANARY, CELLAR]), **more)
        case 4:
            return lost(quantity, transfer, random.choice(["spoiled", "stolen"]), **more)
        case _:
            return missing(random.randint(0, 2), transfer, "lost", **more)
