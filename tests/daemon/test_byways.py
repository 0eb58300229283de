"""Links over other things than TCP, between real daemons: bad air, a modem, and what people are told of it."""

import re
import socket
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

from fedsync.crdt.books.booktables import known
from fedsync.daemon.byways import ago, seems_away
from fedsync.gossip.thin.broadcast import Carousel
from fedsync.gossip.thin.profile import Profile
from fedsync.gossip.thin.sealed import READABLE
from fedsync.reading import Reading
from fedsync.records.ids import PageId
from tests.daemon.air import Air, air, apart, free_ports, modem, say, say_broadcast
from tests.daemon.test_outbound import make_known
from tests.daemon.village import Node, Village, equal, until


def pair(village: Village) -> tuple[Node, Node]:
    """Return two nodes of which neither can call the other by TCP, before they are started."""
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    return oak, mill


def acquaint(oak: Node, mill: Node) -> None:
    """Start both, and make each a peer of the other, with the other's body followed."""
    for node in (oak, mill):
        node.start()
    make_known(oak, mill)
    make_known(mill, oak)


def by_datagrams(oak: Node, mill: Node, bad: Air, **settings: object) -> None:
    say(oak, "Mill Lane", kind="udp", address=bad.address(0), **settings)
    say(mill, "Oakfield", kind="udp", address=bad.address(1), **settings)


def test_two_exchange_over_datagrams_of_which_a_third_is_lost(village: Village) -> None:
    oak, mill = pair(village)
    with air(0.3) as bad:
        by_datagrams(oak, mill, bad)
        acquaint(oak, mill)
        oak.move("Ann", 100)
        mill.move("Ben", 30)
        equal(oak, mill)
        assert "over datagrams: heard" in oak.peer("Mill Lane")["reason"]
        assert oak.peer("Mill Lane")["bytes_out"] > 0
        assert not any(each[0] & READABLE for each in bad.passed)


def test_one_that_has_no_address_of_the_other_answers_where_it_is_heard(village: Village) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False, listen="none")
    apart(oak, mill)
    say(oak, "Mill Lane", kind="udp")
    oak.start()
    assert until(lambda: oak.json("status"))
    host = oak.wait_ready()
    say(mill, "Oakfield", kind="udp", address=host)
    mill.start()
    make_known(oak, mill)
    assert "it has no address here; it must call us" in oak.peer("Mill Lane")["reason"]
    make_known(mill, oak)
    mill.move("Ben", 30)
    equal(oak, mill)


def test_whoever_restarts_is_heard_again_by_the_one_that_went_on(village: Village) -> None:
    oak, mill = pair(village)
    with air(0.1) as bad:
        by_datagrams(oak, mill, bad)
        acquaint(oak, mill)
        equal(oak, mill)
        for node in (oak, mill):
            node.kill()
            node.start()
            node.move("Ann", 7)
            equal(oak, mill)


def test_one_that_has_no_address_of_the_other_finds_it_again_after_a_restart(village: Village) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False, listen="none")
    apart(oak, mill)
    say(oak, "Mill Lane", kind="udp")
    oak.start()
    # It comes back at the same port, which is all that the other knows.
    host = oak.wait_ready()
    say(mill, "Oakfield", kind="udp", address=host)
    mill.start()
    make_known(oak, mill)
    make_known(mill, oak)
    mill.move("Ben", 30)
    equal(oak, mill)
    assert f"port = {host.rpartition(':')[2]}\n" in oak.home.config.read_text()
    for forgets in (False, True):
        oak.kill()
        if forgets:
            # What it knows may be old, or have been lost with a restored directory.
            with closing(sqlite3.connect(oak.home.store)) as store, store:
                assert store.execute("DELETE FROM meta WHERE key LIKE 'place:%'").rowcount == 1
        oak.start()
        mill.move("Ben", 7)
        equal(oak, mill)


def test_what_is_not_confirmed_is_told_beside_the_hope_that_both_hold_the_same(village: Village) -> None:
    oak, mill = pair(village)
    with air(0.0) as good:
        by_datagrams(oak, mill, good)
        acquaint(oak, mill)
        oak.move("Ann", 5)
        equal(oak, mill)
        until(lambda: "waits for its answer" not in oak.peer("Mill Lane")["reason"], why=oak.said)
        mill.kill()
        oak.move("Ann", 7)
        until(lambda: "what was sent waits for its answer" in oak.peer("Mill Lane")["reason"], why=oak.said)
        row = oak.peer("Mill Lane")
        assert row["state"] == "behind"
        assert "both hold the same" not in row["reason"]
        assert time.time() * 1000 - row["last_contact"] > 5_000
        mill.start()
        equal(oak, mill)
        until(lambda: "waits for its answer" not in oak.peer("Mill Lane")["reason"], why=oak.said)


