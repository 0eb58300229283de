"""The scripts and the locks: they work from anywhere, and nothing unpinned comes in. Starts scripts/run."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import fedsync

PROJECT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
SCRIPTS = [
    ".ci/run",
    *sorted(f"scripts/{each.name}" for each in (PROJECT / "scripts").iterdir() if each.is_file()),
]
SCRIPTS.remove("scripts/_env")  # is sourced, not started


def pinned(lock: str) -> dict[str, str]:
    """Return each package that the lock names, with its version and hashes as written."""
    entries = re.findall(
        r"^([a-z0-9-]+)==(\S+ (?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+)", text_of(lock), re.MULTILINE
    )
    return dict(entries)


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def test_scripts_run_is_fedsync_from_any_directory_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "a link"
    link.symlink_to(PROJECT / "scripts" / "run")
    for command in (PROJECT / "scripts" / "run", link):
        done = subprocess.run(
            [command, "--version"], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert done.stdout == f"fedsync {fedsync.__version__}\n"
        assert done.stderr == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_may_be_started_and_are_plain_shell(name: str) -> None:
    assert os.access(PROJECT / name, os.X_OK)
    subprocess.run(["dash", "-n", PROJECT / name], check=True)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_version_with_hashes(lock: str) -> None:
    lines = [line for line in text_of(lock).splitlines() if line and not line.lstrip().startswith("#")]
    names = [line for line in lines if not line.startswith(" ")]
    assert len(pinned(lock)) == len(names) > 10
    assert all(
        re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines if line not in names
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    assert "://" not in text_of(lock)
    assert "index-url" not in text_of(lock)


def test_the_two_locks_agree_and_hold_what_the_project_asks_for() -> None:
    run, dev = (pinned(lock) for lock in LOCKS)
    assert run.items() <= dev.items()
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    for asked, held in ((project["dependencies"], run), (project["optional-dependencies"]["dev"], dev)):
        assert {re.split("[<>=]", each)[0] for each in asked} <= held.keys()


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    reasons = text_of("docs/dependencies.md")
    asked = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert not [name for each in asked if f"**{(name := re.split('[<>=]', each)[0])}**" not in reasons]
    assert not [name for name in pinned("requirements.lock") if name not in reasons]


def test_the_benchmark_of_authority_measures_a_small_region_in_memory_and_in_a_store() -> None:
    found = measured("authority", "--communities", "4", "--acts", "100", "--singles", "4")
    figures = {
        "from_scratch_s",
        "vote_ms",
        "signature_ms",
        "approval_ms",
        "recall_ms",
        "recall_voids_1000_ms",
    }
    for where in ("memory", "store"):
        assert found[where].keys() >= figures
        assert all(found[where][each] > 0 for each in figures)


def test_the_benchmark_of_stock_measures_a_small_store_in_memory_and_on_disk() -> None:
    found = measured("stock", "--events", "2000", "--singles", "20")
    events = ("at_the_end", "in_the_middle", "before_the_first_count", "at_random")
    figures = {
        "from_scratch_s",
        "of_many_items_us",
        "late_count_us",
        "correction_us",
        *(f"event_{each}_us" for each in events),
    }
    for where in ("memory", "store"):
        assert found[where].keys() >= figures
        assert all(found[where][each] > 0 for each in figures)


def test_single_words_fit_a_radios_frame_and_batches_and_sticks_stay_small() -> None:
    found = measured("wire", "--records", "3000", "--logs", "9", "--singles", "10")
    assert found["in_one_frame"] >= 0.95
    batches = found["batches_content_bytes_a_record"]
    for kind in ("vote", "stock"):
        assert batches[kind].keys() >= {"1", "20"}
        assert all(size <= 45 for size in batches[kind].values())
    # With notes, lots, corrections and goods that others named it takes more, until there are some of them.
    assert batches["stock of many forms"]["20"] <= 45
    stick = found["stick"]
    assert stick["records"] >= 3000
    assert stick["segments_mb"] * 1e6 / stick["records"] <= 32
    assert stick["segments_signed_each_mb"] * 1e6 / stick["records"] <= 95


def test_the_script_of_scale_measures_one_federation_and_many_side_by_side() -> None:
    words = ("--settle", "0", "--hours", "0.3", "--warm", "1", "--decisions", "1")
    lines = _run("benchmarks.scale", "--sizes", "2x5,3*1x5", *words).stdout.splitlines()
    one, many = map(json.loads, lines)
    assert (one["communities"], one["worlds"], one["regions"], one["late"]) == (10, 1, 2, 0)
    assert (many["communities"], many["worlds"], many["regions"]) == (15, 3, 1)
    assert one["idle_bytes"] > 0
    assert many["idle_bytes"] > 0


@pytest.mark.parametrize("sizes", ["20", "0x50", "1x1", "0*1x10", "1x10,", "2*1x10x3", "2*3*1x10"])
def test_the_script_of_scale_says_what_is_no_size(sizes: str) -> None:
    found = _tried("benchmarks.scale", f"--sizes={sizes}")
    assert found.returncode == 2
    assert "a size is like 20x50" in found.stderr


def test_the_script_makes_the_dictionary_that_ships() -> None:
    assert _run("dictionary", "--check").stdout.startswith("dictionary 1 is what the script makes")


def measured(*words: str) -> Any:
    return json.loads(_run("benchmarks", *words, "--json").stdout)


def _run(module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    found = _tried(module, *words)
    found.check_returncode()
    return found


def _tried(module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        env={**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'scripts'}"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_long_form_of_the_tests_tries_each_law_with_other_examples_each_time() -> None:
    """Whatever else runs the tests tries the same ones every day."""
    named = re.findall(r"tests/[\w./*]+", text_of("scripts/thorough").split("exec ")[1])
    played = {each.relative_to(PROJECT) for name in named for each in PROJECT.glob(name)}
    laws = [
        each.relative_to(PROJECT)
        for each in sorted((PROJECT / "tests").rglob("test_*.py"))
        if re.search("^from hypothesis import .*given", each.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(laws) > 60
    assert [str(each) for each in laws if not any(each.is_relative_to(part) for part in played)] == []
    code = "import tests.conftest; from hypothesis import settings; print(settings().derandomize)"
    for name, fixed in (("thorough", "False"), ("quick", "True")):
        around = {**os.environ, "CI": "true", "FEDSYNC_TESTS": name, "PYTHONPATH": str(PROJECT)}
        told = subprocess.run(
            [sys.executable, "-c", code], env=around, check=True, capture_output=True, text=True
        )
        assert told.stdout.strip() == fixed
