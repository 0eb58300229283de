"""What `status` says of what goes one way: what is sent round and round, and what was heard."""

from collections.abc import Iterable, Iterator
from typing import Any

from fedsync.cli.telling import ago
from fedsync.plain import many, plain


def broadcast_lines(told: Iterable[dict[str, Any]], now: int) -> Iterator[str]:
    """Yield a line for each section [[broadcast]]."""
    for each in told:
        name = plain(each["name"])
        if each["reason"]:
            yield f"! {'Sends' if each['sends'] else 'Listens'} nothing over {name}: {each['reason']}"
        elif each["sends"]:
            yield f"Sends round and round over {name}: {each['bytes'] / 1000:,.0f} kB, all of it within {_span(each['round_seconds'])}."
        elif each["heard"] is None:
            yield f"Listens at {name}: nothing was heard yet."
        else:
            yield f"Listens at {name}: heard {ago(each['heard'], now)}, {many(each['records'], 'new record')}."


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"
