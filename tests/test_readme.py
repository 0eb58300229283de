"""README.md is true: its sessions are typed as they stand, its links lead somewhere. Starts daemons in temporary homes."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECONDS = 30
"""How long an answer may take to become what the README shows: nodes talk while the reader types."""

LOOKING = re.compile(r"^cat |\b(status|list|doctor|why)\b")
"""Commands that only look. They are typed again until the answer is as shown; the others are typed once."""

DIFFERENT = (
    (r"FEDSYNC1-[A-Z2-7-]+", "CODE"),
    (r"(?<=Both screens )(show|will show): (\w+ ){5}\w+", "WORDS"),
    (r"\b[0-9a-f]{8}\b", "ID"),
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


def sessions() -> list[Typed]:
    """Return all that is typed in the README, in order."""
    typed: list[Typed] = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
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


def shows(answer: tuple[str, ...], output: str) -> bool:
    """Say whether the lines of the answer stand in the output, in this order."""
    lines = iter([same(line) for line in output.splitlines()])
    return all(same(line) in lines for line in answer if line)


class Shell:
    """A shell that somebody types into."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def type(self, command: str) -> str:
        """Return what a command prints, on both streams. Fails when the command does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # The braces are no subshell: jobs stay those of this shell, and the command cannot read what is typed next.
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\necho; echo :done: $?\n")
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(":done: "):
                assert line == ":done: 0\n", f"{command}\n{''.join(said)}"
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


def test_the_first_hour_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    with shell(tmp_path) as opened:
        for typed in sessions():
            late = time.monotonic() + SECONDS
            output = opened.type(typed.command)
            while not shows(typed.answer, output):
                again = LOOKING.search(typed.command) and time.monotonic() < late
                assert again, f"$ {typed.command}\n{output}\nREADME:\n" + "\n".join(typed.answer)
                output = opened.type(typed.command)


def test_a_wrong_answer_in_the_readme_would_be_found() -> None:
    answer = ("Barn: 105 kg of Potatoes", "last count 2026-11-24 03:35")
    assert shows(answer, "New: store\nBarn:   105 kg of Potatoes\nlast count 2031-01-02 10:00\n")
    assert not shows(answer, "Barn: 106 kg of Potatoes\nlast count 2031-01-02 10:00\n")
    assert not shows(answer, "last count 2031-01-02 10:00\nBarn: 105 kg of Potatoes\n")


def test_every_file_that_the_readme_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    paths = re.findall(r"`((?:scripts|tests|docs|fedsync)/[\w/.-]+)`", README)
    assert len(links) > 5
    assert not [each for each in links + paths if not (ROOT / each).exists()]


@pytest.mark.parametrize("goal", range(1, 7))
def test_the_goals_are_ranked(goal: int) -> None:
    assert re.search(rf"^{goal}\. ", README, re.MULTILINE)
