"""`simulate`: a federation in virtual time, from a scenario file."""

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from errno import EISDIR
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

import fedsync
from fedsync.cli.app import App, common
from fedsync.errors import Exit, Problem, usage

if TYPE_CHECKING:
    from fedsync.sim.run import Outcome
    from fedsync.sim.scenario import Scenario

SHIPPED: Final = Path(fedsync.__file__).resolve().parents[1] / "scenarios"
"""Where the scenarios lie that come with the program."""
FIRST: Final = "storm"
"""Which of them to try first: a life of it takes about a second."""


@click.command()
@click.argument("scenario", required=False, metavar="SCENARIO.toml")
@click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Which of the lives that it may have."
)
@click.option("--nodes", type=int, metavar="N", help="Another number of nodes than the file says.")
@click.option("--svg", "picture", metavar="FILE", help="Draw how the nodes came together.")
@common
def simulate(app: App, scenario: str | None, seed: int, nodes: int | None, picture: str | None) -> None:
    """Play a federation in virtual time: storms, crashes and liars, and then a calm in which all must come to the same."""
    if scenario is None:
        raise usage("fedsync simulate needs a scenario: a file that says what is played.", _advice(""))
    replay = f"fedsync simulate {shlex.quote(scenario)} --seed {seed}"
    replay += f" --nodes {nodes}" if nodes is not None else ""
    with _told_to_stop(replay):
        _play(app, scenario, seed, nodes, picture, replay)


def _play(app: App, scenario: str, seed: int, nodes: int | None, picture: str | None, replay: str) -> None:
    from fedsync.sim.run import simulate as play

    found = _read(scenario, nodes)
    if picture is not None:
        _try(picture)
    outcome = play(found, seed)
    if not app.out.as_json:
        _show(app, outcome)
    undrawn = None if picture is None else _draw(picture, outcome)
    value = {**as_json(outcome), "picture": None if undrawn else picture}
    if outcome.faults:
        wrong = f"This must not happen (seed {seed}): {outcome.faults[0]}."
        if undrawn:
            wrong += f" And {undrawn.message}"
        raise Problem("diverged", wrong, f"It happens again with: {replay}", Exit.FAILED, value)
    if undrawn:
        raise Problem(undrawn.code, undrawn.message, undrawn.hint, undrawn.exit_code, value)
    app.out.result(value)


# --- The file -----------------------------------------------------------------------------------------------


def _read(path: str, nodes: int | None) -> "Scenario":
    """Return what a file says. Raises a Problem."""
    from fedsync.sim.bounds import MAX_TEXT
    from fedsync.sim.form import BadScenario
    from fedsync.sim.scenario import read

    if Path(path).is_dir():
        raise usage(f"{path} is a directory; a scenario is a file.", _advice(path))
    text = ""
    try:
        with Path(path).open(encoding="utf-8") as file:
            # One more than there may be, so that a file without an end is refused.
            text = file.read(MAX_TEXT + 1)
        return read(text, nodes)
    except OSError as error:
        raise Problem(
            "no_scenario", f"{path} cannot be read: {error.strerror}.", _advice(path), Exit.NOT_FOUND
        ) from None
    except UnicodeDecodeError:
        raise Problem(
            "bad_scenario", f"{path} is no scenario: it is not UTF-8 text.", _advice(path), Exit.FOREIGN_FILE
        ) from None
    except BadScenario as error:
        if nodes is not None and (said := _nodes_said(text)):
            message = f"{path} cannot be played with --nodes {nodes}: {error}."
            raise usage(message, f"The file says {said} nodes; type a number nearer to that.") from None
        more = {"line": error.line, "field": error.field}
        hint = "What a scenario may say: docs/simulator.md"
        raise Problem("bad_scenario", f"{path}, {error}.", hint, Exit.FOREIGN_FILE, more) from None


def _nodes_said(text: str) -> int:
    """Return of how many nodes a file speaks; 0 when it is no scenario whatever number is asked for."""
    from fedsync.sim.form import BadScenario
    from fedsync.sim.scenario import read

    try:
        return read(text).nodes
    except BadScenario:
        return 0


