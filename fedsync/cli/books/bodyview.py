"""What is known of a body, for people and for programs: who sits in it, who seals, what it bears, who stands above it."""

from typing import Any

from fedsync.cli.books.following import word
from fedsync.cli.books.fresh import fresh_value
from fedsync.cli.telling import person, short
from fedsync.crdt.books.bearing import sentences
from fedsync.crdt.books.booktables import (
    ACTS,
    SEALED,
    WITNESSES,
    Book,
    book,
    known,
    status,
)
from fedsync.crdt.books.delegates import entry_at, given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL, SUSPENDED
from fedsync.crdt.books.minutes import current_epoch
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.entries import CREATE, REPEAL, Create, EntryId, Repeal
from fedsync.records.kinds.motions import rule_value
from fedsync.store.peers import FollowedBody

SPEAKING = (IN_FORCE, PROVISIONAL, SUSPENDED)


def row(reading: Reading, body: FollowedBody) -> dict[str, Any]:
    """Return a body for programs."""
    state = book(reading.view, body.scope)
    here = known(reading.view, body.body)
    value: dict[str, Any] = {
        "community": body.body.hex(),
        "body": body.body.hex(),
        "tag": body.scope.hex(),
        "name": reading.name_of(body.scope),
        "source": body.source,
        "extent": word(body.extent),
        "founded": bool(state and state.number >= 1),
        "sealed_pages": state.number if state else None,
        "head": state.head.hex() if state else None,
        "frozen": bool(state and state.frozen),
        "fresh": fresh_value(reading, body.scope, now_ms()),
        "kind": None,
        "level": here.level if here else None,
        "tellers": [],
        "seats": [],
        "threshold": None,
        "sealers": [],
        "seals": None,
        "bears": None,
        "repair_keys": None,
        "witness": None,
        "answers_to": None,
    }
    epoch = _epoch(reading, body.scope, state)
    if epoch is None:
        return value
    numbers = epoch.numbers
    return value | {
        "kind": epoch.classification,
        "tellers": sorted(person(reading, body.scope, key) for key in epoch.keys),
        "seats": sorted(
            (_seat(reading, body, member) for member in epoch.members),
            key=lambda seat: (str(seat["name"]), str(seat["body"])),
        ),
        "threshold": epoch.k,
        "sealers": sorted(person(reading, body.scope, seat.key) for seat in epoch.sealers.values()),
        "seals": epoch.w,
        "bears_lying_tellers": epoch.bears,
        "bears": {
            "lying_seats": numbers.lying_seats,
            "lost_seats": numbers.lost_seats,
            "lying_sealers": numbers.lying_sealers,
            "lost_sealers": numbers.lost_sealers,
            "words": sentences(numbers),
        },
        "repair_keys": {"keys": len(epoch.repair), "threshold": epoch.threshold} if epoch.repair else None,
        "witness": _named(reading, epoch.witness),
        "answers_to": _creator(reading, epoch.answers_to, body.body) if epoch.answers_to else None,
        "rule": {**rule_value(epoch.voting)} if epoch.voting else None,
        "rotation": {"longest": epoch.rotation.longest, "cooling": epoch.rotation.cooling}
        if epoch.rotation
        else None,
    }


def lines(value: dict[str, Any]) -> list[str]:
    """Return a body's row for people."""
    if value["threshold"] is None:
        return [f"{value['name']}: its book has not come yet."]
    state = "" if value["founded"] else ", being founded: its first page is not sealed yet"
    if value["frozen"]:
        whose = "" if value["source"] == "own" else f' --body "{value["name"]}"'
        state = f", FROZEN: its book is split. Mend it with: fedsync bodies repair{whose} --sheet FILE"
    said = [f"{value['name']} ({value['body'][:8]}), {value['kind'].replace('_', ' ')}{state}"]
    if value["seats"]:
        names = ", ".join(each["name"] for each in value["seats"])
        said.append(f"  {value['threshold']} of its {len(value['seats'])} bodies must sign: {names}")
    else:
        names = ", ".join(value["tellers"])
        said.append(f"  {value['threshold']} of its {len(value['tellers'])} tellers must sign: {names}")
    if value["seats"] or value["sealers"] != value["tellers"] or value["seals"] != value["threshold"]:
        said.append(f"  {value['seals']} of {len(value['sealers'])} must seal: {', '.join(value['sealers'])}")
    said += [f"  {_seat_line(each, value['name'])}" for each in value["seats"]]
    said += [f"  {each}" for each in value["bears"]["words"][1:]]
    if value["witness"] and value["frozen"]:
        above = value["witness"]["name"]
        then = f'fedsync book witness "{value["name"]}" --page PAGE --body "{above}"'
        said.append(f"  {above} may say which branch holds: {then}")
    elif value["witness"]:
        said.append(f"  witness, should its book split: {value['witness']['name']}")
    if value["answers_to"]:
        said.append(f"  {_creator_line(value['answers_to'])}")
    if value["rotation"]:
        longest, cooling = value["rotation"]["longest"], value["rotation"]["cooling"]
        said.append(f"  a delegate serves {longest} days at most, and again after {cooling} days")
    kept = "" if value["extent"] == "all" else f"; of it this node keeps the {value['extent']} only"
    if value["extent"] == "world":
        kept = "; of it this node keeps the book, and what it publishes to the world"
    said.append(f"  sealed up to page {value['sealed_pages']}{kept}")
    return [*said, *(f"  {line}" for line in (value["fresh"]["lines"] if value["fresh"] else []))]


