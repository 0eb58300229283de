"""A code says what it said, or why it cannot be used."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.invite import Address, BadInvitation, Invitation
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import PageId, Scope

INVITATION = Invitation(
    token=bytes(range(16)),
    inviter=public_key(private_key(b"i" * 32)),
    scope=Scope(b"s" * 16),
    body=PageId(b"b" * 32),
    addresses=(Address("mill.example.org", 7420), Address("2001:db8::1", 7420)),
)


def test_a_code_says_what_was_put_in() -> None:
    assert Invitation.parse(INVITATION.code()) == INVITATION
    assert Invitation.parse(replace(INVITATION, addresses=()).code()).addresses == ()


def test_a_code_survives_mail_and_typing() -> None:
    code = INVITATION.code()
    broken = "\n".join(code[at : at + 40] for at in range(0, len(code), 40))
    for text in (code.lower(), code.replace("-", " "), f"  {broken}\r\n", code.replace("-", "")):
        assert Invitation.parse(text) == INVITATION


def test_a_code_is_short_enough_for_a_qr_code_and_of_characters_that_pack_well() -> None:
    code = INVITATION.code()
    assert len(code) < 400
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567-")


@given(st.data())
def test_any_character_that_is_wrong_is_noticed(data: st.DataObject) -> None:
    code = INVITATION.code().replace("-", "")
    at = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").filter(lambda each: each != code[at])
    )
    with pytest.raises(BadInvitation):
        Invitation.parse(code[:at] + wrong + code[at + 1 :])


@given(st.integers(0, 300))
def test_a_code_that_is_cut_short_is_noticed(length: int) -> None:
    code = INVITATION.code()
    if length < len(code):
        with pytest.raises(BadInvitation):
            Invitation.parse(code[:length])


@given(st.text(max_size=300) | st.text(alphabet="FEDSYNC1A2-", max_size=300).map("FEDSYNC1".__add__))
def test_no_text_gives_another_error(text: str) -> None:
    with pytest.raises(BadInvitation):
        Invitation.parse(text)


def test_damaged_foreign_and_newer_codes_are_told_apart() -> None:
    code = INVITATION.code()
    told = {}
    for text in (
        code[:-1] + ("A" if code[-1] != "A" else "B"),
        "https://example.org",
        code.replace("C1-", "C2-", 1),
    ):
        with pytest.raises(BadInvitation) as bad:
            Invitation.parse(text)
        told[bad.value.code] = str(bad.value)
    assert set(told) == {"damaged", "not-an-invitation", "wrong-version"}
    assert "version '2'" in told["wrong-version"]


def test_both_sides_make_the_same_one_time_key_and_another_token_makes_another() -> None:
    assert Invitation.parse(INVITATION.code()).key == INVITATION.key == public_key(INVITATION.private_key)
    assert replace(INVITATION, token=b"x" * 16).key != INVITATION.key


@pytest.mark.parametrize(
    "change",
    [
        {"token": b"x" * 16},
        {"inviter": public_key(private_key(b"e" * 32))},
        {"scope": Scope(b"x" * 16)},
        {"body": PageId(b"x" * 32)},
        {"addresses": ()},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_code_that_was_swapped_on_its_way_shows_other_words(change: dict[str, object]) -> None:
    assert Invitation.parse(INVITATION.code()).secret_of_words() == INVITATION.secret_of_words()
    assert replace(INVITATION, **change).secret_of_words() != INVITATION.secret_of_words()  # type: ignore[arg-type]


def test_the_words_do_not_tell_the_token_or_the_key() -> None:
    assert INVITATION.secret_of_words() not in (INVITATION.token, INVITATION.key)
    assert len(INVITATION.secret_of_words()) == 32


@pytest.mark.parametrize("text", ["mill.example.org:7420", "127.0.0.1:1", "[::1]:65535", "[2001:db8::1]:80"])
def test_an_address_reads_as_it_is_written(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "mill", "mill:", ":80", "mill:0", "mill:65536", "::1:80", "mill:x", "mill:80:", "a b:80", "mill:٣"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Address.parse(text)
