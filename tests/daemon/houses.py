"""The regions of Italy as so many real daemons, which take in their real movements while links are cut and power fails.

Each region is a home, a body and a store of its own. What must lie everywhere in the end is added up from the file alone.
"""

import argparse
import csv
import gzip
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NoReturn

from fedsync.acts import inviting
from fedsync.acts.author import now_ms
from fedsync.acts.goods.importing import digest, read_lines, read_map
from fedsync.acts.goods.recording import record_lines
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.root import body_root
from fedsync.crdt.view import Draft
from fedsync.data import regions
from fedsync.gossip.invite import Address
from fedsync.reading import Reading
from tests.daemon.village import SOON, Node, Village, command, environment, until
from tests.stock.italy import ACTIONS, FILE

MAP = """
[columns]
at = "at"
quantity = "doses"
action = "what"
note = "product"
store = "region"

[defaults]
item = "Vaccine"
unit = "doses"

[actions]
receive = ["raise", "raise"]
return = ["lower", "lower"]
consume = "consume"
"""
HEADS = ("at", "region", "what", "product", "doses")
CHORDS = 3
"""One more link beside the tree for so many regions: then some cuts part nothing, and some part much."""
CUT, BACK, DOWN, UP = 0.3, 0.3, 0.15, 0.5
"""How often in a round a link is cut or comes back, and a daemon is killed or starts again."""
STRUCK = 5
"""One of so many regions loses its power in the middle of an import, in each round."""
AT_WORK = 1.2
"""Seconds within which that happens: a command needs about half of them."""
AT_SIGHT = 0.5
"""How often it happens as soon as something is recorded: then it may be recorded, and nobody was told."""
LOOK = 0.01
"""Seconds between two looks whether something is recorded."""
CALM = 240.0
"""Seconds within which 21 daemons agree on a slow machine once nobody disturbs them any more."""
MISTAKE = "fedsync made a mistake"
TAKEN_BEFORE = "taken_before"
"""The code by which a second import of the same is refused: the first one was taken, whoever lost the answer."""

Moved = tuple[str, str, int]
"""An action, a day and product, a number of doses: what the file says of a movement in a region."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of the file that a region takes in at once."""

    rows: tuple[dict[str, str], ...]

    def write(self, path: Path) -> Path:
        """Write them as a table that `stock import` takes."""
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(HEADS)
            for row in self.rows:
                at, doses = f"{row['date']}T12:00:00+00:00", abs(int(row["delta_doses"]))
                out.writerow([at, row["region"], row["action"], row["product"], doses])
        return path


def moved(row: dict[str, str]) -> Moved:
    """Return what a line of the file says, for comparing."""
    return ACTIONS[row["action"]], f"{row['date']} {row['product']}".strip(), abs(int(row["delta_doses"]))


def lines_of(codes: Iterable[str], most: int | None) -> dict[str, list[dict[str, str]]]:
    """Return the file's lines of these regions, the first `most` of each."""
    found: dict[str, list[dict[str, str]]] = {code: [] for code in codes}
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["region"] in found and (most is None or len(found[row["region"]]) < most):
                found[row["region"]].append(row)
    return found


