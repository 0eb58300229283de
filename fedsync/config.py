"""What the operator may set, in config.toml: the node's name, where it listens, how much it takes on.

Reads and writes that one file, nothing else.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fedsync.errors import Exit, Problem
from fedsync.gossip.schedule.terms import Terms
from fedsync.linking import Broadcast, OtherLink
from fedsync.staticpeers import StaticPeer
from fedsync.sticking import Watched

LONGEST_NAME = 200
"""Characters of a node's name."""
LONGEST_WAIT = 366
"""Days to object to a region's page: a year."""
LEAST_IDLE_S = 1000
"""Seconds that a relay lets a call stand idle at least: over it, a session says something every sixteen minutes."""
LEAST_BYTES_A_DAY = 100_000
"""Bytes that a relay carries at least: to meet takes 8 kB, and a call on which nothing is said by people 12 kB a day."""

INITIAL = """\
# fedsync reads this file when it starts.

# How this node is called in its own listings.
name = {name}

{listen}
[limits]
# How many bodies this node follows at most: its own, its peers' and those that they announce.
followed_bodies = {followed_bodies}
# How many peers may be connected at once.
peers = {peers}
# How much others may bring of one author, and of one body, before the rest has to wait: records and megabytes in an
# hour and in a day. Nothing is lost by it, and what counts does not depend on it. Our own body has eight times as much,
# recalls and what else is authority have room of their own, and no author has more of its body's share than is left of it.
# author_records_per_hour = {limits.author_records_per_hour}
# author_records_per_day = {limits.author_records_per_day}
# author_megabytes_per_hour = {limits.author_megabytes_per_hour}
# author_megabytes_per_day = {limits.author_megabytes_per_day}
# body_records_per_hour = {limits.body_records_per_hour}
# body_records_per_day = {limits.body_records_per_day}
# body_megabytes_per_hour = {limits.body_megabytes_per_hour}
# body_megabytes_per_day = {limits.body_megabytes_per_day}

# Tell the nodes of our region where this one answers, so that they find it without being told by hand. Nothing is
# announced without this. As a bridge it also tells the nodes of other regions; as a relay it passes on what two nodes
# that cannot reach each other have to say.
# [announce]
# addresses = ["node.example.org:7443"]
# bridge = false
# relay = false

# Carry for two of our peers that cannot call each other what they have to say: so many bytes a day, in all and for each
# two, so many calls at once, and each until it was idle for so long. It cannot read what it carries. Nothing is
# carried without this. A node may name peers through which it wants to reach others, beside those that announce it.
# [relay]
# offer = true
# bytes_per_day = {relay.bytes_per_day}
# pair_bytes_per_day = {relay.pair_bytes_per_day}
# streams = {relay.streams}
# idle_seconds = {relay.idle_seconds}
# through = ["Mill Lane"]
# A node that listens where few can reach it, say behind a router, may wait at relays like one that only calls.
# wait = true

# Nodes that we know and that are on the same local network are found by themselves: each says now and then that it is
# there, in a way that nobody can read who does not know it already. false: this node says nothing and hears nothing.
# [lan]
# beacon = true
# interfaces = ["eth0"]

# Take in, without asking us, whom these peers introduce. Whom we removed stays out in any case.
# [introductions]
# from = ["Mill Lane"]

# Exchange with a node that we know, in a section for each; an invitation does the same and needs no key to be typed.
# [[peer]]
# key = "..."
# name = "Mill Lane"
# addresses = ["node.example.org:7443"]
# One that was invited needs no key here, its name is enough to say:
# there is a link to it at these times only, in UTC, and so much goes over it in any hour and any day, both ways together:
# windows = ["22:00-23:30", "Sat,Sun 10:00-12:00", "every 60 s for 5 s"]
# kilobytes_per_hour = 20
# kilobytes_per_day = 200
# In each window the link stands so long at most, and with early_end it ends when nothing is left to say:
# session_minutes = 10
# early_end = true

# Reach one of our peers over something else than TCP: datagrams where TCP fails (kind = "udp"), or a program that
# carries frames on its stdin and stdout, such as a radio modem (kind = "exec"). Both sides have such a section. What is
# carried can be read by nobody else, unless clear = true says that it must be readable; nobody can change it in any case.
# [[link]]
# peer = "Mill Lane"
# kind = "udp"
# address = "node.example.org:7443"
# [[link]]
# peer = "Hill Farm"
# kind = "exec"
# command = ["/usr/local/bin/modem", "/dev/ttyUSB0"]
# framing = "kiss"
# frame = 200
# bits = 5000
# duplex = "half"
# duty = 0.1

# Send round and round what is for the world, or what some peers may have, to whoever listens and cannot answer, say over
# a satellite or a radio; or listen to it. Everybody can read it, and nobody can forge it.
# [[broadcast]]
# kind = "udp"
# address = "239.1.2.3:7444"
# send = true

# Take in the bundles on sticks that appear in a directory (nothing on them is ever run), and leave a new one for these
# peers on each that has a directory named fedsync. encrypt = true: only they can read it.
# [[stick]]
# watch = "/media/pi"
# leave_for = ["Mill Lane"]
# encrypt = false
# megabytes = 1000

# Let this node draft the page that confirms what our delegates voted, so many days after a region's page with results
# was sealed, when nobody of ours has objected. People still sign it. Without this, nothing is drafted.
# [confirm]
# after_days = 7
"""


