"""Would the small worlds notice? Each rule is broken on purpose, once, and they must."""

from collections.abc import Callable
from typing import Any

import pytest

from fedsync.crdt.books import canon, delegates, mandates, methods, slot, votes
from fedsync.crdt.books.slot import Hold, Judged, Verdict, VoiceStatus
from tests.authority.small_worlds import QUICK, explore

Patch = pytest.MonkeyPatch


def any_lock_is_shown(patch: Patch) -> None:
    """Rule 5: a lock frees without a quorum."""
    patch.setattr(slot, "_shown", lambda *_: True)


def approvals_know_no_lock(patch: Patch) -> None:
    """Rule 5: who approved a page approves a rival in a later round."""
    breaks = slot._break

    def broken(voice: Any, said: Any) -> Any:
        code, frees = breaks(voice, said)
        return (code, None) if voice.approves else (code, frees)

    patch.setattr(slot, "_break", broken)


def rounds_may_fall(patch: Patch) -> None:
    """Rule 5: a log forgets in which round it was."""
    patch.setattr(slot, "_say", lambda voice, _: slot._Said(hold=Hold(voice.page, voice.round)))


def mixed_rounds_seal(patch: Patch) -> None:
    """Rule 6: approvals of any round count together."""

    def seals(self: Judged, page: Any) -> list[int]:
        logs: set[Any] = set().union(*self.tallies[page].approved.values())
        return [0] if self.epoch and len(logs & self.epoch.sealers.keys()) >= self.epoch.w else []

    patch.setattr(Judged, "seals", seals)


def sealers_alone_certify(patch: Patch) -> None:
    """Rule 6: k seats are not asked for."""
    patch.setattr(Judged, "enough", lambda self, page: bool(self.seals(page)))


def pending_is_no(patch: Patch) -> None:
    """Rule 4: what is not known yet is taken for void."""
    answers = slot.voiceless

    def broken(*about: Any) -> Verdict | None:
        answer = answers(*about)
        waits = answer is not None and answer.status is VoiceStatus.PENDING
        return Verdict(VoiceStatus.VOID, "no-seat") if waits else answer

    patch.setattr(slot, "voiceless", broken)


def the_witness_is_not_asked(patch: Patch) -> None:
    """Rule 7: what a higher body saw first settles nothing."""
    patch.setattr(canon, "_witnessed", lambda *_: None)


def any_branch_will_do(patch: Patch) -> None:
    """Rule 7: of several certified pages the lowest id, not the one that was seen."""
    patch.setattr(canon, "onward", lambda _, __, certified: min(certified))
    patch.setattr("fedsync.crdt.books.settle.onward", lambda _, __, certified: min(certified))


def an_adopted_recall_waits(patch: Patch) -> None:
    """Rule 10: only a sealed page ends a mandate."""
    ends = mandates._end
    patch.setattr(
        mandates, "_end", lambda old, by, hard, *more, **words: hard and ends(old, by, hard, *more, **words)
    )


def a_recall_cuts_by_number(patch: Patch) -> None:
    """Rule 10: what is below a tip is kept, on its chain or not."""
    patch.setattr(delegates, "on_chain", lambda *_: True)


def the_last_word_counts(patch: Patch) -> None:
    """Rule 11: a later confirm overrides the first."""
    taken = votes._taken
    patch.setattr(votes, "_taken", lambda view, entries, *more: taken(view, entries[::-1], *more))


def a_word_is_not_asked_for(patch: Patch) -> None:
    """Rule 11: a recalled vote stays void though its body named it."""
    patch.setattr(votes, "_taken", lambda *_: None)


def what_is_sealed_is_final(patch: Patch) -> None:
    """Rule 12: nobody asks what may still come to count."""
    patch.setattr(methods, "certain_of_sorts", lambda *_: True)


MUTANTS: dict[Callable[[Patch], None], str] = {
    any_lock_is_shown: "locks",
    approvals_know_no_lock: "epochs",
    rounds_may_fall: "2 of 3, two acts deep, 3 records",
    mixed_rounds_seal: "2 of 3, one act deep, 4 records",
    sealers_alone_certify: "recalls",
    pending_is_no: "consents",
    the_witness_is_not_asked: "splits",
    any_branch_will_do: "splits",
    an_adopted_recall_waits: "recalls",
    a_recall_cuts_by_number: "cuts",
    the_last_word_counts: "two_words",
    a_word_is_not_asked_for: "words",
    what_is_sealed_is_final: "two_words",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[each.__name__ for each in MUTANTS])
def test_a_broken_rule_is_noticed(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    try:
        seen = explore(QUICK[MUTANTS[mutant]](), enough=1)
    except AssertionError:
        return  # the fold noticed by itself
    assert seen.wrong
