"""Words and letters that stand for secrets and keys: told apart, and one text for each key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.errors import Exit
from fedsync.words import WORDS, NotAKey, device_text, key_text, parse_device, parse_key, six_words

KEYS = st.binary(min_size=32, max_size=32)


def one_slip_apart(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    return any(other[:at] + other[at + 1 :] == one for at in range(len(other)))


def test_a_byte_is_a_word() -> None:
    assert len(WORDS) == 256
    assert list(WORDS) == sorted(set(WORDS))
    assert all(word.isascii() and word.isalpha() and word.islower() and 4 <= len(word) <= 8 for word in WORDS)


def test_no_two_words_are_taken_for_each_other() -> None:
    assert len({word[:4] for word in WORDS}) == 256
    assert not [(a, b) for a in WORDS for b in WORDS if a < b and one_slip_apart(a, b)]


def test_the_words_of_a_secret_never_change() -> None:
    assert six_words(b"") == ["whale", "ivory", "igloo", "spring", "album", "muffin"]
    assert six_words(bytes(32)) == ["cotton", "cabin", "puzzle", "orange", "salmon", "iceberg"]


@given(st.binary(), st.binary())
def test_different_secrets_have_different_words(one: bytes, other: bytes) -> None:
    assert (six_words(one) == six_words(other)) == (one == other)


@given(KEYS)
def test_a_key_is_its_text(key: bytes) -> None:
    text = key_text(key)
    assert len(text) == 52
    assert parse_key(text) == key
    assert parse_key(f"  {text[:20].upper()} \n{text[20:]}") == key


@given(KEYS, st.integers(0, 51), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_key_has_one_text_only(key: bytes, at: int, letter: str) -> None:
    text = key_text(key)
    other = text[:at] + letter + text[at + 1 :]
    try:
        assert (parse_key(other) == key) == (other == text)
    except NotAKey:
        assert at == 51


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has 0 characters"),
        ("a" * 51, "it has 51 characters, a key has 52"),
        ("a" * 53, "it has 53 characters"),
        ("a" * 51 + "1", "'1' does not occur"),
        ("a" * 51 + "ä", "'Ä' does not occur"),
        ("a" * 51 + "b", "its last character is wrong"),
        ("a" * 51 + "=", "'=' does not occur"),
    ],
)
def test_what_is_no_key_is_refused_in_plain_words(text: str, why: str) -> None:
    with pytest.raises(NotAKey, match=why) as caught:
        parse_key(text)
    assert caught.value.exit_code == Exit.USAGE


def test_only_32_bytes_have_a_text() -> None:
    with pytest.raises(ValueError, match="31"):
        key_text(bytes(31))


def test_a_line_that_names_a_key_and_its_device_is_read_back_however_it_is_typed() -> None:
    key, incarnation = bytes(range(32)), bytes(range(100, 116))
    line = device_text(key, incarnation)
    for typed in (line, line.upper(), line.replace("-", ""), line.replace("-", " "), f"  {line}\n"):
        assert parse_device(typed) == (key, incarnation)


def test_no_letter_of_such_a_line_can_be_wrong_or_missing() -> None:
    line = device_text(bytes(range(32)), bytes(16)).replace("-", "")
    for at, letter in enumerate(line):
        for other in "abcdefghijklmnopqrstuvwxyz234567":
            if other != letter:
                with pytest.raises(NotAKey):
                    parse_device(line[:at] + other + line[at + 1 :])
        with pytest.raises(NotAKey):
            parse_device(line[:at] + line[at + 1 :])
    with pytest.raises(NotAKey):
        parse_device(line[:-1] + "1")
