"""Motions, votes, tallies and results as JSON and as lines for people: what `motions`, `votes` and `decisions` share."""

from collections.abc import Iterable
from typing import Any

from fedsync.cli.telling import rfc3339, text_of
from fedsync.crdt.books.binds import Bond
from fedsync.crdt.books.motions import DissentView, MotionView, dissents
from fedsync.crdt.books.naming import Naming, choice_words, rule_words, short
from fedsync.crdt.books.results import Flaw, ResultView, SeatView, TallyView, VoteView
from fedsync.crdt.books.slot import Verdict
from fedsync.crdt.reasons import reason
from fedsync.reading import Reading
from fedsync.records.kinds.motions import Rule

Json = dict[str, Any]


def naming(reading: Reading) -> Naming:
    """Return the names of what this node holds."""
    return Naming(reading.view, book=reading.name_of)


def worth(verdict: Verdict) -> Json:
    """Return a status with the reason and the sentence that explains it."""
    return {
        "status": verdict.status.value,
        "reason": verdict.code,
        "why": reason(verdict.code).sentence,
    }


# --- Motions ---------------------------------------------------------------------------------------------


def motion_row(reading: Reading, of: MotionView, rule: Rule) -> Json:
    """Return a motion for programs."""
    called = naming(reading)
    return {
        "id": of.id.hex(),
        "title": text_of(of.motion.title),
        "text": text_of(of.motion.text),
        "body": of.motion.body.hex(),
        "asks": called.body(of.motion.body),
        "by": called.person(of.key),
        "for": called.body(of.giver) if of.giver is not None else None,
        "time": rfc3339(of.time),
        "options": list(of.motion.options),
        "clauses": {name: text_of(text) for name, text in of.motion.clauses},
        "amends": of.motion.amends.hex() if of.motion.amends is not None else None,
        "rule": rule_words(rule),
        **worth(of.verdict),
    }


def motion_lines(row: Json) -> list[str]:
    """Return a motion in words."""
    sent = f" for {row['for']}" if row["for"] else ""
    state = "" if row["status"] == "stands" else f"  [{row['status']}: {row['why']}]"
    lines = [
        f"{row['title']}{state}",
        f"{row['id'][:8]}, put to {row['asks']} by {row['by']}{sent}",
        f"decided by {row['rule']}; options: {', '.join(row['options'] or ['yes', 'no'])}",
        "",
        *row["text"].split("\n"),
    ]
    for name, text in row["clauses"].items():
        lines += ["", f"Clause {name}:", *(f"  {line}" for line in text.split("\n"))]
    return lines


def dissent_rows(reading: Reading, *about: bytes) -> list[Json]:
    """Return the statements against these things, for programs."""
    called = naming(reading)
    return [_dissent_row(called, each) for one in about for each in dissents(reading.view, one)]


def _dissent_row(called: Naming, of: DissentView) -> Json:
    return {
        "id": of.id.hex(),
        "about": of.about.hex(),
        "by": called.person(of.key, of.scope),
        "of": called.book(of.scope),
        "time": rfc3339(of.time),
        "text": text_of(of.text),
        **worth(of.verdict),
    }


def dissent_lines(rows: Iterable[Json]) -> list[str]:
    """Return statements in words."""
    lines: list[str] = []
    for row in rows:
        state = "" if row["status"] == "stands" else f" [{row['status']}: {row['why']}]"
        text = row["text"].split("\n")
        lines.append(f"Dissent of {row['by']}, {row['of']}{state}: {text[0]}")
        lines += [f"  {line}" for line in text[1:]]
    return lines


# --- Votes -----------------------------------------------------------------------------------------------


def vote_row(called: Naming, of: VoteView) -> Json:
    """Return a vote for programs."""
    return {
        "id": of.id.hex(),
        "by": called.person(of.key, of.scope),
        "of": called.book(of.scope),
        "clause": of.question[1],
        "option": list(of.option) if isinstance(of.option, tuple) else of.option,
        "time": rfc3339(of.time),
        **worth(of.verdict),
    }


def _by_name(called: Naming, seats: Iterable[SeatView]) -> list[Json]:
    return sorted(
        (seat_row(called, each) for each in seats), key=lambda row: (str(row["seat"]), str(row["id"]))
    )


def seat_row(called: Naming, of: SeatView) -> Json:
    """Return a seat with its votes, for programs."""
    if of.body is not None:
        name = called.body(of.body)
    else:
        name = called.person(of.key) if of.key is not None else short(of.seat)
    said = None
    if of.word is not None:
        said = {"page": of.word.page.hex(), "vote": of.word.vote.hex() if of.word.vote else None}
    return {
        "seat": name,
        "id": of.seat.hex(),
        "vote": vote_row(called, of.ballot) if of.ballot is not None else None,
        "votes": [vote_row(called, each) for each in of.votes],
        "word": said,
        "open": of.open,
        "why_open": reason(of.open).sentence if of.open else "",
    }


