"""An invitee says one thing, for the node that it is, and is told one thing."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from fedsync.gossip.framing import frame
from fedsync.gossip.invite import Address, BadMessage, Invitation
from fedsync.gossip.join import (
    MAX_JOIN,
    Join,
    Refused,
    Standing,
    Verdict,
    Welcome,
    answer_bytes,
    answer_join,
    offer_join,
    read_answer,
    refusal,
)
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.secure import answer_over, dial_over
from fedsync.gossip.tls import dial_context, listen_context
from fedsync.records.codec import pack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key, PageId, Scope

INVITER, NODE, THIEF = (private_key(bytes([n]) * 32) for n in (1, 2, 3))
ANSWERS: list[Verdict] = [
    Welcome("Mill Lane", (Address("mill.example.org", 7420),)),
    Welcome("Oak", ()),
    Refused("used"),
    Refused("expired"),
    Refused("not-for-you"),
]


def invitation(token: bytes = b"t" * 16) -> Invitation:
    return Invitation(token, public_key(INVITER), Scope(b"s" * 16), PageId(b"b" * 32), (Address("h", 1),))


JOIN = Join(
    node=public_key(NODE),
    name="Hill Farm",
    scope=Scope(b"S" * 16),
    body=PageId(b"B" * 32),
    addresses=(Address("farm.example.org", 7420),),
)


def check(data: bytes, token: bytes = b"t" * 16) -> Join:
    return Join.check(data, invitee=invitation(token).key, inviter=public_key(INVITER))


def test_a_join_says_who_comes() -> None:
    sealed = JOIN.seal(NODE, invitation())
    assert check(sealed) == JOIN
    assert len(sealed) < 300


def test_nobody_brings_in_a_key_that_is_not_his_own() -> None:
    content = JOIN._content()
    forged = pack(
        ["join", content, THIEF.sign(b"fedsync/1/join\0" + invitation().key + public_key(INVITER) + content)]
    )
    with pytest.raises(BadMessage, match="not signed"):
        check(forged)


def test_a_join_for_one_invitation_is_of_no_use_for_another() -> None:
    with pytest.raises(BadMessage, match="not signed"):
        check(JOIN.seal(NODE, invitation()), token=b"u" * 16)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        pack("join"),
        pack(["join"]),
        pack(["welcome", b"", b""]),
        pack(["join", b"", bytes(64)]),
        pack(["join", pack([bytes(32), "name", bytes(16), bytes(32), []]), bytes(64)]),
        pack(["join", pack([public_key(NODE), "", bytes(16), bytes(32), []]), bytes(64)]),
        pack(["join", pack([public_key(NODE), "name", bytes(15), bytes(32), []]), bytes(64)]),
        pack(["join", pack([public_key(NODE), "name", bytes(16), bytes(32), ["nowhere"]]), bytes(64)]),
        pack(["join", pack([public_key(NODE), "name", bytes(16), bytes(32), ["h:1"] * 9]), bytes(64)]),
    ],
)
def test_what_is_no_join_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        check(data)


@given(st.binary(max_size=200))
def test_no_bytes_give_another_error(data: bytes) -> None:
    with pytest.raises(BadMessage):
        check(data)
    with pytest.raises(BadMessage):
        read_answer(data)


@pytest.mark.parametrize("verdict", ANSWERS)
def test_an_answer_reads_as_it_was_meant(verdict: Verdict) -> None:
    assert read_answer(answer_bytes(verdict)) == verdict


def test_an_answer_of_another_kind_is_refused() -> None:
    for value in (["refused", "because"], ["refused"], ["welcome", "x"], ["welcome", "", []], "welcome"):
        with pytest.raises(BadMessage):
            read_answer(pack(value))  # type: ignore[arg-type]


def test_used_expired_and_meant_for_another_are_three_refusals_with_three_sentences() -> None:
    node, other = public_key(NODE), public_key(THIEF)
    assert refusal(Standing(expires=100), node, now=99) is None
    assert refusal(Standing(expires=100), node, now=100) == Refused("expired")
    assert refusal(Standing(expires=100, used_by=other), node, now=1) == Refused("used")
    assert refusal(Standing(expires=100, meant_for=other), node, now=1) == Refused("not-for-you")
    assert refusal(Standing(expires=100, meant_for=node), node, now=1) is None
    assert len({Refused(code).sentence for code in ("used", "expired", "not-for-you")}) == 3


def test_a_node_whose_answer_was_lost_is_welcome_again_even_late() -> None:
    assert refusal(Standing(expires=100, used_by=public_key(NODE)), public_key(NODE), now=10**15) is None


async def meet(
    invite: Callable[[Link], Awaitable[None]], join: Callable[[Link], Awaitable[None]]
) -> tuple[LinkClosed, LinkClosed]:
    """Let both ends of an invitation meet over TLS, and return why each ended."""
    left, right = memory_stream_pair()
    ended: dict[str, LinkClosed] = {}

    async def invitee() -> None:
        one_time = invitation().private_key
        link = await dial_over(left, dial_context(one_time, public_key(INVITER)), public_key(INVITER))
        ended["invitee"] = await link.run(join)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(invitee)
        listening = listen_context(INVITER, [invitation().key])
        link = await answer_over(right, listening, lambda key: key == invitation().key)
        ended["inviter"] = await link.run(invite)
    return ended["inviter"], ended["invitee"]


@pytest.mark.parametrize("verdict", ANSWERS)
async def test_the_invitee_hears_the_verdict(verdict: Verdict) -> None:
    heard: list[object] = []

    def decide(join: Join) -> Verdict:
        heard.append(join)
        return verdict

    async def invite(link: Link) -> None:
        assert await answer_join(link, public_key(INVITER), decide) == verdict

    async def join(link: Link) -> None:
        heard.append(await offer_join(link, JOIN.seal(NODE, invitation())))

    await meet(invite, join)
    assert heard == [JOIN, verdict]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (frame(b"garbage"), "misbehaved"),
        (frame(bytes(MAX_JOIN + 1)), "bad-frame"),
        (frame(JOIN.seal(NODE, invitation())) * 2, "misbehaved"),
        (frame(JOIN.seal(NODE, invitation(b"u" * 16))), "misbehaved"),
    ],
    ids=["garbage", "more than 4 KB", "two messages", "for another invitation"],
)
async def test_an_invitee_may_say_one_join_and_nothing_else(said: bytes, code: str) -> None:
    def decide(join: Join) -> Verdict:
        raise AssertionError("nothing is decided on this")

    async def invite(link: Link) -> None:
        await answer_join(link, public_key(INVITER), decide)

    async def misbehave(link: Link) -> None:
        await link._stream.send_all(said)
        await link.receive()

    inviter, invitee = await meet(invite, misbehave)
    assert inviter.code == code
    assert invitee.code == "refused"


async def test_an_inviter_who_answers_nonsense_is_left() -> None:
    async def nonsense(link: Link) -> None:
        await link.receive()
        link.send(b"nonsense")

    async def join(link: Link) -> None:
        await offer_join(link, JOIN.seal(NODE, invitation()))

    _, invitee = await meet(nonsense, join)
    assert invitee.code == "misbehaved"


def test_the_one_time_key_is_not_the_nodes() -> None:
    assert invitation().key != Key(public_key(NODE))
