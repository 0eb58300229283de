"""What a node leaves on sticks of itself: the newest bundle takes the place of the last one, however little room there is."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from fedsync import sticks
from fedsync.doors import open_door
from fedsync.keyring import load_node_key
from fedsync.records.ed25519 import private_key, public_key
from fedsync.sticks import Plan, leave
from tests.cli.calling import environment
from tests.daemon.village import Node
from tests.test_media import can_mount

MILL = public_key(private_key(bytes(range(32))))


def oak(path: Path, records: int) -> Node:
    node = Node(path / "oak", "Oakfield")
    with open_door(node.home) as door:
        door.call("add_peer", key=MILL.hex(), name="Mill Lane", addresses=[])
    random = Random(6)
    for at in range(0, records, 8_000):
        node.move("Ann", *(random.randrange(1 << 60) for _ in range(min(8_000, records - at))))
    return node


def test_the_newest_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    node, stick = oak(tmp_path, 3), tmp_path / "stick"
    stick.mkdir()
    plan = Plan({MILL: "Mill Lane"}, "Oakfield", False, 10**7, 1_760_000_000_000)
    first = leave(node.home, load_node_key(node.home), stick, plan)
    size = (stick / "oakfield-for-mill-lane.fedsync").stat().st_size
    node.move("Ann", *range(1, 500))
    second = leave(node.home, load_node_key(node.home), stick, plan)

    assert first.whole
    assert second.whole
    assert first.bundle != second.bundle
    assert [each.peer for each in second.rows] == [MILL]
    assert [each.name for each in stick.iterdir()] == ["oakfield-for-mill-lane.fedsync"]
    assert (stick / "oakfield-for-mill-lane.fedsync").stat().st_size > size


SMALL = """\
import json, os, sys
from pathlib import Path
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.records.ids import Key
from fedsync.sticks import Plan, leave
home, stick = Home(Path(sys.argv[1])), Path(sys.argv[2])
plan = Plan({Key(bytes.fromhex(sys.argv[3])): "Mill Lane"}, "Oakfield", False, 10**7, 1_760_000_000_000)
told = []
for _ in range(2):
    done = leave(home, load_node_key(home), stick, plan)
    told.append([done.whole, sum(each.stat().st_size for each in stick.iterdir()), len(os.listdir(stick))])
print(json.dumps(told))
"""


def test_on_a_stick_with_room_for_one_the_next_one_is_no_less_than_the_last(tmp_path: Path) -> None:
    can_mount()
    node, stick = oak(tmp_path, 32_000), tmp_path / "stick"
    stick.mkdir()
    words = [sys.executable, "-c", SMALL, str(node.home.path), str(stick), MILL.hex()]
    script = f"mount -t tmpfs -o size=520k fedsync '{stick}' && exec \"$@\""
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *words],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert first[0] is second[0] is True
    assert first[1] > 270_000, "else there is room for two"
    assert second[1] >= first[1] - 1000
    assert first[2] == second[2] == 1


@pytest.mark.parametrize("over", [-1, 0, 1, 1_000_000])
def test_no_more_of_a_file_is_read_than_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    most = 3 * sticks.PIECE_BYTES + 17
    monkeypatch.setattr(sticks, "MAX_FILE_BYTES", most)
    with (tmp_path / "a.fedsync").open("wb") as file:
        file.truncate(most + over)
    (source,) = sticks.in_directory(tmp_path)
    with source.opened_again() as pieces:
        assert sum(map(len, pieces)) == min(most, most + over)
    (named,) = sticks.sources([str(tmp_path / "a.fedsync")])
    with named.opened() as pieces:
        assert sum(map(len, pieces)) == min(most, most + over)
