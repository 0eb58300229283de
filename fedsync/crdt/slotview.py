"""One slot of a book as it lies in the tables: the same judgement for the fold, for the tools and for `why`.

Touches nothing but a view.
"""

from fedsync.crdt.booktables import VOICES, Known, LogRow, Reader, children, known, log_row, page_row
from fedsync.crdt.epoch import Epoch, epoch_on
from fedsync.crdt.slot import Judged, Voice, judge
from fedsync.records.genesis import REPAIR
from fedsync.records.ids import LogId, PageId, Scope


def judge_slot(view: Reader, page: PageId) -> Judged:
    """Return what the voices in the slot after a known page amount to."""
    here = known(view, page)
    assert here is not None
    pages = {}
    for child in children(view, page):
        found = known(view, child)
        assert found is not None
        pages[child] = found.repair
    return judge(epoch_in_force(view, here), pages, _voices(view, page, here.scope))


def epoch_in_force(view: Reader, page: Known) -> Epoch | None:
    """Return the epoch that governs the pages after a known page; None when page 0 has no sound one."""
    if page.epoch is None:
        return None
    carrier, at = page_row(view, page.epoch), known(view, page.epoch)
    assert carrier is not None
    assert at is not None
    return epoch_on(carrier.payload, page.scope, at.level if at.number else None)


def _voices(view: Reader, slot: PageId, scope: Scope) -> list[Voice]:
    logs: dict[bytes, LogRow] = {}
    found = []
    for key, cells in view.scan(VOICES, (slot,)):
        log = LogId(key[1])  # type: ignore[arg-type]
        if log not in logs:
            held = log_row(view, log)
            assert held is not None
            logs[log] = held
        whose = logs[log]
        approves, page, round_, lock, before, _ = cells
        found.append(
            Voice(
                id=key[3],  # type: ignore[arg-type]
                log=log,
                seq=key[2],  # type: ignore[arg-type]
                before=before,  # type: ignore[arg-type]
                approves=bool(approves),
                page=page,  # type: ignore[arg-type]
                round=round_,  # type: ignore[arg-type]
                lock=lock,  # type: ignore[arg-type]
                key=whose.key,
                fit=bool(whose.fit) and whose.scope == scope,
                repairs=whose.capacity == REPAIR[0],
            )
        )
    return found
