"""What a scenario file says. Pure: bytes of a file in, a frozen description out, or a complaint that names the line.

All times are seconds here; the file says them with units. What a file does not mention does not happen.
"""

from dataclasses import dataclass
from typing import Final

from fedsync.sim.amount import too_much
from fedsync.sim.bounds import (
    LEAST_LASTS_S,
    LEAST_MEAN_S,
    MAX_ABOUT,
    MAX_BYTES,
    MAX_CALLERS,
    MAX_CARRIED,
    MAX_COPIES,
    MAX_CROWD,
    MAX_DELAY_S,
    MAX_LINKS,
    MAX_NAME,
    MAX_NODES,
    MAX_OFF_S,
    MAX_PACE_S,
    MAX_PARTITIONS,
    MAX_RATE,
    MAX_REDIAL_S,
    MAX_SHARE,
    MAX_SYNDICATES,
)
from fedsync.sim.form import BadScenario, Form
from fedsync.sim.rare import RARE
from fedsync.sim.shares import Limits

SHAPES: Final = ("line", "ring", "star", "tree", "mesh", "overlay")
EQUIVOCATE: Final = "equivocate"
LIES: Final = (
    "withhold",
    "echo",
    "roots",
    "claims",
    "spoil",
    "junk",
    "replay",
    "flood",
    "heap",
    "weak",
    EQUIVOCATE,
)
POUR: Final = "pour"
"""A node that lies to nobody: its tellers write far more than anybody takes in an hour. None of `any`: it takes shares."""
OF_PEOPLE: Final = (EQUIVOCATE, POUR)
"""Whose lies are in what is written, and not in what a session says."""
ANY: Final = "any"
"""A liar of some kind, another one with each seed."""
STICKS: Final = "USB"
CARRIED: Final = ("FLAKY", "RADIO", STICKS)
"""Links that carry packets, not streams, or nothing but a stick in somebody's pocket."""
SIGNATURES: Final = ("each", "once", "stub")
CROWDS: Final = ("withhold", "echo", "roots", "claims", "spoil", "junk", "replay", "flood")
"""How a crowd may lie."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Spells in which a direction of a link loses far more, as radio does."""

    every: float
    lasts: float
    loss: float


@dataclass(frozen=True, slots=True)
class Windows:
    """A link that stands for `open` seconds in every `every`, at a time of its own."""

    every: float
    open: float


@dataclass(frozen=True, slots=True)
class Links:
    """How nodes are joined, and what their links are like. `rate` in bytes a second."""

    shape: str
    more: int
    delay: float
    rate: int
    loss: float
    reorder: float
    duplicate: float
    redial: float
    brief: bool
    """Sessions end when nothing is left to ask, and are opened again: what a link costs that is paid by the minute."""
    bursts: Bursts | None
    windows: Windows | None
    profile: str = ""
    """What links are like that carry packets, or sticks; empty: streams, as all the rest says."""
    announced: bool = False
    """In an overlay: nodes learn from books and announcements who there is and where, and are told nothing."""
    callers: float = 0.0
    """In an overlay: the share of the honest nodes that nobody can call. They call others."""

    @property
    def by_the_clock(self) -> bool:
        """Whether `redial` says how often something goes over a link, not just how long it stays down."""
        return self.brief or self.profile == STICKS


@dataclass(frozen=True, slots=True)
class Work:
    """What people write: mean times between two such acts in one community; 0: never."""

    stock: float
    goods: float
    decisions: float
    regions: float
    local: float
    """Which share of movements never leaves the community's own node."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Mean times between two such events in the whole federation, and how long they last; 0: never."""

    cut_every: float
    cut_lasts: float
    crash_every: float
    crash_lasts: float
    fork_every: float
    restore_every: float
    recall_every: float
    misdeed_every: float
    move_every: float
    """A node moves to another address."""
    introduce_every: float
    """An operator introduces two own peers to each other."""
    late: float
    """The share of the communities that are founded only during the first half of the storm."""
    leave: float
    """The share of the honest nodes that leave for good during the second half, where the others do without them."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A share of the nodes that none of the others reach for a time."""

    begins: float
    ends: float
    share: float


