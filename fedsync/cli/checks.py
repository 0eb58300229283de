"""`fedsync doctor`: what can be wrong with this machine and this node, root causes first."""

import os
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from fedsync.errors import Problem

if TYPE_CHECKING:
    from fedsync.config import Config
    from fedsync.home import Home
    from fedsync.reading import Reading

LEAST_FREE = 200 * 1024 * 1024
"""Bytes of disk below which a node should not go on."""
PLAUSIBLE_SINCE = 1_750_000_000
"""Seconds since 1970: a clock before this program was written is wrong."""
MAY_DIFFER_S = 3600
"""Seconds by which what people recorded here may be dated after now: they may have done so at another machine."""
LATEST_BLOCKS = 256
"""So many of what came last are looked at for what people recorded here."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    good: bool
    says: str


def checks(home: Path) -> list[Check]:
    """Return what was found; a check that cannot be made for want of an earlier one is left out."""
    node = _node(home)
    told = {each.name for each in node}
    # Where the node's records say that the clock is wrong, nobody is told besides that it is right.
    return [each for each in (_python(), _clock(), _tls(), *_disk(home)) if each.name not in told] + node


def _python() -> Check:
    from fedsync.records.dictionary import damaged

    version = ".".join(map(str, sys.version_info[:3]))
    says = f"Python {version}, {ssl.OPENSSL_VERSION}"
    if broken := damaged():
        names = ", ".join(f"dictionaries/{number}.bin" for number in broken)
        return Check(
            "program",
            False,
            f"{says}; {names} is damaged: radio and sticks take more bytes until fedsync is installed again",
        )
    return Check("program", sys.version_info >= (3, 11), says)


def _clock() -> Check:
    now = time.time()
    good = now > PLAUSIBLE_SINCE
    says = _shown(now)
    return Check("clock", good, says if good else f"{says}: what you record now will carry a wrong time")


def _set_back(reading: "Reading", home: "Home") -> list[Check]:
    """Return that the clock was set back, where what people recorded here is dated after now: many a board has no battery."""
    from fedsync import keyring

    with suppress(Problem):  # A key file that cannot be read was told before.
        ours = {person.key for person in keyring.people(home)}
        latest = (block for _, block in islice(reading.store.latest(), LATEST_BLOCKS))
        dated = max((block.times[-1] for block in latest if block.genesis.key in ours), default=0) / 1000
        if dated > time.time() + MAY_DIFFER_S:
            now = _shown(time.time())
            says = f"{now}, but the latest that was recorded here is dated {_shown(dated)}: set the clock of this machine"
            return [Check("clock", False, says)]
    return []


def _shown(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _tls() -> Check:
    from fedsync.gossip.tls_promises import self_test

    broken = self_test()
    return Check("tls", not broken, "; ".join(broken) or "this machine's OpenSSL does what links rest on")


def _disk(home: Path) -> list[Check]:
    where = home if home.exists() else home.parent
    if not where.exists():
        return [Check("disk", False, f"{where} does not exist")]
    free = shutil.disk_usage(where).free
    writable = os.access(where, os.W_OK)
    says = f"{free // 1024**2:,} MB free" + ("" if writable else f", but {where} cannot be written")
    return [Check("disk", free > LEAST_FREE and writable, says)]


def _listens(settings: "Config") -> str:
    if settings.listen is None:
        return "listens nowhere: nobody can call this node, it only calls"
    return str(settings.listen)


def _ways(home: "Home") -> list[Check]:
    """Return what is wrong with the ways that config.toml names; nothing where it, or the store, cannot be read."""
    from fedsync import config
    from fedsync.cli.peering import all_names
    from fedsync.reading import Reading
    from fedsync.store.errors import StoreError

    try:
        settings = config.load(home.config)
        with Reading.open(home) as reading:
            whom, names = all_names(reading, home)
    except (Problem, StoreError):
        return []  # That was told before.
    known = {names[key].casefold() for key in (*whom.peers, *whom.named) if key in names}
    known |= {key.hex() for key in (*whom.peers, *whom.named)}
    wrong = [
        f"no peer is called {name} ({field}): fedsync peers list"
        for field, said in settings.naming
        for name in dict.fromkeys(said)
        if name.casefold() not in known
    ]
    commands = [link.command for link in settings.links] + [cast.command for cast in settings.broadcasts]
    for command in commands:
        if command and shutil.which(command[0]) is None:
            wrong.append(f"there is no program {command[0]} that may be run (command)")
    there = [name for _, name in socket.if_nameindex()]
    wrong += [
        f"this machine is on no network called {name} (interfaces), only on {', '.join(there)}"
        for name in settings.lan.interfaces
        if name not in there
    ]
    for stick in settings.sticks:
        if not os.path.isdir(stick.watch):
            wrong.append(f"there is no directory {stick.watch} (watch)")
        elif not os.access(stick.watch, os.R_OK | os.X_OK):
            wrong.append(f"{stick.watch} may not be read (watch)")
    return [Check("ways", False, f"config.toml: {each}") for each in wrong]


def _node(path: Path) -> list[Check]:
    from fedsync import config, control, keyring
    from fedsync.home import Home
    from fedsync.reading import Reading
    from fedsync.records.ed25519 import public_key
    from fedsync.store.errors import StoreError
    from fedsync.store.verify import structure

    home = Home(path)
    if not home.store.exists():
        return [Check("node", False, f"there is no node in {path}: make one with fedsync init")]
    found: list[Check] = []
    looks: dict[str, Callable[[], str]] = {
        "settings": lambda: _listens(config.load(home.config)),
        "node key": lambda: public_key(keyring.load_node_key(home)).hex()[:16],
        "people": lambda: ", ".join(each.name for each in keyring.people(home)) or "nobody has a key here",
    }
    for name, look in looks.items():
        try:
            found.append(Check(name, True, look()))
        except Problem as problem:
            found.append(Check(name, False, f"{problem.message.rstrip('.')}. {problem.hint}".strip()))
    try:
        with Reading.open(home) as reading:
            faults = structure(reading.store)
            says = "; ".join(faults) or f"{reading.store.logs.count():,} records"
            found.append(Check("store", not faults, says))
            may = reading.store.directory.may_write_own_logs()
            found.append(Check("own logs", may.ok, may.reason or "may be written from here"))
            found += _set_back(reading, home)
    except StoreError as error:
        found.append(Check("store", False, str(error)))
    except Problem as problem:
        found.append(Check("store", False, f"{problem.message} {problem.hint}"))
    found += _ways(home)
    try:
        control.call(home.connect_control, "ping")
        found.append(Check("daemon", True, "running"))
    except control.NotRunning:
        found.append(Check("daemon", True, "not running: fedsync run"))
    except Problem as problem:
        found.append(Check("daemon", False, problem.message))
    return found
