"""JSON-LD as things with an id and fields, whatever shape a writer gave it. Pure; knows no vocabulary's meaning.

No context is fetched: prefixes are read where they stand in the file, and those of ValueFlows are known. Things within each
other are taken out and named by their id, things without an id get one. What is read is bounded.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fedsync.valueflows.form import OWN, VF
from fedsync.valueflows.units import OM2

MAX_BYTES = 64 * 1024 * 1024
MAX_THINGS = 500_000
"""Of one file: what a small board holds in memory."""
MAX_DEPTH = 40
"""Things within each other: no writer needs more, and a forged file shall not exhaust the reader."""
MAX_TEXT = 100_000

_VF = (
    VF,
    "http://w3id.org/valueflows/ont/vf#",
    "https://w3id.org/valueflows/",
    "http://w3id.org/valueflows/",
)
_OM = (OM2, "https://www.ontology-of-units-of-measure.org/resource/om-2/")
_PREFIXES = {"vf": VF, "om2": OM2, "om": OM2, "fedsync": OWN}


class BadValueFlows(ValueError):
    """The file is not JSON-LD of ValueFlows, or not one that can be read without guessing."""


@dataclass(slots=True)
class Thing:
    """A thing: its types and fields by short names, `vf:name`, `fedsync:reason`. A link is the id of another thing."""

    id: str
    types: set[str] = field(default_factory=set)
    fields: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """The things in a file by their whole ids, and what makes an id whole where a text names it."""

    things: Mapping[str, Thing]
    whole: Callable[[str], str]


def load(raw: bytes) -> Graph:
    """Return the things in a file. Raises BadValueFlows."""
    if len(raw) > MAX_BYTES:
        raise BadValueFlows(f"it has more than {MAX_BYTES:,} bytes")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise BadValueFlows("it is not UTF-8 text") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadValueFlows(f"it is not JSON: {error}") from None
    except ValueError as error:
        raise BadValueFlows(str(error)) from None
    reader = _Reader()
    if isinstance(value, dict):
        reader.context(value.get("@context"))
    reader.top(value)
    return Graph(reader.things, reader.whole)


def _no_number(name: str) -> Any:
    raise ValueError(f"it has a number that is none: {name}")


class _Reader:
    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self._prefixes = dict(_PREFIXES)
        self._vocab = ""
        self._terms: dict[str, str] = {}
        self._unnamed = 0

    def context(self, value: Any, depth: int = 0) -> None:
        """Learn prefixes and terms."""
        match value:
            case str() if "valueflows" in value or "vf" in value:
                # A context that lies elsewhere, and says so in its name: its plain words are the vocabulary's.
                self._vocab = VF
            case list() if depth < MAX_DEPTH:
                for each in value:
                    self.context(each, depth + 1)
            case dict():
                for name, said in value.items():
                    said = said.get("@id") if isinstance(said, dict) else said
                    if not isinstance(said, str):
                        continue
                    if name == "@vocab":
                        self._vocab = said
                    elif not name.startswith("@"):
                        if said.endswith(("#", "/", ":")):
                            self._prefixes[name] = said
                        else:
                            self._terms[name] = said
            case _:
                pass

    def top(self, value: Any) -> None:
        """Read what stands outermost: a graph, a list, or one thing."""
        match value:
            case {"@graph": list() as graph}:
                for each in graph:
                    self._value(each, 0)
            case dict():
                self._value(value, 0)
            case list():
                for each in value:
                    self.context(each.get("@context") if isinstance(each, dict) else None)
                    self._value(each, 0)
            case _:
                raise BadValueFlows("it is not an object or a list of things")

    def _value(self, value: Any, depth: int) -> Any:
        """Return a text, a number, or for a thing its id."""
        if depth > MAX_DEPTH:
            raise BadValueFlows(f"things in it lie more than {MAX_DEPTH} within each other")
        match value:
            case {"@value": plain}:
                return plain if isinstance(plain, str | int | Decimal) else None
            case {"@id": str() as id_} if len(value) == 1:
                return self.whole(id_)
            case dict():
                return self._thing(value, depth)
            case str():
                if len(value) > MAX_TEXT:
                    raise BadValueFlows(f"a text in it has more than {MAX_TEXT:,} letters")
                return value
            case int() | Decimal():
                return value
            case _:
                return None

    def _thing(self, value: Mapping[str, Any], depth: int) -> str:
        if len(self.things) == MAX_THINGS:
            raise BadValueFlows(f"it has more than {MAX_THINGS:,} things in it")
        id_ = value.get("@id")
        if not isinstance(id_, str):
            self._unnamed += 1
            id_ = f"_:{self._unnamed}"
        id_ = self.whole(id_)
        thing = self.things.setdefault(id_, Thing(id_))
        for name, said in value.items():
            if name == "@type":
                thing.types.update(self._short(each) for each in _list(said) if isinstance(each, str))
            elif not name.startswith("@"):
                found = [self._value(each, depth + 1) for each in _list(said)]
                kept = thing.fields.setdefault(self._short(name), [])
                kept.extend(each for each in found if each is not None and each not in kept)
        return id_

    def whole(self, id_: str) -> str:
        """Return an id with its prefix written out."""
        prefix, colon, rest = id_.partition(":")
        return self._prefixes[prefix] + rest if colon and prefix in self._prefixes else id_

    def _short(self, term: str) -> str:
        term = self._terms.get(term, term)
        term = self.whole(term) if ":" in term else self._vocab + term
        for short, wholes in (("vf", _VF), ("om2", _OM), ("fedsync", (OWN,))):
            for whole in wholes:
                if term.startswith(whole):
                    return f"{short}:{term.removeprefix(whole)}"
        return term


def _list(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _list(each["@list"]) if isinstance(each, dict) and "@list" in each else [each]
    elif isinstance(value, dict) and isinstance(value.get("@list"), list):
        yield from value["@list"]
    else:
        yield value