@dataclass(frozen=True, slots=True)
class Carrying:
    """So many of the honest nodes that can be called carry for others, and so many bytes a day each, and for two."""

    count: int
    bytes_per_day: int
    pair_bytes_per_day: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """Clocks that are wrong by up to so much, in either direction, on a share of the nodes."""

    off: float
    share: float


@dataclass(frozen=True, slots=True)
class Liars:
    """Nodes that do not do what they should."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Nodes that `bodies` bodies admit, and that besiege as many honest nodes as are `besieged`."""

    kind: str
    count: int
    bodies: int
    besieged: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a node's machine is: seconds to make a batch safe, and to check one block that came."""

    commit: float
    checking: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of life that a federation may have."""

    name: str
    about: str
    nodes: int
    storm: float
    calm: float
    """Within so many seconds after the storm all must have come to the same."""
    pace: Pace
    signatures: str
    region: int
    """So many of the communities found a region together, then the next ones another; 0: none does."""
    world: bool
    """The regions found a world above them, and send delegates there."""
    syndicates: int
    """So many times every second community of each region founds a body with those of the others."""
    scopes: bool
    """Nodes keep what the book of their community makes kin, and nothing else that peers announce."""
    quiet_bytes: int
    """What a session may send in an hour in which nothing happens, both ways."""
    copies: float
    """How often a block may come to a node, on average over the second half of the storm; 0: that is not asked."""
    links: Links
    work: Work
    trouble: Trouble
    partitions: tuple[Partition, ...]
    clocks: Clocks
    liars: tuple[Liars, ...]
    crowds: tuple[Crowd, ...]
    shares: Limits | None
    """How much of each author and each body is taken in an hour; None: all."""
    relays: Carrying | None
    """Nodes that carry for those whom nobody can call; None: nobody does."""
    must: tuple[str, ...]
    """What must have happened at least once in a soak; else it tests less than it says."""

    @property
    def honest(self) -> int:
        """How many nodes do what they should."""
        return self.nodes - sum(each.count for each in self.liars)


def read(text: str, nodes: int | None = None) -> Scenario:
    """Return what a scenario file says, with another number of nodes if one is given. Raises BadScenario."""
    form = Form.read(text)
    scenario = Scenario(
        name=form.words("name", most=MAX_NAME),
        about=form.words("about", "", most=MAX_ABOUT),
        nodes=form.count("nodes", least=2, most=MAX_NODES) if nodes is None else _given(form, nodes),
        storm=form.span("storm", least=60.0),
        calm=form.span("calm", least=60.0),
        pace=Pace(form.span("commit", 0.03, most=MAX_PACE_S), form.span("checking", 0.0, most=MAX_PACE_S)),
        signatures=form.one_of("signatures", SIGNATURES, "once"),
        region=form.count("region", 0, most=MAX_NODES),
        world=form.yes("world"),
        syndicates=form.count("syndicates", 0, most=MAX_SYNDICATES),
        scopes=form.yes("scopes"),
        quiet_bytes=form.count("quiet_bytes", 20_000, least=1, most=MAX_BYTES),
        copies=_copies(form, nodes),
        links=_links(form.table("links")),
        work=_work(form.table("work")),
        trouble=_trouble(form.table("trouble")),
        partitions=tuple(_partition(each) for each in form.tables("partition")),
        clocks=_clocks(form.table("clocks")),
        liars=tuple(_liars(each) for each in form.tables("liars")),
        crowds=tuple(_crowd(each) for each in form.tables("crowd")),
        shares=_shares(form.table_if_there("shares")),
        relays=_relays(form.table_if_there("relays")),
        must=form.some_of("must", tuple(RARE)),
    )
    form.done()
    if scenario.honest < 2:
        lie = sum(each.count for each in scenario.liars)
        raise form.bad("liars", f"{lie} of {scenario.nodes} nodes lie, and at least two must not")
    if scenario.crowds and scenario.links.shape != "overlay":
        raise form.bad("crowd", "a crowd besieges nodes that choose their links: shape is overlay")
    if scenario.links.announced and (
        scenario.links.shape != "overlay" or not scenario.region or scenario.crowds
    ):
        raise form.bad(
            "links",
            "announced is of an overlay without a crowd, and of regions, whose books name their nodes",
        )
    if scenario.links.callers and (scenario.links.shape != "overlay" or scenario.crowds):
        # Elsewhere links are laid, and nobody has to be called for them; and who is besieged is called.
        raise form.within("links").bad(
            "callers", "callers is of an overlay without a crowd, whose nodes call each other"
        )
    if scenario.relays is not None and not scenario.links.callers:
        raise form.bad("relays", "relays carry for nodes that nobody can call: [links] must say callers")
    if scenario.trouble.move_every and not scenario.links.announced:
        raise form.bad("trouble", "who moves has to be found again: [links] must say announced")
    if scenario.trouble.introduce_every and not scenario.links.announced:
        raise form.bad("trouble", "who is introduced was not known before: [links] must say announced")
    if any(each.kind == POUR for each in scenario.liars) and scenario.shares is None:
        raise form.bad(
            "liars", "who pours writes more than is taken in an hour: the scenario must say [shares]"
        )
    if scenario.region == 1:
        raise form.bad("region", "a region is of two communities or more")
    if scenario.world and scenario.honest < 2 * max(scenario.region, 2):
        raise form.bad("world", "a world is of two regions or more: there are too few communities for that")
    if scenario.world and not scenario.region:
        raise form.bad("world", "a world is of regions: the scenario must say region")
    if scenario.syndicates and (scenario.honest < 2 * max(scenario.region, 2) or not scenario.region):
        raise form.bad(
            "syndicates", "a syndicate is of communities of two regions or more: there are too few for that"
        )
    if scenario.syndicates and (scenario.world or not scenario.scopes or scenario.links.shape == "overlay"):
        raise form.bad("syndicates", "syndicates are of scopes, on links that are laid, and without a world")
    if scenario.scopes and not scenario.region:
        raise form.bad("scopes", "nodes keep what their region needs: the scenario must say region")
    for table, name in (("work", "regions"), ("trouble", "recall_every"), ("trouble", "misdeed_every")):
        if not scenario.region and getattr(getattr(scenario, table), name):
            raise form.within(table).bad(
                name, f"{name} is of delegates to a region: the scenario must say region"
            )
    if scenario.links.profile == STICKS and any(each.kind not in OF_PEOPLE for each in scenario.liars):
        raise form.bad(
            "liars", f"with sticks nobody answers: who lies there is one of {', '.join(OF_PEOPLE)}"
        )
    for each in scenario.partitions:
        if each.ends > scenario.storm:
            raise form.bad("partition", "a partition ends within the storm: it must heal before the calm")
    many = len(scenario.partitions)
    if many > MAX_PARTITIONS:
        raise form.bad("partition", f"a storm has {MAX_PARTITIONS} partitions at most, not {many}")
    if (found := too_much(scenario)) is not None:
        raise form.within(found.table).bad(found.field, found.sentence)
    return scenario


def _given(form: Form, nodes: int) -> int:
    form.count("nodes", least=2, most=MAX_NODES)
    if not 2 <= nodes <= MAX_NODES:
        raise BadScenario(f"a federation here has from 2 to {MAX_NODES} nodes")
    return nodes


def _copies(form: Form, nodes: int | None) -> float:
    """Return what is asked of the nodes that the file speaks of: of fewer it is not, since a tree of two or three breaks often."""
    found = form.number("copies", 0.0, most=MAX_COPIES)
    return found if nodes is None or nodes >= form.count("nodes", least=2, most=MAX_NODES) else 0.0


def _links(form: Form) -> Links:
    bursts = windows = None
    if (part := form.table_if_there("bursts")) is not None:
        bursts = Bursts(
            part.span("every", least=0.1), part.span("lasts", least=LEAST_LASTS_S), part.share("loss")
        )
        part.done()
    if (part := form.table_if_there("windows")) is not None:
        windows = Windows(part.span("every", least=60.0), part.span("open", least=30.0))
        part.done()
        if windows.open >= windows.every:
            raise part.bad("open", "a window is open for less than the time from one to the next")
    profile = form.one_of("profile", ("", *CARRIED), "")
    if profile:
        for each in ("delay", "rate", "reorder", "duplicate", "bursts", "windows", "brief"):
            if each in form:
                raise form.bad(each, f"{profile} says itself how its links are: there is no {each} beside it")
        if "loss" in form and profile != STICKS:
            raise form.bad("loss", f"{profile} says itself how much is lost")
    shape = form.one_of("shape", SHAPES, "ring")
    if shape == "overlay" and profile:
        raise form.bad("shape", "an overlay is of streams: it has no profile")
    if shape == "overlay" and (windows or form.yes("brief")):
        raise form.bad("shape", "an overlay is of links that stand: it has no windows, and is not brief")
    # Nodes call each other there when they want to; but own peers, where they are such, are called again and again.
    for each in ("more",) if form.yes("announced") else ("more", "redial"):
        if shape == "overlay" and each in form:
            raise form.bad(each, f"in an overlay nodes choose their links: there is no {each} beside it")
    links = Links(
        shape=shape,
        more=form.count("more", 0, most=MAX_LINKS),
        delay=form.span("delay", 0.05, most=MAX_DELAY_S),
        rate=form.count("rate", 1_000_000, least=30, most=MAX_RATE),
        loss=form.share("loss", 0.0),
        reorder=form.share("reorder", 0.0),
        duplicate=form.share("duplicate", 0.0),
        redial=form.span("redial", 5.0, least=0.1, most=MAX_REDIAL_S),
        brief=form.yes("brief"),
        announced=form.yes("announced"),
        callers=form.number("callers", 0.0, most=MAX_CALLERS),
        bursts=bursts,
        windows=windows,
        profile=profile,
    )
    form.done()
    return links


def _work(form: Form) -> Work:
    work = Work(
        form.mean("stock", LEAST_MEAN_S),
        form.mean("goods", LEAST_MEAN_S),
        form.mean("decisions", LEAST_MEAN_S),
        form.mean("regions", LEAST_MEAN_S),
        form.share("local", 0.0),
    )
    form.done()
    return work


def _trouble(form: Form) -> Trouble:
    trouble = Trouble(
        cut_every=form.mean("cut_every", LEAST_MEAN_S),
        cut_lasts=form.span("cut_lasts", 60.0, least=LEAST_LASTS_S),
        crash_every=form.mean("crash_every", LEAST_MEAN_S),
        crash_lasts=form.span("crash_lasts", 60.0, least=LEAST_LASTS_S),
        fork_every=form.mean("fork_every", LEAST_MEAN_S),
        restore_every=form.mean("restore_every", LEAST_MEAN_S),
        recall_every=form.mean("recall_every", LEAST_MEAN_S),
        misdeed_every=form.mean("misdeed_every", LEAST_MEAN_S),
        move_every=form.mean("move_every", LEAST_MEAN_S),
        introduce_every=form.mean("introduce_every", LEAST_MEAN_S),
        late=form.share("late", 0.0),
        leave=form.share("leave", 0.0),
    )
    form.done()
    return trouble


def _partition(form: Form) -> Partition:
    part = Partition(form.span("begins"), form.span("ends"), form.share("share", 0.5))
    form.done()
    if part.ends <= part.begins:
        raise form.bad("ends", "a partition ends after it begins")
    return part


def _clocks(form: Form) -> Clocks:
    clocks = Clocks(form.span("off", 0.0, most=MAX_OFF_S), form.share("share", 1.0))
    form.done()
    return clocks


def _crowd(form: Form) -> Crowd:
    crowd = Crowd(
        form.one_of("kind", CROWDS),
        form.count("count", least=1, most=MAX_CROWD),
        form.count("bodies", 1, least=1, most=MAX_CROWD),
        form.count("besieged", 1, least=1, most=MAX_NODES),
    )
    form.done()
    return crowd


def _relays(form: Form | None) -> Carrying | None:
    if form is None:
        return None
    relays = Carrying(
        form.count("count", least=1, most=MAX_NODES),
        form.count("bytes_per_day", least=1, most=MAX_CARRIED),
        form.count("pair_bytes_per_day", least=1, most=MAX_CARRIED),
    )
    form.done()
    return relays


def _shares(form: Form | None) -> Limits | None:
    if form is None:
        return None
    author, body = (form.count(each, least=1, most=MAX_SHARE) for each in ("author", "body"))
    form.done()
    return Limits(author, body)


def _liars(form: Form) -> Liars:
    liars = Liars(form.one_of("kind", (*LIES, POUR, ANY)), form.count("count", 1, least=1, most=MAX_NODES))
    form.done()
    return liars