def _advice(asked: str) -> str:
    """Return what to type instead: the scenario that comes with the program and is called most like this."""
    shipped = sorted(each.stem for each in SHIPPED.glob("*.toml"))
    if not shipped:
        return "How to write one, and where to find some: docs/simulator.md"
    best = next(iter(get_close_matches(Path(asked).name.removesuffix(".toml"), shipped, 1)), FIRST)
    return f"Try: fedsync simulate {shlex.quote(os.path.relpath(SHIPPED / f'{best}.toml'))}"


# --- The picture --------------------------------------------------------------------------------------------


def _try(path: str) -> None:
    """Look whether a picture can be written, before hours of play; what is there stays. Raises a Problem."""
    file = Path(path)
    try:
        if file.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if file.is_file():
            file.open("ab").close()
        elif not file.exists():
            file.open("xb").close()
            file.unlink()
    except OSError as error:
        raise _no_picture(path, error) from None


def _draw(path: str, outcome: "Outcome") -> Problem | None:
    """Write the picture; return what hinders it."""
    from fedsync.sim.picture import svg

    try:
        Path(path).write_text(svg(outcome), "utf-8")
    except OSError as error:
        return _no_picture(path, error)
    return None


def _no_picture(path: str, error: OSError) -> Problem:
    hint = "Name a file that can be written, after --svg."
    return Problem("no_picture", f"{path} cannot be written: {error.strerror}.", hint, Exit.FAILED)


# --- Being stopped ------------------------------------------------------------------------------------------


class _Stopped(BaseException):
    """SIGTERM came. Not an Exception: what a simulated life raises is taken for a fault of that life."""


@contextmanager
def _told_to_stop(replay: str) -> Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken: a sentence, JSON for programs, an exit code of its own."""

    def stop(*_: object) -> NoReturn:
        raise _Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except _Stopped:
        raise Problem(
            "interrupted",
            "Told to stop; nothing is half done.",
            f"Play it again with: {replay}",
            Exit.TERMINATED,
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)


# --- What came of it ----------------------------------------------------------------------------------------


def as_json(outcome: "Outcome") -> dict[str, Any]:
    """Return an outcome for programs."""
    return {
        "scenario": outcome.scenario.name,
        "seed": outcome.seed,
        "nodes": outcome.scenario.nodes,
        "faults": list(outcome.faults),
        "took_s": outcome.took,
        "hours": round(outcome.hours, 3),
        "node_hours": round(outcome.node_hours, 3),
        "steps": outcome.steps,
        "records": outcome.records,
        "bytes": outcome.bytes,
        "copies": round(outcome.copies, 3),
        "quiet_bytes_an_hour": round(outcome.quiet_bytes),
        "seen": outcome.seen,
        "missed": list(outcome.missed),
        "digest": outcome.digest,
    }


def _show(app: App, outcome: "Outcome") -> None:
    from fedsync.sim.rare import RARE

    scenario, out = outcome.scenario, app.out
    lying = scenario.nodes - scenario.honest
    out.say(f"{scenario.name}, seed {outcome.seed}: {_verdict(outcome)}")
    rows = [
        ("nodes", f"{scenario.nodes}" + (f", {lying} of which lie" if lying else "")),
        ("time simulated", f"{outcome.hours:.1f} h, {outcome.node_hours:.0f} h of all nodes together"),
        ("records acknowledged", f"{outcome.records:,}"),
        ("sent over all links", f"{outcome.bytes / 1000:,.0f} kB"),
        ("a block comes to a node", f"{outcome.copies:.2f} times"),
        ("a link in silence", f"{outcome.quiet_bytes:,.0f} bytes an hour"),
        ("digest", outcome.digest),
    ]
    out.table(["WHAT", "HOW MUCH"], rows)
    out.table(
        ["TIMES", "SOMETIMES"],
        [(f"{outcome.seen.get(name, 0):,}", words) for name, words in RARE.items() if outcome.seen.get(name)],
        right=["TIMES"],
    )
    for name in outcome.missed:
        out.say(f"Not seen with this seed: {RARE[name]}.")
    for fault in outcome.faults:
        out.say(f"WRONG: {fault}.")


def _verdict(outcome: "Outcome") -> str:
    if outcome.faults:
        count = len(outcome.faults)
        return f"{count} thing{'s' if count > 1 else ''} went wrong."
    return f"all is well. All nodes were the same {outcome.took or 0:.0f} s after the storm."
