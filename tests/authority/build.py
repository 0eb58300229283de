"""Worlds as real records: a small set of records in plain words becomes keys, logs, pages, hashes and signatures.

The schema is that of `worlds.jsonl` (see SOURCES.md). Nothing is judged here: the production fold gets what comes out.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import Any

from fedsync.crdt.books.book import apply_blocks, bind
from fedsync.crdt.books.booktables import BOOKS, MANDATES, RESULTS, STATUSES, VERDICTS, VOTE_VERDICTS
from fedsync.crdt.books.whyvoices import verdict
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import PERSON, SEAT, Capacity, Genesis
from fedsync.records.ids import LogClass, PageId, Reach, RecordId, payload_id
from fedsync.records.kinds.authority import parse_page
from fedsync.records.kinds.entries import consent_digest
from fedsync.records.seal import Draft
from tests.crdt.books import TIME, append, key, opening, shuffled_by, tag, tip

VOICES = {"sign": "signature", "approve": "approval", "vote": "vote"}
Json = dict[str, Any]


def unheld(name: str) -> bytes:
    """Return an id of nothing: what a world refers to and does not hold, or can't by the order of hashes."""
    return sha256(f"nothing {name}".encode()).digest()


def motion(name: str) -> RecordId:
    """Return the id of a motion that is only a name."""
    return RecordId(sha256(f"motion {name}".encode()).digest())


@dataclass
class Built:
    """A world as blocks. `after`: the block that has to come before a block, by name."""

    world: Json
    blocks: dict[str, Block] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    pages: dict[str, PageId] = field(default_factory=dict)
    records: dict[str, RecordId] = field(default_factory=dict)

    @cached_property
    def bodies(self) -> list[str]:
        """Bodies whose page 0 is held."""
        return [each["body"] for each in self.world["records"] if each["kind"] == "page" and each["no"] == 0]


