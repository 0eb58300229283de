"""How a daemon begins, is spoken to, loses and finds its peers, and ends."""

import json
import os
import signal
import socket
import stat
import time

import pytest

from fedsync import control
from fedsync.records.ed25519 import private_key, public_key
from tests.daemon.village import ANEW, AT_ONCE, SOON, Node, Village, equal, until


def asked(node: Node, said: bytes) -> bytes:
    """Return what the control socket answers to bytes."""
    with node.home.connect_control() as connection:
        connection.settimeout(SOON)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_told_to_stop_puts_its_things_away(village: Village, number: signal.Signals) -> None:
    oak = Node(village.path / "oakfield", "Oakfield", inside=ANEW)
    village.nodes.append(oak)
    oak.start()
    assert oak.ready.read_text() == oak.call("status")["listen"]
    assert oak.stop(number) == 0
    assert not oak.ready.exists()
    assert not oak.home.control_socket.exists()


def test_a_daemon_stops_while_peers_are_connected_and_one_hangs(village: Village) -> None:
    oak, mill, hill = village.line("Oakfield", "Mill Lane", "Hill Farm")
    equal(oak, mill, hill)
    hill.send(signal.SIGSTOP)
    started = time.monotonic()
    assert mill.stop() == 0
    assert time.monotonic() - started < AT_ONCE
    until(lambda: oak.peer("Mill Lane")["state"] == "away")


def test_a_second_daemon_in_one_home_is_refused(village: Village) -> None:
    oak = village.node("Oakfield")
    done = oak.run("run", code=4)
    assert "holds the node" in done.stderr
    assert oak.call("ping")["ok"]


def test_commands_write_through_the_daemon_while_it_runs_and_without_it_when_not(village: Village) -> None:
    oak = village.node("Oakfield")
    oak.run("stock", "add", "Oats", "5", "g", "--store", "Granary", "--as", "Ann", "--no-passphrase", "--yes")
    assert oak.stock() == 5
    oak.stop()
    oak.run("stock", "add", "Oats", "6", "g", "--store", "Granary", "--as", "Ann", "--no-passphrase", "--yes")
    assert oak.stock() == 11


# --- The control socket ---------------------------------------------------------------------------------


def test_only_the_owner_may_speak_to_the_daemon(village: Village) -> None:
    oak = village.node("Oakfield")
    assert stat.S_IMODE(os.stat(oak.home.control_socket).st_mode) == 0o600


GARBAGE = {
    "no JSON": b"\xff\xfe\n",
    "a list": b"[1]\n",
    "no op": b"{}\n",
    "an op that is none": b'{"op": 7}\n',
    "an unknown op": b'{"op": "dance"}\n',
    "depth": b"[" * 200_000 + b"\n",
    "blocks that are none": b'{"op": "take", "blocks": ["zz"]}\n',
    "blocks that are numbers": b'{"op": "take", "blocks": [1]}\n',
    "no blocks": b'{"op": "take", "blocks": null}\n',
    "bytes for a block": b'{"op": "take", "blocks": ["c1"]}\n',
    "a peer that is a number": b'{"op": "pause_peer", "name": 5, "paused": true}\n',
    "a key that is too short": b'{"op": "invite", "key": "00", "name": "x", "until": 1}\n',
    "a time beyond SQLite": b'{"op": "invite", "key": "'
    + b"00" * 32
    + b'", "name": "x", "until": 1'
    + b"0" * 40
    + b"}\n",
    "an address that is a number": b'{"op": "add_peer", "key": "'
    + b"11" * 32
    + b'", "name": "x", "addresses": [5],'
    b' "scope": "' + b"22" * 16 + b'", "body": "' + b"33" * 32 + b'"}\n',
    "a name that is a list": b'{"op": "add_peer", "key": "' + b"12" * 32 + b'", "name": [], "addresses": [],'
    b' "scope": "' + b"23" * 16 + b'", "body": "' + b"34" * 32 + b'"}\n',
    "an address of no host": b'{"op": "add_peer", "key": "'
    + b"13" * 32
    + b'", "name": "y", "addresses": ["::::"],'
    b' "scope": "' + b"24" * 16 + b'", "body": "' + b"35" * 32 + b'"}\n',
    "a key of small order": b'{"op": "invite", "key": "01' + b"00" * 31 + b'", "name": "x", "until": 1}\n',
    "a code that is none": b'{"op": "join", "code": 5, "addresses": []}\n',
    "half a request": b'{"op": "ping"',
}


def test_garbage_on_the_control_socket_is_answered_with_an_error_and_harms_nothing(village: Village) -> None:
    oak = village.node("Oakfield")
    for name, said in GARBAGE.items():
        answer = asked(oak, said)
        assert oak.alive, (name, oak.said())
        problem = json.loads(answer)
        assert problem["ok"] is False, (name, answer)
        assert problem["error"]["code"], name
        assert asked(oak, b'{"op": "ping"}\n') == b'{"ok": true}\n', name
        assert asked(oak, b'{"op": "status"}\n')[:12] == b'{"ok": true,', name
    assert oak.stop() == 0
    oak.start()


