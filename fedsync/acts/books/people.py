"""People and their keys: who is called what in a body, on which devices their keys lie, and what becomes of lost ones.

A person is a name in a body, with one key or several. A key is made where it is used and never leaves that machine:
another machine is told its public half and the log that it will write, which is what `words.device_text` says. A seat
belongs to one key at a time, for a person has one voice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync import keyring
from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.founding import person
from fedsync.acts.books.mandates import end
from fedsync.acts.books.minutes import carry, drafting, enter
from fedsync.acts.books.seats import New, fact_tips, genesis_of, introduce
from fedsync.acts.books.voices import voice
from fedsync.acts.goods.stewards import reachable
from fedsync.crdt.books.booktables import NAMED
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.drafting import CannotDraft, Drafted, draft_change, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.handover import OVER
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.naming import Naming
from fedsync.crdt.books.people import names
from fedsync.crdt.books.reform import Change
from fedsync.doors import Door
from fedsync.errors import not_found, refused, usage
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import MANDATE, Mandate
from fedsync.records.kinds.entryform import instruction_value, tips_value
from fedsync.records.seal import Draft
from fedsync.words import parse_device

Passphrase = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A key of somebody's, and what it is good for in a body."""

    key: Key
    name: str
    here: str | None
    """Under which name it is kept on this machine, None when it is not."""
    seat: bool
    mandates: tuple[Given, ...]


def held(home: Home, reading: Reading, scope: Scope) -> list[Held]:
    """Return the keys of all people of a body that are known here, by name."""
    called, anywhere = names(reading.view, scope), Naming(reading.view)
    here = {each.key: each.name for each in keyring.people(home)}
    epoch = _epoch(reading, scope)
    seated = epoch.keys if epoch is not None else frozenset()
    mandates = [each for each in given(reading.view, scope) if each.status not in OVER]
    keys = {*called, *seated, *here, *(each.mandate.holder for each in mandates)}
    found = [
        Held(
            key,
            called.get(key) or here.get(key) or anywhere.person(key, scope),
            here.get(key),
            key in seated,
            tuple(each for each in mandates if key in (each.mandate.holder, each.mandate.alternate)),
        )
        for key in keys
    ]
    return sorted(found, key=lambda each: (each.name.casefold(), not each.seat, each.key))


def keys_of(home: Home, reading: Reading, scope: Scope, name: str) -> list[Held]:
    """Return the keys of somebody: by their name in a body, the name that a key is kept under, or the key's beginning.

    Raises a Problem (exit 6).
    """
    every = held(home, reading, scope)
    asked = name.casefold()
    found = [each for each in every if asked in (each.name.casefold(), (each.here or "").casefold())]
    found = found or [each for each in every if begins(name, each.key.hex())]
    if not found:
        known = sorted({each.name for each in every})
        raise not_found("person", name, f"There are: {', '.join(known[:12])}.")
    return found


def add(
    author: Author,
    reading: Reading,
    door: Door,
    scope: Scope,
    name: str,
    device: str | None,
    line: str | None,
    passphrase: Passphrase,
) -> tuple[Key, str | None]:
    """Say that a key is somebody's: one that is made and kept here, or another machine's. Return it, and where it is kept.

    Raises a Problem: there is such a key here already (exit 7), or the line is none (exit 2).
    """
    name = keyring.check_name(name)
    with author.writing():
        into = voice(author, reading, scope).genesis
        if line is not None:
            key, _ = parse_device(line)
            kept = None
        else:
            kept = on_device(name, device)
            key = public_key(keyring.create_person(author.home, kept, passphrase(kept)))
        author.write_as(door, reading, into, [Draft("person", person(key, name), now_ms())])
    return key, kept


