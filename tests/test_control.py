"""The socket between the command line and the daemon, with a daemon in the same process."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from fedsync import control
from fedsync.errors import Exit, Problem
from fedsync.home import Home
from fedsync.store.errors import StoreFull


@asynccontextmanager
async def daemon(home: Home, handle: control.Handler) -> AsyncIterator[None]:
    """Answer at the home's control socket meanwhile."""
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(home.listen_control()))
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(control.serve, listener, handle)
        yield
        nursery.cancel_scope.cancel()


async def ask(home: Home, op: str, **arguments: object) -> dict[str, Any]:
    return await trio.to_thread.run_sync(lambda: control.call(home.connect_control, op, **arguments))


async def raw(home: Home, request: bytes) -> bytes:
    def talk() -> bytes:
        with home.connect_control() as connection:
            connection.settimeout(10)
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()

    return await trio.to_thread.run_sync(talk)


async def echo(op: str, arguments: dict[str, Any]) -> dict[str, Any]:
    match op:
        case "echo":
            return {"said": arguments}
        case "refuse":
            raise Problem("no", "It is not allowed.", "Do not.", Exit.REFUSED)
        case "stumble":
            raise KeyError("blocks")
        case "fill":
            raise StoreFull("no room is left for the store")
        case _:
            raise ValueError(op)


@pytest.fixture
def home(home_dir: Path) -> Home:
    return Home(home_dir).make()


def test_where_no_daemon_runs_that_is_said(home: Home) -> None:
    with pytest.raises(control.NotRunning):
        control.call(home.connect_control, "ping")
    home.listen_control().close()  # The file of a daemon that was killed.
    with pytest.raises(control.NotRunning):
        control.call(home.connect_control, "ping")


async def test_a_server_that_is_cancelled_leaves_no_socket_open(home: Home) -> None:
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(home.listen_control()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(control.serve, listener, echo)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert listener.socket.fileno() == -1


async def test_what_is_asked_is_answered(home: Home) -> None:
    async with daemon(home, echo):
        assert await ask(home, "echo", name="Zoë", big="x" * 300_000) == {
            "ok": True,
            "said": {"name": "Zoë", "big": "x" * 300_000},
        }


async def test_a_problem_travels_whole(home: Home) -> None:
    async with daemon(home, echo):
        with pytest.raises(Problem) as refused:
            await ask(home, "refuse")
    found = refused.value
    assert (found.code, found.message, found.hint, found.exit_code) == (
        "no",
        "It is not allowed.",
        "Do not.",
        Exit.REFUSED,
    )


async def test_who_asked_for_what_ends_the_daemon_hears_why(home: Home) -> None:
    asked: list[Problem] = []

    async def fill() -> None:
        with pytest.raises(Problem) as refused:
            await ask(home, "fill")
        asked.append(refused.value)

    async with trio.open_nursery() as asking:
        with pytest.RaisesGroup(StoreFull, flatten_subgroups=True):
            async with daemon(home, echo):
                asking.start_soon(fill)
                await trio.sleep_forever()
    assert asked[0].code == "store-full"
    assert "has stopped: no room is left for the store" in asked[0].message
    assert "fedsync doctor" in asked[0].hint


async def test_what_ends_the_daemon_ends_it_though_who_asked_went_away(home: Home) -> None:
    gone = trio.Event()

    async def fill(op: str, arguments: dict[str, Any]) -> dict[str, Any]:
        await gone.wait()
        return await echo(op, arguments)

    with trio.fail_after(10), pytest.RaisesGroup(StoreFull, flatten_subgroups=True):
        async with daemon(home, fill):
            with home.connect_control() as connection:
                connection.sendall(b'{"op": "fill"}\n')
            gone.set()
            await trio.sleep_forever()


@pytest.mark.parametrize(
    "request_", [b"hello\n", b"[]\n", b"{}\n", b'{"op": 1}\n', b"\xff\n", b'{"op": "stumble"}\n', b"null\n"]
)
async def test_garbage_is_answered_and_does_no_harm(home: Home, request_: bytes) -> None:
    async with daemon(home, echo):
        answer = json.loads(await raw(home, request_))
        assert answer["ok"] is False
        assert answer["error"]["code"] == "bad_request"
        assert (await ask(home, "echo"))["said"] == {}


async def test_who_goes_away_in_the_middle_does_no_harm(home: Home) -> None:
    async with daemon(home, echo):
        assert b'"ok": true' not in await raw(home, b'{"op": "ec')
        assert (await ask(home, "echo"))["said"] == {}


async def test_several_ask_at_once(home: Home) -> None:
    found: list[int] = []
    async with daemon(home, echo), trio.open_nursery() as nursery:

        async def one(number: int) -> None:
            found.append((await ask(home, "echo", number=number))["said"]["number"])

        for number in range(12):
            nursery.start_soon(one, number)
    assert sorted(found) == list(range(12))


async def test_a_daemon_that_goes_away_without_an_answer_is_exit_9(home: Home) -> None:
    with home.listen_control() as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, hang_up)
            with pytest.raises(Problem) as refused:
                await ask(home, "take", blocks=[])
    assert refused.value.exit_code is Exit.NOT_YET
    assert "may or may not" in refused.value.message


def test_what_is_too_much_is_not_even_sent(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_LINE", 100)
    with home.listen_control(), pytest.raises(Problem) as refused:
        control.call(home.connect_control, "take", blocks=["00" * 100])
    assert refused.value.code == "too_much"


def test_only_the_owner_may_ask(home: Home) -> None:
    with home.listen_control():
        assert home.control_socket.stat().st_mode & 0o077 == 0
