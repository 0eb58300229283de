"""Stubs may stand for signatures in a simulation: the same happens, and nobody else takes them for real."""

import pytest

from fedsync.records.block import BadBlock, check
from fedsync.records.ed25519 import SIGNATURE_BYTES, BadSignature
from fedsync.records.ids import LogClass, Reach, Scope
from fedsync.records.seal import Draft
from fedsync.sim.pens import Pen
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read
from fedsync.sim.signing import Signing

SMALL = """
name = "A small one"
nodes = 4
storm = "5 min"
calm = "20 min"
[links]
loss = 0.05
[work]
stock = "30 s"
decisions = "1 min"
local = 0.3
"""


def test_with_stubs_for_signatures_as_much_happens_and_the_bytes_are_as_many() -> None:
    real, stubbed = simulate(read(SMALL), 3), simulate(read(f'signatures = "stub"\n{SMALL}'), 3)
    assert not stubbed.faults
    assert stubbed.records == real.records
    assert abs(stubbed.bytes - real.bytes) < real.bytes // 50


def test_a_stub_stands_for_one_key_and_one_record() -> None:
    signing = Signing("stub")
    (private, key), (_, other) = signing.pair(b"one"), signing.pair(b"two")
    signature = private.sign(b"words")
    assert len(signature) == SIGNATURE_BYTES
    signing.rule.verify(key, signature, b"words")
    for which, said in ((other, b"words"), (key, b"other words")):
        with pytest.raises(BadSignature):
            signing.rule.verify(which, signature, said)
    with pytest.raises(BadSignature):
        signing.rule.check_key(bytes(32))


def test_whoever_checks_by_the_curve_takes_no_stub() -> None:
    stubbed = Signing("stub")
    pen = Pen(bytes(32), Scope(bytes(16)), LogClass.FACTS, Reach.REGION, lambda ids: None, signing=stubbed)
    (block,) = pen.seal(None, [Draft("note", {"text": "words"}, 1)], 1)
    assert stubbed.check(block.raw, None).ids == block.ids
    for checks in (check, Signing("once").check, Signing("each").check):
        with pytest.raises(BadBlock):
            checks(block.raw, None)