def tree(values: list[dict[str, Any]]) -> list[str]:
    """Return a line for each body, below the bodies that it sits in."""
    by_id = {each["body"]: each for each in values}
    below = {seat["body"] for each in values for seat in each["seats"]}
    said: list[str] = []

    def show(value: dict[str, Any], depth: int) -> None:
        of = len(value["seats"]) or len(value["tellers"])
        what = "its book has not come yet"
        if value["threshold"] is not None:
            seats = "bodies" if value["seats"] else "tellers"
            what = f"{value['kind'].replace('_', ' ')}, {value['threshold']} of {of} {seats}"
            what += "" if value["founded"] else ", being founded"
            what += ", FROZEN" if value["frozen"] else ""
        said.append(f"{'  ' * depth}{value['name']} ({value['body'][:8]}): {what}")
        for seat in value["seats"]:
            if seat["body"] in by_id:
                show(by_id[seat["body"]], depth + 1)
            else:
                said.append(f"{'  ' * (depth + 1)}{seat['name']}: not followed here")

    # A seat is of a lower level than its body, so no way down leads back.
    for value in values:
        if value["body"] not in below:
            show(value, 0)
    return said


def _epoch(reading: Reading, scope: Scope, state: Book | None) -> Epoch | None:
    """Return the epoch in force on a book's newest page; of a split book, on its last sealed one."""
    try:
        page = newest(reading.view, scope)
    except CannotDraft:
        if state is None:
            return None
        page = state.head
    return current_epoch(reading.view, scope, page)


def _seat(reading: Reading, body: FollowedBody, member: PageId) -> dict[str, Any]:
    from fedsync.acts.books.whose import sits

    here = known(reading.view, member)
    value: dict[str, Any] = {
        "body": member.hex(),
        "name": short(member),
        "says": "unknown",
        "delegates": [],
        "witnessed": None,
        "sealed_pages": None,
    }
    if here is None:
        return value
    at = book(reading.view, here.scope)
    return value | {
        "name": reading.name_of(here.scope),
        "says": sits(reading, here.scope, body.body),
        "delegates": [
            {"name": person(reading, here.scope, each.mandate.holder), "status": each.status}
            for each in given(reading.view, here.scope)
            if each.mandate.seat == body.body and each.status in SPEAKING
        ],
        "witnessed": _witnessed(reading, body.scope, member),
        "sealed_pages": at.number if at else None,
    }


def _witnessed(reading: Reading, scope: Scope, member: PageId) -> int | None:
    """Return up to which page of a member's book the body's own sealed book has seen it."""
    found: int | None = None
    for key, cells in reading.view.scan(WITNESSES, (scope, member)):
        at = status(reading.view, scope, PageId(key[3]))  # type: ignore[arg-type]
        head = known(reading.view, PageId(cells[0]))  # type: ignore[arg-type]
        if at is not None and at.status == SEALED and head is not None:
            found = max(found or 0, head.number)
    return found


def _seat_line(seat: dict[str, Any], name: str) -> str:
    again = any(each["status"] != SUSPENDED for each in seat["delegates"])
    says = {
        "joined": "joined",
        "left": "has left, by its own book" + (", and sent somebody again" if again else ""),
        "silent": "its book does not say yet that it joins",
        "unknown": "its book has not come yet",
    }[seat["says"]]
    who = ", ".join(f"{each['name']} ({each['status']})" for each in seat["delegates"])
    speaks = f"; {who} speaks for it" if who else "; nobody speaks for it"
    seen = f"; seen up to its page {seat['witnessed']}" if seat["witnessed"] is not None else ""
    then = (
        f'. Next: fedsync bodies epoch --body "{name}" --drop-body "{seat["name"]}"'
        if seat["says"] == "left" and not again
        else ""
    )
    return f"{seat['name']}: {says}{speaks}{seen}{then}"


def _named(reading: Reading, body: PageId | Scope | None) -> dict[str, Any] | None:
    if body is None:
        return None
    for each in reading.store.followed.all():
        if body in (each.body, each.scope):
            return {"body": each.body.hex(), "name": reading.name_of(each.scope)}
    return {"body": body.hex(), "name": f"{short(body)}, not known here yet"}


def _creator(reading: Reading, above: PageId, body: PageId) -> dict[str, Any]:
    """Return whom a body answers to, and whether that body's book says so, or has ended it."""
    value = _named(reading, above)
    assert value is not None
    here = known(reading.view, above)
    value |= {"says": "unknown" if here is None else "silent", "page": None}
    if here is None:
        return value
    created: set[EntryId] = set()
    for key, cells in reading.view.scan(ACTS, (here.scope,)):
        if cells[0] not in (CREATE, REPEAL):
            continue
        page, index = PageId(key[2]), int(key[3])  # type: ignore[arg-type]
        at, entry = status(reading.view, here.scope, page), entry_at(reading.view, page, index)
        if at is None or at.status != SEALED:
            continue
        if isinstance(entry, Create) and entry.body == body:
            created.add((page, index))
            value |= {"says": "created", "page": page.hex()}
        elif isinstance(entry, Repeal) and entry.decision in created:
            created.discard(entry.decision)
            value |= {"says": "ended", "page": page.hex()} if not created else {}
    return value


def _creator_line(value: dict[str, Any]) -> str:
    match value["says"]:
        case "created":
            return f"answers to {value['name']}, which created it on page {value['page'][:8]}"
        case "ended":
            return f"answered to {value['name']}, which ENDED it on page {value['page'][:8]}"
        case "silent":
            return (
                f"says that it answers to {value['name']}, whose sealed book does not say that it created it"
            )
    return f"says that it answers to {value['name']}"