LISTEN = """\
[listen]
# Where peers connect. Port 0 takes any free port at each start. A node that nobody can call has, instead of this
# section, the line  listen = "none"  above: it only calls others.
host = {host}
port = {port}
"""

OUTBOUND_ONLY = """\
# Nobody can call this node; it calls others. One that listens has a section [listen] with host and port instead.
listen = "none"
"""

NOWHERE = "none"
"""What stands in place of an address when a node does not listen."""


ENOUGH = (
    'Write it again. Two lines are enough: name = "Oakfield" and listen = {host = "0.0.0.0", port = 7443}'
)
"""For who has lost it: `init` makes one only together with a new node."""


class ConfigError(Problem):
    """config.toml says what cannot be: the operator must change the line. `line` is 0 when it concerns none."""

    def __init__(self, path: Path, line: int, message: str, hint: str) -> None:
        place = f"{path}, line {line}" if line else str(path)
        super().__init__("bad_config", f"{place}: {message}", hint, Exit.NO_NODE)
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node listens or is dialled; as text `host:port`, or `[host]:port` for IPv6."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a node takes on. A limit that is hit is shown, never a silent drop."""

    followed_bodies: int = 256
    peers: int = 64
    author_records_per_hour: int = 1_000_000
    """What others bring of one author before the rest waits; the own body's people have eight times as much."""
    author_records_per_day: int = 5_000_000
    author_megabytes_per_hour: int = 64
    author_megabytes_per_day: int = 256
    body_records_per_hour: int = 4_000_000
    """The same of all that is written under one body's book."""
    body_records_per_day: int = 20_000_000
    body_megabytes_per_hour: int = 512
    body_megabytes_per_day: int = 2_000


@dataclass(frozen=True, slots=True)
class Announce:
    """What this node tells others of itself: where it answers, and what it does for them. Without addresses, nothing."""

    addresses: tuple[str, ...] = ()
    bridge: bool = False
    """Nodes of other regions are told too."""
    relay: bool = False


@dataclass(frozen=True, slots=True)
class RelayOffer:
    """How much a node carries for others that cannot call each other."""

    bytes_per_day: int = 1_000_000_000
    pair_bytes_per_day: int = 200_000_000
    streams: int = 16
    """Calls at once."""
    idle_seconds: int = 1800
    """A call that carries nothing for so long ends; a session says something every sixteen minutes at least."""


