"""Links over other things than TCP, in sections of config.toml: datagrams, and programs that carry frames. Pure.

A section [[link]] is for one peer. A section [[broadcast]] is one way: to whoever listens, or from whoever sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias, get_args

from fedsync import scheduling
from fedsync.gossip.schedule.terms import Terms
from fedsync.plain import is_plain
from fedsync.records.kinds.announcing import is_address

MAX_LINKS: Final = 64
"""Sections [[link]] in one file: each keeps some memory and a place in turns for ever."""
LONGEST_NAME: Final = 200
"""Characters of a peer's name."""
MAX_READERS: Final = 64
"""Peers that a broadcast is for, as of a bundle."""
MOST_WORDS, LONGEST_WORD = 64, 4096
"""Words of a command, and bytes of one."""
LEAST_FRAME: Final = 96
"""Bytes: below it a frame is nearly all overhead."""
MOST_DATAGRAM: Final = 1452
"""Bytes of a datagram that no common line cuts into pieces: 1,500 less the headers of IPv6 and UDP."""
MOST_FRAME: Final = 4096
"""Bytes of a program's frame; more at once and nothing can overtake it."""

Kind: TypeAlias = Literal["udp", "exec"]
Framing: TypeAlias = Literal["kiss", "length"]
Duplex: TypeAlias = Literal["half", "full"]


@dataclass(frozen=True, slots=True)
class OtherLink:
    """A link to one peer that is no TCP connection."""

    peer: str
    """Its name, or its key in hexadecimal digits."""
    kind: Kind
    address: str = ""
    """udp: where the peer is called; empty: it calls, and is answered where it was heard last."""
    command: tuple[str, ...] = ()
    """exec: the program and its words. Sections with the same command share one program: a modem that several peers hear."""
    framing: Framing = "kiss"
    """exec: how frames are told apart on its stdin and stdout."""
    frame: int = 1200
    """Bytes that are carried at once, ours and what seals them together."""
    bits: int = 1_000_000
    """Bits a second, while we send."""
    duplex: Duplex = "full"
    """Half: only one side can be heard at a time."""
    duty: float = 1.0
    """The share of time in which we may send."""
    round_trip: float = 0.3
    """Seconds until an answer to a small frame may be here."""
    clear: bool = False
    """Whether what is carried can be read by everybody, as bands for amateurs require; nobody can change it unseen."""
    terms: Terms = field(default_factory=Terms)
    """When something may go over it, and how much. It stands beyond its windows, and is silent then."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What goes one way, to nobody in particular."""

    kind: Kind
    send: bool = False
    """Whether this node sends; else it listens."""
    readers: tuple[str, ...] = ()
    """For whom: peers, by name or key. What they may have goes round, and everybody can read it. Nobody: what is for the world."""
    address: str = ""
    """udp: a group's address and port, or a network's, or one machine's."""
    command: tuple[str, ...] = ()
    framing: Framing = "kiss"
    frame: int = 1200
    bits: int = 1_000_000
    duty: float = 1.0
    loss: float = 0.2
    """The share of frames that are likely to be lost on the way: nobody answers, so nobody can measure it."""


