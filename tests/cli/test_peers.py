"""`invite`, `join`, `peers`, as far as one machine without a daemon can go; tests/daemon has the rest."""

import re
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.records.ed25519 import public_key
from tests.cli.calling import Place, fedsync, found


@pytest.fixture
def other(tmp_path: Path) -> Place:
    """Return another community's node."""
    return found(tmp_path / "other", ("Dora", "Emil", "Fay"))


def add_peer(node: Place, name: str) -> str:
    """Make a peer as a join does; return its key."""
    key = public_key(Ed25519PrivateKey.generate()).hex()
    with open_door(Home(node.path)) as door:
        scope, body = key[:32], key
        door.call("add_peer", key=key, name=name, addresses=["127.0.0.1:9"], scope=scope, body=body)
    return key


def test_an_invitation_is_a_code_and_six_words(node: Place) -> None:
    value = node.json("invite", "Mill Lane")
    assert len(value["words"]) == 6
    assert value["code"] == value["code"].strip()
    again = node.json("invite", "Mill Lane")
    assert again["code"] != value["code"]
    out = node("invite", "Hill Farm", "--address", "node.example.org:7443", "--days", 1).out
    assert "Hill Farm" in out
    assert "1 day" in out


@pytest.mark.parametrize("words", [("--days", 0), ("--address", "nonsense"), ("--days", "x")])
def test_an_invitation_that_makes_no_sense_is_refused(node: Place, words: tuple[object, ...]) -> None:
    node.refused("invite", "Mill Lane", *words, code=2)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 300, "\x1b[31m"])
def test_a_peer_has_a_name_that_can_be_shown(node: Place, name: str) -> None:
    node.refused("invite", name, code=2)


def test_a_node_that_listens_everywhere_must_say_where_it_is_reached(home_dir: Path) -> None:
    words = ("init", "--community", "O", "--teller", "A", "--no-passphrase", "--yes", "--listen", "0.0.0.0:0")
    assert fedsync("--home", home_dir, *words).code == 0
    assert "--address" in Place(home_dir).refused("invite", "Mill Lane", code=2)["try"]
    Place(home_dir)("invite", "Mill Lane", "--address", "192.0.2.7:7443")


@pytest.mark.parametrize("code", ["", "hello", "x" * 5000, "é", "\x1b[31m"])
def test_what_is_no_invitation_is_told(node: Place, code: str) -> None:
    for words, typed in (((code or "-",), ""), (("-",), code)):
        error = node.refused("join", *words, "--yes", stdin=typed, code=2)
        assert error["try"]


def test_a_damaged_invitation_is_told_before_anybody_is_asked(node: Place, other: Place) -> None:
    code = other.json("invite", "Oakfield")["code"]
    for at in (0, len(code) // 2, len(code) - 1):
        wrong = code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1 :]
        node.refused("join", wrong, "--yes", code=2)
    node.refused("join", code[:-10], "--yes", code=2)


def test_an_invitation_may_come_with_the_blanks_of_a_letter(node: Place, other: Place) -> None:
    code = other.json("invite", "Oakfield")["code"]
    node.refused("join", "-", "--yes", stdin=f"\n  {code}\r\n\n", code=10)


def test_its_own_invitation_is_of_no_use_to_a_node(node: Place) -> None:
    code = node.json("invite", "Mill Lane")["code"]
    error = node.refused("join", code, "--yes", code=2)
    assert "this very node" in error["message"]


def test_a_node_that_does_not_answer_is_exit_10_and_nothing_is_changed(node: Place, other: Place) -> None:
    code = other.json("invite", "Oakfield")["code"]
    before = node.json("status")
    error = node.refused("join", code, "--yes", code=10)
    assert error["try"]
    assert node.json("status") == before


