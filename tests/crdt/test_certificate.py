"""A certificate shows that a page is sealed to whoever holds nothing of the book, and shows nothing that is not so."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.crdt.books.booktables import BOOKS, VOICES, Reader, known, page_row, status
from fedsync.crdt.books.certform import MAX_CERTIFICATE_BYTES, BadCertificate, Certificate, Voice, read
from fedsync.crdt.books.certificate import Certified, check
from fedsync.crdt.books.certifying import CannotCertify, certify, voice_of
from fedsync.crdt.books.drafting import draft_epoch, draft_page
from fedsync.crdt.books.epoch import Epoch, epoch_on
from fedsync.crdt.books.minutes import current_epoch, page_ids
from fedsync.crdt.books.soundness import Sound, sound
from fedsync.crdt.books.tellers import Approve, Refuse, may_approve, next_act
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import pack, unpack
from fedsync.records.header import Header
from fedsync.records.ids import PageId, Scope, payload_id
from tests.authority.build import build
from tests.authority.build import fold as fold_world
from tests.crdt import naive_book as naive
from tests.crdt.book_strategies import BODY, REPAIRERS, Book, busy_books, wild_books
from tests.crdt.books import Written, folded, shuffled, write
from tests.crdt.community import Community, decision

WORLDS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "authority" / "worlds.jsonl").read_text("utf-8").splitlines()
]


def all_certified(view: MemoryView) -> int:
    """Certify every sealed page of every book, whole and from each page on, and check each; return how many."""
    done = 0
    for (scope,), (body, head, number, _) in view.scan(BOOKS):
        here = known(view, PageId(head))  # type: ignore[arg-type]
        assert here is not None
        parts: list[Certified] = []
        for upto in range(int(number) + 1):  # type: ignore[arg-type]
            last = known(view, _page_at(view, PageId(head), upto))  # type: ignore[arg-type]
            assert last is not None
            if last.epoch is not None and sound(view, last.epoch)[0] is Sound.PENDING:
                with pytest.raises(CannotCertify):
                    certify(view, Scope(scope), upto)  # type: ignore[arg-type]
                break
            made = certify(view, Scope(scope), upto)  # type: ignore[arg-type]
            data = made.pack()
            assert read(data) == made
            if upto == 0 and current_epoch(view, Scope(scope), PageId(body)) is None:  # type: ignore[arg-type]
                with pytest.raises(BadCertificate):
                    check(data)
                break
            shown = check(data, PageId(body))  # type: ignore[arg-type]
            assert shown.head == _page_at(view, PageId(head), upto)  # type: ignore[arg-type]
            assert (shown.number, shown.scope) == (upto, scope)
            assert shown.epoch == current_epoch(view, Scope(scope), shown.head)  # type: ignore[arg-type]
            for before in parts:
                rest = certify(view, Scope(scope), upto, before.number + 1)  # type: ignore[arg-type]
                later = check(rest.pack(), PageId(body), before)  # type: ignore[arg-type]
                assert (later.head, later.epoch, later.first) == (shown.head, shown.epoch, before.number + 1)
            parts.append(shown)
            done += 1
    return done


def _page_at(view: MemoryView, head: PageId, number: int) -> PageId:
    at = known(view, head)
    while at is not None and at.number > number:
        assert at.prev is not None
        head, at = at.prev, known(view, at.prev)
    return head


def world_of(book: Book) -> tuple[MemoryView, Written]:
    written = write(BODY, book.pages, list(book.logs.values()), book.voices, book.keys)
    return folded(written.scope, written.page0, shuffled(written, Random(1))), written


@given(st.one_of(wild_books(), busy_books()))
def test_every_sealed_page_of_any_book_is_certified_and_its_certificate_checks(book: Book) -> None:
    view, _ = world_of(book)
    all_certified(view)


def test_so_is_every_sealed_page_of_the_worlds_with_bodies_as_seats() -> None:
    assert sum(all_certified(fold_world(build(world))) for world in WORLDS) > 250


# --- One book, with all that can be in it -------------------------------------------------------------------


def epoch(*names: str, k: int = 2, sound: bool = True) -> naive.Epoch:
    seats = tuple(f"L{name}" for name in names)
    return naive.Epoch(seats, k, seats, k, REPAIRERS, 2, sound)


def whole_book(ends: bool = True) -> Book:
    """Seven pages: a decision, new tellers, a void epoch, a repair page, and two more; `ends`: the last is sealed."""
    book = Book()
    for name in ("Ann", "Ben", "Cem", "Dia"):
        book.log(f"L{name}", name)
    for name in REPAIRERS:
        book.log(f"R{name}", name, repairs=True)
    first, later = epoch("Ann", "Ben", "Cem"), epoch("Ben", "Cem", "Dia")
    plan: list[tuple[naive.Epoch | None, bool, tuple[str, ...]]] = [
        (first, False, ()),
        (None, False, ("LAnn", "LBen")),
        (later, False, ("LAnn", "LCem")),
        (epoch("Ann", "Cem", sound=False), False, ("LBen", "LDia")),
        (None, True, ("RRex", "RSue")),
        (None, False, ("LBen", "LCem", "LDia")),
        (None, False, ("LCem", "LDia")),
    ]
    for number, (entry, repair, chorus) in enumerate(plan):
        page = naive.Page(f"p{number}", BODY, number, f"p{number - 1}" if number else None, entry, repair)
        book.pages.append(page)
        if ends or number < 6:
            book.chorus(page, chorus, 1 if number < 5 else 2, None)
    return book


@pytest.fixture(scope="module")
def view() -> MemoryView:
    return world_of(whole_book())[0]


def made(view: Reader, number: int | None = None) -> Certificate:
    (key,) = (key for key, _ in view.scan(BOOKS))
    return certify(view, Scope(key[0]), number)  # type: ignore[arg-type]


def test_only_pages_that_change_who_speaks_repair_pages_and_the_last_are_proven(view: MemoryView) -> None:
    certificate = made(view)
    assert [number for number, _ in certificate.proofs] == [2, 4, 6]
    assert [len(voices) for _, voices in certificate.proofs] == [2, 2, 2]
    shown = check(certificate.pack())
    assert [(each.number, each.round) for each in shown.proven] == [(2, 1), (4, None), (6, 2)]
    assert (shown.bears, shown.unseen, len(shown.pages)) == (0, (), 7)


def resaid(number: int, *voices: Voice) -> Callable[[Certificate], Certificate]:
    """Return the change that proves a page with these voices."""
    return lambda found: replace(
        found, proofs=tuple((at, voices if at == number else said) for at, said in found.proofs)
    )


def voices_of(found: Certificate, number: int) -> tuple[Voice, ...]:
    return dict(found.proofs)[number]


def refused(found: Certificate, body: bytes | None = None) -> str:
    with pytest.raises(BadCertificate) as caught:
        check(found.pack(), PageId(body) if body else None)
    assert caught.value.sentence
    assert not caught.value.sentence.endswith(".")
    return caught.value.code


def test_approvals_of_another_page_prove_nothing(view: MemoryView) -> None:
    found = made(view)
    assert refused(resaid(6, *voices_of(made(view, 5), 5))(found)) == "another-page"


def test_approvals_of_different_rounds_do_not_add_up() -> None:
    book = whole_book(ends=False)
    page = book.pages[-1]
    for log, round_ in (("LCem", 2), ("LDia", 2), ("LBen", 3), ("LCem", 3)):
        book.say("sign", log, book.tips[log][-1], page=page.id, slot=page.prev, round=round_, lock=None)
        book.say("approve", log, book.tips[log][-1], page=page.id, slot=page.prev, round=round_)
    view, _ = world_of(book)
    (first, second) = voices_of(made(view), 6)
    logs = {Header.parse(each.headers[0]).log: each for each in (first, second)}
    assert len(logs) == 2
    other = {log: voice for log, voice in _approvals(view, 6).items() if log[1] == 3}
    (stranger,) = (voice for (log, _), voice in other.items() if log not in logs)
    assert refused(resaid(6, first, stranger)(made(view))) == "too-few-approvals"


def _approvals(view: MemoryView, number: int) -> dict[tuple[bytes, int], Voice]:
    """Return every approval of a page that is held, by log and round."""
    page = payload_id(made(view, number).pages[-1])
    return {
        (bytes(key[1]), int(cells[2])): voice_of(view, (key[1], key[2], key[3]))  # type: ignore[arg-type]
        for key, cells in view.scan(VOICES)
        if cells[0] and cells[1] == page
    }


def test_one_sealer_cannot_stand_for_two(view: MemoryView) -> None:
    first, _ = voices_of(made(view), 6)
    assert refused(resaid(6, first, first)(made(view))) == "twice"
    assert refused(resaid(6, first)(made(view))) == "too-few-approvals"


def test_sealers_of_an_earlier_epoch_have_no_voice_later(view: MemoryView) -> None:
    """Page 1's voices are Ann's and Ben's: of page 6 Ann's would be of another epoch, whatever page they name."""
    book = whole_book()
    page = book.pages[-1]
    for kind in ("sign", "approve"):
        said = {"page": page.id, "slot": page.prev, "round": 2} | ({"lock": None} if kind == "sign" else {})
        book.say(kind, "LAnn", book.tips["LAnn"][-1], **said)
    other, _ = world_of(book)
    stranger = next(
        voice
        for (log, _), voice in _approvals(other, 6).items()
        if Header.parse(voice.headers[0]).log == log
        and log not in {Header.parse(each.headers[0]).log for each in (*voices_of(made(view), 6),)}
    )
    first, _ = voices_of(made(view), 6)
    assert refused(resaid(6, first, stranger)(made(view))) == "not-in-epoch"


def test_a_missing_page_a_wrong_order_and_another_body_are_seen(view: MemoryView) -> None:
    found = made(view)
    assert refused(replace(found, pages=(*found.pages[:3], *found.pages[4:]))) in (
        "broken-chain",
        "malformed",
    )
    assert (
        refused(replace(made(view, 4), pages=(*found.pages[:2], *found.pages[3:5]), proofs=()))
        == "broken-chain"
    )
    swapped = (*found.pages[:4], found.pages[5], found.pages[4], found.pages[6])
    assert refused(replace(found, pages=swapped)) == "broken-chain"
    assert refused(replace(found, body=PageId(b"\1" * 32))) == "another-body"
    assert refused(found, b"\1" * 32) == "another-body"
    assert refused(replace(found, first=1)) == "no-beginning"


@pytest.mark.parametrize("number", [2, 4, 6])
def test_a_page_that_needs_a_proof_and_has_none_is_seen(view: MemoryView, number: int) -> None:
    found = made(view)
    bare = tuple(each for each in found.proofs if each[0] != number)
    assert refused(replace(found, proofs=bare)) == "no-proof"


def test_a_void_epoch_changes_nobody_and_needs_no_proof(view: MemoryView) -> None:
    assert 3 not in dict(made(view).proofs)
    assert {seat.key for seat in check(made(view).pack()).epoch.seats.values()} == {
        seat.key for seat in check(made(view, 2).pack()).epoch.seats.values()
    }
    assert refused(replace(made(view), void=(3,))) == "malformed"


def test_a_repair_page_takes_the_threshold_of_repair_keys(view: MemoryView) -> None:
    found = made(view)
    first, second = voices_of(found, 4)
    assert refused(resaid(4, first)(found)) == "too-few-repair-keys"
    assert refused(resaid(4, first, first)(found)) == "twice"
    assert refused(resaid(4, replace(first, genesis=None), second)(found)) == "not-in-epoch"
    assert refused(resaid(4, replace(first, genesis=second.genesis), second)(found)) == "malformed"
    assert refused(resaid(4, *voices_of(made(view, 3), 3))(found)) in ("another-page", "not-in-epoch")


def test_a_log_that_cannot_speak_in_the_book_is_no_sealers() -> None:
    book = whole_book()
    page0 = unpack(made(world_of(book)[0]).pages[0])
    assert isinstance(page0, dict)
    entries: Any = page0["entries"]
    seat = unpack(entries[1]["seats"][0]["genesis"])
    entries[1]["seats"][0]["genesis"] = pack({**seat, "class": 2})  # type: ignore[dict-item]
    forged = pack(page0)
    found = Certificate(PageId(payload_id(forged)), 0, (forged,), ())
    assert refused(found) == "no-epoch"


def test_words_that_were_not_signed_are_seen(view: MemoryView) -> None:
    found = made(view)
    first, second = voices_of(found, 6)
    broken = bytes([first.signature[0] ^ 1]) + first.signature[1:]
    assert refused(resaid(6, replace(first, signature=broken), second)(found)) == "signature"
    assert refused(resaid(6, replace(first, signature=second.signature), second)(found)) == "signature"
    assert refused(resaid(6, replace(first, payload=second.payload + b"\0"), second)(found)) == "malformed"
    header = Header.parse(first.headers[0])
    stolen = replace(header, log=Header.parse(second.headers[0]).log).pack()
    assert refused(resaid(6, replace(first, headers=(stolen,)), second)(found)) == "signature"
    loose = replace(first, headers=(*first.headers, second.headers[0]))
    assert refused(resaid(6, loose, second)(found)) == "malformed"


def test_seats_that_are_too_few_are_seen() -> None:
    book = Book()
    for name in ("Ann", "Ben", "Cem"):
        book.log(f"L{name}", name)
    seats = ("LAnn", "LBen", "LCem")
    book.pages = [
        naive.Page("p0", BODY, 0, None, naive.Epoch(seats, 3, seats, 2)),
        naive.Page("p1", BODY, 1, "p0"),
    ]
    book.chorus(book.pages[1], seats, 0, None)
    view, _ = world_of(book)
    found = made(view)
    assert len(voices_of(found, 1)) == 3
    assert refused(resaid(1, *voices_of(found, 1)[:2])(found)) == "too-few-seats"


@given(st.data())
def test_bytes_that_were_changed_anywhere_are_no_certificate_or_the_same(data: st.DataObject) -> None:
    good = made(world_of(whole_book())[0]).pack()
    shown = check(good)
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(bad) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                bad[at] ^= 1 << data.draw(st.integers(0, 7))
            case 1:
                del bad[at : at + data.draw(st.integers(1, 40))]
            case _:
                bad[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        if not bad:
            return
    try:
        other = check(bytes(bad), shown.body)
    except BadCertificate:
        return
    assert (other.ids, other.epoch) == (shown.ids, shown.epoch)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(BadCertificate):
        check(data)


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(BadCertificate) as caught:
        check(bytes(MAX_CERTIFICATE_BYTES + 1))
    assert caught.value.code == "oversize"


# --- Honest tellers, and somebody who has all that they said -----------------------------------------------------


class Meeting(Community):
    """Tellers who follow their own tools, and every block that they wrote."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        super().__init__("Ann", "Ben", "Cem", "Dia", k=3)
        self.names = ["Ann", "Ben", "Cem", "Dia"]

    def take(self, block: Block) -> Any:
        """Keep and fold a block."""
        self.blocks.append(block)
        return super().take(block)

    def act(self, random: Random) -> None:
        """Let somebody propose, sign or approve, whatever their tools allow."""
        known_ = [page for page, _ in page_ids(self.view, self.scope)]
        page, name = random.choice(known_), random.choice(self.names)
        match random.randrange(8):
            case 0:
                on = draft_page(self.view, self.scope, [decision(str(random.random()))])
                self.carry({**on.value, "prev": on.on}, by=name)
            case 1 if len(self.names) < 7:
                new = f"New {len(self.names)}"
                seats = len(self.names) + 1
                begins = self.newcomer(new)
                self.carry(draft_epoch(self.view, self.scope, [begins], (), seats // 2 + 1).value, by=name)
                self.names.append(new)
            case 2 | 3:
                if isinstance(may_approve(self.view, page, self.seat(name).log), Approve):
                    self.approve(page, name)
            case _:
                if page != self.page0 and not isinstance(
                    next_act(self.view, page, self.seat(name).log), Refuse
                ):
                    self.sign(page, name)

    def voices(self, page: PageId) -> list[tuple[bytes, str, int, Voice]]:
        """Return all that was said for a page: log, kind, round and voice."""
        found = []
        for block in self.blocks:
            for at, signature in block.signatures:
                record = block.record(at)
                if record.kind in ("signature", "approval"):
                    value: Any = record.value
                    if value["page"] == page:
                        voice = Voice((record.header,), signature, record.payload)
                        found.append((bytes(record.log), record.kind, int(value["round"]), voice))
        return found


def best(meeting: Meeting, page: PageId, epoch: Epoch, round_: int) -> tuple[Voice, ...]:
    """Return the voices that show most for a page in a round: of each log its approval in it, else anything."""
    chosen: dict[bytes, Voice] = {}
    for log, kind, at, voice in meeting.voices(page):
        if log in epoch.seats and (log not in chosen or (kind == "approval" and at == round_)):
            chosen[log] = voice
    return tuple(chosen.values())


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.integers(10, 60))
def test_whoever_has_all_words_of_honest_tellers_can_certify_what_is_sealed_and_nothing_else(
    random: Random, acts: int
) -> None:
    meeting = Meeting()
    for _ in range(acts):
        meeting.act(random)
    for page, number in page_ids(meeting.view, meeting.scope):
        at = status(meeting.view, meeting.scope, page)
        assert at is not None
        rounds = {round_ for _, _, round_, _ in meeting.voices(page)} or {0}
        good = any(holds_(all_said(meeting, page, number, each)) for each in rounds)
        assert good == at.certified


def all_said(meeting: Meeting, page: PageId, number: int, round_: int) -> Certificate:
    """Return the best certificate of a page, sealed or not; pages before it are shown in the round that shows most."""
    way: list[PageId] = [page]
    while (here := known(meeting.view, way[-1])) is not None and here.prev is not None:
        way.append(here.prev)
    way.reverse()
    rows = [page_row(meeting.view, each) for each in way]
    payloads = tuple(row.payload for row in rows if row is not None)
    proofs = []
    for at in range(1, number + 1):
        epoch = current_epoch(meeting.view, meeting.scope, way[at - 1])
        assert epoch is not None
        if at == number:
            proofs.append((at, best(meeting, page, epoch, round_)))
        elif epoch_on(payloads[at], meeting.scope, 0) is not None:
            rounds = [each for _, kind, each, _ in meeting.voices(way[at]) if kind == "approval"]
            most = max(rounds, key=rounds.count, default=0)
            proofs.append((at, best(meeting, way[at], epoch, most)))
    return Certificate(meeting.page0, 0, payloads, tuple(proofs))


def holds_(certificate: Certificate) -> bool:
    try:
        check(certificate.pack())
    except BadCertificate:
        return False
    return True
