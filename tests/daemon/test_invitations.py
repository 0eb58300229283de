"""Invitations between real daemons: used once, in time, by whom they were given to; and each no in its own words."""

import secrets
import time

import pytest

from fedsync import config
from fedsync.gossip.invite import Address, Invitation
from tests.daemon.hostile import key_of
from tests.daemon.village import Village, equal, until


def test_both_screens_show_the_same_six_words(village: Village) -> None:
    oak, mill = village.node("Oakfield"), village.node("Mill Lane")
    given = oak.json("invite", "Mill Lane")
    taken = mill.json("join", given["code"], "--yes")
    assert given["words"] == taken["words"]
    assert len(given["words"]) == 6
    assert taken["name"] == "Oakfield"
    equal(oak, mill)


def test_an_invitation_is_used_by_one_node_and_by_that_one_again(village: Village) -> None:
    oak, mill, hill = (village.node(name) for name in ("Oakfield", "Mill Lane", "Hill Farm"))
    code = oak.json("invite", "Mill Lane")["code"]
    mill.run("join", code, "--yes")
    error = hill.json("join", code, "--yes", code=7)["error"]
    assert error["code"] == "invitation_used"
    assert "Another node has used this invitation" in error["message"]
    mill.run("join", code, "--yes")
    assert [peer["name"] for peer in oak.json("peers", "list")["peers"]] == ["Mill Lane"]
    assert hill.json("peers", "list")["peers"] == []


def test_an_invitation_ends(village: Village) -> None:
    oak, mill = village.node("Oakfield"), village.node("Mill Lane")
    listen = config.load(oak.home.config).listen
    assert listen is not None
    with oak.pen("Ann") as (_, reading, _):
        own = reading.own()
    late = Invitation(
        secrets.token_bytes(16), key_of(oak), own.scope, own.body, (Address(listen.host, listen.port),)
    )
    oak.call("invite", key=late.key.hex(), name="Mill Lane", until=int(time.time() * 1000) - 1)
    error = mill.json("join", late.code(), "--yes", code=7)["error"]
    assert error["code"] == "invitation_expired"
    assert "expired" in error["message"]
    assert oak.json("peers", "list")["peers"] == []


def test_a_code_that_another_node_gave_opens_no_door_here(village: Village) -> None:
    oak, mill, hill = (village.node(name) for name in ("Oakfield", "Mill Lane", "Hill Farm"))
    given = Invitation.parse(oak.json("invite", "Mill Lane")["code"])
    where = config.load(hill.home.config).listen
    assert where is not None
    moved = Invitation(
        given.token, given.inviter, given.scope, given.body, (Address(where.host, where.port),)
    )
    error = mill.json("join", moved.code(), "--yes", code=10)["error"]
    assert error["code"] == "unreachable"
    assert "has another key" in error["message"]
    # And one that names this node, but was never given by it.
    forged = Invitation(
        secrets.token_bytes(16), key_of(hill), given.scope, given.body, (Address(where.host, where.port),)
    )
    error = mill.json("join", forged.code(), "--yes", code=10)["error"]
    assert "may not know our key" in error["message"]
    assert hill.alive


def test_a_code_of_ones_own_or_a_garbled_one_is_wrong_usage(village: Village) -> None:
    oak = village.node("Oakfield")
    code = oak.json("invite", "Mill Lane")["code"]
    assert "this very node" in oak.json("join", code, "--yes", code=2)["error"]["message"]
    for wrong in (code[:-1], code[:9] + ("a" if code[9] != "a" else "b") + code[10:], "x", "\ud7ff"):
        assert oak.json("join", wrong, "--yes", code=2)["error"]["try"]


@pytest.mark.parametrize("running", [True, False])
def test_joining_works_with_and_without_the_joiners_daemon(village: Village, running: bool) -> None:
    oak, mill = village.node("Oakfield"), village.node("Mill Lane", start=running)
    mill.run("join", oak.json("invite", "Mill Lane")["code"], "--yes")
    if not running:
        mill.start()
    equal(oak, mill)
    until(lambda: oak.peer("Mill Lane")["state"] == "same")
