"""Sections [[stick]]: what they say is read, and a mistake names its line. Touches temporary files."""

from pathlib import Path

import pytest

from fedsync.config import ConfigError, load
from fedsync.sticking import MAX_STICKS, MOST_MEGABYTES, MOST_PEERS, USUAL_MEGABYTES, Watched

GOOD = 'name = "a"\nlisten = {host = "h", port = 1}\n'
"""A file of two lines in which nothing is wrong."""


def sticks(path: Path, text: str) -> tuple[Watched, ...]:
    path.write_text(GOOD + text)
    return load(path).sticks


def test_a_directory_is_watched_and_nothing_left_unless_it_is_said_for_whom(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert sticks(path, "") == ()
    assert sticks(path, '[[stick]]\nwatch = "/media/pi/"\n') == (
        Watched("/media/pi", (), False, USUAL_MEGABYTES),
    )
    said = '[[stick]]\nwatch = "/"\nleave_for = ["Mill", "Hill", "Mill"]\nencrypt = true\nmegabytes = 7\n'
    assert sticks(path, said) == (Watched("/", ("Mill", "Hill"), True, 7),)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("stick = 3\n", 3, "stick must be sections"),
        ('[stick]\nwatch = "/a"\n', 3, "stick must be sections"),
        ("[[stick]]\n", 3, "watch must be the whole path"),
        ('[[stick]]\nwatch = "media"\n', 4, "watch must be the whole path"),
        ('[[stick]]\nwatch = "/a\\u0000b"\n', 4, "watch must be the whole path"),
        ('[[stick]]\nwatch = "/' + "x" * 5000 + '"\n', 4, "watch must be the whole path"),
        ('[[stick]]\nwatch = "/a"\nrun = "autorun.sh"\n', 5, "'run' is not known"),
        ('[[stick]]\nwatch = "/a"\nleave_for = "Mill"\n', 5, "leave_for must be a list"),
        ('[[stick]]\nwatch = "/a"\nleave_for = [3]\n', 5, "leave_for must be a list"),
        (f'[[stick]]\nwatch = "/a"\nleave_for = {["x"] * (MOST_PEERS + 1)}\n', 5, f"{MOST_PEERS} at most"),
        ('[[stick]]\nwatch = "/a"\nencrypt = 1\n', 5, "encrypt must be true or false"),
        ('[[stick]]\nwatch = "/a"\nmegabytes = 0\n', 5, "megabytes must be a whole number"),
        (
            f'[[stick]]\nwatch = "/a"\nmegabytes = {MOST_MEGABYTES + 1}\n',
            5,
            "megabytes must be a whole number",
        ),
        ('[[stick]]\nwatch = "/a"\nmegabytes = true\n', 5, "megabytes must be a whole number"),
        ('[[stick]]\nwatch = "/a"\n[[stick]]\nwatch = "/a/"\n', 6, "stands in another [[stick]]"),
        ("[[stick]]\n" * (MAX_STICKS + 1), 3 + MAX_STICKS, f"more than {MAX_STICKS}"),
    ],
)
def test_a_mistake_names_its_line_and_what_to_write(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        sticks(tmp_path / "config.toml", text)
    assert message in str(caught.value)
    assert caught.value.line == line
    assert caught.value.hint
