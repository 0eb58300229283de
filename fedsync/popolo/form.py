"""Popolo as JSON, there and back. Pure.

What is written is read back as it was. What others write is read as far as it is known here; the rest is named in
notes and left out. What would be guessed at (two things with one id, something without an id) is refused.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from fedsync.popolo.model import (
    Count,
    Identifier,
    Loaded,
    Membership,
    Motion,
    Organization,
    Person,
    Popolo,
    Post,
    Vote,
    VoteEvent,
)

MAX_BYTES = 64 * 1024 * 1024
"""Of a file: some 300,000 memberships, more than any federation has people who sit in something."""
MAX_THINGS = 500_000
"""People, bodies and all else in one file: what a small board holds in memory."""
MAX_ID = 500
MAX_TEXT = 100_000
"""Letters of a text: no record holds more."""

Json = dict[str, Any]
T = TypeVar("T")


class BadPopolo(ValueError):
    """The file is not Popolo, or not one that can be read without guessing."""


# --- Writing ------------------------------------------------------------------------------------------


def to_json(popolo: Popolo) -> Json:
    """Return Popolo as JSON values; what is not said is left out."""
    return {
        "persons": [_value(each) for each in popolo.persons],
        "organizations": [_value(each) for each in popolo.organizations],
        "posts": [_value(each) for each in popolo.posts],
        "memberships": [_value(each) for each in popolo.memberships],
        "motions": [_value(each) for each in popolo.motions],
        "vote_events": [_value(each) for each in popolo.vote_events],
    }


def dump(popolo: Popolo, ascii_only: bool = False) -> str:
    """Return Popolo as the text of a file, the same for the same. `ascii_only`: for a screen, which obeys other letters."""
    return json.dumps(to_json(popolo), ensure_ascii=ascii_only, indent=1) + "\n"


def _value(thing: Any) -> Json:
    value: Json = {}
    for each in fields(thing):
        said = getattr(thing, each.name)
        if isinstance(said, tuple):
            said = [_value(one) for one in said]
        if each.name == "member_id":
            # The spec has the member itself here, not its id.
            if said:
                value["member"] = {"id": said}
        elif said not in ("", []):
            value[each.name] = said
    return value


# --- Reading ------------------------------------------------------------------------------------------


def load(raw: bytes) -> Loaded:
    """Return what a file says. Raises BadPopolo."""
    if len(raw) > MAX_BYTES:
        raise BadPopolo(f"it has more than {MAX_BYTES:,} bytes")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise BadPopolo("it is not UTF-8 text") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadPopolo(f"it is not JSON: {error}") from None
    except ValueError as error:
        raise BadPopolo(str(error)) from None
    return from_json(value)


def _no_number(name: str) -> Any:
    raise ValueError(f"it has a number that is none: {name}")


def from_json(value: Any) -> Loaded:
    """Return what JSON values say. Raises BadPopolo."""
    if not isinstance(value, dict):
        raise BadPopolo("it is not an object with persons, organizations and so on")
    if not any(name in value for name in _READERS):
        raise BadPopolo(f"it has none of: {', '.join(_READERS)}")
    read = _Read()
    parts: dict[str, tuple[Any, ...]] = {}
    for name, reader in _READERS.items():
        things = value.get(name, [])
        if not isinstance(things, list):
            raise BadPopolo(f"{name} is not a list")
        read.count(len(things))
        parts[name] = tuple(reader(read, name, each) for each in things)
    read.foreign.update(f"the part {name}" for name in value.keys() - _READERS.keys())
    popolo = Popolo(**parts)
    return Loaded(popolo, (*read.notes(), *_dangling(popolo)))


class _Read:
    """What was seen so far in a file."""

    def __init__(self) -> None:
        self.foreign: Counter[str] = Counter()
        self.things = 0
        self.ids: dict[str, set[str]] = {}

    def count(self, number: int) -> None:
        self.things += number
        if self.things > MAX_THINGS:
            raise BadPopolo(f"it has more than {MAX_THINGS:,} things in it")

    def notes(self) -> list[str]:
        """Return what was left out, and how often."""
        return [
            f"{name} is left out ({'once' if number == 1 else f'{number} times'})"
            for name, number in sorted(self.foreign.items())
        ]

    def thing(self, part: str, value: Any, known: set[str]) -> Json:
        """Return one thing; note its fields that are not known."""
        if not isinstance(value, dict):
            raise BadPopolo(f"something in {part} is not an object")
        for name in value.keys() - known:
            self.foreign[f"the field {name} of {part}"] += 1
        return value

    def id(self, part: str, value: Json, needed: bool = True) -> str:
        """Return an id, which nothing else of its part has."""
        found = self.text(part, value, "id", MAX_ID)
        if not found:
            if needed:
                raise BadPopolo(f"something in {part} has no id")
            return ""
        if found in self.ids.setdefault(part, set()):
            raise BadPopolo(f"two things in {part} have the id {found}")
        self.ids[part].add(found)
        return found

    def text(self, part: str, value: Json, name: str, most: int = MAX_TEXT) -> str:
        """Return a text; empty for none."""
        said = value.get(name)
        if said is None:
            return ""
        if isinstance(said, int) and not isinstance(said, bool):
            said = str(said)  # many writers number their things
        if not isinstance(said, str):
            raise BadPopolo(f"the field {name} of {part} is not a text")
        if len(said) > most:
            raise BadPopolo(f"the field {name} of {part} has more than {most:,} letters")
        if any("\ud800" <= each <= "\udfff" for each in said):
            raise BadPopolo(f"the field {name} of {part} has half a letter in it")
        return said

    def reference(self, part: str, value: Json, name: str) -> str:
        """Return an id that stands in NAME_id, or in the thing itself under NAME."""
        found = self.text(part, value, f"{name}_id", MAX_ID)
        inside = value.get(name)
        if not isinstance(inside, dict):
            return found
        if inside.keys() - {"id"}:
            self.foreign[f"what else {name} of {part} says"] += 1
        if not found:
            return self.text(part, inside, "id", MAX_ID)
        return found

    def many(
        self, part: str, value: Json, name: str, reader: Callable[["_Read", str, Any], T]
    ) -> tuple[T, ...]:
        """Return the things in a list of a thing."""
        found = value.get(name)
        if found is None:
            return ()
        if not isinstance(found, list):
            raise BadPopolo(f"the field {name} of {part} is not a list")
        self.count(len(found))
        return tuple(reader(self, f"{name} of {part}", each) for each in found)


def _identifier(read: _Read, part: str, value: Any) -> Identifier:
    thing = read.thing(part, value, {"scheme", "identifier"})
    return Identifier(read.text(part, thing, "scheme", MAX_ID), read.text(part, thing, "identifier", MAX_ID))


def _person(read: _Read, part: str, value: Any) -> Person:
    thing = read.thing(part, value, {"id", "name", "identifiers"})
    return Person(
        read.id(part, thing),
        read.text(part, thing, "name", MAX_ID),
        read.many(part, thing, "identifiers", _identifier),
    )


def _organization(read: _Read, part: str, value: Any) -> Organization:
    known = {"id", "name", "classification", "parent_id", "parent", "founding_date", "identifiers"}
    thing = read.thing(part, value, known)
    return Organization(
        read.id(part, thing),
        read.text(part, thing, "name", MAX_ID),
        read.text(part, thing, "classification", MAX_ID),
        read.reference(part, thing, "parent"),
        read.text(part, thing, "founding_date", MAX_ID),
        read.many(part, thing, "identifiers", _identifier),
    )


def _post(read: _Read, part: str, value: Any) -> Post:
    thing = read.thing(part, value, {"id", "label", "organization_id", "organization", "role"})
    return Post(
        read.id(part, thing),
        read.text(part, thing, "label", MAX_ID),
        read.reference(part, thing, "organization"),
        read.text(part, thing, "role", MAX_ID),
    )


def _membership(read: _Read, part: str, value: Any) -> Membership:
    names = ("organization", "person", "on_behalf_of", "post")
    known = {"id", "member", "role", "start_date", "end_date", *names, *(f"{each}_id" for each in names)}
    thing = read.thing(part, value, known)
    return Membership(
        organization_id=read.reference(part, thing, "organization"),
        id=read.id(part, thing, needed=False),
        person_id=read.reference(part, thing, "person"),
        member_id=read.reference(part, thing, "member"),
        on_behalf_of_id=read.reference(part, thing, "on_behalf_of"),
        post_id=read.reference(part, thing, "post"),
        role=read.text(part, thing, "role", MAX_ID),
        start_date=read.text(part, thing, "start_date", MAX_ID),
        end_date=read.text(part, thing, "end_date", MAX_ID),
    )


def _motion(read: _Read, part: str, value: Any) -> Motion:
    known = {
        "id",
        "organization_id",
        "organization",
        "text",
        "classification",
        "date",
        "requirement",
        "result",
    }
    thing = read.thing(part, value, known)
    return Motion(
        read.id(part, thing),
        read.reference(part, thing, "organization"),
        read.text(part, thing, "text"),
        read.text(part, thing, "classification", MAX_ID),
        read.text(part, thing, "date", MAX_ID),
        read.text(part, thing, "requirement", MAX_ID),
        read.text(part, thing, "result", MAX_ID),
    )


def _count(read: _Read, part: str, value: Any) -> Count:
    thing = read.thing(part, value, {"option", "value"})
    number = thing.get("value")
    if type(number) is not int or not 0 <= number < 2**53:
        raise BadPopolo(f"a value in {part} is no number of voters")
    return Count(read.text(part, thing, "option", MAX_ID), number)


def _vote(read: _Read, part: str, value: Any) -> Vote:
    thing = read.thing(part, value, {"voter_id", "voter", "option", "group_id", "group"})
    return Vote(
        read.reference(part, thing, "voter"),
        read.text(part, thing, "option", MAX_ID),
        read.reference(part, thing, "group"),
    )


def _vote_event(read: _Read, part: str, value: Any) -> VoteEvent:
    known = {
        "id",
        "motion_id",
        "motion",
        "organization_id",
        "organization",
        "identifier",
        "start_date",
        "result",
    }
    thing = read.thing(part, value, known | {"counts", "votes"})
    return VoteEvent(
        read.id(part, thing),
        read.reference(part, thing, "motion"),
        read.reference(part, thing, "organization"),
        read.text(part, thing, "identifier", MAX_ID),
        read.text(part, thing, "start_date", MAX_ID),
        read.text(part, thing, "result", MAX_ID),
        read.many(part, thing, "counts", _count),
        read.many(part, thing, "votes", _vote),
    )


_READERS: Mapping[str, Callable[[_Read, str, Any], Any]] = {
    "persons": _person,
    "organizations": _organization,
    "posts": _post,
    "memberships": _membership,
    "motions": _motion,
    "vote_events": _vote_event,
}


def _dangling(popolo: Popolo) -> Iterator[str]:
    """Yield how many things name something that the file does not have."""
    persons = {each.id for each in popolo.persons}
    bodies = {each.id for each in popolo.organizations}
    named = (
        ("memberships", "person", [each.person_id for each in popolo.memberships], persons),
        ("memberships", "organization", [each.organization_id for each in popolo.memberships], bodies),
        ("memberships", "body that they are on behalf of", [each.on_behalf_of_id for each in popolo.memberships], bodies),
        ("vote_events", "motion", [each.motion_id for each in popolo.vote_events], {each.id for each in popolo.motions}),
        ("motions", "organization", [each.organization_id for each in popolo.motions], bodies),
    )  # fmt: skip
    for part, what, ids, known in named:
        lost = sum(1 for each in ids if each and each not in known)
        if lost:
            yield f"{lost} of {part} name a {what} that is not in the file"