class Houses:
    """So many regions, each with its daemon, and what a seeded die does to them."""

    def __init__(
        self,
        village: Village,
        seed: int,
        number: int,
        rounds: int,
        most: int | None,
        say: Callable[[str], None],
    ) -> None:
        self.die, self.village, self.say = Random(seed), village, say
        self.rounds, self.done = rounds, Counter[str]()
        self.map = write_map(village)
        names = dict(list(regions().items())[:number])
        self.lines = lines_of(names, most)
        self.nodes: dict[str, Node] = {}
        for code, name in names.items():
            self.nodes[code] = Node(village.path / code, name)
            village.nodes.append(self.nodes[code])
        self.links: list[tuple[str, str]] = []
        self.cut: set[tuple[str, str]] = set()
        self.left: dict[str, list[Part]] = {code: [] for code in names}
        self.missed: dict[str, Part] = {}
        """What a command that died with its daemon may have recorded or not."""

    # --- The beginning ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start all, and join them: a tree in which each knows somebody who was there before, and a few links more."""
        for node in self.nodes.values():
            node.start(wait=False)
        addresses = {code: node.wait_ready() for code, node in self.nodes.items()}
        codes = list(self.nodes)
        self.links = [(self.die.choice(codes[:at]), code) for at, code in enumerate(codes) if at]
        for _ in range(len(codes) // CHORDS):
            one, other = sorted(self.die.sample(codes, 2), key=codes.index)
            if (one, other) not in self.links:
                self.links.append((one, other))
        for one, other in self.links:
            join(self.nodes[one], addresses[one], self.nodes[other], addresses[other])
        self.say(f"{len(codes)} daemons, joined by {len(self.links)} links: {_named(self.links)}")

    # --- Trouble ------------------------------------------------------------------------------------------

    def trouble(self) -> None:
        """Play all rounds: in each, all take in a part of their movements, while links and daemons come and go."""
        for code, rows in self.lines.items():
            size = -(-len(rows) // self.rounds)
            self.left[code] = [Part(tuple(rows[at : at + size])) for at in range(0, len(rows), size)]
        for number in range(1, self.rounds + 1):
            self._links()
            struck = self.die.sample(list(self.nodes), max(1, len(self.nodes) // STRUCK))
            for code in self.die.sample(list(self.nodes), len(self.nodes)):
                self._power(code)
                self._missed(code)
                if not self.left[code]:
                    continue
                part = self.left[code].pop(0)
                if code in struck:
                    self._import_and_strike(code, part)
                else:
                    self._import(code, part)
            down = [code for code, node in self.nodes.items() if not node.alive]
            held = {node.records() for node in self.nodes.values()}
            self.done["rounds apart"] += len(held) > 1
            self.say(
                f"Round {number}: cut {_named(sorted(self.cut)) or 'none'}; down {' '.join(down) or 'none'}; "
                f"between {min(held):,} and {max(held):,} records"
            )

    def _links(self) -> None:
        for link in self.links:
            if link in self.cut and self.die.random() < BACK:
                self._pause(link, False)
            elif link not in self.cut and self.die.random() < CUT:
                self._pause(link, True)

    def _pause(self, link: tuple[str, str], paused: bool) -> None:
        """Cut a link or bring it back, at each end that can be asked: where no daemon runs, when it does again."""
        for one, other in (link, link[::-1]):
            if self.nodes[one].alive:
                self.nodes[one].call("pause_peer", name=self.nodes[other].name, paused=paused)
        (self.cut.add if paused else self.cut.discard)(link)
        self.done["cuts" if paused else "cuts healed"] += 1

    def _power(self, code: str) -> None:
        node = self.nodes[code]
        if not node.alive and self.die.random() < UP:
            self._start(code)
        elif node.alive and self.die.random() < DOWN:
            self._kill(node)

    def _start(self, *codes: str) -> None:
        """Start daemons again; what was said of their links meanwhile is told them."""
        for code in codes:
            self.nodes[code].start(wait=False)
        for code in codes:
            self.nodes[code].wait_ready()
            for link in self.links:
                if code in link:
                    other = self.nodes[link[0] if link[1] == code else link[1]]
                    self.nodes[code].call("pause_peer", name=other.name, paused=link in self.cut)
        self.done["restarts"] += len(codes)

    def _kill(self, node: Node) -> None:
        """Pull the plug, and look whether all is still there that was durable before."""
        before = tips(node)
        node.kill()
        after = tips(node)
        lost = [log.hex() for log, seq in before.items() if after.get(log, -1) < seq]
        assert not lost, f"{node.name} lost what it had shown, of {lost}"
        self.done["kills"] += 1

    def _import(self, code: str, part: Part) -> None:
        node = self.nodes[code]
        self.done["imports" if node.alive else "imports without a daemon"] += 1
        take_in(node, self.die.choice(node.tellers), part, self.map)

    def _import_and_strike(self, code: str, part: Part) -> None:
        """Let the power fail while a command imports: it dies, and the daemon with it."""
        node = self.nodes[code]
        if not node.alive:
            self._start(code)
        before, at_sight = node.records(), self.die.random() < AT_SIGHT
        end = time.monotonic() + self.die.random() * AT_WORK
        process = subprocess.Popen(
            self._command(code, part), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        while process.poll() is None and time.monotonic() < (end if not at_sight else end + SOON):
            if at_sight and node.records() > before:
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
        answered = process.poll()
        process.kill()
        self._kill(node)
        out, said = process.communicate()
        assert not answered, (node.name, out, said)
        if answered is None:
            self.missed[code] = part
            self.done["imports struck in the middle"] += 1
        else:
            # Who was told that it is recorded finds it, whatever the power does.
            assert node.records() >= before + len(part.rows), f"{node.name} lost what it said is recorded"
            self.done["imports struck just after"] += 1

    def _missed(self, code: str) -> None:
        """Type again what nobody was told of: it is taken once, whether or not it had been."""
        if code not in self.missed:
            return
        part, node = self.missed.pop(code), self.nodes[code]
        done = subprocess.run(
            self._command(code, part), capture_output=True, text=True, env=environment(), check=False
        )
        if done.returncode:
            assert json.loads(done.stdout)["error"]["code"] == TAKEN_BEFORE, (node.name, done)
            self.done["struck imports that were recorded"] += 1

    def _command(self, code: str, part: Part) -> list[str]:
        file = part.write(self.village.path / f"{code}.csv")
        node = self.nodes[code]
        words = "stock", "import", file, "--columns", self.map, "--as", node.tellers[0], "--json"
        return command(node.home.path, *words)

    # --- The end ------------------------------------------------------------------------------------------

    def calm(self) -> float:
        """Put everything right; return how many seconds passed from the last act until all agree."""
        self._start(*(code for code, node in self.nodes.items() if not node.alive))
        for code in self.nodes:
            self._missed(code)
        for link in sorted(self.cut):
            self._pause(link, False)
        began = time.monotonic()
        until(self._agree, CALM, self._told)
        return time.monotonic() - began

    def _agree(self) -> bool:
        one, *others = self.nodes.values()
        # How many they hold is quicker told than what state they show.
        held = one.records()
        return all(each.records() == held for each in others) and all(
            each.root() == root for root in (one.root(),) for each in others
        )

    def _told(self) -> str:
        return "\n".join(
            f"{node.name}: {node.records()} records, {node.root()[:16]}; {node.said().splitlines()[-3:]}"
            for node in self.nodes.values()
        )

    def check(self) -> int:
        """Look at every node: each body has the same root, and each store holds what the file says. Return how many movements."""
        shown = {node.name: shown_at(node) for node in self.nodes.values()}
        wrong = faults({self.nodes[code].name: rows for code, rows in self.lines.items()}, shown)
        assert not wrong, "\n".join(wrong)
        some = self.die.choice(list(self.nodes.values()))
        assert some.call("rebuild")["after"] == some.root()
        assert some.stop() == 0
        some.run("verify", "--all")
        return sum(map(len, self.lines.values()))


def write_map(village: Village) -> Path:
    """Write down what the columns of the file hold, for `stock import`."""
    path = village.path / "map.toml"
    path.write_text(MAP, encoding="utf-8")
    return path


def take_in(node: Node, teller: str, part: Part, map_file: Path) -> None:
    """Import a part as the command does, without a process for it."""
    lines, wrong = read_lines(part.write(map_file.with_name("part.csv")), read_map(map_file), now_ms())
    assert not wrong, wrong
    with node.pen(teller) as (author, reading, door):
        record_lines(author, reading, door, lines, digest(lines))


def join(one: Node, at: str, other: Node, other_at: str) -> None:
    """Let `one` invite `other`, at these addresses; both daemons run."""
    host, _, port = at.rpartition(":")
    with one.pen(one.tellers[0]) as (_, reading, door):
        to = [Address(host, int(port))]
        invitation = inviting.invite(one.home, reading, door, other.name, to, days=1)
    other.call("join", code=invitation.code(), addresses=[other_at])


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node shows of each body, by name."""

    roots: dict[str, bytes]
    stock: Counter[str]
    movements: dict[str, Counter[Moved]]


def faults(lines: Mapping[str, Sequence[dict[str, str]]], shown: Mapping[str, Shown]) -> list[str]:
    """Return what is not as the file has it, or not the same at all nodes."""
    found = []
    first = next(iter(shown.values())).roots
    for at, each in shown.items():
        if set(each.roots) != set(lines):
            found.append(f"{at} knows {sorted(each.roots)}")
            continue
        for name, rows in lines.items():
            if each.roots[name] != first[name]:
                found.append(f"{at} shows another state of {name} than others")
            told, there = Counter(map(moved, rows)), each.movements[name]
            if there != told:
                found.append(
                    f"{at} lacks {dict(told - there)} of {name}, and has {dict(there - told)} too much"
                )
            lies = sum(int(row["delta_doses"]) for row in rows)
            if each.stock[name] != lies:
                found.append(f"{at} shows {each.stock[name]} in {name}, where {lies} lie")
    return found


def shown_at(node: Node) -> Shown:
    """Return what a node shows: the stock as it folds it, and the movements as its blocks have them."""
    with Reading.open(node.home) as reading:
        names = {each.scope: reading.name_of(each.scope) for each in reading.store.followed.all()}
        roots = {name: body_root(Draft(reading.view), scope) for scope, name in names.items()}
        stock = Counter[str]()
        for level in levels(reading.view):
            stock[names[level.scope]] += level.on_hand
        movements: dict[str, Counter[Moved]] = {name: Counter() for name in names.values()}
        for _, block in reading.store.since(0):
            for record in block.records():
                value = record.value
                if record.kind == "economic_event" and isinstance(value, dict):
                    at, quantity = value["has_point_in_time"], value["quantity"]
                    assert isinstance(at, int)
                    assert isinstance(quantity, int)
                    day = time.strftime("%Y-%m-%d", time.gmtime(at / 1000))
                    what = " ".join([day, *([str(value["note"])] if "note" in value else [])])
                    movements[names[block.genesis.scope]][str(value["action"]), what, quantity] += 1
    return Shown(roots, stock, movements)


def tips(node: Node) -> dict[bytes, int]:
    """Return how far each log is held: what was acknowledged to peers and shown to people."""
    with Reading.open(node.home) as reading:
        rows = reading.store.conn.execute(
            "SELECT l.id, max(h.seq) FROM logs l JOIN heads h ON h.log = l.no GROUP BY 1"
        )
        return dict(rows.fetchall())


def _named(links: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{one}-{other}" for one, other in links)


def play(
    village: Village,
    seed: int,
    number: int,
    rounds: int,
    most: int | None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, int | float]:
    """Play the whole of it, and return the figures. Fails when anything is not as it must be."""
    began = time.monotonic()
    houses = Houses(village, seed, number, rounds, most, say)
    houses.begin()
    say(f"Founded, started and joined after {time.monotonic() - began:.0f} s")
    houses.trouble()
    say(f"Trouble is over after {time.monotonic() - began:.0f} s")
    agreed = houses.calm()
    held = next(iter(houses.nodes.values())).records()
    movements = houses.check()
    figures = {"movements": movements, "records": held, "agreed_after_s": round(agreed, 1)}
    return {**figures, **dict(sorted(houses.done.items())), "seconds": round(time.monotonic() - began)}


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when all agreed and nothing was lost; print one line of JSON at last."""
    parser = argparse.ArgumentParser(prog="scripts/regions-soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(0)")
    parser.add_argument("--nodes", type=int, default=21, metavar="K", help="2 to 21 regions (21)")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="rounds of trouble (12)")
    parser.add_argument("--movements", type=int, default=None, metavar="M", help="of each region (all)")
    args = parser.parse_args(argv)
    there = len(regions())
    if not 2 <= args.nodes <= there or args.rounds < 1 or (args.movements is not None and args.movements < 1):
        parser.error(f"--nodes is from 2 to {there}, and --rounds and --movements are 1 or more")
    signal.signal(signal.SIGTERM, _ended)
    with tempfile.TemporaryDirectory(prefix="fedsync-regions-") as place:
        village = Village(Path(place))
        try:
            figures = play(village, args.seed, args.nodes, args.rounds, args.movements, _say)
        except AssertionError as failed:
            print(failed, file=sys.stderr)
            return 1
        finally:
            village.end()
        fell = [node.name for node in village.nodes if "Traceback" in node.said() or MISTAKE in node.said()]
    print(json.dumps({"seed": args.seed, "nodes": args.nodes, "fell_over": fell, **figures}))
    return 1 if fell else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _ended(*_: object) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    raise SystemExit(main())
