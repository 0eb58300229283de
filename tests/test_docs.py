"""What the docs name is there."""

import re
from functools import cache
from pathlib import Path

from fedsync import config
from fedsync.daemon import lan
from fedsync.errors import Exit
from fedsync.gossip import beacon
from fedsync.records.kinds import entryform
from fedsync.store import acquaintances

ROOT = Path(__file__).resolve().parents[1]


def test_every_rule_of_authority_has_its_test() -> None:
    page = (ROOT / "docs" / "authority.md").read_text("utf-8")
    rules = {
        int(line.split("|")[1]): set(re.findall(r"\btest_\w+", line))
        for line in page.splitlines()
        if re.match(r"\| \d+ \|", line)
    }
    assert rules.keys() == set(range(1, 15))
    there = _tests()
    for rule, tests in rules.items():
        assert tests, f"rule {rule} names no test"
        assert tests <= there, f"rule {rule} names {tests - there}"
    rules_file = (ROOT / "tests" / "authority" / "test_rules.py").read_text("utf-8")
    named = set().union(*rules.values())
    assert set(re.findall(r"^def (test_rule_\w+)", rules_file, re.MULTILINE)) <= named


def test_every_rule_of_stock_has_its_test() -> None:
    page = (ROOT / "docs" / "stock.md").read_text("utf-8")
    rules = [line for line in page.splitlines() if re.match(r"\| \d+\. ", line)]
    assert [int(line[2:].split(".")[0]) for line in rules] == list(range(1, len(rules) + 1))
    for line in rules:
        named = set(re.findall(r"\btest_\w+", line))
        assert named, f"{line} names no test"
        assert named <= _tests(), f"{named - _tests()} is no test"


@cache
def _tests() -> set[str]:
    return {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    }


def test_links_between_the_docs_lead_somewhere() -> None:
    for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text("utf-8")):
            if not target.startswith(("http:", "https:")):
                assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_the_record_format_says_every_entry_that_this_version_reads() -> None:
    text = (ROOT / "docs" / "record-format.md").read_text("utf-8")
    told = set(re.findall(r'"(\w+)"', "\n".join(re.findall(r'\{"kind": ([^,}]+)', text))))
    assert told == set(entryform._READERS)


def test_the_sections_of_config_toml_in_the_docs_are_read_as_they_stand(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "peers.md").read_text("utf-8")
    sections = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(sections) == 4
    path = tmp_path / "config.toml"
    path.write_text('name = "Oakfield"\nlisten = {host = "0.0.0.0", port = 7443}\n' + "\n".join(sections))
    found = config.load(path)
    assert found.announce.addresses
    assert [peer.name for peer in found.peers] == list(found.introducers) == ["Mill Lane"]
    assert not found.lan.beacon
    # And each that the page names in passing, too.
    for line in ("[announce]\nbridge = true", "[announce]\nrelay = true", '[lan]\ninterfaces = ["eth0"]'):
        extra = line + ('\naddresses = ["n:1"]' if "announce" in line else "")
        path.write_text(f'name = "Oakfield"\nlisten = {{host = "0.0.0.0", port = 7443}}\n{extra}\n')
        config.load(path)


def test_the_numbers_in_peers_md_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "peers.md").read_text("utf-8")
    assert f"at most {acquaintances.MAX_INTRODUCED} nodes are kept" in page
    assert (beacon.MOVE_S, beacon.HEARD_PER_SECOND, beacon.HEARD_PER_SECOND_EACH) == (30, 10, 0.5)
    assert f"UDP\n{lan.PORT}" in page


def test_the_readme_names_every_exit_code() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    told = re.search(r"by its exit code: (.*?)\.\n\n", page, re.DOTALL)
    assert told is not None
    assert {int(each) for each in re.findall(r"\b\d+\b", told[1])} == set(Exit)


def test_commands_in_the_docs_run_with_what_the_scripts_set_up() -> None:
    for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        commands = re.findall(r"`((?:python|pytest)\b[^`]*)`", file.read_text("utf-8"))
        # What imports nothing of ours needs nothing else.
        assert not [each for each in commands if not each.startswith("python3 -c ")], file.name