class _Builder:
    def __init__(self, world: Json) -> None:
        records = world["records"]
        self.pages: dict[str, Json] = {each["id"]: each for each in records if each["kind"] == "page"}
        self.logs: dict[str, Json] = {each["id"]: each for each in records if each["kind"] == "log"}
        self.voices: dict[str, Json] = {each["id"]: each for each in records if each["kind"] in VOICES}
        self.built = Built(world)
        self.values: dict[str, dict[str, Value]] = {}
        self.busy: set[str] = set()
        self.named: dict[str, Json] = {}
        """Seats and sealers as epochs name them, whether their log is held or not."""
        for page in self.pages.values():
            for entry in page["entries"]:
                if entry["kind"] == "epoch":
                    for seat in [*entry["seats"], *(entry.get("sealers") or [])]:
                        if "log" in seat:
                            self.named[seat["log"]] = {"key": seat["key"], "seat": page["body"]}

    def build(self) -> Built:
        for name in self.pages:
            self.page(name)
            self._carry(name)
        for name in self.logs:
            self._open(name)
        for name in self.voices:
            self.voice(name)
        return self.built

    # --- Pages

    def page0(self, body: str) -> bytes:
        name = next(
            (each["id"] for each in self.pages.values() if each["body"] == body and not each["no"]), None
        )
        return self.page(name) if name is not None else PageId(unheld(f"page 0 of {body}"))

    def page(self, name: str) -> PageId:
        if name not in self.built.pages:
            if name not in self.pages or name in self.busy:
                return PageId(unheld(name))
            self.busy.add(name)
            value = self._page_value(self.pages[name])
            self.values[name] = value
            self.built.pages[name] = PageId(payload_id(pack(value)))
            self.busy.discard(name)
        return self.built.pages[name]

    def _page_value(self, page: Json) -> dict[str, Value]:
        entries: list[Value] = [self._entry(page, each) for each in page["entries"]]
        if page["no"] == 0:
            return {"body": None, "number": 0, "prev": None, "entries": entries, "scope": tag(page["body"])}
        value: dict[str, Value] = {
            "body": self.page0(page["body"]),
            "number": page["no"],
            "prev": self.page(page["prev"]),
            "entries": entries,
        }
        return value | ({"by": "repair"} if page.get("by") else {})

    def _carry(self, name: str) -> None:
        body = self.pages[name]["body"]
        clerk = Genesis(
            key("clerk"),
            tag(body),
            PERSON,
            LogClass.AUTHORITY,
            Reach.WORLD,
            sha256(f"clerk {name}".encode()).digest()[:16],
        )
        self.built.blocks[f"clerk {name}"] = opening("clerk", clerk)
        self._put(
            f"page {name}",
            append("clerk", tip(opening("clerk", clerk)), Draft("page", self.values[name], TIME)),
            f"clerk {name}",
        )

    def _put(self, name: str, block: Block, after: str) -> None:
        self.built.blocks[name], self.built.after[name] = block, after

    # --- Entries

    def _entry(self, page: Json, entry: Json) -> dict[str, Value]:
        try:
            return {"kind": entry["kind"], **_ENTRIES[entry["kind"]](self, page, entry)}
        except KeyError:
            return {"kind": entry["kind"]}  # it lacks what its kind needs, and is built as such

    def epoch(self, page: Json, entry: Json) -> dict[str, Value]:
        value: dict[str, Value] = {
            "name": entry.get("name", page["body"]),
            "classification": "body",
            "level": entry["level"] if "level" in entry else self._level(page["body"]),
            "seats": [self._seat(each) for each in entry["seats"]],
            "k": entry["k"],
        }
        if entry.get("sealers"):
            value["sealers"] = [self._seat(each) for each in entry["sealers"]]
        if entry.get("w") is not None:
            value["w"] = entry["w"]
        if entry.get("repair"):
            keys: list[Value] = [key(each) for each in entry["repair"]["keys"]]
            value["repair"] = {"keys": keys, "threshold": entry["repair"]["k"]}
        if entry.get("witness"):
            # Books that name each other on their first pages: hashes allow it for one, so a founding tag stands here.
            value["witness"] = tag(entry["witness"])
        if entry.get("consents"):
            value["consents"] = [self.page(each) for each in entry["consents"].values()]
        return value

    def _level(self, body: str) -> int:
        for page in self.pages.values():
            if page["body"] == body and page["no"] == 0:
                return int(next((each["level"] for each in page["entries"] if each["kind"] == "epoch"), 0))
        return 0

    def _seat(self, seat: Json) -> Value:
        return (
            {"body": self.page0(seat["body"])}
            if "body" in seat
            else {"genesis": self.genesis(seat["log"]).payload}
        )

    def decision(self, page: Json, entry: Json) -> dict[str, Value]:
        return {"title": entry.get("text", ""), "text": entry.get("text", "")}

    def mandate(self, page: Json, entry: Json) -> dict[str, Value]:
        instructions: dict[str, Value] = {
            _question_name(name): each if each == "free" else list(each)
            for name, each in entry["instructions"].items()
        }
        value: dict[str, Value] = {"holder": key(entry["holder"]), "instructions": instructions}
        if "task" in entry:
            value["task"] = entry["task"]
        else:
            value["seat"] = self.page0(entry["seat"])
        if entry.get("alternate") is not None:
            value["alternate"] = key(entry["alternate"])
        if entry.get("may") is not None:
            value["may"] = list(entry["may"])
        if entry.get("until") is not None:
            value["until"] = entry["until"]
        if entry.get("alternate") is not None:
            value["alternate"] = key(entry["alternate"])
        if entry.get("limits"):
            value["limits"] = dict(entry["limits"])
        if entry.get("cuts"):
            value["cuts"] = self._cuts(entry["cuts"])
        return value

    def recall(self, page: Json, entry: Json) -> dict[str, Value]:
        return {
            "mandate": [self.page(entry["mandate"][0]), entry["mandate"][1]],
            "cuts": self._cuts(entry["cuts"]),
        }

    def _cuts(self, cuts: Mapping[str, Any]) -> list[Value]:
        tips: list[Value] = []
        for log, each in cuts.items():
            for seq, record in each if each and isinstance(each[0], list) else [each] if each else []:
                tips.append([self.genesis(log).log, seq + 1, self.voice(record)])
        return tips

    def confirm(self, page: Json, entry: Json) -> dict[str, Value]:
        return {**_question(entry), "vote": self.voice(entry["vote"]) if entry["vote"] else None}

    def leave(self, page: Json, entry: Json) -> dict[str, Value]:
        return {"body": self.page0(entry["body"]), "cuts": self._cuts(entry["cuts"])}

    def witness(self, page: Json, entry: Json) -> dict[str, Value]:
        return {"body": self.page0(entry["body"]), "page": self.page(entry["page"])}

    def consent(self, page: Json, entry: Json) -> dict[str, Value]:
        # `to` is the name of an epoch. The digest leaves the consents out: the page that lists them comes later.
        to = next((each for each in self.pages.values() if self._is_called(each, entry["to"])), None)
        at = next((each for each in to["entries"] if each["kind"] == "epoch"), None) if to else None
        if to is None or at is None:
            return {"body": unheld(entry["to"]), "to": unheld(entry["to"])}
        bare = {**at, "consents": None}
        parsed = parse_page(
            {"body": bytes(32), "number": 1, "prev": bytes(32), "entries": [self._entry(to, bare)]}
        ).epoch
        assert parsed is not None
        body_id = PageId(self.page0(to["body"]))
        return {"body": body_id, "to": consent_digest(body_id, parsed[1])}  # type: ignore[arg-type]

    def _is_called(self, page: Json, name: str) -> bool:
        return any(each["kind"] == "epoch" and each.get("name") == name for each in page["entries"])

    def result(self, page: Json, entry: Json) -> dict[str, Value]:
        rule: dict[str, Value] = {"method": "threshold", "need": entry["need"]}
        value: dict[str, Value] = {**_question(entry), "rule": rule}
        if "counts" in entry:
            return value | {"counts": [[option, number] for option, number in entry["counts"]]}
        return value | {"votes": [self.voice(each) for each in entry["votes"]]}

    # --- Logs and voices

    def genesis(self, name: str) -> Genesis:
        log = self.logs.get(name) or self.named.get(name) or {"key": name, "seat": "nobody"}
        incarnation = sha256(f"log {name}".encode()).digest()[:16]
        capacity: Capacity = SEAT
        if "mandate" in log:
            page, index = log["mandate"]
            body = self.pages[page]["body"] if page in self.pages else "nobody"
            capacity = ("mandate", self.page(page), index)
        else:
            body = log["seat"]
        return Genesis(key(log["key"]), tag(body), capacity, LogClass.AUTHORITY, Reach.WORLD, incarnation)

    def _open(self, name: str) -> Block:
        if f"log {name}" not in self.built.blocks:
            self.built.blocks[f"log {name}"] = opening(self.logs[name]["key"], self.genesis(name))
        return self.built.blocks[f"log {name}"]

    def voice(self, name: str) -> RecordId:
        if name not in self.built.records:
            block = self._voice(name)
            if block is None:
                return RecordId(unheld(name))
            self.built.records[name] = block.tip
        return self.built.records[name]

    def _voice(self, name: str) -> Block | None:
        voice = self.voices.get(name)
        if voice is None or voice["log"] not in self.logs or name in self.busy:
            return None
        self.busy.add(name)
        base, after = self._open(voice["log"]), f"log {voice['log']}"
        if voice["prev"] is not None:
            self.voice(voice["prev"])
            after = f"record {voice['prev']}"
            if after not in self.built.blocks:
                self.busy.discard(name)
                return None  # no store takes what does not follow on what it holds
            base = self.built.blocks[after]
        block = append(self.logs[voice["log"]]["key"], tip(base), self._draft(voice))
        self._put(f"record {name}", block, after)
        self.busy.discard(name)
        return block

    def _draft(self, voice: Json) -> Draft:
        time = voice.get("time", TIME)
        if voice["kind"] == "vote":
            return Draft("vote", {**_question(voice), "option": voice["option"]}, time)
        value: dict[str, Value] = {
            "page": self.page(voice["page"]), "slot": self.page(voice["slot"]), "round": voice["round"],
        }  # fmt: skip
        if voice.get("lock") is not None and voice["kind"] == "sign":
            value["lock"] = voice["lock"]
        return Draft(VOICES[voice["kind"]], value, time)