def test_who_connects_and_says_nothing_does_not_hold_others_up(village: Village) -> None:
    oak = village.node("Oakfield")
    silent = [oak.home.connect_control() for _ in range(12)]
    half = oak.home.connect_control()
    half.sendall(b'{"op":')
    oak.move("Ann", 5)
    assert oak.stock() == 5
    assert oak.stop() == 0
    for each in [*silent, half]:
        each.close()
    with pytest.raises(control.NotRunning):
        oak.call("ping")


def test_an_address_that_cannot_be_dialled_is_a_reason_and_no_fall(village: Village) -> None:
    oak = village.node("Oakfield")
    addresses = ["a..b:80", "a" * 100 + ":80", "m\u00fchle.invalid:80", "[fe80::1%nowhere]:1"]
    for number, address in enumerate(addresses):
        key = public_key(private_key(bytes([number]) * 32)).hex()
        name, scope, body = f"Quarry {number}", f"{number:02}" * 16, "33" * 32
        oak.call("add_peer", key=key, name=name, addresses=[address], scope=scope, body=body)

    def reasons() -> list[str]:
        return [oak.peer(f"Quarry {number}")["reason"] for number in range(len(addresses))]

    until(lambda: all(each.startswith(("its address", "nobody answers")) for each in reasons()))
    assert oak.alive


# --- Peers ----------------------------------------------------------------------------------------------


def both_dial(village: Village) -> tuple[Node, Node]:
    """Return two nodes that have each other's address; `line` gives it to both."""
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    return oak, mill


@pytest.mark.parametrize("attempt", range(2))
def test_two_that_call_each_other_at_once_end_with_one_link_that_stands(
    village: Village, attempt: int
) -> None:
    oak, mill = both_dial(village)
    for node in (oak, mill):
        node.stop()
    for node in (oak, mill):
        node.start(wait=False)
    for node in (oak, mill):
        node.wait_ready()
    until(lambda: oak.peer("Mill Lane")["state"] == mill.peer("Oakfield")["state"] == "same")
    oak.move("Ann", 1)
    mill.move("Ben", 2)
    equal(oak, mill)

    def rests() -> bool:
        said = oak.said(), mill.said()
        oak.move("Ann", 1)
        equal(oak, mill, within=AT_ONCE)
        return (oak.said(), mill.said()) == said

    # It stands: nobody calls any more, and nothing is closed again. That the other one was given up may be heard a little later.
    assert any(rests() for _ in range(3))
    assert rests()


def test_a_peer_that_comes_back_is_found_again_and_it_is_said_what_is_waited_for(village: Village) -> None:
    oak, mill = both_dial(village)
    mill.kill()
    row = until(lambda: (row := oak.peer("Mill Lane"))["state"] == "away" and row)
    oak.move("Ann", 3)
    until(lambda: "called again in" in oak.peer("Mill Lane")["reason"] or oak.peer("Mill Lane")["reason"])
    assert row["last_contact"]
    mill.start()
    equal(oak, mill)
    assert mill.stock("Oats") == 0


def test_a_paused_peer_loses_its_link_at_once_and_gets_it_back(village: Village) -> None:
    oak, mill = both_dial(village)
    oak.call("pause_peer", name="Mill Lane", paused=True)
    until(lambda: mill.peer("Oakfield")["state"] == "away", AT_ONCE)
    row = oak.peer("Mill Lane")
    assert (row["state"], row["reason"]) == ("paused", "paused by the operator")
    oak.move("Ann", 3)
    oak.call("pause_peer", name="Mill Lane", paused=False)
    equal(oak, mill)


def test_a_removed_peer_loses_its_link_at_once_and_gets_nothing_more(village: Village) -> None:
    oak, mill = both_dial(village)
    oak.run("peers", "remove", "Mill Lane", "--yes")
    until(lambda: mill.peer("Oakfield")["state"] == "away", AT_ONCE)
    held = mill.records()
    oak.move("Ann", 3)
    until(lambda: "hung up before its first word" in mill.peer("Oakfield")["reason"], why=mill.said)
    assert mill.records() == held


def test_no_more_peers_are_connected_than_the_settings_allow(village: Village) -> None:
    oak = village.node("Oakfield", start=False)
    settings = oak.home.config.read_text()
    assert "peers = 64" in settings
    oak.home.config.write_text(settings.replace("peers = 64", "peers = 1"))
    oak.start()
    mill, hill = village.node("Mill Lane"), village.node("Hill Farm")
    village.introduce(oak, mill)
    # Both call, and which of the two links stands is settled by then: between them there may be room for another.
    until(lambda: oak.peer("Mill Lane").get("state") == mill.peer("Oakfield").get("state") == "same")
    said = oak.said()
    village.introduce(oak, hill)
    until(lambda: "there are 1 connections already" in oak.said().removeprefix(said), why=oak.said)
    assert oak.peer("Mill Lane")["state"] != "away"
    assert oak.peer("Hill Farm")["state"] == "away"


def test_a_daemon_keeps_as_of_when_it_held_all_that_its_peers_community_had(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    oak.stop()
    oak.start()  # else it would take a minute until both say again what they hold
    until(lambda: oak.peer("Mill Lane")["state"] == "same")
    key = oak.peer("Mill Lane")["key"]
    assert oak.stop() == 0
    shown = oak.json("bodies", "show", "Mill Lane")["fresh"]
    assert (shown["by"], shown["seen"]["node"]) == ("seen", key)
    assert shown["lines"][0].startswith("not recalled as of ")
