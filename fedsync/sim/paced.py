"""Whether nodes took no more than the shares they were given, and let nobody's word wait behind a flood: from the disks alone.

A disk says of each block what the clock showed when it was taken. How much of each author came in each hour is added
up from that, and how long the word of others was on its way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from fedsync.records.ids import Key, LogClass, Reach, RecordId
from fedsync.sim.disk import Kept
from fedsync.sim.node import NOON, Node
from fedsync.sim.plainread import Run
from fedsync.sim.shelves import Reader, Shelf, Shelves
from fedsync.sim.world import World

HOUR_MS: Final = 3_600_000
"""What a share is counted over, in ms."""
RUN_RECORDS: Final = 128
"""Records of a block, at most (docs/record-format.md)."""
FOUNDED_S: Final = 120.0
"""From then on everybody follows everybody, in seconds, and no word waits for a page that names its author."""
PROMPT_S: Final = 60.0
"""Within so many seconds the word of whoever does not flood passes all doors: it may have to be asked for once more."""


def paced(world: World, reader: Reader, shelves: Shelves) -> Iterator[str]:
    """Nobody brought in more than a share, and nobody else had to wait for that."""
    if world.scenario.shares is None:
        return
    for node, shelf in shelves.items():
        yield from _within(world, node, shelf)
    others = {node: reader.read(node) for node in world.nodes if node not in shelves}
    yield from _all_of_it(world, shelves, others)
    if _untroubled(world):
        yield from _prompt(world, shelves, others)


def _within(world: World, node: Node, shelf: Shelf) -> Iterator[str]:
    """What came of one author in an hour is a share, and the block with which that was full; a crash may forget a count."""
    assert world.scenario.shares is not None
    own = next(each.scope for each in world.communities if each.node is node)
    came: Counter[tuple[Key, bool, int]] = Counter()
    for run, entry in _taken(node, shelf):
        of = run.of
        if not entry.own and of.scope != own:
            room = of.log_class is LogClass.AUTHORITY
            came[of.key, room, entry.wall // HOUR_MS] += len(run.records)
    for (key, _, hour), count in came.items():
        begun = sum(wall // HOUR_MS == hour for wall in node.begun)
        most = (world.scenario.shares.author + RUN_RECORDS) * (1 + begun)
        if count > most:
            yield f"{node.name} took {count} records of author {key.hex()[:8]} within an hour; {most} may be"


def _all_of_it(world: World, shelves: Shelves, others: Shelves) -> Iterator[str]:
    """What had to wait came in the end: all that lies where the flood was written."""
    for pouring in world.pouring:
        scope = pouring.community.scope
        for log, chain in others[pouring.community.node].chains.items():
            of = others[pouring.community.node].logs[log]
            if of.scope != scope or of.reach is Reach.LOCAL:
                continue
            for node, shelf in shelves.items():
                missing = [seq for seq, ids in chain.items() if not ids <= shelf.chains[log][seq]]
                if missing:
                    yield f"{node.name} lacks {len(missing)} records of log {log.hex()[:8]}, of which it took a share an hour"


def _prompt(world: World, shelves: Shelves, others: Shelves) -> Iterator[str]:
    """What is of authority, and all that the honest write, comes to everybody soon after it was written."""
    honest = {each.scope for each in world.communities[: world.scenario.honest]}
    written: dict[RecordId, float] = {}
    came: dict[Node, dict[RecordId, float]] = defaultdict(dict)
    for node, shelf in (shelves | others).items():
        for run, entry in _taken(node, shelf):
            of = run.of
            if of.reach is Reach.LOCAL or (of.log_class is not LogClass.AUTHORITY and of.scope not in honest):
                continue
            at = (entry.wall - node.offset - NOON) / 1000
            for each in run.records:
                came[node].setdefault(each.id, at)
                if entry.own:
                    written[each.id] = at
    for node in shelves:
        for id_, at in came[node].items():
            since = written.get(id_, at)
            if since > FOUNDED_S and at - since > PROMPT_S:
                yield f"a record that is nobody's flood came to {node.name} after {at - since:.0f} s; {PROMPT_S:.0f} s may pass"
                break


def _taken(node: Node, shelf: Shelf) -> Iterator[tuple[Run, Kept]]:
    """Yield each block on a disk with what is written beside it."""
    return zip(shelf.runs, (each for each in node.disk.entries if isinstance(each, Kept)), strict=True)


def _untroubled(world: World) -> bool:
    """Say whether nothing else keeps a word waiting: no cut, no crash, no bad link."""
    scenario = world.scenario
    trouble, links = scenario.trouble, scenario.links
    failing = (
        trouble.cut_every or trouble.crash_every or trouble.restore_every or trouble.late or trouble.leave
    )
    rough = links.loss or links.bursts or links.windows or links.profile or links.brief
    return not (failing or rough or scenario.partitions)