_ENTRIES: Mapping[str, Callable[[_Builder, Json, Json], dict[str, Value]]] = {
    "epoch": _Builder.epoch,
    "decision": _Builder.decision,
    "mandate": _Builder.mandate,
    "recall": _Builder.recall,
    "closing": _Builder.recall,
    "confirm": _Builder.confirm,
    "ratify": _Builder.confirm,
    "witness": _Builder.witness,
    "consent": _Builder.consent,
    "leave": _Builder.leave,
    "result": _Builder.result,
}


def _question(said: Json) -> dict[str, Value]:
    """Return the motion that a vote, word or result is about, and its clause if it names one."""
    clause: dict[str, Value] = {"clause": said["clause"]} if said.get("clause") else {}
    return {"motion": motion(said["motion"]), **clause}


def _question_name(name: str) -> str:
    """Return a question as instructions name it: "*", a motion, or "motion#clause"."""
    of, hash_, clause = name.partition("#")
    return name if name == "*" else motion(of).hex() + hash_ + clause


def build(world: Json) -> Built:
    """Return the records of a world."""
    return _Builder(world).build()


def fold(built: Built, random: Random | None = None, outside: Collection[str] = ()) -> MemoryView:
    """Return the state after a world's records: in an order, batches and repetitions that `random` draws.

    `outside`: the bodies that are looked at from outside.
    """
    view = MemoryView()
    order = shuffled_by(built.blocks, built.after, random or Random(0))
    bindings = [(tag(body), built.pages[built_page0(built, body)]) for body in built.bodies]
    at = {body: random.randrange(len(order) + 1) if random else 0 for body in range(len(bindings))}
    draft = StateDraft(view)
    for number, block in enumerate([*order, None]):
        for body, (scope, page0) in enumerate(bindings):
            if at[body] == number:
                bind(draft, scope, page0, built.bodies[body] in outside)
        if block is not None:
            apply_blocks(draft, [block])
            view.hold(block)
        if random is None or random.random() < 0.3:
            view.commit(draft.changes)
            draft = StateDraft(view)
    view.commit(draft.changes)
    return view


