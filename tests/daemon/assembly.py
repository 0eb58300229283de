"""The vote half of the worked scenario, acted by three real nodes: what people do at each, and what each node says of it.

Alder, Birch and Cedar have a region, whose assembly meets at Alder. Cedar's delegate lives there, so her key is at Alder's
node. How what they write comes from one node to another is not told here.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fedsync.acts.author import now_ms
from fedsync.acts.books import mandates, minutes, motions, votes
from fedsync.acts.books.bodies import found_body, founding_of
from fedsync.acts.books.motions import Words, find_motion
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.results import ResultView, result_view, tally_now, vote_view
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.keyring import create_person
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, PageId, RecordId
from fedsync.records.kinds.entries import EntryId
from fedsync.records.kinds.motions import Method, Rule
from tests.acts.valley import Valley

FILES = Path(__file__).parents[1] / "authority" / "scenario"
LINES = (FILES / "three_communities.jsonl").read_text("utf-8").splitlines()
RECORDS: dict[str, dict[str, Any]] = {each["id"]: each for each in map(json.loads, LINES)}
EXPECTED = json.loads((FILES / "expected.json").read_text("utf-8"))
COMMUNITIES = ("Alder", "Birch", "Cedar")
MOTIONS = ("M1", "M2")
DELEGATES = {
    "dA": ("Alder", "Cleo"),
    "dB": ("Birch", "Cleo"),
    "dC": ("Alder", "Dana"),
    "dC2": ("Cedar", "Cleo"),
}
"""Who they are: at which node their key is, and under which name."""
BEFORE, ACROSS, AFTER = ("v1A", "v1B", "v2A", "v2B"), ("v1C", "v2C"), ("v1C2", "v2C2")
"""Votes: those of Alder and Birch, those of Cedar's delegate who was recalled meanwhile, those of her successor."""
REASONS = {
    "outside instructions": {"outside-instructions"},
    "recalled (recall wins when concurrent)": {"recalled", "not-the-word"},
}
"""What the file's words for why a vote is void are here. Once Cedar has given its word, that her vote is another one is said first."""
EARLIER = {("north_side_before_heal", "M1"), ("healed_before_new_delegate_votes", "M1")}
"""Where a result is final before the file says so: two of three have given their word, so nothing can change it (rule 12)."""
YEAR_MS = 365 * 86_400_000