@dataclass(frozen=True, slots=True)
class Lan:
    """Whether known nodes on the same local network are looked for, and on which networks: all, or those named."""

    beacon: bool = True
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All that config.toml says."""

    name: str
    listen: Address | None
    """Where peers connect; None: nobody can, this node only calls."""
    limits: Limits = field(default_factory=Limits)
    confirm_after_days: float | None = None
    """After how many days the node drafts the confirmation of a region's results; None: never."""
    announce: Announce = field(default_factory=Announce)
    peers: tuple[StaticPeer, ...] = ()
    """Those of the sections [[peer]] that have a key."""
    known: Mapping[str, Terms] = field(default_factory=dict)
    """Of the others, by the name of a peer that is known already: when there may be a link to it, and how much may go over it."""
    links: tuple[OtherLink, ...] = ()
    """Those of the sections [[link]]."""
    broadcasts: tuple[Broadcast, ...] = ()
    """Those of the sections [[broadcast]]."""
    sticks: tuple[Watched, ...] = ()
    """Those of the sections [[stick]]."""
    lan: Lan = field(default_factory=Lan)
    introducers: tuple[str, ...] = ()
    """Peers, by name or key, whose introductions are taken without asking."""
    relay: RelayOffer | None = None
    """None: this node carries nothing for others."""
    through: tuple[str, ...] = ()
    """Peers, by name or key, through which others are reached, beside those that announce that they relay."""
    waits: bool = False
    """Whether this node waits at relays to be called: always when it does not listen."""

    @property
    def naming(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the fields that name peers which must be known otherwise, with the names."""
        return (
            ("through", self.through),
            ("from", self.introducers),
            ("name", tuple(self.known)),
            ("link", tuple(each.peer for each in self.links)),
            ("leave_for", tuple(name for each in self.sticks for name in each.leave_for)),
            ("for", tuple(name for each in self.broadcasts for name in each.readers)),
        )


def parse_address(text: str) -> Address:
    """Return the address that `HOST:PORT` or `[HOST]:PORT` says. Raises ValueError with a plain sentence."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:\[\]\s]+)):([0-9]{1,5})", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is not HOST:PORT, as in 192.0.2.7:7443 or [2001:db8::7]:7443")
    port = int(match[3])
    if port > 65535:
        raise ValueError(f"{port} is not a port: 0 to 65535")
    return Address(match[1] or match[2], port)


def listen_words(listen: Address | None) -> str:
    """Return where a node listens, as HOST:PORT or `none`."""
    return NOWHERE if listen is None else str(listen)


def load(path: Path) -> Config:
    """Return what the file says. Raises ConfigError, which names the line and what to do."""
    try:
        text = path.read_bytes().decode()
        said = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(path, 0, "there is no such file", ENOUGH) from None
    except OSError as error:
        raise ConfigError(path, 0, f"it cannot be read: {error.strerror}", "Look at its rights.") from None
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise ConfigError(path, line, "this is not UTF-8 text", "Write the line again.") from None
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, str(error)) from None
    from fedsync.configreading import ConfigReader

    return ConfigReader(path, text).config(said)


def write_initial(path: Path, name: str, listen: Address | None) -> Config:
    """Write a first config.toml, with a word on each setting, and return what it says.

    Raises FileExistsError: what an operator wrote is never overwritten.
    """
    limits = Limits()
    text = INITIAL.format(
        name=_quoted(name),
        listen=OUTBOUND_ONLY
        if listen is None
        else LISTEN.format(host=_quoted(listen.host), port=listen.port),
        followed_bodies=limits.followed_bodies,
        peers=limits.peers,
        relay=RelayOffer(),
        limits=limits,
    )
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return load(path)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for U+007F, which TOML wants escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _not_toml(path: Path, said: str) -> ConfigError:
    found = re.search(r"^(.*) \(at line (\d+), column \d+\)$", said)
    line, what = (int(found[2]), found[1]) if found else (0, said.replace(" (at end of document)", ""))
    if re.match(r"Cannot (overwrite|declare|mutate)", what):
        hint = "Take one of the two out; a section goes on until the next one begins."
        return ConfigError(path, line, "what this line begins stands in the file already", hint)
    return ConfigError(path, line, f"this is not TOML: {what}", 'Write it as: key = "text" or key = 12')
