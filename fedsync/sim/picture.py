"""A picture of a run as SVG text: for each honest node, how much it has of what all should have, over time. Pure."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from fedsync.sim.run import Outcome

WIDE: Final = 900
HIGH: Final = 420
LEFT: Final = 60
RIGHT: Final = 20
TOP: Final = 56
BELOW: Final = 48
"""Pixels: the drawing, and the margins for words."""


def svg(outcome: Outcome) -> str:
    """Return the picture. It stands alone: no script, no font, nothing to be fetched."""
    pictures = outcome.pictures
    last = max((at for at, _, _ in pictures), default=0.0) or 1.0
    names = [f"Village {at + 1}" for at in range(outcome.scenario.honest)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(_title(outcome))}</title>",
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
        _text(LEFT, 22, _title(outcome), size=16),
        _text(LEFT, 42, _ending(outcome), fill="#a00000" if outcome.faults else "#444444"),
    ]
    for begins, ends in outcome.apart:
        parts.append(_band(begins / last, ends / last, "#f3d9b0"))
    storm = outcome.scenario.storm / last
    parts.append(_band(storm, 1.0, "#dceedd"))
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDE - RIGHT}" y2="{y}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{percent} %", anchor="end"))
    for at, name in enumerate(names):
        points = [
            (moment / last, min(1.0, held[at] / all_ if all_ else 1.0))
            for moment, all_, held in pictures
            if at < len(held)
        ]
        parts.append(_line(points, at, len(names), name))
    parts.append(_band(storm, storm, "#444444"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_text(_x(share), HIGH - BELOW + 18, _when(last * share), anchor="middle"))
    parts.append(
        _text(
            LEFT,
            HIGH - 10,
            "One line for each node: what it has of all that was recorded. Shaded: parted; calm.",
        )
    )
    return "\n".join([*parts, "</svg>", ""])


def _title(outcome: Outcome) -> str:
    return f"{outcome.scenario.name}, {outcome.scenario.nodes} nodes, seed {outcome.seed}"


def _ending(outcome: Outcome) -> str:
    if outcome.faults:
        return outcome.faults[0]
    return f"All were the same {_when(outcome.took or 0.0)} after the storm."


def _x(share: float) -> float:
    return round(LEFT + share * (WIDE - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(HIGH - BELOW - share * (HIGH - TOP - BELOW), 1)


def _band(begins: float, ends: float, fill: str) -> str:
    wide = max(1.0, _x(min(ends, 1.0)) - _x(begins))
    return (
        f'<rect x="{_x(begins)}" y="{TOP}" width="{wide:.1f}" height="{HIGH - TOP - BELOW}" fill="{fill}"/>'
    )


def _line(points: Sequence[tuple[float, float]], at: int, count: int, name: str) -> str:
    # Only where it bends: most of the time most nodes have everything.
    kept = [
        each
        for number, each in enumerate(points)
        if number in (0, len(points) - 1) or len({y for _, y in points[number - 1 : number + 2]}) > 1
    ]
    path = " ".join(f"{_x(x)},{_y(y)}" for x, y in kept)
    hue = 360 * at // max(1, count)
    return (
        f'<polyline points="{path}" fill="none" stroke="hsl({hue}, 60%, 40%)" stroke-width="1.3" '
        f'stroke-opacity="0.8"><title>{escape(name)}</title></polyline>'
    )


def _text(
    x: float, y: float, words: str, size: int = 12, anchor: str = "start", fill: str = "#222222"
) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'


def _when(seconds: float) -> str:
    """Return a time span as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
