"""config.toml: what init writes is read back, and a mistake names its line. Touches temporary files."""

import re
import stat
from base64 import b32encode
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.config import (
    Address,
    Announce,
    Config,
    ConfigError,
    Limits,
    RelayOffer,
    load,
    parse_address,
    write_initial,
)
from fedsync.errors import Exit
from fedsync.records.ids import Key
from fedsync.staticpeers import StaticPeer, parse_key

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
LATER = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
GOOD = 'name = "a"\n[listen]\nhost = "h"\nport = 1\n'
"""A file of four lines in which nothing is wrong."""


def said(path: Path, text: str) -> ConfigError:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.exit_code == Exit.NO_NODE
    assert caught.value.hint
    return caught.value


def test_what_init_writes_is_what_the_daemon_reads(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    written = write_initial(path, 'Mühle "Nord" \\ 7', Address("::1", 7447))
    assert written == Config('Mühle "Nord" \\ 7', Address("::1", 7447), Limits())
    assert load(path) == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_node_that_only_calls_has_a_line_instead_of_an_address(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    written = write_initial(path, "Oakfield", None)
    assert written.listen is None
    assert load(path) == written
    assert 'listen = "none"' in path.read_text()


def test_a_node_waits_at_relays_when_it_does_not_listen_or_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    listens = 'name = "Oakfield"\nlisten = {host = "::", port = 0}\n'
    for text, waits in (
        ('name = "Oakfield"\nlisten = "none"\n', True),
        (listens, False),
        (f"{listens}[relay]\nwait = true\n", True),
        (f"{listens}[relay]\nwait = false\nthrough = ['Mill Lane']\n", False),
    ):
        path.write_text(text)
        assert load(path).waits is waits


def test_a_relay_may_offer_the_least_with_which_calls_last(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    least = {"bytes_per_day": 100_000, "pair_bytes_per_day": 100_000, "streams": 1, "idle_seconds": 1000}
    path.write_text(f"{GOOD}[relay]\noffer = true\n" + "".join(f"{key} = {least[key]}\n" for key in least))
    assert load(path).relay == RelayOffer(**least)


@pytest.mark.parametrize("key", [each.name for each in fields(RelayOffer)])
def test_what_is_to_be_written_instead_of_too_small_a_number_can_be_written(tmp_path: Path, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"{GOOD}[relay]\noffer = true\n{key} = -1\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    told = re.fullmatch(r"Write it as: (\w+ = [0-9]+)", caught.value.hint)
    assert told is not None
    path.write_text(f"{GOOD}[relay]\noffer = true\n{told[1]}\n")
    assert load(path).relay == RelayOffer(), "it is what stands there when nothing is said"


def test_what_an_operator_wrote_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_initial(path, "Oakfield", Address("127.0.0.1", 0))
    assert path.read_text() == "mine"


def test_limits_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('name = "Oakfield"\nlisten = {host = "::", port = 0}\n[limits]\npeers = 3\n')
    assert load(path).limits == Limits(peers=3)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('name = "a"\nname = \n', 2, "not TOML"),
        ('name = "a"\n[listen]\nhost = "h"\nport = "x"\n', 4, "port must be a whole number from 0 to 65535"),
        ('name = "a"\n[listen]\nhost = "h"\nport = true\n', 4, "port must be"),
        ('name = "a"\n[listen]\nhost = "h"\nport = 70000\n', 4, "port must be"),
        ('name = "a"\n[listen]\nhost = "h"\n', 2, "port must be"),
        ('name = ""\n[listen]\nhost = "h"\nport = 1\n', 1, "name must be text"),
        ('nmae = "a"\n', 1, "'nmae' is not known"),
        ('name = "a"\n[listen]\nhost = "h"\nport = 1\n[limits]\n\npeers = 0\n', 7, "peers must be"),
        ('name = "a"\n[listen]\nhost = "h"\nport = 1\n[limits]\nbodies = 1\n', 6, "'bodies' is not known"),
        (
            GOOD + "[limits]\nfollowed_bodies = 10001\n",
            6,
            "followed_bodies must be a whole number from 1 to 10000",
        ),
        ('name = "a"\nlisten = 7447\n', 2, "listen must be a section"),
        ('name = "a"\nlisten = "nowhere"\n', 2, "or 'none'"),
        ('name = "a"\n[listen]\nhost = "h"\nport = 1\n[confirm]\nafter_days = -1\n', 6, "after_days must be"),
        ('name = "a"\n[listen]\nhost = "h"\nport = 1\n[confirm]\n', 5, "after_days must be"),
        ('name = "a', 0, "not TOML"),
        (GOOD + '[announce]\naddresses = "n:1"\n', 6, "addresses must be a list"),
        (GOOD + '[announce]\naddresses = ["n:1", "n"]\n', 6, "'n' is not HOST:PORT"),
        (GOOD + '[announce]\naddresses = ["n:0"]\n', 6, "'n:0' is not HOST:PORT"),
        (GOOD + '[announce]\naddresses = ["n:1", "n:1"]\n', 6, "twice"),
        (GOOD + "[announce]\nbridge = true\n", 5, "needs addresses"),
        (GOOD + '[announce]\naddresses = ["n:1"]\nrelay = 1\n', 7, "relay must be true or false"),
        (GOOD + "[relay]\nidle_seconds = 999\n", 6, "idle_seconds must be a whole number from 1000 to"),
        (GOOD + "[relay]\noffer = true\nidle_seconds = 0\n", 7, "with less, calls end for nothing"),
        (GOOD + "[relay]\nbytes_per_day = 99999\n", 6, "bytes_per_day must be a whole number from 100000 to"),
        (
            GOOD + "[relay]\npair_bytes_per_day = 5\n",
            6,
            "with less, calls end though hardly anything was said",
        ),
        (GOOD + "[relay]\nstreams = 0\n", 6, "streams must be a whole number from 1 to"),
        (GOOD + '[relay]\nstreams = "many"\n', 6, "streams must be"),
        ('name = "a"\nlisten = "none"\n[announce]\naddresses = ["n:1"]\n', 4, "no address to announce"),
        (GOOD + "[lan]\nbeacon = 1\n", 6, "beacon must be true or false"),
        (GOOD + '[lan]\ninterfaces = "lo"\n', 6, "interfaces must be a list"),
        (GOOD + '[introductions]\nfrom = "A"\n', 6, "from must be a list"),
        (GOOD + 'listen = "none"\n', 5, "'listen' does not belong into the section [listen]"),
        (GOOD + "[listen]\n", 5, "what this line begins stands in the file already"),
        (GOOD + '[limits]\nlisten = "none"\n', 6, "'listen' does not belong into the section [limits]"),
        ('listen = "none"\n' + GOOD, 3, "what this line begins stands in the file already"),
        (GOOD + "[lan]\n[lan]\n", 6, "what this line begins stands in the file already"),
        (GOOD + '[introductions]\nby = ["A"]\n', 6, "'by' is not known"),
        (GOOD + '[[peer]]\nname = "A"\n', 5, "key must be text"),
        (GOOD + '[[peer]]\nname = "A"\nkey = "ab"\n', 7, "no node's key"),
        (GOOD + f'[[peer]]\nkey = "{bytes(32).hex()}"\nname = "A"\n', 6, "no signature could ever"),
        (GOOD + f'[[peer]]\nkey = "{KEY}"\n', 5, "name must be text"),
        (GOOD + f'[[peer]]\nkey = "{KEY}"\nname = "A"\naddresses = ["a"]\n', 8, "'a' is not HOST:PORT"),
        (GOOD + f'[[peer]]\nkey = "{KEY}"\nname = "A"\naddresses = 7\n', 8, "must be a list"),
        (GOOD + f'[[peer]]\nkey = "{KEY}"\nname = "A"\nport = 7\n', 8, "'port' is not known"),
        (
            GOOD + f'[[peer]]\nkey = "{KEY}"\nname = "A"\n\n[[peer]]\nname = "B"\nkey = "{KEY}"\n',
            11,
            "another",
        ),
        (
            GOOD + f'[[peer]]\nkey="{KEY}"\nname="A"\n[limits]\n[[peer]]\nkey="{LATER}"\nname="a"\n',
            11,
            "another",
        ),
        (GOOD + '[peer]\nname = "A"\n', 5, "peer must be sections"),
        ('peer = ["A"]\n' + GOOD, 1, "peer must be sections"),
        (GOOD + '[announce]\nwhere = ["n:1"]\n', 6, "'where' is not known"),
    ],
)
def test_a_mistake_names_its_line_and_what_to_do(tmp_path: Path, text: str, line: int, message: str) -> None:
    error = said(tmp_path / "config.toml", text)
    assert message in error.message
    assert error.line == line
    if line:
        assert f"line {line}:" in error.message


def test_a_file_that_is_missing_or_no_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "config.toml")
    (tmp_path / "config.toml").write_bytes(b'name = "a"\n# \xff\n')
    with pytest.raises(ConfigError, match="line 2: this is not UTF-8"):
        load(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7447", Address("127.0.0.1", 7447)),
        ("oakfield.example:0", Address("oakfield.example", 0)),
        ("[2001:db8::7]:65535", Address("2001:db8::7", 65535)),
    ],
)
def test_an_address_is_read_as_it_is_shown(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "host", ":1", "host:", "host:x", "::1:7447", "host:65536", "a b:1", "h:٣"]
)
def test_what_is_no_address_is_refused_in_plain_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_address(text)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        parse_address(text)
    except ValueError:
        return
    assert parse_address(str(parse_address(text))) == parse_address(text)


