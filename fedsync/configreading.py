"""From what TOML says to a Config: each setting has its type and bounds, and what is wrong names its line. See `config`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from fedsync import linking, sticking
from fedsync.config import (
    LEAST_BYTES_A_DAY,
    LEAST_IDLE_S,
    LONGEST_NAME,
    LONGEST_WAIT,
    NOWHERE,
    Address,
    Announce,
    Config,
    ConfigError,
    Lan,
    Limits,
    RelayOffer,
)
from fedsync.gossip.limits import MAX_BODIES
from fedsync.gossip.schedule.terms import Terms
from fedsync.plain import is_plain
from fedsync.records.kinds.announcing import MAX_ADDRESSES, is_address
from fedsync.staticpeers import StaticPeer, Wrong, known_terms, static_peers

T = TypeVar("T")

OUTSIDE_SECTIONS = (
    "name",
    "listen",
    "limits",
    "confirm",
    "announce",
    "relay",
    "peer",
    "link",
    "broadcast",
    "stick",
    "lan",
    "introductions",
)
"""What may stand in the file outside of any section; the sections themselves among them."""


MOST = {"followed_bodies": MAX_BODIES}
"""What a limit may be at most, where that is less than a number can be: who follows more is heard by nobody."""

LEAST_OF_A_RELAY = {
    "bytes_per_day": (LEAST_BYTES_A_DAY, "with less, calls end though hardly anything was said"),
    "pair_bytes_per_day": (LEAST_BYTES_A_DAY, "with less, calls end though hardly anything was said"),
    "streams": (1, "with less, there are no calls"),
    "idle_seconds": (LEAST_IDLE_S, "with less, calls end for nothing and are made anew all the time"),
}
"""What a relay must offer at least to be of use, and why."""


class ConfigReader:
    """Turns what TOML says into a Config; knows the lines, which tomllib does not tell."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def config(self, said: Mapping[str, object]) -> Config:
        """Return the settings. Raises ConfigError."""
        self._only(said, "", OUTSIDE_SECTIONS)
        limits = self._table(said, "limits", tuple(f.name for f in fields(Limits)))
        return Config(
            name=self._text(said, "", "name"),
            listen=self._listen(said),
            confirm_after_days=self._days(said) if "confirm" in said else None,
            announce=self._announce(said),
            peers=self._peers(said),
            known=self._known(said),
            links=self._sections(said, "link", linking.other_links),
            broadcasts=self._sections(said, "broadcast", linking.broadcasts),
            sticks=self._sticks(said),
            lan=self._lan(said),
            introducers=self._names(self._table(said, "introductions", ("from",)), "introductions", "from"),
            relay=self._relay(said),
            through=self._names(said.get("relay", {}), "relay", "through"),
            waits=self._waits(said),
            limits=Limits(
                **{key: self._number(limits, "limits", key, 1, MOST.get(key, 10**9)) for key in limits}
            ),
        )

    def _listen(self, said: Mapping[str, object]) -> Address | None:
        if isinstance(said.get("listen"), str):
            if said["listen"] != NOWHERE:
                message = f"listen must be a section with host and port, or {NOWHERE!r}"
                raise self._error("", "listen", message, f'Write it as: listen = "{NOWHERE}"')
            return None
        listen = self._table(said, "listen", ("host", "port"))
        return Address(self._text(listen, "listen", "host"), self._number(listen, "listen", "port", 0, 65535))

    def _table(self, said: Mapping[str, object], name: str, known: tuple[str, ...]) -> dict[str, object]:
        table = said.get(name, {})
        if not isinstance(table, dict):
            raise self._error("", name, f"{name} must be a section", f"Write it as: [{name}]")
        self._only(table, name, known)
        return table

    def _only(self, table: Mapping[str, object], section: str, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known and section and key in OUTSIDE_SECTIONS:
                # Whoever writes it at the end of the file writes it into the last section.
                message = f"{key!r} does not belong into the section [{section}]"
                raise self._error(section, key, message, "Write it above the first section, or as one.")
            if key not in known:
                raise self._error(section, key, f"{key!r} is not known", f"Known are: {', '.join(known)}.")

    def _text(self, table: Mapping[str, object], section: str, key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not is_plain(value):
            message = f"{key} must be text of 1 to {LONGEST_NAME} printable characters"
            raise self._error(section, key, message, f'Write it as: {key} = "..."')
        return value

    def _number(
        self, table: Mapping[str, object], section: str, key: str, low: int, high: int,
        usual: int | None = None, why: str = "",
    ) -> int:  # fmt: skip
        value = table.get(key)
        if type(value) is not int or not low <= value <= high:
            message = f"{key} must be a whole number from {low} to {high}{why}"
            raise self._error(section, key, message, f"Write it as: {key} = {usual or max(low, 7)}")
        return value

    def _announce(self, said: Mapping[str, object]) -> Announce:
        table = self._table(said, "announce", ("addresses", "bridge", "relay"))
        found = Announce(
            self._addresses(table, "announce"),
            self._truth(table, "announce", "bridge"),
            self._truth(table, "announce", "relay"),
        )
        if found.addresses and self._listen(said) is None:
            message = "a node that nobody can call has no address to announce"
            raise self._error(
                "announce", "addresses", message, "Take [announce] out, or let this node listen."
            )
        if (found.bridge or found.relay) and not found.addresses:
            message = "a bridge or relay must be found: [announce] needs addresses"
            raise self._error(
                "announce", "addresses", message, 'Write it as: addresses = ["node.example.org:7443"]'
            )
        return found

    def _peers(self, said: Mapping[str, object]) -> tuple[StaticPeer, ...]:
        try:
            return static_peers(said.get("peer", []))
        except Wrong as wrong:
            line = self._line_of("peer", wrong.nth, wrong.field)
            raise ConfigError(self._path, line, str(wrong), wrong.hint) from None

    def _known(self, said: Mapping[str, object]) -> Mapping[str, Terms]:
        tables = said.get("peer", [])
        assert isinstance(tables, list)
        try:
            return known_terms(tables)
        except Wrong as wrong:
            line = self._line_of("peer", wrong.nth, wrong.field)
            raise ConfigError(self._path, line, str(wrong), wrong.hint) from None

    def _sections(self, said: Mapping[str, object], name: str, read: Callable[[object], T]) -> T:
        try:
            return read(said.get(name, []))
        except linking.Wrong as wrong:
            line = self._line_of(name, wrong.nth, wrong.field)
            raise ConfigError(self._path, line, str(wrong), wrong.hint) from None

    def _sticks(self, said: Mapping[str, object]) -> tuple[sticking.Watched, ...]:
        try:
            return sticking.watched(said.get("stick", []))
        except sticking.Wrong as wrong:
            line = self._line_of("stick", wrong.nth, wrong.field)
            raise ConfigError(self._path, line, str(wrong), wrong.hint) from None

    def _lan(self, said: Mapping[str, object]) -> Lan:
        table = self._table(said, "lan", ("beacon", "interfaces"))
        names = table.get("interfaces", [])
        if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
            message = "interfaces must be a list of names of networks"
            raise self._error("lan", "interfaces", message, 'Write it as: interfaces = ["eth0"]')
        beacon = self._truth(table, "lan", "beacon") if "beacon" in table else True
        return Lan(beacon, tuple(names))

    def _waits(self, said: Mapping[str, object]) -> bool:
        table = said.get("relay", {})
        wants = isinstance(table, dict) and self._truth(table, "relay", "wait")
        return wants or self._listen(said) is None

    def _relay(self, said: Mapping[str, object]) -> RelayOffer | None:
        numbers = tuple(each.name for each in fields(RelayOffer))
        table = self._table(said, "relay", ("offer", "through", "wait", *numbers))
        found = RelayOffer(**{key: self._of_a_relay(table, key) for key in numbers if key in table})
        if not self._truth(table, "relay", "offer") and not self._announce(said).relay:
            return None
        if self._listen(said) is None:
            message = "a node that nobody can call cannot relay"
            raise self._error("relay", "offer", message, "Write it as: offer = false")
        return found

    def _of_a_relay(self, table: Mapping[str, object], key: str) -> int:
        least, why = LEAST_OF_A_RELAY[key]
        usual: int = getattr(RelayOffer(), key)
        return self._number(table, "relay", key, least, 10**15, usual, f": {why}")

    def _names(self, table: object, section: str, key: str) -> tuple[str, ...]:
        value = table.get(key, []) if isinstance(table, dict) else []
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            message = f"{key} must be a list of names of peers"
            raise self._error(section, key, message, f'Write it as: {key} = ["Mill Lane"]')
        return tuple(value)

    def _addresses(self, table: Mapping[str, object], section: str) -> tuple[str, ...]:
        value = table.get("addresses", [])
        hint = 'Write it as: addresses = ["node.example.org:7443"]'
        if not isinstance(value, list) or len(value) > MAX_ADDRESSES:
            raise self._error(
                section, "addresses", f"addresses must be a list of at most {MAX_ADDRESSES}", hint
            )
        for each in value:
            if not isinstance(each, str) or not is_address(each):
                raise self._error(section, "addresses", f"{each!r} is not HOST:PORT", hint)
        if len(set(value)) < len(value):
            raise self._error(section, "addresses", "an address stands there twice", hint)
        return tuple(value)

    def _truth(self, table: Mapping[str, object], section: str, key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            raise self._error(section, key, f"{key} must be true or false", f"Write it as: {key} = true")
        return value

    def _days(self, said: Mapping[str, object]) -> float:
        table = self._table(said, "confirm", ("after_days",))
        value = table.get("after_days")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_WAIT:
            message = f"after_days must be a number of days from 0 to {LONGEST_WAIT}"
            raise self._error("confirm", "after_days", message, "Write it as: after_days = 7")
        return value

    def _error(self, section: str, key: str, message: str, hint: str) -> ConfigError:
        return ConfigError(self._path, self._line(section, key), message, hint)

    def _line(self, section: str, key: str) -> int:
        """Return where `key` of `section` stands, else where the section begins, else 0."""
        here, begin = "", 0
        for number, line in enumerate(self._lines, 1):
            if heading := re.match(r"\s*\[\[?\s*([\w-]+)\s*\]", line):
                here = heading[1]
                if here in (section, key):
                    begin = number
            elif here == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return begin

    def _line_of(self, section: str, nth: int, key: str) -> int:
        """Return where `key` of one of several sections stands, else where that one begins, else where the first does."""
        at, begin = -1, self._line("", section)
        for number, line in enumerate(self._lines, 1):
            if heading := re.match(r"\s*\[(\[?)\s*([\w-]+)\s*\]", line):
                here = heading[1] == "[" and heading[2] == section
                at += here
                if here and at == nth:
                    begin = number
                elif at >= nth and begin:
                    return begin
            elif at == nth and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return begin
