"""Nothing that the fold can find lacks a rule and a sentence, and every world can be explained whole."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from fedsync.crdt import reasons
from fedsync.crdt.answer import Answer
from fedsync.crdt.books import decisions, mandates, votes
from fedsync.crdt.books.booktables import (
    ADOPTED,
    DISPLACED,
    DRAFTED,
    FROZEN,
    MANDATES,
    PAGES,
    RECORDS,
    RESULTS,
    SEALED,
    STATUSES,
    VERDICTS,
    VOTE_VERDICTS,
    known,
    page_row,
)
from fedsync.crdt.books.epoch import read_page
from fedsync.crdt.books.minutes import DECISION_WORDS
from fedsync.crdt.books.naming import Naming
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.whyvoices import VERBS
from fedsync.crdt.plans import whyplans
from fedsync.crdt.reasons import ENTRY_REASONS, MANDATE_REASONS, REASONS
from fedsync.crdt.view import MemoryView
from fedsync.crdt.why import about_body, about_entry, about_page, about_record
from fedsync.crdt.work import whylending
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds import entries as kinds
from tests.authority.build import Built, build, fold
from tests.authority.random_worlds import draw
from tests.seeds import seeds

ROOT = Path(reasons.__file__).parents[1]
WORLDS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "authority" / "worlds.jsonl").read_text().splitlines()
    if line.strip()
]
SAYS = {"Verdict": 1, "Cut": 1, "Void": 0, "Under": 2, "Delegate": 1, "Answer": 4}
"""What is made with the code of a reason, and which of its arguments that is at the earliest."""
OWN_WORDS = "Refuse"
"""What our own tools refuse carries its own sentence, as does what they raise: no record ever has that code."""
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+")
GOODS = {
    *("balances", "checkpoints", "counters", "facts", "levels", "stock", "factchain"),
    *("whystanding", "whystock", "whyplans", "whylending"),
}
"""Modules on goods whose verdicts carry their own sentence."""
GOODS_KINDS = {
    *("stock", "goods", "parties", "refs", "moments", "plans", "transfers", "lending", "work", "units"),
}
"""What records of goods say: what is wrong with one is said in the sentence of the Void itself."""

TOOLS = {"tellers", "readiness"}
"""What our own tools do before they sign; what they refuse carries its own sentence."""


def codes_in(path: Path) -> set[str]:
    """Return the codes that a module can find: what such a call names, and whatever looks like a code elsewhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    spared: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Tuple(elts=[ast.Attribute(value=ast.Name("VoiceStatus")), code]):
                found |= set(texts_in(code))
            case ast.Raise():
                spared |= {id(each) for each in ast.walk(node)}
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == OWN_WORDS:
            spared |= {id(each) for each in ast.walk(node)}
        if name in SAYS:
            said = [
                *node.args[SAYS[name] :][:1],
                *(each.value for each in node.keywords if each.arg in ("fault", "waits")),
            ]
            found |= {code for each in said for code in texts_in(each)}
    for node in ast.walk(tree):
        if id(node) not in spared:
            found |= {code for code in texts_in(node) if CODE.fullmatch(code)}
    return found


def texts_in(node: ast.AST) -> Iterator[str]:
    """Yield the texts that an expression may come to; of one that is put together, with each name that is put in."""
    match node:
        case ast.Constant(str() as text):
            yield text
        case ast.IfExp():
            yield from texts_in(node.body)
            yield from texts_in(node.orelse)
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(str() as rest)]):
            yield from (f"{name}{rest}" for name in ("k", "w", "threshold"))


def test_every_code_of_the_fold_has_a_rule_and_a_sentence() -> None:
    modules = [path for path in (ROOT / "crdt").rglob("*.py") if path.stem not in GOODS | TOOLS | {"reasons"}]
    modules += [path for path in (ROOT / "records" / "kinds").glob("*.py") if path.stem not in GOODS_KINDS]
    found = {code: path.stem for path in modules for code in codes_in(path)}
    assert {"recalled", "malformed", "no-seat", "k-no-majority", "moved", "not-the-word"} <= found.keys()
    told = {*REASONS, *whyplans.SENTENCES, *whylending.SENTENCES}
    lacking = {f"{code} ({where})" for code, where in found.items() if code not in told}
    assert not lacking, (
        "add these to fedsync/crdt/reasons.py, or for promises and loans to the module that explains them"
    )


def constants(module: ModuleType) -> set[str]:
    """Return the words that a module gives a name, but for kinds of entries and statuses of pages."""
    named = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    others = {value for value in vars(kinds).values() if isinstance(value, str)}
    return {value for name, value in named.items() if not name.startswith("_")} - others - {SEALED, ADOPTED}


def test_every_status_has_a_reason() -> None:
    words = constants(mandates)
    kept = {SEALED, ADOPTED, DRAFTED, DISPLACED}
    assert words - kept <= MANDATE_REASONS.keys(), "add these to MANDATE_REASONS"
    assert set(DECISION_WORDS.values()) <= ENTRY_REASONS.keys()
    assert constants(decisions) - {decisions.VOID} <= ENTRY_REASONS.keys(), "add these to ENTRY_REASONS"
    assert set(DECISION_WORDS) == {SEALED, ADOPTED, DRAFTED, DISPLACED, FROZEN}
    assert set(VERBS) == set(VoiceStatus)
    assert {*MANDATE_REASONS.values(), *ENTRY_REASONS.values()} <= REASONS.keys()
    assert {votes.PROVISIONAL, votes.FINAL} == {"provisional", "final"}


