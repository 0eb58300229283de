"""Daemons keep to the hours and the bytes that the operator gave a link, say so, and use each window from its start."""

import time
from math import ceil

from fedsync.node import open_node
from tests.daemon.village import AT_ONCE, Node, Village, equal, told, until

AHEAD = 12
"""Seconds until a window opens that a test waits for."""
FAR = 1_800
"""Seconds until a window opens that no test lives to see, however slow its machine."""
LENGTHS = (8, 32, 128)
"""Seconds that a window is open in which two meet; a longer one is tried where the machine was too slow for this."""


def plan(node: Node, peer: Node, *lines: str, by_name: bool = False) -> None:
    """Write into a node's config what goes for a peer, by its key or by its name alone, and start it again."""
    key, place = node.peer(peer.name)["key"], node.ready.read_text()
    if node.alive:
        assert node.stop() == 0
    # At the same place as before, where its peer calls it.
    text = node.home.config.read_text().replace("port = 0", f"port = {place.rpartition(':')[2]}")
    who = [f'name = "{peer.name}"'] if by_name else [f'key = "{key}"', f'name = "{peer.name}"']
    node.home.config.write_text(text + "\n".join(["", "[[peer]]", *who, *lines, ""]))
    node.start()


def soon(length: int = 60, ahead: int = AHEAD) -> tuple[str, int]:
    """Return a window that opens soon, and when it does."""
    opens = ceil(time.time()) + ahead
    return f'windows = ["every 1 h for {length} s from {opens % 3600} s"]', opens


def test_outside_of_its_window_a_peer_gets_nothing_and_both_sides_say_why(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    window, opens = soon(ahead=FAR)
    plan(oak, mill, window)
    mill.move("Ann", 7)
    oak.move("Ben", 5)
    row = until(lambda: (row := oak.peer("Mill Lane")) and "next window" in row["reason"] and row)
    assert row["state"] == "away"
    assert row["schedule"]["state"] == "shut"
    assert row["schedule"]["until"] == opens * 1000
    assert "waiting: next window" in " ".join(oak.run("peers", "list").stdout.split())
    until(lambda: "certain times" in mill.peer("Oakfield")["reason"], why=lambda: told(oak, mill))
    assert oak.root() != mill.root()


def test_at_the_start_of_its_window_a_peer_gets_all(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    window, opens = soon()
    plan(oak, mill, window)
    mill.move("Ann", 7)
    oak.move("Ben", 5)
    equal(oak, mill, within=max(0.0, opens - time.time()) + AT_ONCE)
    assert time.time() >= opens
    assert oak.json("peers", "list")["peers"][0]["schedule"]["state"] != "shut"


def state(oak: Node) -> object:
    return oak.peer("Mill Lane").get("state")


def test_when_the_window_closes_the_link_ends_at_once(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    config = oak.home.config.read_text()
    for length in LENGTHS:
        oak.home.config.write_text(config)
        begins = int(time.time())
        closes = begins + length
        window = f'windows = ["every 1 h for {length} s from {begins % 3600} s"]'
        plan(oak, mill, window, "early_end = false")
        until(lambda closes=closes: state(oak) == "same" or time.time() > closes)  # type: ignore[misc]
        if time.time() < closes - 1:
            break
    else:
        raise AssertionError("they never met within a window")
    until(lambda: state(oak) == "away", within=max(0.0, closes - time.time()) + AT_ONCE)
    assert time.time() >= closes
    assert "waiting: next window" in oak.peer("Mill Lane")["reason"]


def test_a_budget_is_kept_over_a_restart_and_what_is_used_is_shown(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    plan(oak, mill, "kilobytes_per_day = 60", by_name=True)
    until(lambda: oak.peer("Mill Lane").get("state") in ("same", "live"))
    oak.move("Ann", 7)
    used = until(
        lambda: (
            (row := oak.peer("Mill Lane"))["schedule"]["budgets"][0]["used_bytes"] > 1_000 and row["schedule"]
        )
    )
    before = used["budgets"][0]["used_bytes"]
    assert "60 kB used in the last day" in oak.peer("Mill Lane")["reason"]
    assert oak.stop() == 0
    oak.start()
    row = oak.peer("Mill Lane")
    assert row["schedule"]["budgets"][0]["used_bytes"] >= before


def test_what_waits_for_a_used_up_budget_stays_here_and_a_sender_is_never_over(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    mill.stop()
    # Each of another amount, in no order: what compresses badly.
    for turn in range(8):
        oak.move("Ann", *(1 + at * at * 7919 % 1_000_003 for at in range(turn * 1000, turn * 1000 + 1000)))
    plan(oak, mill, "kilobytes_per_hour = 25")
    mill.start()
    row = until(
        lambda: (row := oak.peer("Mill Lane"))["schedule"]["state"] == "spent" and row,
        why=lambda: told(oak, mill),
    )
    assert "budget of the hour used until" in row["reason"]
    assert "kB used in the last hour" in row["reason"]
    until(lambda: oak.peer("Mill Lane")["state"] == "away", why=lambda: told(oak, mill))
    (budget,) = oak.peer("Mill Lane")["schedule"]["budgets"]
    assert 15_000 < budget["used_bytes"] <= budget["bytes"] == 25_000
    assert 0 < mill.records() < oak.records()
    assert "of 25 kB used in the last hour" in " ".join(oak.run("why", "Mill Lane").stdout.split())


def test_a_session_that_has_nothing_left_to_say_ends_and_begins_again_for_what_is_new(
    village: Village,
) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    plan(oak, mill, 'windows = ["00:00-24:00"]')
    resting = until(lambda: (row := oak.peer("Mill Lane"))["schedule"]["state"] == "resting" and row)
    assert "nothing is left to say" in resting["reason"]
    until(
        lambda: "nothing is left to say" in mill.peer("Oakfield")["reason"],
        why=lambda: str(mill.peer("Oakfield")),
    )
    said = oak.said().count("Mill Lane: connected") + mill.said().count("Oakfield: connected")
    time.sleep(3)
    assert oak.said().count("Mill Lane: connected") + mill.said().count("Oakfield: connected") == said
    oak.move("Ann", 7)
    equal(oak, mill)
    until(lambda: oak.peer("Mill Lane")["schedule"]["state"] == "resting")
    mill.move("Ann", 9)
    equal(oak, mill)


def test_why_says_what_waits_for_a_peer_by_class_and_when_it_goes(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    key = bytes.fromhex(oak.peer("Mill Lane")["key"])
    assert oak.stop() == 0
    with oak.home.lock():
        node = open_node(oak.home)
        with node.store.transaction() as store:
            store.meta.set(f"agreed:{key.hex()}", None)
        node.store.close()
    assert oak.json("why", "Mill Lane")["queued"] is None
    assert "it is not known yet what it holds" in oak.run("why", "Mill Lane").stdout
    with oak.home.lock():
        node = open_node(oak.home)
        with node.store.transaction() as store:
            store.meta.set(f"agreed:{key.hex()}", node.store.journal.counter)
        node.store.close()
    assert oak.json("why", "Mill Lane")["queued"] == []
    oak.move("Ann", 1, 2, 3)
    (waits,) = oak.json("why", "Mill Lane")["queued"]
    assert waits["class"] == "facts"
    assert waits["records"] >= 3
    said = " ".join(oak.run("why", "Mill Lane").stdout.split())
    assert "waits for it, at most: facts" in said
    assert "goes when there is a link to it" in said
