"""What status says of what goes one way."""

from fedsync.cli.broadcasts import broadcast_lines

SENDS = {"name": "239.1.2.3:7444", "sends": True, "reason": "", "bytes": 300_400, "round_seconds": 8000}
LISTENS = {"name": "239.1.2.3:7444", "sends": False, "reason": "", "heard": None, "objects": 0, "records": 0}


def lines(*told: dict[str, object]) -> list[str]:
    return list(broadcast_lines(told, 1_000_000))


def test_each_that_sends_says_how_much_and_how_long_it_takes() -> None:
    assert lines(SENDS) == ["Sends round and round over 239.1.2.3:7444: 300 kB, all of it within 2 h."]


def test_each_that_listens_says_when_it_heard_something_and_what_came_of_it() -> None:
    heard = LISTENS | {"heard": 940_000, "records": 1}
    assert lines(LISTENS, heard) == [
        "Listens at 239.1.2.3:7444: nothing was heard yet.",
        "Listens at 239.1.2.3:7444: heard 1 min ago, 1 new record.",
    ]


def test_what_is_wrong_is_said_in_its_place_and_obeyed_by_no_terminal() -> None:
    wrong = SENDS | {"name": "modem\x1b[31m", "reason": "nothing can be sent there: network is unreachable"}
    assert lines(wrong) == [
        "! Sends nothing over modem\\u001b[31m: nothing can be sent there: network is unreachable"
    ]