def begin(author: Author, reading: Reading, door: Door, scope: Scope) -> bool:
    """Begin the log of a key that is kept here in a book that is to give it a seat, and say whose it is.

    Who signs the page that names it looks whether the log can be written (H4). Return whether it was new.
    Raises a Problem (exit 7) when no page of the book names it yet.
    """
    with author.writing():
        log = genesis_of(scope, author.key, reading.store.directory.incarnation)
        if reading.store.logs.row(log.log) is not None:
            return False
        if reading.view.get(NAMED, (scope, log.key, log.log)) is None:
            raise refused(
                "not_named",
                f"No page of {reading.name_of(scope)} that has come here names this key of {author.name}.",
                f'They add it with: fedsync bodies epoch --add "NAME=LINE"; LINE is in fedsync people keys '
                f'"{author.name}" --show',
            )
        # Called as the people of that body call them: the name that the key has here tells it from others here.
        called = names(reading.view, scope).get(log.key, author.name)
        author.write_as(door, reading, log, [Draft("person", person(log.key, called), now_ms())])
    return True


def on_device(name: str, device: str | None) -> str:
    """Return the name that somebody's key is kept under. Raises a Problem (exit 2)."""
    return keyring.check_name(f"{name} ({device})" if device else name)


@dataclass(frozen=True, slots=True)
class Moved:
    """What was drafted to put a new key in the place of an old one, or to take keys out."""

    page: PageId
    number: int
    key: Key | None
    kept: str | None
    seats: int
    mandates: tuple[Given, ...]


def rotate(
    author: Author,
    reading: Reading,
    door: Door,
    scope: Scope,
    name: str,
    device: str | None,
    kept: str | None,
    line: str | None,
    passphrase: Passphrase,
) -> Moved:
    """Draft the page that puts a new key in the place of somebody's: their seat, and the mandates of the body's book.

    The new key is made here; or it is `kept` here under another name; or it lies on the machine that `line` names. What the old key did and is here is kept; what it does from now on is not. Raises a Problem.
    """
    old = _one_key(author.home, reading, scope, name)
    person_name = keyring.check_name(old.name)
    if line is not None:
        key, incarnation = parse_device(line)
        new = New(person_name, None, genesis_of(scope, key, incarnation), kept=True, secret=None)
    else:
        new = _device(author.home, reading, scope, person_name, device, kept, passphrase)
    if new.genesis.key == old.key:
        raise usage(
            "That is the key which they have.", "Make another: leave --key out, or see fedsync people keys."
        )
    mandates = tuple(each for each in old.mandates)
    regiven = [_moved(reading, each, old.key, new.genesis.key) for each in mandates]

    def draft() -> Drafted:
        if not old.seat:
            raise CannotDraft("no-seat", f"{old.name} has no seat.")
        change = Change(add=[new.genesis], drop=[old.key], cuts=fact_tips(reading, scope, old.key))
        return draft_change(reading.view, scope, change, regiven)

    if old.seat:
        drafting(draft)  # What cannot be drafted must not leave a key behind.
    elif not regiven:
        raise refused(
            "nothing_held",
            f"{old.name} has neither a seat nor a mandate of ours.",
            "See: fedsync people list",
        )
    new.keep(author.home)
    if old.seat:
        page, number = carry(author, reading, door, draft, scope)
    else:
        page, number = enter(author, reading, door, scope, regiven)
    introduce(author, reading, door, scope, new, person_name)
    return Moved(page, number, new.genesis.key, new.kept_as, int(old.seat), mandates)


def revoke(
    author: Author,
    reading: Reading,
    door: Door,
    scope: Scope,
    name: str,
    key: Key | None,
    threshold: int | None,
) -> Moved:
    """Draft the page that takes all from somebody's keys, or from one: seats, and mandates of the body's book.

    What is here of them is kept; what comes from now on is not. Raises a Problem.
    """
    keys = [each for each in keys_of(author.home, reading, scope, name) if key in (None, each.key)]
    if not keys:
        raise not_found("key of theirs that begins so", name, "See: fedsync people keys")
    gone = {each.key for each in keys}
    mandates = {each.id: each for one in keys for each in one.mandates}
    also = [
        end(reading, each, closing=False)
        if each.mandate.holder in gone
        else _moved(reading, each, each.mandate.alternate, None)
        for each in mandates.values()
    ]
    drop = [each.key for each in keys if each.seat]
    if not drop and not also:
        raise refused(
            "nothing_held",
            f"{keys[0].name} has neither a seat nor a mandate of ours: there is nothing to take.",
            "See: fedsync people list",
        )
    if drop:
        cuts = [tip for each in drop for tip in fact_tips(reading, scope, each)]
        change = Change(drop=drop, k=threshold, cuts=cuts)
        page, number = carry(
            author, reading, door, lambda: draft_change(reading.view, scope, change, also), scope
        )
    else:
        page, number = enter(author, reading, door, scope, also)
    return Moved(page, number, None, None, len(drop), tuple(mandates.values()))


