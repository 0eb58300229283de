"""A test that leaves the process otherwise than it found it is noticed (see tests/conftest.py)."""

import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process import process


def _narrow(which: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (512, hard))


CHANGES: dict[str, Callable[[], object]] = {
    "the working directory": lambda: os.chdir("/"),
    "the environment": lambda: os.environ.update(FEDSYNC_HOME="elsewhere"),
    "what signals do": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "what is logged": lambda: logging.getLogger().setLevel(logging.CRITICAL),
    "logging at all": lambda: logging.disable(logging.CRITICAL),
    "the umask": lambda: os.umask(0o007),
    "the longest file": lambda: _narrow(resource.RLIMIT_FSIZE),
    "the most open files": lambda: _narrow(resource.RLIMIT_NOFILE),
    "where modules are": lambda: sys.path.append("elsewhere"),
    "the words of the command": lambda: sys.argv.append("more"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_test_changes_for_the_next_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEDSYNC_HOME", "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    term, level, disabled = (
        signal.getsignal(signal.SIGTERM),
        logging.getLogger().level,
        logging.root.manager.disable,
    )
    umask = os.umask(0o027)
    limits = {each: resource.getrlimit(each) for each in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)}
    before = process()
    try:
        CHANGES[name]()
        after = process()
    finally:
        signal.signal(signal.SIGTERM, term)
        logging.getLogger().setLevel(level)
        logging.disable(disabled)
        os.umask(umask)
        for each, limit in limits.items():
            resource.setrlimit(each, limit)
    assert [each for each in before if before[each] != after[each]] == [name]


def test_a_test_that_fails_is_not_told_besides_that_it_left_an_alarm() -> None:
    before, alarm = process(), signal.getsignal(signal.SIGALRM)
    try:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        after = process()
    finally:
        signal.signal(signal.SIGALRM, alarm)
    assert before == after