def test_one_that_was_never_heard_has_no_last_contact(village: Village) -> None:
    oak, mill = pair(village)
    (port,) = free_ports(1)
    say(oak, "Mill Lane", kind="udp", address=f"127.0.0.1:{port}")
    acquaint(oak, mill)
    until(lambda: "over datagrams: no answer so far" in oak.peer("Mill Lane")["reason"], why=oak.said)
    assert (oak.peer("Mill Lane")["state"], oak.peer("Mill Lane")["last_contact"]) == ("away", None)
    assert "LAST CONTACT" in oak.run("peers", "list").stdout


def test_two_modems_carry_frames_and_what_must_be_readable_is(village: Village, tmp_path: Path) -> None:
    oak, mill = pair(village)
    ports = free_ports(2)
    for node, peer, (own, other) in ((oak, "Mill Lane", ports), (mill, "Oakfield", ports[::-1])):
        command = modem(tmp_path / f"{own}.py", own, other)
        say(node, peer, kind="exec", command=command, frame=200, bits=200_000, duplex="half", clear=True)
    acquaint(oak, mill)
    oak.move("Ann", 100)
    equal(oak, mill)
    assert "over a program: heard" in mill.peer("Oakfield")["reason"]
    until(lambda: "says: modem at" in oak.said(), why=oak.said)


def test_a_program_that_ends_is_started_again_and_one_that_is_none_is_told(village: Village) -> None:
    oak, mill = pair(village)
    say(oak, "Mill Lane", kind="exec", command=["/no/such/modem"], frame=200, bits=5000)
    quits = [sys.executable, "-c", "import sys; print('no carrier', file=sys.stderr); sys.exit(3)"]
    say(mill, "Oakfield", kind="exec", command=quits, frame=200, bits=5000)
    acquaint(oak, mill)
    reason = until(
        lambda: "cannot be started" in (said := oak.peer("Mill Lane")["reason"]) and said, why=oak.said
    )
    assert "'/no/such/modem' cannot be started: No such file or directory; started again in" in reason
    until(lambda: "ended with code 3" in mill.peer("Oakfield")["reason"], why=mill.said)
    until(lambda: mill.said().count("says: no carrier") > 1, why=mill.said)


def test_a_link_by_tcp_takes_the_place_of_one_over_datagrams_and_that_comes_back_after_it(
    village: Village,
) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False)
    apart(oak, mill)
    with air(0.0) as good:
        by_datagrams(oak, mill, good)
        acquaint(oak, mill)
        equal(oak, mill)
        until(lambda: "over datagrams: heard" in oak.peer("Mill Lane")["reason"], why=oak.said)
        make_known(oak, mill, mill.wait_ready())
        until(lambda: "over datagrams" not in oak.peer("Mill Lane")["reason"], why=oak.said)
        oak.move("Ann", 100)
        equal(oak, mill)
        # Now it listens no more.
        mill.kill()
        said = mill.home.config.read_text()
        mill.home.config.write_text(
            re.sub(r"\[listen\]\n(#.*\n)*host = .*\nport = .*\n", 'listen = "none"\n', said)
        )
        mill.start()
        mill.move("Ben", 30)
        equal(oak, mill)
        until(lambda: "over datagrams: heard" in oak.peer("Mill Lane")["reason"], why=oak.said)


def test_a_link_waits_for_its_window_and_for_its_budget_and_says_so(village: Village) -> None:
    oak, mill = pair(village)
    hour = (time.gmtime().tm_hour + 12) % 24
    with air(0.0) as good:
        say(oak, "Mill Lane", kind="udp", address=good.address(0), windows=[f"{hour:02}:00-{hour:02}:01"])
        say(mill, "Oakfield", kind="udp", address=good.address(1), kilobytes_per_day=1)
        acquaint(oak, mill)
        until(lambda: "budget of the day used until" in mill.peer("Oakfield")["reason"], why=mill.said)
        assert "waiting: next window" in oak.peer("Mill Lane")["reason"]
        assert oak.peer("Mill Lane")["schedule"]["state"] == "shut"
        assert oak.peer("Mill Lane")["bytes_out"] == 0
        assert 0 < mill.peer("Oakfield")["bytes_out"] <= 1000


def test_a_peer_that_owes_an_answer_seems_away_after_minutes_and_one_that_owes_none_after_hours() -> None:
    assert seems_away(None, True)
    assert [seems_away(301, idle) for idle in (False, True)] == [True, False]
    assert not seems_away(60, False)
    assert [seems_away(hours * 3600, True) for hours in (7, 9)] == [False, True]
    assert [ago(each) for each in (3, 300, 7200, 800_000)] == [
        "3 s ago",
        "5 min ago",
        "2 h ago",
        "9 days ago",
    ]


