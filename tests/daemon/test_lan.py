"""Nodes that know each other meet on a local network though neither was told where the other is."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from fedsync.config import Address, Lan
from fedsync.daemon.lan import Neighbours
from fedsync.records.ids import Key
from tests.daemon.cables import Cables, NoCables
from tests.daemon.test_finding import key_of, linked
from tests.daemon.village import AT_ONCE, Node, Village, equal, told, until

MILL, HILL, QUARRY = Key(b"m" * 32), Key(b"h" * 32), Key(b"q" * 32)
LOOPBACK = Lan(interfaces=("lo",))


def _multicast_works(host: str) -> bool:
    """Say whether a datagram to a group comes back over the loopback at all, by the plainest means."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    group = "ff12::1234" if ":" in host else "239.255.1.2"
    lo = socket.if_nametoindex("lo").to_bytes(4, "little")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.bind((group, 0))
            if ":" in host:
                one.setsockopt(
                    socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, group) + lo
                )
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, lo)
            else:
                membership = socket.inet_aton(group) + bytes(4) + lo
                one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
                one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + lo)
            one.settimeout(0.3)
            one.sendto(b"x", (group, one.getsockname()[1]))
            return one.recv(10) == b"x"
    except OSError:
        return False


def over(host: str) -> pytest.MarkDecorator:
    """Skip where the loopback of this machine carries no groups."""
    why = f"the loopback of this machine carries no groups for {host}"
    return pytest.mark.skipif(not _multicast_works(host), reason=why)


async def heard(family: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where one is heard on the loopback by a friend that knows it, and where by a stranger that knows the friend alone."""
    by_friend, by_stranger = trio.Event(), trio.Event()
    stranger = Neighbours(QUARRY, LOOPBACK, lambda: [HILL], by_stranger.set, lambda: 0.0)
    friend = Neighbours(HILL, LOOPBACK, lambda: [MILL], by_friend.set, lambda: 0.5)
    speaker = Neighbours(MILL, LOOPBACK, list, lambda: None, lambda: 1.0)
    async with trio.open_nursery() as nursery:
        for port, each in enumerate((speaker, friend, stranger), 7443):
            nursery.start_soon(each.run, Address(family, 7443), port)
        with trio.fail_after(AT_ONCE):
            await by_friend.wait()
            await by_stranger.wait()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return friend.places(MILL), stranger.places(MILL)


@pytest.mark.parametrize(
    ("host", "place"),
    [
        pytest.param("127.0.0.1", "127.0.0.1:7443", marks=over("127.0.0.1")),
        pytest.param("::1", "]:7443", marks=over("::1")),
    ],
)
async def test_a_known_node_is_heard_and_an_unknown_one_is_not(host: str, place: str) -> None:
    (found,), nothing = await heard(host)
    assert found.endswith(place)
    assert nothing == ()


@pytest.mark.parametrize(
    ("lan", "listen"),
    [(Lan(beacon=False), Address("0.0.0.0", 7443)), (Lan(), Address("127.0.0.1", 7443))],
)
async def test_a_node_says_nothing_when_told_so_or_when_no_neighbour_could_call_it(
    lan: Lan, listen: Address
) -> None:
    quiet = Neighbours(MILL, lan, list, lambda: None, lambda: 0.0)
    with trio.fail_after(AT_ONCE):
        await quiet.run(listen, 7443)


async def test_a_network_that_there_is_not_is_told(caplog: pytest.LogCaptureFixture) -> None:
    deaf = Neighbours(MILL, Lan(interfaces=("wlan9",)), list, lambda: None, lambda: 0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deaf.run, None, 0)
        with trio.fail_after(AT_ONCE):
            while "this machine is on no network called wlan9" not in caplog.text:
                await trio.sleep(0.01)  # what networks there are is asked in a thread
        nursery.cancel_scope.cancel()


def know(one: Node, other: Node, *lines: str) -> None:
    """Let one node know the other's key, and not where it is."""
    with one.home.config.open("a") as file:
        file.write(
            "\n".join(["", *lines, "[[peer]]", f'key = "{key_of(other)}"', f'name = "{other.name}"', ""])
        )


@over("127.0.0.1")
def test_two_daemons_that_know_each_others_keys_meet_over_the_loopback(village: Village) -> None:
    oak, mill = village.node("Oakfield", start=False), village.node("Mill Lane", start=False)
    for one, other in ((oak, mill), (mill, oak)):
        know(one, other, "[lan]", 'interfaces = ["lo"]')
        one.start()
    until(lambda: linked(oak, mill).get("state") == "same", why=lambda: told(oak, mill))
    equal(oak, mill)
    # Neither has an address of the other, so it is said where they found it.
    shown = [each.run("peers", "show", key_of(other)).stdout for each, other in ((oak, mill), (mill, oak))]
    assert any("heard nearby   at 127.0.0.1:" in words for words in shown), shown


@pytest.fixture
def cables() -> Iterator[Cables]:
    try:
        laid = Cables(3, 0)
    except NoCables as why:
        pytest.skip(f"no network namespaces: {why}")
    with laid:
        yield laid


NO_IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")


@pytest.mark.parametrize("listen", ["0.0.0.0", pytest.param("::", marks=NO_IPV6)])
def test_two_machines_on_one_network_meet_and_a_third_that_knows_nobody_stays_alone(
    village: Village, cables: Cables, listen: str
) -> None:
    oak, mill, quarry = (
        Node(village.path / name, name, listen=listen, inside=cables.inside(at))
        for at, name in enumerate(("Oakfield", "Mill-Lane", "Quarry"))
    )
    village.nodes += [oak, mill, quarry]
    know(oak, mill)
    know(mill, oak)
    for each in (oak, mill, quarry):
        each.start()
    until(lambda: linked(oak, mill).get("state") == "same", why=lambda: told(oak, mill))
    equal(oak, mill)
    assert quarry.call("status")["peers"] == []
