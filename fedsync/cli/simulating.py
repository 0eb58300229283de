"""`simulate`: a federation in virtual time, from a scenario file."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common
from fedsync.errors import Exit, Problem

if TYPE_CHECKING:
    from fedsync.sim.run import Outcome


@click.command()
@click.argument("scenario", type=click.Path(dir_okay=False), metavar="SCENARIO.toml")
@click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Which of the lives that it may have."
)
@click.option("--nodes", type=int, metavar="N", help="Another number of nodes than the file says.")
@click.option("--svg", "picture", metavar="FILE", help="Draw how the nodes came together.")
@common
def simulate(app: App, scenario: str, seed: int, nodes: int | None, picture: str | None) -> None:
    """Play a federation in virtual time: storms, crashes and liars, and then a calm in which all must come to the same."""
    from fedsync.sim.form import BadScenario
    from fedsync.sim.picture import svg
    from fedsync.sim.run import simulate as play
    from fedsync.sim.scenario import read

    try:
        found = read(Path(scenario).read_text("utf-8"), nodes)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Problem("no_scenario", f"{scenario} cannot be read: {why}.", "", Exit.NOT_FOUND) from None
    except BadScenario as error:
        more = {"line": error.line, "field": error.field}
        hint = "What a scenario may say: docs/simulator.md"
        raise Problem("bad_scenario", f"{scenario}, {error}.", hint, Exit.FOREIGN_FILE, more) from None
    outcome = play(found, seed)
    if picture is not None:
        try:
            Path(picture).write_text(svg(outcome), "utf-8")
        except OSError as error:
            message = f"{picture} cannot be written: {error.strerror}."
            raise Problem("no_picture", message, "", Exit.FAILED) from None
    value = {**as_json(outcome), "picture": picture}
    if not app.out.as_json:
        _show(app, outcome)
    if outcome.faults:
        replay = f"fedsync simulate {shlex.quote(scenario)} --seed {seed}"
        replay += f" --nodes {nodes}" if nodes is not None else ""
        raise Problem(
            "diverged",
            f"This must not happen (seed {seed}): {outcome.faults[0]}.",
            f"It happens again with: {replay}",
            Exit.FAILED,
            value,
        )
    app.out.result(value)


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
