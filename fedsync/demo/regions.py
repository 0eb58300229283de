"""What the communities of the demo have to say: the movements of the regions' stores, and titles of resolutions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fedsync.acts.goods.recording import Line
from fedsync.data import Movement, Resolution, movements, regions, resolutions

ACTION = {"receive": "raise", "return": "lower", "consume": "consume"}
"""ValueFlows' word for each kind of movement."""
LAST_MONTH = date(2021, 12, 1)
"""From here on it is written down while the link is cut."""

SOURCES = (
    'Movements: "Covid-19 Opendata Vaccini", 2021 (c) Commissario straordinario per l\'emergenza Covid-19 - '
    "Presidenza del Consiglio dei Ministri, CC BY 4.0 (creativecommons.org/licenses/by/4.0), re-cut.",
    "Titles and votes: resolutions of the UN General Assembly, from the data of Voeten, Strezhnev and Bailey. "
    "The communities, their tellers and the recall are made up.",
)
"""Must be shown wherever the data is: its licence asks for it. More: fedsync/data/SOURCES.md."""


@dataclass(frozen=True, slots=True)
class Region:
    """What one community will write: stock before and during the cut, and a decision for each time."""

    name: str
    before: tuple[Line, ...]
    during: tuple[Line, ...]
    decisions: tuple[Resolution, Resolution]


def first_regions(number: int) -> list[Region]:
    """Return that many regions of Italy, in the order of their codes, each with its real movements."""
    names = dict(list(regions().items())[:number])
    lines: dict[str, list[tuple[date, Line]]] = {code: [] for code in names}
    for movement in movements():
        if movement.region in names:
            lines[movement.region].append((movement.day, _line(movement, names[movement.region])))
    titles = _different(resolutions())
    return [
        Region(
            name,
            tuple(line for day, line in lines[code] if day < LAST_MONTH),
            tuple(line for day, line in lines[code] if day >= LAST_MONTH),
            (titles[2 * at], titles[2 * at + 1]),
        )
        for at, (code, name) in enumerate(names.items())
    ]


def _line(movement: Movement, region: str) -> Line:
    at = datetime(movement.day.year, movement.day.month, movement.day.day, tzinfo=UTC)
    return Line(
        ACTION[movement.action],
        "Vaccine",
        abs(movement.delta),
        "{dose}",
        f"{region} store",
        int(at.timestamp() * 1000),
        movement.product,
    )


def _different(every: list[Resolution]) -> list[Resolution]:
    """Return the resolutions without those whose title stood before: the same are adopted year after year."""
    return list({each.title: each for each in reversed(every)}.values())[::-1]