def built_page0(built: Built, body: str) -> str:
    """Return the name of a body's page 0."""
    return next(
        str(each["id"])
        for each in built.world["records"]
        if each["kind"] == "page" and each["body"] == body and each["no"] == 0
    )


def statuses(built: Built, view: MemoryView) -> dict[str, Any]:
    """Return what became of each record and entry of a world, by the names that its expectations use."""
    found: dict[str, Any] = {}
    scopes: dict[bytes, list[str]] = {}
    for record, word in _rows(view, VERDICTS, 1) | _rows(view, VOTE_VERDICTS, 2):
        scopes.setdefault(record, []).append(word)
    for each in built.world["records"]:
        name = each["id"]
        if each["kind"] == "page":
            row = view.get(STATUSES, (tag(each["body"]), built.pages[name]))
            found[name] = row[1] if row else "pending"
            if row and row[2]:
                found[f"certified {name}"] = True
            for index, entry in enumerate(each["entries"]):
                where = (tag(each["body"]), built.pages[name], index)
                if entry["kind"] == "mandate":
                    said = view.get(MANDATES, where)
                    found[f"{name}#{index}"] = said[1] if said else "none"
                if entry["kind"] == "result":
                    said = view.get(RESULTS, where)
                    found[f"{name}#{index}"] = said[1] if said else "provisional"
                    found[f"outcome {name}#{index}"] = (said[2] if said else None) or "none"
        elif each["kind"] in VOICES:
            words = scopes.get(built.records.get(name, b"")) or [_asked(built, view, name)]
            found[name] = words[0] if len(set(words)) == 1 else f"several: {sorted(words)}"
    for body in built.bodies:
        row = view.get(BOOKS, (tag(body),))
        names = {page: name for name, page in built.pages.items()}
        head = names.get(PageId(row[1])) if row else None  # type: ignore[arg-type]
        found[f"head {body}"] = head
        if row and row[3]:
            found[f"frozen {body}"] = head
    return found


def _asked(built: Built, view: MemoryView, name: str) -> str:
    """Return what is said of a record that no row is kept of: of another body's log, or not held."""
    try:
        return verdict(view, built.records[name]).status.value
    except KeyError:
        return "pending"


def _rows(view: MemoryView, table: Any, cell: int) -> set[tuple[bytes, str]]:
    return {(row_key[1], row[cell]) for row_key, row in view.scan(table)}  # type: ignore[misc]


def expected(world: Json) -> dict[str, Any]:
    """Return what a world says becomes of its records, by the names of `statuses`."""
    found: dict[str, Any] = dict(world["expect"])
    found |= {f"outcome {name}": each for name, each in (world.get("outcome") or {}).items()}
    found |= {f"head {name}": each for name, each in (world.get("head") or {}).items()}
    return found | {f"frozen {name}": each for name, each in (world.get("frozen") or {}).items()}


def failures(world: Json, orders: int) -> list[dict[str, Any]]:
    """Return where the production fold and a world's expectations differ, in so many shuffled orders."""
    built, wanted = build(world), expected(world)
    failed: dict[tuple[str, str], dict[str, Any]] = {}
    for order in range(orders):
        got = statuses(built, fold(built, Random(f"{world['id']} {order}")))
        names = wanted.keys() | {name for name in got if name.startswith("frozen ")}
        for name in sorted(names):
            if got.get(name) != wanted.get(name):
                failed.setdefault(
                    (name, str(got.get(name))),
                    {"id": world["id"], "record": name, "expected": wanted.get(name), "got": got.get(name)},
                )
    return list(failed.values())
