"""What a scenario comes to, all its numbers taken together: each alone may be small, and the whole play for a year. Pure."""

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Final, NamedTuple

from fedsync.sim.bounds import MAX_ACTS, MAX_CROWD, MAX_HOURS, MAX_LINKS
from fedsync.sim.form import told
from fedsync.sim.pouring import POURED

if TYPE_CHECKING:
    from fedsync.sim.scenario import Scenario

OVERLAY_LINKS: Final = 5
"""About so many links each node of an overlay keeps."""
LIARS_LINKS: Final = 3
"""With so many honest nodes a liar has links, at most."""


class TooMuch(NamedTuple):
    """Which field is most to blame, in which table, and a sentence."""

    table: str
    field: str
    sentence: str


def too_much(scenario: "Scenario") -> TooMuch | None:
    """Return what is too much of a scenario, or None when it can be played."""
    links, crowd = links_of(scenario), sum(each.count for each in scenario.crowds)
    if crowd > MAX_CROWD:
        return TooMuch(
            "crowd", "count", f"all crowds together are {MAX_CROWD:,} nodes at most, not {crowd:,}"
        )
    if links > MAX_LINKS:
        field = "shape" if scenario.links.more < links / 2 else "more"
        return TooMuch("links", field, f"this lays {links:,} links, and there are {MAX_LINKS:,} at most")
    both = scenario.nodes + crowd + links
    hours = both * (scenario.storm + scenario.calm) / 3600
    if hours > MAX_HOURS:
        field = "storm" if scenario.storm >= scenario.calm else "calm"
        # Enough is said to see which number to make smaller.
        sentence = (
            f"{both:,} nodes and links for {told(scenario.storm + scenario.calm)} are {hours:,.0f} hours"
        )
        return TooMuch("", field, f"{sentence} of all together, and that may be {MAX_HOURS:,} at most")
    acts = sorted(acts_of(scenario, links))
    total = sum(count for count, *_ in acts)
    if total > MAX_ACTS:
        most, table, field = acts[-1]
        sentence = f"{field} alone makes {most:,.0f} of the {total:,.0f} things that happen here"
        return TooMuch(table, field, f"{sentence}, and that may be {MAX_ACTS:,} at most")
    return None


def links_of(scenario: "Scenario") -> int:
    """Return how many links are laid, at most."""
    honest, nature = scenario.honest, scenario.links
    shaped = {"mesh": honest * (honest - 1) // 2, "overlay": OVERLAY_LINKS * honest}.get(nature.shape, honest)
    regions = honest // max(1, scenario.region) if scenario.world else 0
    liars = LIARS_LINKS * (scenario.nodes - honest)
    return shaped + nature.more + regions * (regions - 1) // 2 + liars


def acts_of(scenario: "Scenario", links: int) -> Iterator[tuple[float, str, str]]:
    """Yield how often something happens, and which field of which table says so."""
    storm, whole = scenario.storm, scenario.storm + scenario.calm
    work, trouble, nature = scenario.work, scenario.trouble, scenario.links
    for field in ("stock", "goods", "decisions", "regions"):
        if mean := getattr(work, field):
            yield scenario.nodes * storm / mean, "work", field
    for each in fields(trouble):
        if each.name.endswith("_every") and (mean := getattr(trouble, each.name)):
            yield storm / mean, "trouble", each.name
    pouring = sum(each.count for each in scenario.liars if each.kind == "pour")
    if pouring and scenario.shares is not None:
        yield pouring * POURED * scenario.shares.author, "shares", "author"
    if nature.by_the_clock:
        yield links * whole / nature.redial, "links", "redial"
    if nature.bursts is not None:
        yield 2 * links * whole / nature.bursts.every, "links.bursts", "every"
    if nature.windows is not None:
        yield links * whole / nature.windows.every, "links.windows", "every"
