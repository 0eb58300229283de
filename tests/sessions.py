"""Sessions in the docs are typed as they stand: what stands behind `$` goes into a shell, and its answer must be as shown.

Ids differ each time: the id that the screen answers takes the place of the one in the text wherever it is typed later.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.forked import quick_run

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120
"""How long an answer may take to become what the text shows, on a machine with other things to do: nodes talk while the reader types."""
PAUSE_SECONDS = 0.1
"""Between two looks: whoever looks without end takes from the nodes the time in which they would come to it."""

LOOKING = re.compile(r"^cat |\b(status|list|show|open|doctor|why|rights|plans|match)\b|\bvotes tally [^-]*$")
"""Commands that only look. They are typed again until the answer is as shown; the others are typed once."""

ID = re.compile(r"\b[0-9a-f]{8}\b")

DIFFERENT = (
    (r"FEDSYNC1-[A-Z2-7-]+", "CODE"),
    (r"(?<=Both screens )(show|will show): (\w+ ){5}\w+", "WORDS"),
    (ID.pattern, "ID"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "TIME"),
    (r"\b\d+ (s|min) ago\b", "AGO"),
    (r"\b127\.0\.0\.1:\d+\b", "ADDRESS"),
)
"""What is another each time."""


@dataclass(frozen=True)
class Typed:
    """A command, and what the screen answers."""

    command: str
    answer: tuple[str, ...]


def sessions(text: str) -> list[Typed]:
    """Return all that is typed in a text, in order."""
    typed: list[Typed] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        command, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not command
        for each in rest:
            line, *answer = each.splitlines()
            typed.append(Typed(line, tuple(answer)))
    return typed


def same(text: str) -> str:
    """Return a line without what differs each time, and without how wide its table is."""
    for pattern, word in DIFFERENT:
        text = re.sub(pattern, word, text)
    return " ".join(text.split())


def shows(answer: tuple[str, ...], output: str) -> dict[str, str] | None:
    """Return which ids in the output stand for those in the answer, None unless its lines stand there in this order."""
    lines = iter(output.splitlines())
    ids: dict[str, str] = {}
    for wanted in answer:
        if not wanted:
            continue
        # Nodes may have sealed a page before the screen of who adopted it is written.
        right = {same(wanted), same(wanted.replace(": adopted.", ": sealed."))}
        found = next((line for line in lines if same(line) in right), None)
        if found is None:
            return None
        ids |= dict(zip(ID.findall(wanted), ID.findall(found), strict=True))
    return ids


class Shell:
    """A shell that somebody types into."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.failed = False
        """Whether the last command did."""

    def type(self, command: str, may_fail: bool = False) -> str:
        """Return what a command prints, on both streams. Fails when the command does, unless it may: see `failed`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # The braces are no subshell: jobs stay those of this shell, and the command cannot read what is typed next.
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\ncode=$?; echo; echo :done: $code\n")
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(":done: "):
                self.failed = line != ":done: 0\n"
                assert may_fail or not self.failed, f"{command}\n{''.join(said)}"
                return "".join(said)
            said.append(line)
        raise AssertionError(f"the shell ended at: {command}\n{''.join(said)}")


@contextmanager
def shell(where: Path) -> Iterator[Shell]:
    """Give a shell in this directory; it and all that it started are gone afterwards."""
    process = subprocess.Popen(
        ["bash", "--norc"],
        cwd=where,
        env={**os.environ, "TMPDIR": str(where), "HOME": str(where)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    opened = Shell(process)
    try:
        # As in a window of one's own: aliases, and jobs by number.
        opened.type("shopt -s expand_aliases; set -m")
        yield opened
    finally:
        try:
            opened.type("kill $(jobs -p) 2>/dev/null; wait; true")
        finally:
            assert process.stdin is not None
            process.stdin.close()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)
            assert process.stdout is not None
            process.stdout.close()


def type_all(text: str, where: Path, quick: bool = False) -> None:
    """Type all sessions of a text in a new directory. Fails where the screen answers something else.

    `quick`: with what stands in for scripts/run (see `forked`).
    """
    scripts = where / "scripts"
    if quick:
        scripts.mkdir()
    else:
        scripts.symlink_to(ROOT / "scripts")
    ids: dict[str, str] = {}
    with quick_run(scripts / "run") if quick else nullcontext(), shell(where) as opened:
        for typed in sessions(text):
            command = ID.sub(_now(ids), typed.command)
            late = time.monotonic() + SECONDS
            # Who is shown what is refused is shown the words, which begin so.
            refused = any(line.startswith("fedsync: ") for line in typed.answer)
            looks = LOOKING.search(command) is not None
            # What is looked at may not be there yet, and then the command fails at first.
            output = opened.type(command, refused or looks)
            while (new := shows(typed.answer, output)) is None or (opened.failed and not refused):
                again = looks and time.monotonic() < late
                assert again, f"$ {command}\n{output}\nIN THE TEXT:\n" + "\n".join(typed.answer)
                time.sleep(PAUSE_SECONDS)
                output = opened.type(command, refused or looks)
            ids |= new


def _now(ids: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: ids.get(found[0], found[0])
