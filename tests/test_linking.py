"""Sections [[link]]: what they say is read, and a mistake names its line. Touches temporary files."""

from pathlib import Path

import pytest

from fedsync.config import ConfigError, load
from fedsync.linking import MAX_LINKS, Broadcast, OtherLink

GOOD = 'name = "a"\nlisten = {host = "h", port = 1}\n'
"""A file of two lines in which nothing is wrong."""
MODEM = '[[link]]\npeer = "Hill"\nkind = "exec"\ncommand = ["modem"]\nframe = 200\nbits = 5000\n'
"""A section of six lines in which nothing is wrong."""


def links(path: Path, text: str) -> tuple[OtherLink, ...]:
    path.write_text(GOOD + text)
    return load(path).links


def test_a_link_of_datagrams_needs_a_peer_and_a_kind(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert links(path, "") == ()
    assert links(path, '[[link]]\npeer = "Mill"\nkind = "udp"\n') == (OtherLink("Mill", "udp"),)
    said = '[[link]]\npeer = "Mill"\nkind = "udp"\naddress = "192.0.2.7:7443"\nframe = 500\nclear = true\n'
    found = OtherLink("Mill", "udp", "192.0.2.7:7443", frame=500, clear=True)
    assert links(path, said) == (found,)


def test_a_link_over_a_program_says_what_the_program_carries(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    found = OtherLink("Hill", "exec", "", ("modem",), "kiss", 200, 5000, round_trip=2.0)
    assert links(path, MODEM) == (found,)
    more = 'framing = "length"\nduplex = "half"\nduty = 0.1\nround_trip = 8\n'
    found = OtherLink("Hill", "exec", "", ("modem",), "length", 200, 5000, "half", 0.1, 8)
    assert links(path, MODEM + more) == (found,)


def test_a_link_has_windows_and_a_budget_like_a_peer_and_no_sessions_that_end(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    (link,) = links(path, MODEM + 'windows = ["22:00-23:00"]\nkilobytes_per_hour = 20\n')
    assert link.terms.hour_bytes == 20_000
    assert link.terms.windows
    with pytest.raises(ConfigError, match="'early_end' is not known"):
        links(path, MODEM + "early_end = true\n")
    with pytest.raises(ConfigError, match="line 9: kilobytes_per_day must be"):
        links(path, MODEM + "kilobytes_per_day = 0\n")


def test_two_peers_may_hear_one_program(tmp_path: Path) -> None:
    both = MODEM + MODEM.replace("Hill", "Mill")
    assert [each.peer for each in links(tmp_path / "config.toml", both)] == ["Hill", "Mill"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("link = 3\n", 3, "link must be sections"),
        ("[link]\nkind = 3\n", 3, "link must be sections"),
        ('[[link]]\nkind = "udp"\n', 3, "peer must be text"),
        ('[[link]]\npeer = ""\nkind = "udp"\n', 4, "peer must be text"),
        ('[[link]]\npeer = "a"\n', 3, 'kind must be "udp" or "exec"'),
        ('[[link]]\npeer = "a"\nkind = ["udp"]\n', 5, 'kind must be "udp" or "exec"'),
        ('[[link]]\npeer = "a"\nkind = "udp"\nspeed = 3\n', 6, "'speed' is not known"),
        ('[[link]]\npeer = "a"\nkind = "udp"\ncommand = ["x"]\n', 6, "command is for links of kind 'exec'"),
        ('[[link]]\npeer = "a"\nkind = "udp"\nframing = "kiss"\n', 6, "framing is for links of kind 'exec'"),
        ('[[link]]\npeer = "a"\nkind = "udp"\naddress = "x"\n', 6, "'x' is not HOST:PORT"),
        (
            '[[link]]\npeer = "a"\nkind = "udp"\nframe = 1453\n',
            6,
            "frame must be a whole number from 96 to 1452",
        ),
        ('[[link]]\npeer = "a"\nkind = "udp"\nclear = 1\n', 6, "clear must be true or false"),
        ('[[link]]\npeer = "a"\nkind = "exec"\nframe = 100\n', 3, "needs command"),
        (MODEM.replace("bits = 5000\n", ""), 3, "needs bits"),
        (MODEM.replace("200", "4097"), 7, "frame must be a whole number from 96 to 4096"),
        (MODEM.replace("5000", "true"), 8, "bits must be a whole number"),
        (MODEM.replace("5000", "0.5"), 8, "bits must be a whole number"),
        (MODEM.replace('["modem"]', '"modem"'), 6, "command must be a list"),
        (MODEM.replace('["modem"]', "[]"), 6, "command must be a list"),
        (MODEM.replace('["modem"]', '["modem", 3]'), 6, "each word of command must be text"),
        (MODEM.replace('["modem"]', '[""]'), 6, "the first word of command is the program"),
        (MODEM.replace('["modem"]', '["a\\u0000b"]'), 6, "each word of command must be text"),
        (MODEM + "duty = 0\n", 9, "duty must be a number from 0.001 to 1"),
        (MODEM + "duty = nan\n", 9, "duty must be a number"),
        (MODEM + 'duplex = "both"\n', 9, 'duplex must be "half" or "full"'),
        (MODEM + 'framing = "slip"\n', 9, 'framing must be "kiss" or "length"'),
        (MODEM + 'address = "h:1"\n', 9, "address is for links of kind 'udp'"),
        (MODEM + MODEM, 10, "this peer stands in another"),
        (MODEM + MODEM.replace("Hill", "Mill").replace("5000", "50"), 12, "has the same program"),
        ("[[link]]\n" * (MAX_LINKS + 1), 3 + MAX_LINKS, f"more than {MAX_LINKS}"),
    ],
)
def test_a_mistake_in_a_section_names_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        links(tmp_path / "config.toml", text)
    assert message in str(caught.value)
    assert caught.value.line == line
    assert caught.value.hint


CAST = '[[broadcast]]\nkind = "udp"\naddress = "239.1.2.3:7444"\n'
"""A section of three lines in which nothing is wrong."""


def test_a_broadcast_is_listened_to_or_sent_to_everybody_or_for_some(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD + CAST + CAST + 'send = true\nfor = ["Hill"]\nloss = 0.5\n')
    found = load(path).broadcasts
    assert found == (
        Broadcast("udp", address="239.1.2.3:7444"),
        Broadcast("udp", True, ("Hill",), "239.1.2.3:7444", loss=0.5),
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("broadcast = 3\n", 3, "broadcast must be sections"),
        ('[[broadcast]]\nkind = "udp"\n', 3, "needs address"),
        ('[[broadcast]]\nkind = "exec"\nframe = 200\nbits = 9000\n', 3, "needs command"),
        (CAST + 'peer = "Hill"\n', 6, "'peer' is not known"),
        (CAST + 'for = ["Hill"]\n', 6, "for is for a node that sends"),
        (CAST + 'send = true\nfor = "Hill"\n', 7, "for must be a list"),
        (CAST + "send = 1\n", 6, "send must be true or false"),
        (CAST + "loss = 1\n", 6, "loss must be a number from 0 to 0.9"),
        (CAST * (MAX_LINKS + 1), 3 + 3 * MAX_LINKS, f"more than {MAX_LINKS}"),
    ],
)
def test_a_mistake_in_a_broadcast_names_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        links(tmp_path / "config.toml", text)
    assert message in str(caught.value)
    assert caught.value.line == line


def test_what_a_program_lacks_is_told_as_it_may_be_written(tmp_path: Path) -> None:
    for name in ("command", "frame", "bits"):
        lines = [each for each in MODEM.splitlines() if not each.startswith(name)]
        with pytest.raises(ConfigError) as caught:
            links(tmp_path / "config.toml", "\n".join(lines))
        said = caught.value.hint.removeprefix("Write it as: ")
        assert said.startswith(f"{name} = ")
        assert links(tmp_path / "config.toml", "\n".join([*lines, said]))