def seat_lines(rows: Iterable[Json]) -> list[str]:
    """Return what each seat says, a line each; votes that do not count below."""
    lines: list[str] = []
    for row in rows:
        lines.append(f"  {row['seat']}: {_said(row)}")
        for each in row["votes"]:
            if row["vote"] is None or each["id"] != row["vote"]["id"]:
                lines.append(f"    {each['id'][:8]} by {each['by']}, {option_words(each)}: {_state(each)}")
    return lines


def _said(row: Json) -> str:
    vote = row["vote"]
    if vote is None:
        return "no vote" if not row["votes"] else "no vote that counts"
    said = f"{option_words(vote)} ({vote['id'][:8]} by {vote['by']})"
    return f"{said}, its word" if row["word"] and not row["open"] else said


def _state(vote: Json) -> str:
    return (
        "stands, and another one counts" if vote["status"] == "stands" else f"{vote['status']}, {vote['why']}"
    )


def option_words(vote: Json) -> str:
    """Return what a vote says, in words."""
    option = vote["option"]
    return choice_words(tuple(option) if isinstance(option, list) else option)


def tally_row(reading: Reading, of: TallyView) -> Json:
    """Return a tally as it is now, for programs."""
    called = naming(reading)
    return {
        "motion": of.question[0].hex(),
        "clause": of.question[1],
        "rule": rule_words(of.rule),
        "outcome": of.outcome,
        "seats": _by_name(called, of.seats),
        "not_counted": [vote_row(called, each) for each in of.strangers],
    }


def tally_lines(row: Json) -> list[str]:
    """Return a tally in words."""
    lines = [f"By {row['rule']}: {row['outcome'] or 'nothing is decided'}", *seat_lines(row["seats"])]
    for each in row["not_counted"]:
        lines.append(
            f"  not for a seat: {option_words(each)} ({each['id'][:8]} by {each['by']}, {each['of']})"
        )
    return lines


# --- Results ---------------------------------------------------------------------------------------------


def result_row(reading: Reading, of: ResultView) -> Json:
    """Return a result for programs."""
    called = naming(reading)
    counts = of.entry.counts
    return {
        "id": f"{of.page.hex()}:{of.index}",
        "page": of.page.hex(),
        "number": of.number,
        "of": called.book(of.scope),
        "page_status": of.page_status,
        "motion": of.entry.motion.hex(),
        "clause": of.entry.clause,
        "rule": rule_words(of.entry.rule),
        "status": of.status,
        "outcome": of.outcome,
        "counts": [[choice_words(choice), number] for choice, number in counts]
        if counts is not None
        else None,
        "seats": _by_name(called, of.seats),
        "not_counted": [_flaw(each) for each in of.flaws],
        "final_when": _final_when(called, of),
        "binds": sorted((_bond(called, each) for each in of.binds), key=lambda row: str(row["name"])),
    }


def _flaw(of: Flaw) -> Json:
    return {"vote": of.vote.hex(), "reason": of.code, "why": reason(of.code).sentence}


def _bond(called: Naming, of: Bond) -> Json:
    return {
        "body": of.body.hex(),
        "name": called.body(of.body),
        "why": of.why,
        "vote": of.vote.hex(),
        "settled": of.settled,
    }


def _final_when(called: Naming, of: ResultView) -> list[str]:
    """Return what has to come before nothing can change a result any more."""
    said = [_WAITS[code] for code in of.waits]
    if of.status == "final":
        return []
    return said + sorted(
        _OPEN[each.open].format(called.body(each.body), called.book(of.scope))
        for each in of.seats
        if each.votes and each.open and each.body is not None
    )


_WAITS = {
    "page-not-sealed": "its page is sealed",
    "vote-not-held": "the votes that it names have come",
    "mandate-not-held": "the pages that give the mandates of its voters have come",
    "no-epoch": "the body has sound rules",
}
_OPEN = {
    "no-word": "{} confirms its vote on a page of its own",
    "word-not-settled": "the vote that {} confirmed has come",
    "word-not-witnessed": "{}'s confirm is seen by a sealed page of {}",
}


def result_lines(row: Json) -> list[str]:
    """Return a result in words."""
    clause = f" on clause {row['clause']}" if row["clause"] else ""
    lines = [
        f"Result{clause} on page {row['number']} of {row['of']} ({row['page'][:8]}): "
        f"{row['outcome'] or 'nothing is decided'}, {row['status']}"
    ]
    if row["counts"] is not None:
        lines.append(
            "  counted in the room: " + ", ".join(f"{name} {count}" for name, count in row["counts"])
        )
    else:
        lines += seat_lines(row["seats"])
    lines += [f"  {each['vote'][:8]} does not count: {each['why']}" for each in row["not_counted"]]
    if row["final_when"]:
        lines.append("  final when " + ", and ".join(row["final_when"]))
    if row["binds"]:
        lines.append("  binds " + ", ".join(map(_bond_words, row["binds"])))
    return lines


def _bond_words(row: Json) -> str:
    said = "which ratified it" if row["why"] == "ratified" else "which voted for it"
    return f"{row['name']} ({said})"
