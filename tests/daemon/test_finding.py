"""Nodes that books name find each other by what they announced, and who was removed stays out."""

from fedsync import config
from fedsync.keyring import load_node_key
from fedsync.records.ed25519 import public_key
from tests.daemon.test_dropped import enter, join, sign, state
from tests.daemon.village import Node, Village, equal, told, until


def announce(node: Node, *lines: str) -> str:
    """Let a node announce where it listens, from its next start on; return that."""
    listen = config.load(node.home.config).listen
    with node.home.config.open("a") as file:
        file.write("\n".join(["", "[announce]", f'addresses = ["{listen}"]', *lines, ""]))
    return str(listen)


def linked(at: Node, to: Node) -> dict[str, object]:
    """Return how a node shows the link to one that is no peer of its operator's; nothing when there is none."""
    return next((row for row in at.call("status")["peers"] if row["key"] == key_of(to)), {})


def key_of(node: Node) -> str:
    return public_key(load_node_key(node.home)).hex()


def test_a_node_calls_one_that_its_book_names_and_still_when_its_only_peer_is_gone(village: Village) -> None:
    oak, mill, hill = village.line("Oakfield", "Mill Lane", "Hill Farm")
    # Each book names the other's node: so each lets the other in.
    sign(oak, enter(oak, join(hill)), "Ann", "Ben")
    sign(hill, enter(hill, join(oak)), "Ann", "Ben")
    hill.stop()
    where = announce(hill)
    hill.start()
    equal(oak, mill, hill)
    until(lambda: where in oak.run("log", "-n", "60").stdout, why=lambda: oak.run("log", "-n", "60").stdout)
    until(lambda: linked(oak, hill).get("state") == "same", why=lambda: told(oak, hill))
    mill.stop()
    oak.decide("A well", "Ann", "Ben")
    equal(oak, hill)
    until(lambda: linked(oak, hill).get("state") == "same", why=lambda: told(oak, hill))
    assert linked(oak, hill)["by"] == "book"
    (row,) = (each for each in oak.json("peers", "list")["peers"] if each["key"] == key_of(hill))
    assert "Hill Farm" in row["name"]
    # Its operator wants nothing of it: the link ends, and neither time nor a restart brings it back.
    oak.run("peers", "remove", key_of(hill), "--yes")
    until(lambda: linked(oak, hill) == {})
    oak.stop()
    oak.start()
    sign(oak, enter(oak, join(hill)), "Ann", "Ben")
    mill.start()
    equal(oak, mill, hill)
    mill.stop()
    until(lambda: state(oak, "Mill Lane") == "away")
    assert linked(oak, hill) == {}
    listed = oak.json("peers", "list")
    assert key_of(hill)[:8] not in str([listed["peers"], listed["introduced"]])
    assert [each["key"] for each in listed["removed"]] == [key_of(hill)]


def test_two_nodes_that_stand_in_each_others_files_meet_without_an_invitation(village: Village) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False)
    for one, other in ((oak, mill), (mill, oak)):
        at = config.load(other.home.config).listen
        with one.home.config.open("a") as file:
            name = other.name
            file.write(f'\n[[peer]]\nkey = "{key_of(other)}"\nname = "{name}"\naddresses = ["{at}"]\n')
    oak.start()
    mill.start()
    equal(oak, mill)
    assert linked(oak, mill)["state"] == "same"
    # Removed by one side it stays out, though its lines stand there still.
    oak.run("peers", "remove", "Mill Lane", "--yes")
    until(lambda: state(mill, "Oakfield") == "away")
    oak.stop()
    oak.start()
    assert "stays out" in oak.said()
    oak.run("peers", "add", "Mill Lane", key_of(mill), "--yes")
    until(lambda: state(mill, "Oakfield") == "same")


def test_two_peers_that_are_introduced_meet_once_both_operators_have_said_yes(village: Village) -> None:
    mill, oak, hill = village.line("Mill Lane", "Oakfield", "Hill Farm")
    hill.stop()
    with hill.home.config.open("a") as file:
        file.write('\n[introductions]\nfrom = ["Oakfield"]\n')
    hill.start()
    oak.run("peers", "introduce", "Mill Lane", "Hill Farm", "--yes")
    # Hill Farm takes whom Oakfield introduces; at Mill Lane people are asked.
    until(lambda: linked(hill, mill) != {}, why=lambda: told(mill, oak, hill))
    until(lambda: mill.json("peers", "list")["introduced"])
    (waits,) = mill.json("peers", "list")["introduced"]
    assert (waits["name"], waits["by"]) == ("Hill Farm", ["Oakfield"])
    assert "Oakfield introduced Hill Farm" in mill.run("status").stdout
    assert "by Oakfield" in mill.run("why", "Hill Farm").stdout
    assert linked(mill, hill) == {}
    mill.run("peers", "add", "Hill Farm", "--yes")
    until(lambda: linked(mill, hill).get("state") == "same", why=lambda: told(mill, oak, hill))
    assert [each["name"] for each in mill.json("peers", "show", "Hill Farm")["introduced_by"]] == ["Oakfield"]
    # Who removes it has the last word, whatever Oakfield says again.
    mill.run("peers", "remove", "Hill Farm", "--yes")
    oak.stop()
    oak.start()
    until(lambda: state(mill, "Oakfield") == "same")
    assert mill.json("peers", "show", "Hill Farm")["state"] == "removed"
    assert linked(mill, hill) == {}