def test_something_else_that_answers_there_is_not_taken_for_the_node(node: Place, other: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = other.json("invite", "Oakfield", "--address", f"127.0.0.1:{server.getsockname()[1]}")["code"]
        server.settimeout(0.01)
        server.close()
        node.refused("join", code, "--yes", code=10)


def test_joining_asks_for_the_words_unless_told(node: Place, other: Place) -> None:
    code = other.json("invite", "Oakfield")["code"]
    assert "--yes" in node.refused("join", code, code=2)["try"]


def test_peers_are_listed_paused_resumed_and_removed(node: Place) -> None:
    key = add_peer(node, "Mill Lane")
    (row,) = node.json("peers", "list")["peers"]
    assert (row["name"], row["key"], row["state"], row["last_contact"]) == ("Mill Lane", key, "away", None)
    assert set(row) >= {"name", "state", "we_lack", "they_lack", "last_contact", "reason"}
    assert node.json("status")["peers"] == [row]
    assert node.json("peers", "pause", "mill lane") == {
        "fedsync": 1,
        "ok": True,
        "name": "Mill Lane",
        "key": key,
    }
    assert node.json("peers", "list")["peers"][0]["state"] == "paused"
    node("peers", "resume", key[:8])
    assert node.json("peers", "list")["peers"][0]["state"] == "away"
    assert "fedsync run" in node("why", "Mill Lane").out
    assert "--yes" in node.refused("peers", "remove", "Mill Lane", code=2)["try"]
    node("peers", "remove", "Mill Lane", "--yes")
    assert node.json("peers", "list")["peers"] == []


def test_who_is_no_peer_is_exit_6(node: Place) -> None:
    add_peer(node, "Mill Lane")
    for word in ("pause", "resume"):
        node.refused("peers", word, "Nowhere", code=6)
    node.refused("peers", "remove", "Nowhere", "--yes", code=6)
    node.refused("why", "Nowhere", code=6)


def test_two_peers_of_one_name_are_told_apart(node: Place) -> None:
    add_peer(node, "Mill Lane")
    add_peer(node, "Mill Lane")
    assert [row["name"] for row in node.json("peers", "list")["peers"]] == ["Mill Lane", "Mill Lane 2"]


def key_hex() -> str:
    return public_key(Ed25519PrivateKey.generate()).hex()


def test_a_peer_is_added_by_its_key_and_shown(node: Place) -> None:
    key = key_hex()
    assert "--yes" in node.refused("peers", "add", "Quarry", key, code=2)["try"]
    said = node.json("peers", "add", "Quarry", key.upper(), "--address", "quarry.example:7443", "--yes")
    assert (said["name"], said["key"], said["addresses"]) == ("Quarry", key, ["quarry.example:7443"])
    shown = node.json("peers", "show", "quarry")
    assert shown == node.json("peers", "show", key[:8])
    assert (shown["name"], shown["state"], shown["by"]) == ("Quarry", "away", "operator")
    assert shown["addresses"] == ["quarry.example:7443"]
    words = node("peers", "show", "Quarry").out
    assert key in words
    assert "by the operator here" in words
    assert "quarry.example:7443" in node("why", "Quarry").out
    node.refused("peers", "show", "Nowhere", code=6)


@pytest.mark.parametrize(
    "key",
    ["x", "Quarry", "ab" * 31, "ab" * 33, "zz" * 32, "00" * 32, "ff" * 32, "\x1b[31m", "é" * 64],
)
def test_what_is_no_key_is_refused_with_what_to_type(node: Place, key: str) -> None:
    error = node.refused("peers", "add", "--yes", "Quarry", key, code=2)
    assert "fedsync peers show" in error["try"]
    assert node.json("peers", "list")["peers"] == []


def test_a_node_is_no_peer_of_its_own_and_says_what_others_have_to_type(node: Place) -> None:
    own = node.json("peers", "show")
    assert f"fedsync peers add {own['name']} {own['key']}" in node("peers", "show").out
    assert (own["named_by"], own["announces"], own["announced_in"]) == ([], [], [])
    with (node.path / "config.toml").open("a") as file:
        file.write('[announce]\naddresses = ["node.example.org:7443"]\n')
    words = node("peers", "show").out
    assert "--address node.example.org:7443" in words
    assert "no book names this node" in words
    assert "very node" in node.refused("peers", "add", "Us", own["key"], "--yes", code=2)["message"]
    node.refused("peers", "add", "Quarry", key_hex(), "--address", "nowhere", "--yes", code=2)
    node.refused("peers", "add", "a\nb", key_hex(), "--yes", code=2)


def test_who_was_removed_is_shown_as_removed_until_it_is_added_again(node: Place) -> None:
    key = add_peer(node, "Mill Lane")
    node("peers", "remove", "Mill Lane", "--yes")
    shown = node.json("peers", "show", "Mill Lane")
    assert (shown["state"], shown["by"], bool(shown["removed_at"])) == ("removed", None, True)
    assert f"fedsync peers add 'Mill Lane' {key}" in node("why", key[:8]).out
    node("peers", "add", "Mill Lane", key, "--yes")
    shown = node.json("peers", "show", "Mill Lane")
    assert (shown["state"], shown["removed_at"]) == ("away", None)


def test_a_key_that_is_known_here_under_another_name_is_said_to_be_that_ones(node: Place) -> None:
    key = add_peer(node, "Quarry")
    said = node("peers", "add", "Mill Lane", key, "--yes").out
    assert "This is the key of Quarry, a peer already" in said
    assert "peers remove" not in said
    assert [each["name"] for each in node.json("peers", "list")["peers"]] == ["Quarry"]
    # A name that another node has is given to nobody else: the operator may have meant to change that one's key.
    said = node("peers", "add", "Quarry", key_hex(), "--yes").out
    assert "Quarry is the name of another node here, so this one is called Quarry 2" in said
    # That a key is a wrong one shows only when nobody connects.
    assert "Was the key a wrong one? fedsync peers remove 'Quarry 2'" in said


def test_who_is_kept_out_stands_below_the_list_of_peers(node: Place) -> None:
    add_peer(node, "Mill Lane")
    node("peers", "remove", "Mill Lane", "--yes")
    assert "Kept out: Mill Lane" in node("peers", "list").out
    assert [each["name"] for each in node.json("peers", "list")["removed"]] == ["Mill Lane"]


def test_a_node_says_why_it_has_no_address_to_tell(node: Place) -> None:
    settings = node.path / "config.toml"
    said = settings.read_text()
    settings.write_text(said.replace('host = "127.0.0.1"', 'host = "0.0.0.0"'))
    words = node("peers", "show").out
    assert "at every address of this machine" in words
    assert words.rstrip().endswith("--address HOST:PORT")
    [listen] = re.findall(r"\[listen\].*?port = \d+\n", said, re.DOTALL)
    settings.write_text(said.replace(listen, 'listen = "none"\n'))
    words = node("peers", "show").out
    assert "nowhere: it only calls others" in words
    assert "--address" not in words
