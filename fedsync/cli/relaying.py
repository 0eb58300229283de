"""What `status` says of relaying: what this node carries for others, and where it waits to be called."""

import time
from collections.abc import Iterator
from typing import Any


def relaying_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of `status` about relays; none when this node has nothing to do with any."""
    offers = told["offers"]
    if offers is not None:
        yield (
            f"Carries for others: {_bytes(offers['bytes'])} of {_bytes(offers['bytes_per_day'])} today, "
            f"{_counted(offers['streams'], 'call', 'calls')} now, "
            f"{_counted(len(offers['waiting']), 'node waits', 'nodes wait')} to be called."
        )
        if offers["full"]:
            yield f"! What it carries in a day is used up; it goes on at {_clock(offers['until'])}"
        for pair in offers["pairs"] if not offers["full"] else ():
            if pair["until"]:
                one, other = pair["between"]
                at = _clock(pair["until"])
                yield f"! What it carries between {one} and {other} in a day is used up; it goes on at {at}"
    for name in told["unknown"]:
        yield f"! config.toml names {name} as a relay, and no peer is called so: fedsync peers list"
    for name, wrong in told["waits_at"].items():
        yield f"Can be called through {name}." if not wrong else f"! Cannot be called through {name}: {wrong}"


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _bytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"


def _clock(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at / 1000))
