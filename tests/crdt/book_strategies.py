"""Random small books for the naive twin: forks, rounds, rivals, locks, repair, several epochs, liars of every kind."""

from typing import Any

from hypothesis import strategies as st

from tests.crdt import naive_book as naive

BODY = "A"
TELLERS = ("Ann", "Ben", "Cem", "Dia", "Eve", "Fay")
REPAIRERS = ("Rex", "Sue", "Tom")


class Book:
    """A book as it grows while hypothesis draws it."""

    def __init__(self) -> None:
        self.pages: list[naive.Page] = []
        self.logs: dict[str, naive.Log] = {}
        self.voices: list[naive.Voice] = []
        self.tips: dict[str, list[str | None]] = {}
        self.keys: dict[Any, str] = {}

    def log(self, name: str, of: str, repairs: bool = False, may: bool = True) -> None:
        """Open a log."""
        self.logs[name] = naive.Log(name, of, repairs, may)
        self.tips[name] = [None]
        self.keys[name] = of

    def say(self, kind: str, log: str, after: str | None, **said: Any) -> str:
        """Append a record to a log, after any record of it."""
        for one in self.voices:
            if one == naive.Voice(one.id, log, after, kind, **said):
                return str(one.id)  # the same words at the same place are the same record
        id_ = f"v{len(self.voices)}"
        self.voices.append(naive.Voice(id_, log, after, kind, **said))
        self.tips[log].append(id_)
        return id_

    def chorus(self, page: naive.Page, logs: Any, round_: int, lock: int | None) -> None:
        """Let many sign a page in one round, and then approve it, as a meeting does."""
        for kind in ("sign", "approve"):
            for log in logs:
                said = {"page": page.id, "slot": page.prev, "round": round_}
                if kind == "sign":
                    said["lock"] = lock
                self.say(kind, log, self.tips[log][-1], **said)

    def outcome(self) -> naive.Outcome:
        """Return what the naive twin makes of it."""
        return naive.fold(self.pages, self.logs.values(), self.voices, {BODY: "p0"})


@st.composite
def epochs(draw: st.DrawFn, sane: bool) -> naive.Epoch:
    n = draw(st.integers(2, 5))
    names = draw(st.permutations(TELLERS))[:n]
    seats = tuple(f"L{name}" for name in names)
    low = n // 2 + 1
    k = draw(st.integers(low, n)) if sane else draw(st.integers(1, n + 1))
    sealers, w = seats, k
    if draw(st.booleans()):
        m = draw(st.integers(1, 4))
        sealers = tuple(f"L{name}" for name in draw(st.permutations(TELLERS))[:m])
        w = draw(st.integers(m // 2 + 1, m)) if sane else draw(st.integers(1, m + 1))
    repair, threshold = (REPAIRERS, 2) if draw(st.booleans()) else ((), 0)
    sound = sane or draw(st.integers(0, 5)) > 0
    return naive.Epoch(seats, k, sealers, w, repair, threshold, sound)


@st.composite
def wild_books(draw: st.DrawFn) -> Book:
    """Draw a book in which anybody says anything in any order: mostly void, all of it to be judged alike."""
    book = Book()
    for name in TELLERS:
        book.log(f"L{name}", name)
    for name in REPAIRERS:
        book.log(f"R{name}", name, repairs=True)
    book.log("Rex again", "Rex", repairs=True)
    book.log("Lx", "Ann")
    book.pages.append(naive.Page("p0", BODY, 0, None, draw(epochs(sane=draw(st.integers(0, 9)) > 0))))
    for at in range(1, draw(st.integers(2, 6))):
        prev = draw(st.sampled_from(book.pages))
        number = prev.number + (1 if draw(st.integers(0, 19)) else 2)
        epoch = draw(epochs(sane=draw(st.booleans()))) if draw(st.integers(0, 3)) == 0 else None
        book.pages.append(naive.Page(f"p{at}", BODY, number, prev.id, epoch, draw(st.integers(0, 4)) == 0))
    lost = draw(st.integers(0, 12))
    names = [page.id for page in book.pages] + ["nowhere"]
    for page in book.pages[1:]:
        seated = [each.epoch for each in book.pages if each.epoch and each.number < page.number]
        logs = [log for log in (*seated[-1].seats, *seated[-1].sealers) if draw(st.integers(0, 9))]
        chorus = [f"R{name}" for name in REPAIRERS] if page.repair else sorted(set(map(str, logs)))
        if draw(st.booleans()):
            book.chorus(page, chorus, draw(st.integers(0, 2)), None)
    for _ in range(draw(st.integers(0, 45))):
        log = draw(st.sampled_from(sorted(book.logs)))
        page = draw(st.sampled_from([*book.pages[1:], *book.pages]))
        slot = (
            page.prev if page.prev is not None and draw(st.integers(0, 14)) else draw(st.sampled_from(names))
        )
        said = page.id if draw(st.integers(0, 14)) else draw(st.sampled_from(names))
        tips = book.tips[log]
        after = tips[-1] if draw(st.integers(0, 7)) else draw(st.sampled_from(tips))
        kind = draw(st.sampled_from(["sign", "sign", "approve", "approve", "other"]))
        lock = draw(st.none() | st.integers(-1, 3)) if kind == "sign" else None
        book.say(kind, log, after, page=said, slot=slot, round=draw(st.integers(0, 4)), lock=lock)
    if 0 < lost < len(book.pages):
        del book.pages[lost]
    return book


@st.composite
def busy_books(draw: st.DrawFn) -> Book:
    """Draw a book of one or two slots with few rivals, where quorums, locks and moves do happen."""
    book = Book()
    n = draw(st.integers(2, 4))
    seats = tuple(f"L{name}" for name in TELLERS[:n])
    k = draw(st.integers(n // 2 + 1, n))
    for name in TELLERS[:n]:
        book.log(f"L{name}", name)
    book.pages.append(naive.Page("p0", BODY, 0, None, naive.Epoch(seats, k, seats, k)))
    book.pages += [naive.Page(name, BODY, 1, "p0") for name in ("p1", "p2")]
    book.pages.append(naive.Page("p3", BODY, 2, "p1"))
    for _ in range(draw(st.integers(3, 30))):
        if draw(st.integers(0, 5)) == 0:
            round_ = draw(st.integers(0, 3))
            some = draw(st.permutations(seats))[:k]
            book.chorus(draw(st.sampled_from(book.pages[1:])), some, round_, round_ - 1)
            continue
        log = str(draw(st.sampled_from(seats)))
        page = draw(st.sampled_from([*book.pages[1:3], *book.pages[1:3], book.pages[3]]))
        after = book.tips[log][-1] if draw(st.integers(0, 19)) else draw(st.sampled_from(book.tips[log]))
        last = next((each for each in book.voices if each.id == after), None)
        round_ = (last.round if last else 0) + draw(st.sampled_from([0, 0, 0, 1, 1, 2, -1]))
        kind = draw(st.sampled_from(["sign", "sign", "approve"]))
        lock = draw(st.sampled_from([None, round_ - 1, round_ - 1, round_ - 2])) if kind == "sign" else None
        book.say(kind, log, after, page=page.id, slot=page.prev, round=max(round_, 0), lock=lock)
    return book