def test_nothing_is_announced_unless_the_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    assert load(path).announce == Announce()
    path.write_text(GOOD + '[announce]\naddresses = ["n.example.org:1", "[2001:db8::7]:2"]\nbridge = true\n')
    assert load(path).announce == Announce(("n.example.org:1", "[2001:db8::7]:2"), bridge=True)


def test_peers_stand_in_sections_with_their_keys_in_digits_or_letters(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    letters = b32encode(bytes.fromhex(LATER)).decode().rstrip("=")
    path.write_text(
        GOOD
        + f'[[peer]]\nkey = "{KEY}"\nname = "A"\naddresses = ["n:1", "n:1"]\n'
        + f'[[peer]]\nkey = "{letters.lower()}"\nname = "B"\n'
    )
    assert load(path).peers == (
        StaticPeer(Key(bytes.fromhex(KEY)), "A", ("n:1",)),
        StaticPeer(Key(bytes.fromhex(LATER)), "B"),
    )


@given(st.text() | st.text("0123456789abcdefABCDEF- ", min_size=60) | st.text("ABCDEFGH234567 ", min_size=50))
def test_any_text_is_a_key_that_signs_or_a_value_error(text: str) -> None:
    try:
        key = parse_key(text)
    except ValueError:
        return
    assert parse_key(key.hex()) == key


def test_who_has_lost_the_file_is_told_what_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(ConfigError, match="there is no such file") as lost:
        load(path)
    path.write_text("\n".join(re.findall(r"\w+ = (?:\".*?\"|\{.*\})", lost.value.hint)))
    assert load(path) == Config("Oakfield", Address("0.0.0.0", 7443))