def answers(view: MemoryView) -> Iterator[Answer]:
    """Explain every page, entry, record and body of a state."""
    called = Naming(view)
    for key, _ in list(view.scan(PAGES)):
        page = PageId(key[0])  # type: ignore[arg-type]
        yield about_page(view, page, called)
        held = page_row(view, page)
        assert held is not None
        for index in range(len(read_page(held.payload).entries)):
            yield about_entry(view, page, index, called)
        here = known(view, page)
        if held.prev is None and here is not None:
            yield about_body(view, here.scope, page, called)
    for key, _ in list(view.scan(RECORDS)):
        yield about_record(view, RecordId(key[0]), called)  # type: ignore[arg-type]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world["id"]))
def test_every_world_is_explained_whole(world: dict[str, object]) -> None:
    view = fold(build(world))
    rows = {(family.name, str(row[at])) for family, at in (
        (MANDATES, 1), (STATUSES, 1), (RESULTS, 1), (VERDICTS, 1), (VOTE_VERDICTS, 2),
    ) for _, row in view.scan(family)}  # fmt: skip
    told: dict[str, set[str]] = {}
    for answer in answers(view):
        assert answer.code in REASONS, answer
        assert answer.reason
        assert answer.lines[0].endswith(f"(rule {answer.rule}).")
        assert 1 <= answer.rule <= 14
        assert answer.status != "pending" or answer.lacks or answer.evidence or answer.then, answer
        told.setdefault(answer.kind, set()).add(answer.status)
        if answer.code == "motion-not-held":
            # The motions of these worlds are names: people are told that they are missing, whatever else holds.
            cast = votes.cast(view, RecordId(bytes.fromhex(answer.id)))
            assert cast is not None
            told[answer.kind].add(votes.verdict(view, cast).status)
    by_kind = {"mandate_status": {"mandate"}, "page_status": {"page"}, "result_status": {"result"},
               "voice_status": {"signature", "approval"}, "vote_status": {"vote"}}  # fmt: skip
    for family, word in rows:
        assert any(word in told.get(kind, ()) for kind in by_kind[family]), (family, word)


def test_codes_in_the_tables_of_all_worlds_have_their_sentence() -> None:
    codes = set()
    for world in WORLDS:
        view = fold(build(world))
        codes |= {str(row[2]) for _, row in view.scan(VERDICTS)}
        codes |= {str(row[3]) for _, row in view.scan(VOTE_VERDICTS)}
        codes |= {str(row[6]) for _, row in view.scan(RECORDS) if row[6] is not None}
    assert codes <= REASONS.keys()
    assert len(codes) > 10


@pytest.mark.parametrize("seed", seeds(8))
def test_random_worlds_are_explained_whole(seed: int) -> None:
    for answer in answers(fold(build(draw(seed)))):
        assert answer.code in REASONS, answer
        assert answer.lines
        assert answer.status != "pending" or answer.lacks or answer.evidence or answer.then, answer


def without(built: Built, random: Random, share: float) -> Built:
    """Return a world of which some records have not come, nor what follows on them."""
    gone = {name for name in built.blocks if random.random() < share}
    while more := {name for name, after in built.after.items() if after in gone} - gone:
        gone |= more
    blocks = {name: block for name, block in built.blocks.items() if name not in gone}
    return replace(
        built, blocks=blocks, after={name: built.after[name] for name in blocks if name in built.after}
    )


@pytest.mark.parametrize("seed", seeds(8))
def test_a_world_of_which_a_part_has_not_come_is_explained_whole(seed: int) -> None:
    random = Random(seed)
    built = build(random.choice([draw(seed), random.choice(WORLDS)]))
    for answer in answers(fold(without(built, random, 0.15))):
        assert answer.code in REASONS, answer
        assert answer.status != "pending" or answer.lacks or answer.evidence or answer.then, answer


def told(world: str, name: str) -> list[str]:
    """Return the answer on a page, entry (page#index) or record of a known world, by its name there."""
    built = build(next(each for each in WORLDS if each["id"] == world))
    view = fold(built)
    page, hash_, index = name.partition("#")
    called = Naming(view)
    if hash_:
        return about_entry(view, built.pages[page], int(index), called).lines
    if name in built.pages:
        return about_page(view, built.pages[name], called).lines
    return about_record(view, built.records[name], called).lines


@pytest.mark.parametrize(
    ("world", "name", "words"),
    [
        ("c13", "X.0#0", "power goes upwards only"),
        ("c13", "d", "the book has no sound epoch"),
        ("c10", "LmA+R1@0", "the page that gives its mandate is not certified yet"),
        ("c10", "mA", "a rival page was sealed in its place"),
        ("c15", "LmA>D1=x", "this is number 2"),
        ("c15", "mA#0", "was recalled on page 2 of A"),
        ("c17", "LmA>D=y", "its mandate does not allow this choice"),
        ("c17", "k#0", "an earlier one holds, or the vote that it names can't be confirmed"),
        ("d22", "R1#0", "does not count: a seat has one vote"),
        ("d09", "kA_", "The book of R witnessed the other one first."),
        ("d09", "LmA>D=x", "its body's sealed book names it as the body's word, for good"),
        ("d06", "k#0", "only a sealed page says a body's word"),
        ("d15", "LmA+R1@0", "its mandate does not allow all kinds of entries"),
        ("d23", "cA#0", "It agrees to the epoch on page"),
    ],
)
def test_what_goes_wrong_is_told_with_what_makes_it_so(world: str, name: str, words: str) -> None:
    assert any(words in line for line in told(world, name)), told(world, name)
