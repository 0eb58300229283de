"""Founding a community's node: keys, store, page 0, and the sheet with the repair keys. All of it, or nothing."""

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync import config, keyring, sheet
from fedsync.acts.author import REACH_OF, now_ms
from fedsync.config import Address
from fedsync.errors import Exit, Problem, usage
from fedsync.home import Home
from fedsync.node import Node, Verdict
from fedsync.ports import free_port
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Scope, payload_id
from fedsync.records.kinds.authority import NODE_ROLE
from fedsync.records.seal import Draft, seal
from fedsync.store.store import create_store

MAX_TELLERS = 200
"""Seats of one body: its epoch must fit in one record."""
SHEET = "repair-sheet.txt"
"""Printed, and then kept away from this machine."""
REPAIR_KEYS, REPAIR_THRESHOLD = 3, 2
"""Keys on the repair sheet, and how many of them mend a book: one may be lost, one stolen."""


@dataclass(frozen=True, slots=True)
class Founded:
    """What `found` made."""

    community: PageId
    node: Key
    listen: Address | None
    """None: it does not listen."""
    repair_sheet: Path


_OTHER_NAME = "Type another name."


def found(
    where: Path,
    name: str,
    tellers: Sequence[str],
    threshold: int,
    listen: Address | None,
    passphrase: Callable[[str], bytes | None],
) -> Founded:
    """Make a community's node in `where`, which must not hold one. Raises a Problem; then nothing is there."""
    check_numbers(tellers, threshold)
    name = check_body_name(name)
    if Home(where).store.exists():
        raise Problem(
            "exists",
            f"There is a node in {where} already. Nothing was changed.",
            "Name another directory with --home.",
            Exit.REFUSED,
        )
    secrets_of = {teller: passphrase(teller) for teller in tellers}
    # Built beside and moved into place when whole: an interrupted init leaves no half of a node.
    building = where.with_name(f".{where.name}.new-{secrets.token_hex(4)}")
    try:
        made = _build(Home(building).make(), name, secrets_of, threshold, _free(listen) if listen else None)
        _into_place(building, where)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return Founded(made.community, made.node, made.listen, where / SHEET)


def check_body_name(name: str) -> str:
    """Return a body's name in its normal form. Raises a Problem (exit 2) when commands could not name it."""
    name = keyring.check_name(name)
    if name.casefold() == "all":
        raise usage("A body cannot be called all: where one is named, that means every body.", _OTHER_NAME)
    if set(name) & set("@="):
        raise usage(
            "A body's name has no @ and no =: PERSON@COMMUNITY and MEMBER=COMMUNITY could not be read.",
            _OTHER_NAME,
        )
    return name


def check_numbers(tellers: Sequence[str], threshold: int) -> None:
    """Raise a Problem (exit 2) unless this many tellers can keep a book with this threshold."""
    if not tellers:
        raise usage("A community needs tellers.", "Add --teller NAME for each.")
    if len(tellers) > MAX_TELLERS:
        raise usage(f"A community has at most {MAX_TELLERS} tellers.", "Name fewer.")
    check_tellers(tellers)
    least = len(tellers) // 2 + 1
    if not least <= threshold <= len(tellers):
        raise usage(
            f"With {_tellers(len(tellers))} the threshold is from {least} to {len(tellers)}: "
            "two halves must never be able to decide apart.",
            f"Try --threshold {least}.",
        )


def check_tellers(names: Sequence[str]) -> None:
    """Raise a Problem (exit 2) when a name is none, or two of them read the same."""
    for name in names:
        keyring.check_name(name)
    if len({keyring.file_name(name) for name in names}) < len(names):
        raise usage("Two tellers have the same name.", "Give each a name of their own, and name each once.")


def _tellers(number: int) -> str:
    return "1 teller" if number == 1 else f"{number} tellers"


def _build(
    home: Home, name: str, tellers: dict[str, bytes | None], threshold: int, listen: Address | None
) -> Founded:
    node_key = keyring.create_node_key(home)
    config.write_initial(home.config, name, listen)
    scope, incarnation = Scope(secrets.token_bytes(16)), secrets.token_bytes(16)
    keys = {teller: keyring.create_person(home, teller, secret) for teller, secret in tellers.items()}
    repair = [Ed25519PrivateKey.generate() for _ in range(REPAIR_KEYS)]
    logs = {
        teller: Genesis(
            public_key(key), scope, SEAT, LogClass.AUTHORITY, REACH_OF[LogClass.AUTHORITY], incarnation
        )
        for teller, key in keys.items()
    }
    page = page_zero(name, scope, list(logs.values()), threshold, [public_key(key) for key in repair])
    body = PageId(payload_id(pack(page)))
    # The fingerprint names the file's inode, so the file is there first; moving the directory keeps it.
    home.store.touch(mode=0o600)
    store = create_store(
        home.store,
        fingerprint=home.fingerprint(),
        journal=secrets.token_bytes(8),
        incarnation=incarnation,
    )
    with store:
        node = Node(store)
        node.begin()
        node.follow(scope, body, name, "own")
        time = now_ms()
        for teller, key in keys.items():
            drafts = [Draft("person", person(public_key(key), teller), time)]
            if teller == next(iter(keys)):
                drafts.insert(0, Draft("page", page, time))
                drafts.append(Draft("post", post(public_key(node_key), incarnation), time))
            blocks = seal(key, logs[teller], None, drafts, time)
            for taken in node.take([(block.raw, None) for block in blocks]):
                assert taken.verdict is Verdict.TAKEN, taken
        node.settle()
        node.commit()
    sheet.write_sheet(home.path / SHEET, repair, name, body, REPAIR_THRESHOLD)
    return Founded(body, public_key(node_key), listen, home.path / SHEET)


def page_zero(
    name: str, scope: Scope, seats: Sequence[Genesis], threshold: int, repair: Sequence[Key]
) -> dict[str, Value]:
    """Return page 0 of a community's book, whose id will be the community's."""
    epoch: dict[str, Value] = {
        "kind": "epoch",
        "name": name,
        "classification": "community",
        "level": 0,
        "seats": [{"genesis": seat.payload} for seat in seats],
        "k": threshold,
        "repair": {"keys": list(repair), "threshold": REPAIR_THRESHOLD},
    }
    return {"body": None, "scope": scope, "number": 0, "prev": None, "entries": [epoch]}


def person(key: Key, name: str) -> list[Value]:
    """Return what says that `key` is called `name`; the random bytes keep an erased name from being guessed."""
    return [secrets.token_bytes(16), {"key": key, "name": name}]


def post(node: Key, incarnation: bytes) -> dict[str, Value]:
    """Return what says which node serves a community: others name it as a sealer of what they found together."""
    return {"role": NODE_ROLE, "key": node, "incarnation": incarnation}


def _free(listen: Address) -> Address:
    """Return `listen`, with a free port in place of 0, so that invitations can name it."""
    if listen.port:
        return listen
    try:
        return Address(listen.host, free_port(listen.host))
    except OSError as error:
        raise usage(
            f"This machine cannot listen at {listen}: {error.strerror}.",
            "Name an address of its own, or 0.0.0.0 for all.",
        ) from None


def _into_place(building: Path, where: Path) -> None:
    try:
        os.rename(building, where)
    except OSError:
        raise Problem(
            "not_empty",
            f"{where} is not empty, or cannot be written. Nothing was changed.",
            "Name a directory that does not exist yet with --home.",
            Exit.REFUSED,
        ) from None
