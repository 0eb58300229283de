"""Programs that carry frames: what they write, how they end, and what they do that no modem should."""

import logging
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from fedsync.daemon import programs
from fedsync.daemon.pauses import LONGEST_PAUSE
from fedsync.daemon.programs import Program
from fedsync.gossip.framing import frame
from fedsync.linking import Framing
from tests.daemon.village import AT_ONCE, SOON

ECHO = "import os\nwhile data := os.read(0, 4096): os.write(1, data)\n"
"""What goes in comes out."""
SLEEPS = 60
"""Seconds for which the programs below would go on by themselves."""


def program(code: str, framing: Framing = "kiss") -> tuple[Program, list[bytes]]:
    made, heard = Program((sys.executable, "-c", code), framing, 4096), list[bytes]()
    made.hears = heard.append
    return made, heard


async def with_it(made: Program, do: Callable[[], Awaitable[None]]) -> None:
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.run)
            await do()
            nursery.cancel_scope.cancel()


async def until(claim: Callable[[], object]) -> None:
    while not claim():
        await trio.sleep(0.01)


@pytest.mark.parametrize("framing", ["kiss", "length"])
async def test_frames_go_in_and_come_out_as_they_were(framing: Framing) -> None:
    made, heard = program(ECHO, framing)
    frames = [b"\xc0\xdb\xdc\x00", b"x" * 4096, bytes(range(256))]

    async def talk() -> None:
        await until(lambda: not made.state)
        for each in frames:
            await made.send(each)
        await until(lambda: len(heard) == len(frames))

    await with_it(made, talk)
    assert heard == frames


async def test_a_frame_for_a_program_that_does_not_run_is_lost_and_nobody_waits() -> None:
    made, _ = program(ECHO)
    assert made.state == "its program was not started yet"
    with trio.fail_after(AT_ONCE):
        await made.send(b"oats")


async def test_one_that_ends_is_started_again_later_and_later_and_at_once_after_it_ran_for_long(
    mock_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fedsync")
    made, _ = program("import os, sys; os.read(0, 1); sys.exit(7)")
    tell, told = trio.open_memory_channel[str](10)
    made.up = lambda: tell.send_nowait(made.state)
    pauses = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.run)
        for seconds in (0, 0, 0, LONGEST_PAUSE + 1, 0):
            assert await told.receive() == ""
            mock_clock.jump(seconds)
            await made.send(b"end")
            state = await told.receive()
            (pause,) = re.findall(r"ended with code 7; started again in (\d+) s", state)
            pauses.append(int(pause))
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(pauses[-1])
        nursery.cancel_scope.cancel()
    assert pauses == [1, 2, 4, 1, 2]
    assert caplog.text.count("ended with code 7") == 5


async def test_one_that_writes_no_frames_is_ended_where_frames_have_lengths() -> None:
    made, heard = program(
        f"import os, time\nos.write(1, b'\\xff\\xffgarbage')\ntime.sleep({SLEEPS})\n", "length"
    )

    async def watch() -> None:
        await until(lambda: "wrote a frame of 65535 bytes, and 4096 bytes are allowed" in made.state)

    await with_it(made, watch)
    assert heard == []


async def test_one_that_does_not_read_holds_up_who_sends_and_is_ended_with_us() -> None:
    made, _ = program(f"import time; time.sleep({SLEEPS})")
    sent = 0

    async def talk() -> None:
        nonlocal sent
        await until(lambda: not made.state)
        with trio.move_on_after(1):
            while True:
                await made.send(b"x" * 4096)
                sent += 1

    await with_it(made, talk)
    assert sent < 10, "little waits in a pipe, where nothing overtakes it"


async def test_one_that_ignores_being_told_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "STOP_SECONDS", 0.2)
    made, heard = program(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"os.write(1, b'\\xc0\\x00ready\\xc0')\ntime.sleep({SLEEPS})\n"
    )

    async def watch() -> None:
        await until(lambda: heard)

    began = trio.current_time()
    await with_it(made, watch)
    assert heard == [b"ready"]
    assert trio.current_time() - began < SLEEPS


async def test_what_a_program_has_started_ends_with_it() -> None:
    made, heard = program(
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep({SLEEPS})'])\n"
        f"os.write(1, b'\\xc0\\x00' + str(child.pid).encode() + b'\\xc0')\ntime.sleep({SLEEPS})\n"
    )

    async def watch() -> None:
        await until(lambda: heard)

    await with_it(made, watch)
    with trio.fail_after(AT_ONCE):
        await until(lambda: not alive(int(heard[0])))


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and whose parent is gone too does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_what_it_complains_of_is_logged_in_bounds_and_in_plain_signs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "fedsync")
    made, heard = program(
        "import os, sys, time\nsys.stderr.write('\\033[31mhot\\n' + 'x' * 100000 + '\\n')\n"
        "[sys.stderr.write(f'again {n}\\n') for n in range(1000)]\nsys.stderr.flush()\n"
        f"os.write(1, b'\\xc0\\x00done\\xc0')\ntime.sleep({SLEEPS})\n"
    )

    def said() -> list[str]:
        return [each.getMessage() for each in caplog.records if "says:" in each.getMessage()]

    async def watch() -> None:
        await until(lambda: heard and any("\\u001b[31mhot" in each for each in said()))
        await trio.sleep(0.1)

    began = trio.current_time()
    await with_it(made, watch)
    took = trio.current_time() - began
    assert len(said()) <= programs.LINES_BURST + programs.LINES_PER_SECOND * took + 1
    assert max(map(len, said())) < 400


def test_a_frame_of_a_length_is_two_bytes_and_then_itself() -> None:
    assert frame(b"oats") == b"\x00\x04oats"
