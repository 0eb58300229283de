"""Two nodes that only call meet through a third that carries for them: real daemons on loopback."""

import re
import socket
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from fedsync import config
from fedsync.announcing import announce as said
from fedsync.config import Announce
from fedsync.doors import LocalDoor
from fedsync.gossip.relayquota import AHEAD_MOST
from fedsync.gossip.relaywords import MAX_DATA
from fedsync.keyring import load_node_key
from fedsync.ports import free_port
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from tests.acts.valley import Valley
from tests.daemon.test_dropped import enter, join, sign
from tests.daemon.test_finding import announce, linked
from tests.daemon.test_outbound import make_known
from tests.daemon.village import Node, Village, equal, told, until

PART = 5000
"""Movements that are recorded at once."""
MUCH, TRIES = 80_000, 3
"""Movements that take seconds to come over, and how often it is tried to catch them on their way."""
PLAIN = "Rhubarb and custard"
"""What the two write and nobody else may read."""
pytestmark = pytest.mark.usefixtures("noon")  # what is carried counts for a day


def relaying(village: Village, name: str, **offer: int) -> Node:
    """Return a running node that carries for its peers, and follows nobody but its own people."""
    node = village.node(name, start=False)
    text = node.home.config.read_text()
    text = re.sub("port = [0-9]+", f"port = {free_port('127.0.0.1')}", text, count=1)
    text = text.replace("followed_bodies = 256", "followed_bodies = 1")
    said = "".join(f"{key} = {value}\n" for key, value in offer.items())
    node.home.config.write_text(f"{text}\n[relay]\noffer = true\n{said}")
    node.start()
    return node


def calling(village: Village, name: str, *relays: Node) -> Node:
    """Return a running node that only calls, over these relays."""
    node = village.node(name, start=False, listen="none")
    names = ", ".join(f'"{each.name}"' for each in relays)
    with node.home.config.open("a") as file:
        file.write(f"[relay]\nthrough = [{names}]\n")
    node.start()
    return node


def acquaint(one: Node, other: Node, *relays: Node) -> None:
    """Make two known to each other and to the relays, which learn nothing of what they follow."""
    make_known(one, other)
    make_known(other, one)
    for relay in relays:
        for node in (one, other):
            make_known(node, relay, relay.ready.read_text())
            make_known(relay, node, body_of=relay)


@pytest.fixture
def trio_of(village: Village) -> tuple[Node, Node, Node]:
    """Give two that only call, and who relays for them."""
    relay = relaying(village, "Crossways")
    mill, hill = (calling(village, name, relay) for name in ("Mill Lane", "Hill Farm"))
    acquaint(mill, hill, relay)
    return mill, hill, relay


