"""The naive twin, rules 4 to 6: who speaks, what binds them, what is certified. See `naive`."""

from tests.authority.naive_structure import NO, UNKNOWN, YES, Json, Structure, once


class Voices(Structure):
    """Rules 4 to 6 as questions to a set of records."""

    # --- Voices

    def mandate_of(self, log: str) -> tuple[str, str, Json | None]:
        """Rules 4 and 9: whether a log is under a mandate that is its holder's or alternate's; its giver; the mandate."""
        page, index = self.logs[log]["mandate"]
        if not self.held(page):
            return UNKNOWN, "", None
        entry = self.entry(page, index)
        giver = self.pages[page]["body"]
        if entry is None or entry["kind"] != "mandate":
            return NO, giver, None
        if self.logs[log]["key"] not in (entry["holder"], entry.get("alternate")):
            return NO, giver, None
        return YES, giver, entry

    def seat_of(self, voice: str) -> str:
        """Rule 4: the seat, or the sealer, that a voice in a log speaks for, if it may."""
        log = self.voices[voice]["log"]
        return str(self.mandate_of(log)[1]) if "mandate" in self.logs[log] else log

    @once
    def speaks(self, voice: str) -> str:
        """Rule 4: a voice on a held page under a known epoch speaks for a seat, as a sealer, or for repair."""
        one = self.voices[voice]
        log, page = self.logs[one["log"]], self.pages[one["page"]]
        at = self.epoch_of(one["page"])
        if at is None:
            return NO
        seats, _, sealers, _, repair, _ = self.epoch(at)
        if page.get("by") == "repair":
            return YES if log.get("seat") == page["body"] and log["key"] in repair else NO
        if one["log"] in seats | sealers:
            return YES
        if "mandate" not in log:
            return NO
        found, giver, mandate = self.mandate_of(one["log"])
        if found == UNKNOWN:
            return UNKNOWN
        if giver not in seats or mandate is None or mandate.get("seat") != page["body"]:
            return NO
        kinds = {each["kind"] for each in page["entries"]}
        if mandate.get("may") is not None and not kinds <= set(mandate["may"]):
            return NO
        if self.too_late(one, mandate) or self.too_many(voice, mandate):
            return NO
        return YES if self.certified(log["mandate"][0]) else UNKNOWN

    @staticmethod
    def too_late(voice: Json, mandate: Json) -> bool:
        """Rule 14: outside the term, by the record's own claimed time."""
        return mandate.get("until") is not None and voice.get("time", 0) > mandate["until"]

    def too_many(self, voice: str, mandate: Json) -> bool:
        """Rule 14: beyond the votes, or the pages signed, that a mandate allows, counted on the log's own chain."""
        before, at = [], self.voices[voice]["prev"]
        while at is not None:
            before.append(self.voices[at])
            at = self.voices[at]["prev"]
        limits = mandate.get("limits", {})
        if self.voices[voice]["kind"] == "vote":
            done = sum(each["kind"] == "vote" for each in before)
            return "vote" in limits and done >= limits["vote"]
        # A place counts from when it was first spoken in.
        places = list(dict.fromkeys(each["slot"] for each in reversed(before) if each["kind"] != "vote"))
        slot = self.voices[voice]["slot"]
        done = places.index(slot) if slot in places else len(places)
        return "signature" in limits and done >= limits["signature"]

    @once
    def earlier(self, voice: str) -> tuple[str, ...]:
        """Return what a log said before a record in the slot that this claims, on its own chain, the oldest first."""
        slot, at = self.voices[voice]["slot"], self.voices[voice]["prev"]
        found: list[str] = []
        while at is not None:
            if self.voices[at].get("slot") == slot:
                found.insert(0, at)
            at = self.voices[at]["prev"]
        return tuple(found)

    @once
    def approvals(self, voice: str) -> list[str]:
        """Return what a log approved in the slot before a voice."""
        return [
            each for each in self.earlier(voice)
            if self.voices[each]["kind"] == "approve" and self.disciplined(each)
        ]  # fmt: skip

    @once
    def locked_on(self, voice: str) -> str | None:
        """Rule 5: the last approval before a voice of another page than it speaks for: a lock, until w signed this one."""
        page = self.voices[voice]["page"]
        return next((each for each in self.approvals(voice)[::-1] if self.voices[each]["page"] != page), None)

    def names_its_lock(self, voice: str) -> bool:
        """Rule 5: a signature names the round that frees it. An approval is given to what w signed, as is what follows it."""
        one, approvals = self.voices[voice], self.approvals(voice)
        follows = bool(approvals) and self.voices[approvals[-1]]["page"] == one["page"]
        return one["kind"] == "sign" and not follows

    @once
    def disciplined(self, voice: str) -> bool:
        """Rule 5, as far as the log's own chain tells. What breaks it was not said: it binds its log to nothing."""
        one = self.voices[voice]
        said = [self.voices[each] for each in self.earlier(voice) if self.disciplined(each)]
        if any(each["round"] > one["round"] for each in said):
            return False
        rivals = [each for each in said if each["round"] == one["round"] and each["page"] != one["page"]]
        if any(each["kind"] == "approve" for each in rivals):
            return False
        if one["kind"] == "approve":
            return True
        if rivals:
            return False
        lock = self.locked_on(voice)
        if lock is None or not self.names_its_lock(voice):
            return True
        return one.get("lock") is not None and self.voices[lock]["round"] < one["lock"] < one["round"]

    @once
    def heard(self, voice: str) -> str:
        """Rules 4 and 5 without the lock: YES, or NO: void, or UNKNOWN: pending."""
        one = self.voices[voice]
        if not self.held_in_log(voice) or not self.held(one["page"]):
            return UNKNOWN
        if self.pages[one["page"]]["body"] in self.outside and self._is_a_guest(voice):
            return (
                UNKNOWN  # whoever looks from outside need not hold such logs, so nobody there looks at them
            )
        if self.pages[one["page"]]["prev"] != one["slot"] or not self.disciplined(voice):
            return NO
        return UNKNOWN if self.epoch_of(one["page"]) == UNKNOWN else self.speaks(voice)

    def _is_a_guest(self, voice: str) -> bool:
        """Say whether a voice is in another body's log than that of the book that it speaks in."""
        log, body = self.logs[self.voices[voice]["log"]], self.pages[self.voices[voice]["page"]]["body"]
        if "mandate" not in log:
            return bool(log["seat"] != body)
        given = self.pages.get(log["mandate"][0])
        return given is None or bool(given["body"] != body)

    @once
    def proper(self, voice: str) -> str:
        """Rules 4 and 5: YES, or NO: void, or UNKNOWN: pending."""
        heard = self.heard(voice)
        if heard != YES or self.locked_on(voice) is None:
            return heard
        one = self.voices[voice]
        return YES if voice in self.signed_in(one["page"], one["round"]) else UNKNOWN

    @once
    def signed_in(self, page: str, round_: int) -> frozenset[str]:
        """Rule 5: the voices on a page in a round, an approval counting as a signature; the locked ones once freed."""
        every = [
            each for each in self.of_page.get(page, ())
            if self.voices[each]["round"] == round_ and self.heard(each) == YES
        ]  # fmt: skip
        found = {each for each in every if self.locked_on(each) is None}
        while True:
            more = {each for each in every if each not in found and self._freed(each, found)}
            if not more:
                return frozenset(found)
            found |= more

    def _freed(self, voice: str, same_round: set[str]) -> bool:
        """Rule 5: w sealers signed the rival since: in the round that it names, or in any up to its own."""
        one, lock = self.voices[voice], self.locked_on(voice)
        assert lock is not None
        _, _, sealers, w, _, _ = self.epoch(str(self.epoch_of(one["page"])))
        rounds = {self.voices[each]["round"] for each in self.of_page[one["page"]]}
        since = {each for each in rounds if self.voices[lock]["round"] < each <= one["round"]}
        for round_ in since & {one.get("lock")} if self.names_its_lock(voice) else since:
            signed = same_round if round_ == one["round"] else self.signed_in(one["page"], round_)
            if len({self.voices[each]["log"] for each in signed} & sealers) >= w:
                return True
        return False

    def said(self, page: str, round_: int | None = None) -> list[str]:
        """Return the proper voices on a page, in one round or in any. An approval counts as a signature."""
        return [
            each for each in self.of_page.get(page, ())
            if (round_ is None or self.voices[each]["round"] == round_) and self.proper(each) == YES
        ]  # fmt: skip

    # --- Pass 1

    @once
    def certified(self, page: str) -> bool:
        """Rule 6. From outside the k seats are taken from the sealers, who sign only what these signed (H3)."""
        if not self.held(page):
            return False
        one = self.pages[page]
        if one["prev"] is None:
            return True
        at = self.epoch_of(page)
        if at in (None, UNKNOWN) or not self.certified(one["prev"]):
            return False
        seats, k, sealers, w, _, threshold = self.epoch(at)
        if one.get("by") == "repair":
            keys = {self.logs[self.voices[each]["log"]]["key"] for each in self.said(page)}
            return 0 < threshold <= len(keys)
        if not self.unseen(page) and len({self.seat_of(each) for each in self.said(page)} & seats) < k:
            return False
        rounds = {self.voices[each]["round"] for each in self.said(page)}
        return any(len(self._approvers(page, each) & sealers) >= w for each in rounds)

    def _approvers(self, page: str, round_: int) -> set[str]:
        said = [self.voices[each] for each in self.said(page, round_)]
        return {each["log"] for each in said if each["kind"] == "approve"}
