"""`run`, `status`, `demo`, `doctor`, `restore`: the node as a running thing."""

import logging
import time
from pathlib import Path
from typing import Any

import click

from fedsync.cli.app import App, common


@click.command()
@click.option("--ready-file", metavar="PATH", help="Appears, holding host:port, when peers can connect.")
@click.option("--quiet", is_flag=True, help="Log warnings only.")
@common
def run(app: App, ready_file: str | None, quiet: bool) -> None:
    """Run the daemon here, until it is told to stop (Ctrl-C, or SIGTERM)."""
    import trio

    from fedsync.daemon.process import run as run_daemon

    # The journal adds the time itself.
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING if quiet else logging.INFO)
    home = app.home()
    ready = Path(ready_file).absolute() if ready_file else None
    trio.run(run_daemon, home, ready)


@click.command()
@common
def status(app: App) -> None:
    """Show how this node stands: what it holds, its peers, and what waits for you."""
    from fedsync import config
    from fedsync.cli import telling
    from fedsync.cli.books.following import WORDS as EXTENTS
    from fedsync.cli.books.fresh import stale, stale_lines
    from fedsync.cli.books.settling import forked_lines, forked_rows
    from fedsync.cli.broadcasts import broadcast_lines
    from fedsync.cli.delayed import delayed_lines, delayed_rows
    from fedsync.cli.relaying import relaying_lines
    from fedsync.cli.waiting import waiting as waiting_for_people
    from fedsync.cli.waiting import waiting_lines
    from fedsync.comparing import roots
    from fedsync.reading import broadcasts_shown, now_ms, peers_shown, relaying_shown, sticks_shown

    home = app.home()
    with app.reading() as reading:
        peers, running = peers_shown(reading, home)
        body, bodies = reading.own(), reading.bodies.all()
        listen = config.load(home.config).listen
        name = telling.body_name(reading, body.scope)
        waiting = waiting_for_people(reading, now_ms())
        value: dict[str, Any] = {
            "name": name,
            "running": running,
            "listen": config.listen_words(listen),
            "records": reading.store.logs.count(),
            "state_root": reading.state_root().hex(),
            "roots": roots(reading) if app.out.as_json else [],
            "bodies": len(bodies),
            "extents": {
                name: sum(each.extent == extent for each in bodies) for name, extent in EXTENTS.items()
            },
            "peers": [telling.peer_value(peer) for peer in peers],
            "waiting": waiting,
            "forked": forked_rows(reading),
            "delayed": delayed_rows(reading, now_ms()),
            "stale": stale(reading, now_ms()),
        }
        relaying = relaying_shown(home)
        value["relay"] = relaying
        value["sticks"] = sticks_shown(home)
        value["broadcasts"] = broadcasts_shown(home)
        may = reading.store.directory.may_write_own_logs()
        if not may.ok:
            value["warning"] = may.reason
    if app.out.as_json:
        app.out.result(value)
        return
    same = sum(peer["state"] == "same" for peer in peers)
    app.out.say(
        f"{name} — {'running' if running else 'not running (fedsync run)'}, "
        f"{value['records']:,} records of {_bodies(value['bodies'], value['extents'])}, same as {same} of {len(peers)} peers"
    )
    if listen is None:
        app.out.say('Nobody can call this node (listen = "none"); it calls its peers.')
    app.out.say(*relaying_lines(relaying), *stale_lines(value["stale"], now_ms()))
    app.out.say(*(f"Sticks in {each['watch']}: {each['says'].rstrip('.')}." for each in value["sticks"]))
    app.out.say(*broadcast_lines(value["broadcasts"], now_ms()))
    if not may.ok:
        app.out.say(f"! {may.reason}")
    if peers:
        app.out.table(
            ["PEER", "STATE", "WE LACK", "THEY LACK", "LAST CONTACT", "REASON"],
            [
                [
                    peer["name"],
                    peer["state"],
                    telling.count(peer["we_lack"]),
                    telling.count(peer["they_lack"]),
                    telling.ago(peer["last_contact"], int(time.time() * 1000)),
                    peer["reason"],
                ]
                for peer in peers
            ],
            right=["WE LACK", "THEY LACK"],
        )
    else:
        app.out.say("No peers yet. Invite one: fedsync invite NAME")
    for line in (*forked_lines(value["forked"]), *delayed_lines(value["delayed"]), *waiting_lines(waiting)):
        app.out.say(line)


def _bodies(count: int, extents: dict[str, int]) -> str:
    said = "1 body" if count == 1 else f"{count} bodies"
    partly = count - extents["all"]
    return f"{said} ({partly} in part)" if partly else said


@click.command()
@click.option("--nodes", default=7, show_default=True, metavar="N", help="How many communities (2 to 21).")
@click.option("--keep", metavar="DIR", help="Keep the nodes there, to look into them afterwards.")
@common
def demo(app: App, nodes: int, keep: str | None) -> None:
    """Show a federation on this machine: real daemons, real stock and votes, a link that is cut and heals."""
    from fedsync.demo import demonstrate

    told = demonstrate(nodes, Path(keep) if keep else None, app.out)
    app.out.result(told)
    if not told["ok"]:
        raise SystemExit(1)


@click.command()
@common
def doctor(app: App) -> None:
    """Check this machine and this node, root causes first."""
    from fedsync.cli.checks import checks
    from fedsync.errors import Exit, Problem

    found = checks(app.path())
    bad = [each for each in found if not each.good]
    value = {"checks": [{"name": each.name, "good": each.good, "says": each.says} for each in found]}
    app.out.say(*(f"{'ok ' if each.good else 'BAD'} {each.name}: {each.says}" for each in found))
    if bad:
        raise Problem(
            "not_well",
            f"{bad[0].name}: {bad[0].says}",
            "Mend this first, then: fedsync doctor",
            Exit.FAILED,
            value,
        )
    app.out.result(value)


@click.command()
@click.option(
    "--old-machine-is-gone", "gone", is_flag=True, help="Go on with its logs, from what peers hold."
)
@click.option(
    "--new-logs", "fresh", is_flag=True, help="The old machine may still write: begin logs of our own."
)
@common
def restore(app: App, gone: bool, fresh: bool) -> None:
    """After this directory was copied or restored: say who goes on with its logs."""
    from fedsync.errors import usage

    if gone == fresh:
        raise usage(
            "Say which: is the machine that wrote this node's records gone for good?",
            "Yes: fedsync restore --old-machine-is-gone. No: fedsync restore --new-logs.",
        )
    with app.door() as door:
        door.call("settle", old_machine_is_gone=gone)
    app.out.result(
        {"old_machine_is_gone": gone},
        lambda: app.out.say(
            "This node writes on from what its peers hold." if gone else "New logs begin here."
        ),
    )