class Assembly(Valley):
    """The three communities, and what their people do."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, *COMMUNITIES)
        self.mandates: dict[str, EntryId] = {}
        self.motions: dict[str, RecordId] = {}
        self.votes: dict[str, RecordId] = {}
        self.dana = public_key(create_person(self.homes["Alder"], "Dana", None))

    # --- What is done -----------------------------------------------------------------------------------

    def found(self) -> None:
        """Let Alder found the region."""
        with self.at("Alder") as (reading, door):
            members = [reading.body(each) for each in COMMUNITIES]
            founding = founding_of(reading, "Region", "region", members, None, None, 2)
            self.region, self.scope = found_body(self.author("Alder"), reading, door, founding)

    def put(self) -> None:
        """Let Alder send its delegate, free as yet, and let him put both motions to the region."""
        holder = self._key(*DELEGATES["dA"])
        self.enter(
            "Alder", [self._giving("Alder", mandates.Giving(holder, self.region, None, {"*": "free"}))]
        )
        for title in MOTIONS:
            with self.at("Alder") as (reading, door):
                body = reading.body("Region")
                words = Words(title, "Shall we?")
                self.motions[title] = motions.put(self.author(*DELEGATES["dA"]), reading, door, body, words)

    def send(self, name: str) -> None:
        """Let a community give the mandate of this name on a sealed page of its book."""
        said = RECORDS[name]
        place, person = DELEGATES[said["person"]]
        asked = [f"{title}={','.join(options)}" for title, options in said["instructions"].items()]
        at = said["on_behalf_of"]
        holder = self._key(place, person)
        with self.at(at) as (reading, _):
            instructions = mandates.instructions_of(reading, asked)
        giving = mandates.Giving(holder, self.region, None, instructions, until=now_ms() + YEAR_MS)
        self.mandates[name] = self.enter(at, [self._giving(at, giving)]), 0

    def recall(self, name: str) -> None:
        """Let a community recall a delegate, and keep what it holds of her log."""
        said = RECORDS[name]
        with self.at(said["by"]) as (reading, _):
            (mandate,) = [each for each in given(reading.view) if each.id == self.mandates[said["mandate"]]]
            entry = mandates.end(reading, mandate, closing=False)
        self.enter(said["by"], [entry])

    def cast(self, *names: str) -> None:
        """Let delegates vote, against their instructions where the file says so."""
        for name in names:
            said = RECORDS[name]
            place, person = DELEGATES[said["by"]]
            with self.at(place) as (reading, door):
                of = find_motion(reading, self.motions[RECORDS[said["vote_event"]]["motion"]].hex())
                who, option = self.author(place, person), said["option"]
                self.votes[name], _ = votes.cast_vote(who, reading, door, of, "", option, anyway=True)

    def count(self) -> PageId:
        """Let Alder's delegate draft and sign the region's page with both results, as the votes are now."""
        with self.at("Alder") as (reading, door):
            entries = []
            for motion in self.motions.values():
                now = tally_now(reading.view, self.scope, (motion, ""), Rule(Method.MAJORITY))
                assert now is not None
                entries.append(votes.result_of_votes(now, ""))
            page, _ = minutes.enter(self.author(*DELEGATES["dA"]), reading, door, self.scope, entries)
        self.sign("dA", page)
        return page

    def see(self) -> PageId:
        """Let Alder's delegate draft and sign a page of the region: it says how far the members' books have come."""
        with self.at("Alder") as (reading, door):
            seen = minutes.decision(f"Seen {now_ms()}", "What the communities have said is seen.")
            page, _ = minutes.enter(self.author(*DELEGATES["dA"]), reading, door, self.scope, [seen])
        self.sign("dA", page)
        return page

    def sign(self, who: str, page: PageId) -> None:
        """Let a delegate sign a page of the region."""
        place, person = DELEGATES[who]
        with self.at(place) as (reading, door):
            minutes.sign(self.author(place, person), reading, door, page)

    def confirm(self, at: str) -> None:
        """Let a community say on a sealed page of its book that what its delegate voted is its word."""
        with self.at(at) as (reading, _):
            scope = reading.own().scope
            entries = []
            for motion in self.motions.values():
                vote = votes.own_vote(reading, (motion, ""), scope, ratify=False)
                entries.append(votes.word_entry(reading, (motion, ""), scope, vote, ratify=False))
        self.enter(at, entries)

    def _giving(self, at: str, giving: mandates.Giving) -> dict[str, Value]:
        with self.at(at) as (reading, _):
            return mandates.give(reading, reading.own().scope, giving)

    def _key(self, place: str, person: str) -> Key:
        return self.dana if person == "Dana" else self.author(place, person).key

    # --- What a node says of it -------------------------------------------------------------------------

    def result(self, at: str, page: PageId, index: int) -> ResultView:
        """Return a result as a node has it."""
        with Reading.open(self.homes[at]) as reading:
            found = result_view(reading.view, page, index)
        assert found is not None
        return found

    def verdict(self, at: str, name: str) -> tuple[VoiceStatus, str] | None:
        """Return what a vote has come to at a node, None when it has not come."""
        with Reading.open(self.homes[at]) as reading:
            found = vote_view(reading.view, self.votes[name])
        return None if found is None else (found.verdict.status, found.verdict.code)

    def mandate(self, at: str, name: str) -> str | None:
        """Return the status of a mandate at a node, None when it does not know of it."""
        with Reading.open(self.homes[at]) as reading:
            found: Iterable[Given] = given(reading.view)
            return next((each.status for each in found if each.id == self.mandates[name]), None)

    def differs(self, at: str, moment: str, page: PageId) -> list[str]:
        """Return in what a node's results on a page are other than the file says of a moment."""
        found = []
        with Reading.open(self.homes[at]) as reading:
            names = {each.body: reading.name_of(each.scope) for each in reading.bodies.all()}
        for index, title in enumerate(MOTIONS):
            wanted, now = EXPECTED[moment]["votes"][title], self.result(at, page, index)
            state = "final" if (moment, title) in EARLIER else wanted["state"]
            seats = {names[each.body]: each.ballot.option for each in now.seats if each.body and each.ballot}
            silent = sorted(names[each.body] for each in now.seats if each.body and each.word is None)
            void = {}
            for name in self.votes:
                if RECORDS[RECORDS[name]["vote_event"]]["motion"] == title:
                    verdict = self.verdict(at, name)
                    if verdict is not None and verdict[0] is VoiceStatus.VOID:
                        void[name] = verdict[1]
            said = {name: why for name, why in void.items() if why in REASONS[wanted["void"].get(name, "")]}
            for what, got, right in (
                ("result", {"yes": "pass"}.get(now.outcome or "", "fail"), wanted["result"]),
                ("state", now.status, state),
                ("seats", seats, wanted["seats"]),
                ("unconfirmed", silent, wanted["unconfirmed"]),
                ("binds", sorted(names[each.body] for each in now.binds), wanted["binds"]),
                ("void", sorted(void), sorted(wanted["void"])),
                ("why void", sorted(said), sorted(wanted["void"])),
            ):
                if got != right:
                    found.append(f"{at}, {moment}, {title}: {what} is {got}, not {right} ({void})")
        return found

    def outcome(self, at: str, title: str) -> str | None:
        """Return what the votes on a motion that a node holds amount to."""
        with Reading.open(self.homes[at]) as reading:
            now = tally_now(reading.view, self.scope, (self.motions[title], ""), Rule(Method.MAJORITY))
        return None if now is None else now.outcome
