"""A free port is one that nobody has, and that nobody gets before it is used."""

import socket
from pathlib import Path
from random import Random

import pytest

from fedsync import ports

HERE = "127.0.0.1"


def outgoing() -> range:
    low, high = map(int, ports.OUTGOING.read_text().split())
    return range(low, high + 1)


def test_no_port_is_given_twice_though_nobody_listens_at_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Random().randrange(ports.FEWEST - 100)
    twice = iter([begin + each // 2 for each in range(200)])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(twice))
    found = [ports.free_port(HERE) for _ in range(15)]
    assert len(set(found)) == len(found)


def test_whoever_asks_for_that_port_by_name_gets_it() -> None:
    port = ports.free_port(HERE)
    with socket.socket() as node:
        node.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a daemon does
        node.bind((HERE, port))
        node.listen()
        with socket.create_connection((HERE, port), 5):
            pass


@pytest.mark.skipif(
    not ports.OUTGOING.exists(), reason="this system does not say what ports it gives to connections"
)
def test_no_connection_that_goes_out_can_take_it() -> None:
    given = outgoing()
    if given.start - ports.FIRST < ports.FEWEST:
        pytest.skip("this system gives almost all ports to connections")
    assert not [port for port in (ports.free_port(HERE) for _ in range(50)) if port in given]


@pytest.mark.parametrize("said", ["10500\t65535\n", "x", ""])
def test_where_the_system_leaves_few_or_says_nothing_there_is_a_port_all_the_same(
    said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "range").write_text(said)
    monkeypatch.setattr(ports, "OUTGOING", tmp_path / "range")
    found = [ports.free_port(HERE) for _ in range(20)]
    assert all(ports.FIRST <= each <= ports.LAST for each in found)
    if said.startswith("10500"):
        assert max(found) >= 10500, "the few that are left would soon be used up"


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OSError):
        ports.free_port("192.0.2.1")


def test_where_all_ports_are_in_use_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind((HERE, 0))
        monkeypatch.setattr("secrets.randbelow", lambda _: other.getsockname()[1] - ports.FIRST)
        with pytest.raises(OSError, match="in use"):
            ports.free_port(HERE)
