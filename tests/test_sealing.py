"""What tests seal with trust is what our own tools would have sealed."""

from fedsync.records.block import check
from fedsync.records.seal import Draft
from fedsync.records.seal import seal as really_seal
from tests.crdt.books import genesis, private, tip
from tests.sealing import seal


def test_what_is_sealed_with_trust_has_the_same_bytes_and_is_good() -> None:
    log = genesis("a log", "Ann", "Oakfield")
    drafts = [Draft("note", {"text": f"{at}"}, at) for at in range(300)]
    (begins,) = seal(private("Ann"), log, None, [], 5)
    base = tip(begins)
    blocks = [begins, *seal(private("Ann"), log, base, drafts)]
    assert [each.raw for each in blocks] == [
        *(each.raw for each in really_seal(private("Ann"), log, None, [], 5)),
        *(each.raw for each in really_seal(private("Ann"), log, base, drafts)),
    ]
    assert len(blocks) > 2
    held = None
    for each in blocks:
        block = check(each.raw, held)
        assert (block.ids, block.fault) == (each.ids, None)
        held = tip(block)