def memory(node: Node) -> bytes:
    """Return all that a daemon has in its memory."""
    assert node.process is not None
    place = Path(f"/proc/{node.process.pid}")
    found = b""
    with (place / "mem").open("rb", 0) as mem:
        for line in (place / "maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(each, 16) for each in span.split("-"))
                try:
                    mem.seek(start)
                    found += mem.read(end - start)
                except (OSError, OverflowError):
                    continue  # what only the system may read
    return found


def test_two_that_only_call_meet_through_a_relay_which_reads_nothing(
    trio_of: tuple[Node, Node, Node],
) -> None:
    mill, hill, relay = trio_of
    mill.move("Ann", *range(1, 300), item=PLAIN)
    hill.move("Ben", *range(1, 300), item=PLAIN)
    until(lambda: mill.peer("Hill Farm").get("through") == "Crossways", why=mill.said)
    equal(mill, hill)
    assert "(through Crossways)" in mill.peer("Hill Farm")["reason"]
    told = relay.call("status")["relay"]["offers"]
    assert set(told["pairs"][0]["between"]) == {"Mill Lane", "Hill Farm"}
    assert told["bytes"] > 2000
    # It was there, in the memory of those that it concerns; so this is how it would look.
    assert PLAIN.encode() in memory(mill)
    assert PLAIN.encode() not in memory(relay)
    assert PLAIN not in relay.said()
    for path in relay.home.path.rglob("*"):
        assert not path.is_file() or PLAIN.encode() not in path.read_bytes(), path
    # What is counted ahead, in case of a crash, is given back by who stops in order.
    relay.stop()
    relay.start()
    kept = relay.call("status")["relay"]["offers"]["bytes"]
    assert told["bytes"] <= kept < told["bytes"] + AHEAD_MOST // 4


def apart(village: Village, number: int, **offer: int) -> tuple[Node, Node, Node]:
    """Return two that only call, one of which wrote so many movements before they were acquainted, and their relay."""
    relay = relaying(village, "Crossways", **offer)
    mill, hill = (calling(village, name, relay) for name in ("Mill Lane", "Hill Farm"))
    write(mill, number)
    acquaint(mill, hill, relay)
    return mill, hill, relay


def write(mill: Node, number: int) -> None:
    """Let a node write so many movements."""
    # Numbers at random: what goes over the wire must be as much as it seems.
    die = Random(5)
    for _ in range(number // PART):
        mill.move("Ann", *(die.randrange(1, 10**9) for _ in range(PART)))


def test_when_the_relay_is_killed_in_mid_transfer_both_come_back_and_nothing_is_lost(
    village: Village,
) -> None:
    mill, hill, relay = apart(village, MUCH)
    for _ in range(TRIES):
        before = hill.records()
        until(lambda before=before: hill.records() > before + 2000, why=hill.said)  # type: ignore[misc]
        relay.kill()
        if hill.records() < mill.records():
            break
        # All of it came while this machine did not let us look.
        relay.start()
        write(mill, MUCH)
    else:
        raise AssertionError("it was never in mid-transfer")
    until(lambda: mill.peer("Hill Farm")["state"] == "away" and hill.peer("Mill Lane")["state"] == "away")
    relay.start()
    equal(mill, hill)
    until(lambda: mill.peer("Hill Farm")["through"] == "Crossways", why=mill.said)


def test_a_pair_whose_day_is_used_up_is_told_until_when_on_all_three_screens_and_after_a_restart(
    village: Village,
) -> None:
    quota = 300_000
    mill, hill, relay = apart(village, 50_000, pair_bytes_per_day=quota)
    goes_on = "it goes on at 20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] 00:00 UTC"

    def is_told() -> bool:
        return all(
            re.search(f"through Crossways: .* between the two today .*{goes_on}", one.peer(other)["reason"])
            for one, other in ((mill, "Hill Farm"), (hill, "Mill Lane"))
        )

    until(is_told, why=lambda: f"{mill.peer('Hill Farm')} {hill.peer('Mill Lane')}")
    (pair,) = relay.call("status")["relay"]["offers"]["pairs"]
    assert quota <= pair["bytes"] <= quota + MAX_DATA
    assert pair["until"] % 86_400_000 == 0
    assert "used up" in relay.run("status").stdout
    for one, other in ((mill, "Hill Farm"), (hill, "Mill Lane")):
        assert re.search(goes_on, one.run("why", other).stdout)
    held = hill.records()
    for node in (relay, mill, hill):
        node.kill()
        node.start()
    until(is_told, why=lambda: f"{mill.peer('Hill Farm')} {hill.peer('Mill Lane')}")
    (pair,) = relay.call("status")["relay"]["offers"]["pairs"]
    assert pair["bytes"] <= quota + MAX_DATA, "a restart gives nothing of it twice"
    assert hill.records() - held < 1000


def test_who_waits_at_two_relays_is_reached_through_the_one_that_lives(village: Village) -> None:
    relays = relaying(village, "Crossways"), relaying(village, "Old Bridge")
    mill, hill = (calling(village, name, *relays) for name in ("Mill Lane", "Hill Farm"))
    acquaint(mill, hill, *relays)
    first = until(lambda: mill.peer("Hill Farm").get("through"))
    dead, other = relays if first == "Crossways" else relays[::-1]
    dead.kill()
    hill.move("Ben", 5)
    until(lambda: mill.peer("Hill Farm")["through"] == other.name, why=lambda: str(mill.peer("Hill Farm")))
    equal(mill, hill)


def test_who_does_not_offer_to_relay_says_so(village: Village) -> None:
    relay = village.node("Crossways")
    mill, hill = (calling(village, name, relay) for name in ("Mill Lane", "Hill Farm"))
    acquaint(mill, hill, relay)
    until(lambda: "through Crossways: it does not relay" in mill.peer("Hill Farm")["reason"])


def test_a_node_that_the_relay_does_not_know_is_not_carried(village: Village) -> None:
    relay = relaying(village, "Crossways")
    mill, hill = (calling(village, name, relay) for name in ("Mill Lane", "Hill Farm"))
    acquaint(mill, hill, relay)
    until(lambda: mill.peer("Hill Farm")["through"])
    relay.call("remove_peer", name="Hill Farm")
    until(lambda: mill.peer("Hill Farm")["state"] == "away", why=lambda: str(mill.peer("Hill Farm")))
    until(lambda: "it knows one of the two not at all" in mill.peer("Hill Farm")["reason"])


def test_a_node_behind_a_router_that_listens_all_the_same_is_reached_through_a_relay(
    village: Village,
) -> None:
    relay = relaying(village, "Crossways")
    mill, hill = village.node("Mill Lane", start=False), village.node("Hill Farm", start=False)
    for node in (mill, hill):
        with node.home.config.open("a") as file:
            file.write('[relay]\nwait = true\nthrough = ["Crossways"]\n')
        node.start()
    acquaint(mill, hill, relay)
    # The address that is known of it leads nowhere, as behind a router.
    make_known(mill, hill, f"127.0.0.1:{free_port('127.0.0.1')}")
    until(lambda: mill.peer("Hill Farm").get("through") == "Crossways", why=lambda: told(mill, hill, relay))
    equal(mill, hill)


def test_a_relay_that_announces_itself_is_used_without_being_told_by_hand(village: Village) -> None:
    relay = village.node("Crossways")
    mill, hill = (village.node(name, listen="none") for name in ("Mill Lane", "Hill Farm"))
    for each in (mill, hill):
        village.introduce(relay, each)
        # Each book names the other's node: so each takes the other's word of where it answers.
        sign(relay, enter(relay, join(each)), "Ann", "Ben")
        sign(each, enter(each, join(relay)), "Ann", "Ben")
    make_known(mill, hill)
    make_known(hill, mill)
    assert "neither can call the other" in mill.peer("Hill Farm")["reason"]
    relay.stop()
    announce(relay, "relay = true")
    relay.start()
    until(lambda: mill.peer("Hill Farm").get("through") == "Crossways", why=lambda: told(mill, hill, relay))
    assert "Can be called through Crossways." in hill.run("status").stdout


def own_address() -> str:
    """Return an address of this machine that is no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # says which of our addresses would be used; sends nothing
        except OSError:
            pytest.skip("this machine is on no network")
        return str(asked.getsockname()[0])


def is_around(one: Node, other: Node, relay: Node) -> bool:
    """Say whether two are linked through a relay, and with it directly."""
    through, itself = linked(one, other).get("through"), linked(one, relay)
    return bool(through and itself.get("state") == "same" and itself["through"] is None)


def test_nodes_of_one_region_that_only_call_are_linked_through_a_relay_that_announces_itself(
    village: Village, tmp_path: Path
) -> None:
    names = ("Crossways", "Mill Lane", "Hill Farm")
    valley = Valley(tmp_path, *names)
    valley.meet()
    body, _ = valley.found_region(names[0])
    valley.meet()
    for name, home in valley.homes.items():
        with closing(LocalDoor(home, home.lock())) as door:
            node: list[Value] = [public_key(load_node_key(home)), door.node.store.directory.incarnation]
        valley.enter(name, [{"kind": "join", "body": body, "node": node}])
        text = home.config.read_text()
        if name != "Crossways":
            text = 'listen = "none"\n' + re.sub(r"\[listen\]\n(?:#.*\n)*host.*\nport.*\n", "", text)
            home.config.write_text(text)
            continue
        listen = config.load(home.config).listen
        assert listen is not None
        # Whoever does not listen at this machine itself calls no loopback address that somebody announces.
        where = f"{own_address()}:{listen.port}"
        text = text.replace('host = "127.0.0.1"', 'host = "0.0.0.0"')
        more = f'[lan]\nbeacon = false\n[announce]\naddresses = ["{where}"]\nrelay = true\n'
        home.config.write_text(f"{text}\n{more}")
        with closing(LocalDoor(home, home.lock())) as door:
            assert said(door.node, load_node_key(home), Announce((where,), relay=True))
    valley.meet()
    relay, mill, hill = (village.node(name) for name in names)
    # Nobody was introduced to anybody.
    until(lambda: is_around(mill, hill, relay), why=lambda: told(mill, hill, relay))
    mill.decide("A bridge", "Ann", "Ben")
    equal(mill, hill, relay)