def elsewhere(reading: Reading, own: Scope, key: Key) -> list[Given]:
    """Return the mandates that other bodies gave to a key: only their own books can end them."""
    return [
        each
        for each in given(reading.view)
        if each.scope != own
        and each.status not in OVER
        and key in (each.mandate.holder, each.mandate.alternate)
    ]


def _epoch(reading: Reading, scope: Scope) -> Epoch | None:
    try:
        return current_epoch(reading.view, scope, newest(reading.view, scope))
    except CannotDraft:
        return None


def _one_key(home: Home, reading: Reading, scope: Scope, name: str) -> Held:
    """Return somebody's key that has a seat, or a mandate when none has. Raises a Problem (exit 6) when several do."""
    every = keys_of(home, reading, scope, name)
    found = [each for each in every if each.seat] or [each for each in every if each.mandates]
    return the_one(
        "key of", name, found or every, lambda each: f"{each.key.hex()[:12]} ({each.here or each.name})"
    )


def _device(
    home: Home,
    reading: Reading,
    scope: Scope,
    name: str,
    device: str | None,
    kept: str | None,
    passphrase: Passphrase,
) -> New:
    """Return the key that comes in: one that is kept here, or a new one under a name of its own, not kept yet."""
    incarnation = reading.store.directory.incarnation
    if kept is not None:
        person_here = keyring.find_person(home, kept)
        secret = passphrase(kept) if person_here.locked else None
        private = keyring.load_person(home, kept, secret)
        return New(person_here.name, private, genesis_of(scope, person_here.key, incarnation), True, None)
    called = on_device(name, device) if device else _free(home, name)
    if (home.people / keyring.file_name(called)).exists():
        raise keyring.PersonExists(called, called)
    private = Ed25519PrivateKey.generate()
    log = genesis_of(scope, public_key(private), incarnation)
    return New(called, private, log, kept=False, secret=passphrase(called))


def _free(home: Home, name: str) -> str:
    """Return the first of "Ann", "Ann 2", "Ann 3" ... that no key is kept under here."""
    number = 1
    while True:
        asked = name if number == 1 else f"{name} {number}"
        if not (home.people / keyring.file_name(asked)).exists():
            return keyring.check_name(asked)
        number += 1


def _moved(reading: Reading, mandate: Given, old: Key | None, new: Key | None) -> dict[str, Value]:
    """Return a mandate given again, with `new` in the place of `old`; what is here under the earlier one is kept."""
    said = mandate.mandate
    holder = new if said.holder == old and new is not None else said.holder
    alternate = new if said.alternate == old else said.alternate
    return _again(said, holder, alternate, tips_value(reachable(reading, [mandate])))


def _again(said: Mandate, holder: Key, alternate: Key | None, cuts: Sequence[Value]) -> dict[str, Value]:
    entry: dict[str, Value] = {
        "kind": MANDATE,
        "holder": holder,
        "instructions": {name: instruction_value(each) for name, each in said.instructions},
        "cuts": list(cuts),
    }
    if said.seat is not None:
        entry["seat"] = said.seat
    else:
        entry["task"] = said.task
    if said.may is not None:
        entry["may"] = list(said.may)
    if said.limits:
        entry["limits"] = dict(said.limits)
    if said.until is not None:
        entry["until"] = said.until
    if alternate is not None and alternate != holder:
        entry["alternate"] = alternate
    return entry