def test_sides_that_do_not_agree_on_whether_all_may_read_say_so(village: Village) -> None:
    oak, mill = pair(village)
    with air(0.0) as good:
        say(oak, "Mill Lane", kind="udp", address=good.address(0), clear=True)
        say(mill, "Oakfield", kind="udp", address=good.address(1))
        acquaint(oak, mill)
        until(
            lambda: "cannot be read by all, and this side's can" in oak.peer("Mill Lane")["reason"],
            why=oak.said,
        )
        until(
            lambda: "can be read by all, and this side's cannot" in mill.peer("Oakfield")["reason"],
            why=mill.said,
        )


def test_whatever_strangers_send_and_whatever_is_sent_again_changes_nothing(village: Village) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False, listen="none")
    apart(oak, mill)
    say(oak, "Mill Lane", kind="udp")
    oak.start()
    host, port = oak.wait_ready().split(":")
    with air(0.0) as good:
        say(mill, "Oakfield", kind="udp", address=good.address(1))
        good.knows(0, (host, int(port)))
        mill.start()
        make_known(oak, mill)
        make_known(mill, oak)
        equal(oak, mill)
        dice, stranger = Random(4), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stranger:
            for each in good.passed[:50]:
                # All that went before, from elsewhere, and with a bit turned; and what is no packet at all.
                for data in (
                    each,
                    bytes([*each[:-1], each[-1] ^ 1]),
                    dice.randbytes(dice.randrange(1, 400)),
                    b"",
                ):
                    stranger.sendto(data, (host, int(port)))
            stranger.sendto(bytes(60_000), (host, int(port)))
        oak.move("Ann", 100)
        mill.move("Ben", 30)
        equal(oak, mill)
        assert "over datagrams: heard" in mill.peer("Oakfield")["reason"]
        assert mill.said().count("Oakfield: connected") == 1


def test_a_peer_that_is_removed_is_not_heard_over_datagrams_either(village: Village) -> None:
    oak, mill = pair(village)
    with air(0.0) as good:
        by_datagrams(oak, mill, good)
        acquaint(oak, mill)
        equal(oak, mill)
        oak.run("peers", "remove", "Mill Lane", "--yes")
        mill.move("Ben", 30)
        went = len(good.passed)
        until(lambda: len(good.passed) > went + 5)
        assert oak.peer("Mill Lane") == {}
        assert oak.root() != mill.root()


def test_whoever_listens_gets_what_is_for_the_world_and_for_whom_it_is_named_more(village: Village) -> None:
    oak, mill, hill = (village.node(name, start=False) for name in ("Oakfield", "Mill Lane", "Hill Farm"))
    apart(oak, mill, hill)
    (port, other) = free_ports(2)
    say_broadcast(oak, kind="udp", address=f"127.0.0.1:{port}", send=True, bits=1_000_000)
    say_broadcast(
        oak, kind="udp", address=f"127.0.0.1:{other}", send=True, bits=1_000_000, **{"for": ["Hill Farm"]}
    )
    say_broadcast(mill, kind="udp", address=f"127.0.0.1:{port}")
    say_broadcast(hill, kind="udp", address=f"127.0.0.1:{other}")
    oak.start()
    page = oak.decide("A new barn", "Ann", "Ben")
    oak.move("Ann", 100)
    # They begin to listen when all has gone round already, and nothing goes back.
    until(lambda: any(each["bytes"] for each in oak.call("status")["broadcasts"]), why=oak.said)
    for node in (mill, hill):
        node.start()
        make_known(node, oak)
    make_known(oak, hill)
    for node in (mill, hill):
        until(lambda node=node: holds(node, page), why=node.said)  # type: ignore[misc]
    until(lambda: hill.records() - mill.records() >= 1, why=hill.said)
    # Whoever likes may send there too: it comes to nothing, and what is new still comes.
    junk, dice = Carousel(Profile(400, 1_000_000, 1.0), Random(1), 0.0), Random(2)
    junk.show([bytes([kind]) + dice.randbytes(200) for kind in (1, 2, 3, 7, 99) for _ in range(5)], 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for at in range(20):
            for packet in junk.poll(float(at))[0]:
                stranger.sendto(packet, ("127.0.0.1", port))
    roof = oak.decide("A new roof", "Ann", "Ben")
    for node in (mill, hill):
        until(lambda node=node: holds(node, roof), why=node.said)  # type: ignore[misc]
    assert f"Sends round and round over 127.0.0.1:{port}: " in oak.run("status").stdout
    assert f"Listens at 127.0.0.1:{port}: heard " in mill.run("status").stdout


def holds(node: Node, page: PageId) -> bool:
    """Say whether a page is held, read beside the daemon."""
    with Reading.open(node.home) as reading:
        return known(reading.view, page) is not None