class Wrong(ValueError):
    """What a section says cannot be. `nth` counts from 0; `field` is "" when it is the section as a whole."""

    def __init__(self, nth: int, field: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.nth, self.field, self.hint = nth, field, hint


TERMS: Final = ("windows", "kilobytes_per_hour", "kilobytes_per_day")
FIELDS: Final = (*(each.name for each in fields(OtherLink) if each.name != "terms"), *TERMS)
HEARD: Final = tuple(each.name if each.name != "readers" else "for" for each in fields(Broadcast))
ONLY: Final[dict[str, Kind]] = {"address": "udp", "command": "exec", "framing": "exec"}
"""What belongs to one kind alone."""
EXAMPLES: Final = {"command": '["/usr/local/bin/modem", "/dev/ttyUSB0"]', "frame": "200", "bits": "5000"}
"""What a link over a program must say, as it may be written."""


def other_links(said: object) -> tuple[OtherLink, ...]:
    """Return the links that the sections say. Raises Wrong."""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise Wrong(0, "", "link must be sections, one for each", "Write it as: [[link]]")
    if len(said) > MAX_LINKS:
        raise Wrong(MAX_LINKS, "", f"there are more than {MAX_LINKS} of them", "Take some out.")
    found: list[OtherLink] = []
    for nth, table in enumerate(said):
        link = _Section(nth, table).link()
        if any(each.peer.casefold() == link.peer.casefold() for each in found):
            raise Wrong(nth, "peer", "this peer stands in another [[link]] too", "Take one of the two out.")
        shared = (
            next((each for each in found if each.command == link.command), None) if link.command else None
        )
        if shared is not None and (shared.framing, shared.bits) != (link.framing, link.bits):
            hint = "Give framing and bits the same values in both."
            raise Wrong(
                nth, "command", "another [[link]] has the same program, and says otherwise of it", hint
            )
        found.append(link)
    return tuple(found)


def broadcasts(said: object) -> tuple[Broadcast, ...]:
    """Return what goes one way, as the sections say. Raises Wrong."""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise Wrong(0, "", "broadcast must be sections, one for each", "Write it as: [[broadcast]]")
    if len(said) > MAX_LINKS:
        raise Wrong(MAX_LINKS, "", f"there are more than {MAX_LINKS} of them", "Take some out.")
    return tuple(_Section(nth, table).broadcast() for nth, table in enumerate(said))


class _Section:
    """One section, read field by field."""

    def __init__(self, nth: int, table: Mapping[str, object]) -> None:
        self._nth, self._table = nth, table

    def broadcast(self) -> Broadcast:
        kind = self._kind(HEARD)
        send = self._truth("send")
        if kind == "udp" and not self._table.get("address"):
            raise self._wrong(
                "", "a broadcast of kind 'udp' needs address", 'Write it as: address = "239.1.2.3:7444"'
            )
        if "for" in self._table and not send:
            raise self._wrong("for", "for is for a node that sends", "Take the line out, or add: send = true")
        return Broadcast(
            kind,
            send,
            self._readers(),
            self._address(),
            self._command(),
            self._framing(),
            self._frame(kind),
            self._bits(),
            self._number("duty", 0.001, 1, 1.0),
            self._number("loss", 0, 0.9, 0.2),
        )

    def link(self) -> OtherLink:
        kind = self._kind(FIELDS)
        peer = self._table.get("peer")
        if not isinstance(peer, str) or not 0 < len(peer) <= LONGEST_NAME or not is_plain(peer):
            message = f"peer must be text of 1 to {LONGEST_NAME} printable characters"
            raise self._wrong("peer", message, 'Write it as: peer = "Mill Lane"')
        return OtherLink(
            peer,
            kind,
            self._address(),
            self._command(),
            self._framing(),
            self._frame(kind),
            self._bits(),
            "half" if self._choice("duplex", get_args(Duplex), "full") == "half" else "full",
            self._number("duty", 0.001, 1, 1.0),
            self._number("round_trip", 0.001, 3600, 0.3 if kind == "udp" else 2.0),
            self._truth("clear"),
            self._terms(),
        )

    def _kind(self, known: tuple[str, ...]) -> Kind:
        for each in self._table:
            if each not in known:
                raise self._wrong(each, f"{each!r} is not known", f"Known are: {', '.join(known)}.")
        kind: Kind = "exec" if self._choice("kind", get_args(Kind)) == "exec" else "udp"
        for name, whose in ONLY.items():
            if name in self._table and kind != whose:
                raise self._wrong(name, f"{name} is for links of kind {whose!r}", "Take the line out.")
        # What a program carries nobody can guess; what the internet carries, one can.
        for name in ("command", "frame", "bits") if kind == "exec" else ():
            if name not in self._table:
                raise self._wrong(
                    "", f"a link of kind 'exec' needs {name}", f"Write it as: {name} = {EXAMPLES[name]}"
                )
        return kind

    def _framing(self) -> Framing:
        return "length" if self._choice("framing", get_args(Framing), "kiss") == "length" else "kiss"

    def _frame(self, kind: Kind) -> int:
        most = MOST_DATAGRAM if kind == "udp" else MOST_FRAME
        return int(self._number("frame", LEAST_FRAME, most, 1200, whole=True))

    def _bits(self) -> int:
        return int(self._number("bits", 10, 10**9, 1_000_000, whole=True))

    def _readers(self) -> tuple[str, ...]:
        value = self._table.get("for", [])
        if (
            not isinstance(value, list)
            or len(value) > MAX_READERS
            or not all(isinstance(each, str) and each for each in value)
        ):
            message = f"for must be a list of at most {MAX_READERS} names of peers"
            raise self._wrong("for", message, 'Write it as: for = ["Mill Lane"]')
        return tuple(value)

    def _terms(self) -> Terms:
        try:
            return scheduling.terms({key: self._table[key] for key in TERMS if key in self._table})
        except scheduling.WrongTerms as wrong:
            raise self._wrong(wrong.field, str(wrong), wrong.hint) from None

    def _choice(self, field: str, known: tuple[str, ...], usual: str | None = None) -> str:
        value = self._table.get(field, usual)
        if not isinstance(value, str) or value not in known:
            words = " or ".join(f'"{each}"' for each in known)
            raise self._wrong(field, f"{field} must be {words}", f'Write it as: {field} = "{known[0]}"')
        return value

    def _address(self) -> str:
        value = self._table.get("address", "")
        if value != "" and not (isinstance(value, str) and is_address(value)):
            hint = 'Write it as: address = "node.example.org:7443"'
            raise self._wrong("address", f"{value!r} is not HOST:PORT", hint)
        return str(value)

    def _command(self) -> tuple[str, ...]:
        value = self._table.get("command", [])
        hint = 'Write it as: command = ["/usr/local/bin/modem", "--slow"]'
        if "command" not in self._table:
            return ()
        if not isinstance(value, list) or not 0 < len(value) <= MOST_WORDS:
            raise self._wrong("command", f"command must be a list of 1 to {MOST_WORDS} words", hint)
        for each in value:
            if not isinstance(each, str) or len(each.encode()) > LONGEST_WORD or "\0" in each:
                raise self._wrong("command", "each word of command must be text", hint)
        if not value[0]:
            raise self._wrong("command", "the first word of command is the program", hint)
        return tuple(value)

    def _number(self, field: str, low: float, high: float, usual: float, whole: bool = False) -> float:
        value = self._table.get(field, usual)
        kinds: type | tuple[type, ...] = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:  # type: ignore[operator]
            what = "a whole number" if whole else "a number"
            message = f"{field} must be {what} from {low} to {high}"
            raise self._wrong(field, message, f"Write it as: {field} = {min(max(usual, low), high)}")
        return value  # type: ignore[return-value]

    def _truth(self, field: str) -> bool:
        value = self._table.get(field, False)
        if not isinstance(value, bool):
            raise self._wrong(field, f"{field} must be true or false", f"Write it as: {field} = true")
        return value

    def _wrong(self, field: str, message: str, hint: str) -> Wrong:
        return Wrong(self._nth, field, message, hint)
