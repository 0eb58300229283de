"""The socket between the command line and the daemon: one JSON line asks, one answers.

The socket lies in the home, mode 0600: whoever may open it may do what the node's owner may. The client is
plain blocking code, so that a command starts quickly; the server is trio. Bytes travel as hex.
"""

import json
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fedsync.errors import Exit, Problem
from fedsync.store.errors import StoreError

if TYPE_CHECKING:
    import trio

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one request: an import of some hundred thousand records."""
ANSWER_SECONDS = 120.0
"""How long the command line waits for the daemon; an import on a slow card takes a while."""

LAST_WORD_SECONDS = 1.0
"""For telling whoever asked why the daemon stops."""

log = logging.getLogger("fedsync")

Handler = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunning(Exception):
    """Nobody listens at the control socket: the daemon does not run here."""


def call(connect: Callable[[], socket.socket], op: str, **arguments: object) -> dict[str, Any]:
    """Ask the daemon to do `op` and return its answer.

    Raises NotRunning when no daemon listens, and the Problem that the daemon answered with.
    """
    try:
        connection = connect()
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning from None
    request = json.dumps({"op": op, **arguments}).encode() + b"\n"
    if len(request) > MAX_LINE:
        connection.close()
        raise Problem(
            "too_much",
            "That is more than the daemon takes at once. Nothing was changed.",
            "Do it in several parts.",
        )
    with connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.sendall(request)
            line = _read_line(connection)
        except (TimeoutError, ConnectionError, BrokenPipeError):
            line = b""
    if not line:
        raise Problem(
            "no_answer",
            "The daemon did not answer; what was asked may or may not have been done.",
            "Look with: fedsync status",
            Exit.NOT_YET,
        )
    answer: dict[str, Any] = json.loads(line)
    error = answer.get("error")
    if error is not None:
        raise Problem(error["code"], error["message"], error["try"], Exit(error["exit"]))
    return answer


def _read_line(connection: socket.socket) -> bytes:
    parts = []
    while True:
        part = connection.recv(65536)
        if not part:
            return b""
        parts.append(part)
        if part.endswith(b"\n"):
            return b"".join(parts)


async def serve(listener: "trio.SocketListener", handle: Handler) -> None:
    """Answer requests until cancelled, and close `listener`. A request that fails is answered with its problem."""
    import trio

    async with listener, trio.open_nursery() as nursery:
        while True:
            stream = await listener.accept()
            nursery.start_soon(_answer, stream, handle)


async def _answer(stream: "trio.SocketStream", handle: Handler) -> None:
    import trio

    async with stream:
        try:
            line = await _receive_line(stream)
            if line is None:
                problem = Problem("bad_request", f"A request has one line, of {MAX_LINE >> 20} MiB at most.")
                await stream.send_all(json.dumps(_error(problem)).encode() + b"\n")
                return
            try:
                outcome = await _outcome(line, handle)
            except StoreError as error:
                # Whether anybody is there to hear it or not, it ends the daemon.
                gone = suppress(trio.BrokenResourceError, trio.ClosedResourceError)
                with trio.move_on_after(LAST_WORD_SECONDS), gone:
                    await stream.send_all(json.dumps(_error(_stops(error))).encode() + b"\n")
                raise
            await stream.send_all(json.dumps(outcome).encode() + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The command line went away; what it asked for is done or not, and it can look.


async def _outcome(line: bytes, handle: Handler) -> dict[str, Any]:
    try:
        request = json.loads(line)
        op = request.pop("op")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return _error(Problem("bad_request", "The request is not one JSON object with an op."))
    try:
        return {"ok": True, **await handle(op, request)}
    except Problem as problem:
        return _error(problem)
    except (KeyError, ValueError, TypeError) as error:
        return _error(Problem("bad_request", f"The request cannot be understood: {error!r}"))
    except StoreError:
        raise  # It stops the daemon: what could not be written must not be passed over.
    except Exception as error:
        # What one command asks for must not end the daemon for all others.
        log.exception("%s: a mistake of fedsync; please report it", op)
        return _error(
            Problem("bug", f"fedsync made a mistake: {error!r}", "Please report it, with the daemon's log.")
        )


def _stops(error: StoreError) -> Problem:
    """Return what the one who asked is told when the store fails, which ends the daemon."""
    return Problem(
        error.code,
        f"The daemon could not keep it, and has stopped: {error}.",
        "Look at the disk with: fedsync doctor. Then start it again: fedsync run",
    )


def _error(problem: Problem) -> dict[str, Any]:
    return {
        "ok": False,
        "error": {
            "code": problem.code,
            "message": problem.message,
            "try": problem.hint,
            "exit": int(problem.exit_code),
        },
    }


async def _receive_line(stream: "trio.SocketStream") -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while size <= MAX_LINE:
        part = await stream.receive_some(65536)
        if not part:
            return None
        parts.append(bytes(part))
        size += len(part)
        if part.endswith(b"\n"):
            return b"".join(parts)
    return None
