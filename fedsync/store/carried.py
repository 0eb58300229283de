"""What goes between nodes in files: how far each side has come, what was left for whom, what came, what is still missing.

Touches `carried`, `left_bundles`, `came_bundles`, `claims`, `theirs` and `asked`. Writes belong in the open transaction. Counters
are those of a journal, one for each class of log.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from fedsync.records.ids import Key, LogId
from fedsync.store.errors import guarded

Counters: TypeAlias = tuple[int, int, int, int]
ZERO: Final[Counters] = (0, 0, 0, 0)
KEPT_BUNDLES: Final = 256
"""Bundles that are remembered of each peer, each way: a stick a day for most of a year."""
MAX_STRETCHES: Final = 1024
"""Stretches of a bundle's tips that were read: each file that comes out of turn makes one. Of more, the next bundle tells again."""
MAX_CLAIMS: Final = 20_000
"""Tips of which one peer says that it holds them, and we do not, in mind: 2 MB. Of more, the next bundle tells again."""
MAX_THEIRS: Final = 100_000
"""Tips of one peer that are kept, so that what it holds is not carried to it: 10 MB. What is beyond is carried once too often."""
MAX_ASKED: Final = 20_000
"""Logs that one peer asks for in files: 2 MB."""


@dataclass(frozen=True, slots=True)
class Carried:
    """How far two nodes have come by files. `seen`: of the peer's journal, here; `acked`: of ours, there."""

    seen_journal: bytes = b""
    seen: Counters = ZERO
    acked_journal: bytes = b""
    acked: Counters = ZERO
    acked_sets: tuple[bytes, ...] = (bytes(8),) * 4
    """Of each class, which sets that spoke of: `LeftBundle.sets`."""
    follows: bytes = b""
    """What the peer follows, as its last bundle said (rows of gossip's `following`); none: it never said."""
    asked_at: int = 0
    asked_counter: int = 0
    """When the peer made the bundle with its last wishes, by its own clock and its journal: an older one is no news. Clocks
    are set, so what is later by either is news."""


@dataclass(frozen=True, slots=True)
class LeftBundle:
    """A bundle that was left for a peer."""

    bundle: bytes
    peer: Key
    at: int
    where: str
    """What people call the stick or place."""
    journal: bytes
    counter: int
    since: Counters
    whole: bool
    arrived: int | None = None
    """When its receipt came."""
    sets: bytes = bytes(8)
    """8 bytes on what the peer could have then, as it and we followed bodies: of other sets it says nothing."""


@dataclass(frozen=True, slots=True)
class CameBundle:
    """A bundle that came. `told`: which of its tips were read, as stretches; `files`: how many of its files, complete."""

    bundle: bytes
    maker: Key
    at: int
    made: int
    journal: bytes
    counter: int
    since: Counters
    tips: int
    everything: bool
    """Its tips are those of all logs, and not only of those that moved."""
    told: tuple[tuple[int, int], ...] = ()
    files: frozenset[int] = frozenset()
    last: int | None = None
    """The number of its last file, once that is known."""
    whole: bool = False
    done: bool = False
    """All that it tells of is held, or refused."""


class Claim(NamedTuple):
    """A tip that a peer says it holds, and that was not held here then."""

    maker: Key
    log_class: int
    kind: int
    log: LogId
    seq: int
    name: bytes
    counter: int
    """Of the maker's journal when it said so."""
    code: str
    """Why it was refused; "" when it has not come."""


class CarriedTables:
    """All of it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    # --- How far ------------------------------------------------------------------------------------------

    @guarded
    def get(self, peer: Key) -> Carried:
        """Return how far both have come."""
        row = self._conn.execute(f"SELECT {_CARRIED} FROM carried WHERE peer = ?", (peer,)).fetchone()
        if row is None:
            return Carried()
        seen_journal, seen, acked_journal, acked, sets, follows, asked_at, asked_counter = row
        known = tuple(sets[at : at + 8] for at in range(0, 32, 8))
        return Carried(
            seen_journal,
            _counters(seen),
            acked_journal,
            _counters(acked),
            known,
            follows,
            asked_at,
            asked_counter,
        )

    @guarded
    def put(self, peer: Key, carried: Carried) -> None:
        """Keep it."""
        self._conn.execute(
            f"INSERT OR REPLACE INTO carried (peer, {_CARRIED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                peer,
                carried.seen_journal,
                _packed(carried.seen),
                carried.acked_journal,
                _packed(carried.acked),
                b"".join(carried.acked_sets),
                carried.follows,
                carried.asked_at,
                carried.asked_counter,
            ),
        )

    @guarded
    def peers(self) -> list[Key]:
        """Return all of whom something is known here."""
        return [Key(key) for (key,) in self._conn.execute("SELECT peer FROM carried ORDER BY peer")]

    # --- Bundles ------------------------------------------------------------------------------------------

    @guarded
    def leave(self, left: LeftBundle) -> None:
        """Remember a bundle that was left for a peer."""
        self._conn.execute(
            f"INSERT OR REPLACE INTO left_bundles ({_LEFT}) VALUES ({', '.join('?' * 10)})",
            (
                left.bundle,
                left.peer,
                left.at,
                left.where,
                left.journal,
                left.counter,
                _packed(left.since),
                left.whole,
                left.arrived,
                left.sets,
            ),
        )
        self._prune("left_bundles", "peer", left.peer)

    @guarded
    def take_back(self, bundle: bytes) -> None:
        """Forget a bundle that was left: another took its place before anybody carried it away."""
        self._conn.execute("DELETE FROM left_bundles WHERE bundle = ? AND arrived IS NULL", (bundle,))

    @guarded
    def left(self, peer: Key | None = None) -> list[LeftBundle]:
        """Return what was left for a peer, or for all; the last first."""
        rows = self._conn.execute(
            f"SELECT {_LEFT} FROM left_bundles WHERE ?1 IS NULL OR peer = ?1 ORDER BY at DESC, bundle",
            (peer,),
        ).fetchall()
        return [
            LeftBundle(
                bundle, Key(key), at, where, journal, counter, _counters(since), bool(whole), arrived, sets
            )
            for bundle, key, at, where, journal, counter, since, whole, arrived, sets in rows
        ]

    @guarded
    def arrived(self, peer: Key, bundles: Iterable[bytes], at: int) -> None:
        """Note that these bundles have come to the peer."""
        self._conn.executemany(
            "UPDATE left_bundles SET arrived = ? WHERE bundle = ? AND peer = ? AND arrived IS NULL",
            [(at, bundle, peer) for bundle in bundles],
        )

    @guarded
    def came_in(self, came: CameBundle) -> None:
        """Remember a bundle that came, in place of what was known of it."""
        self._conn.execute(
            f"INSERT OR REPLACE INTO came_bundles ({_CAME}) VALUES ({', '.join('?' * 14)})",
            (
                came.bundle,
                came.maker,
                came.at,
                came.made,
                came.journal,
                came.counter,
                _packed(came.since),
                came.tips,
                came.everything,
                ",".join(f"{low}-{high}" for low, high in came.told),
                ",".join(map(str, sorted(came.files))),
                came.last,
                came.whole,
                came.done,
            ),
        )
        self._prune("came_bundles", "maker", came.maker)

    @guarded
    def came(self, maker: Key | None = None) -> list[CameBundle]:
        """Return what came of a maker, or of all; what was made last first."""
        rows = self._conn.execute(
            f"SELECT {_CAME} FROM came_bundles WHERE ?1 IS NULL OR maker = ?1 ORDER BY counter DESC, bundle",
            (maker,),
        ).fetchall()
        return [_came(row) for row in rows]

    @guarded
    def came_as(self, bundle: bytes, maker: Key) -> CameBundle | None:
        """Return what is known of a bundle that came."""
        row = self._conn.execute(
            f"SELECT {_CAME} FROM came_bundles WHERE bundle = ? AND maker = ?", (bundle, maker)
        ).fetchone()
        return _came(row) if row else None

    def _prune(self, table: str, column: str, key: Key) -> None:
        self._conn.execute(
            f"DELETE FROM {table} WHERE {column} = ? AND bundle NOT IN"
            f" (SELECT bundle FROM {table} WHERE {column} = ? ORDER BY at DESC LIMIT {KEPT_BUNDLES})",
            (key, key),
        )

    # --- What is missing ----------------------------------------------------------------------------------

    @guarded
    def claim(self, claims: Iterable[Claim]) -> None:
        """Note tips that are not held. What was noted before stays as it was, but for that it is said again."""
        self._conn.executemany(
            f"INSERT INTO claims ({_CLAIM}, said) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET said = max(said, excluded.said)",
            [(*each, each.counter) for each in claims],
        )

    @guarded
    def claims(self, maker: Key | None = None) -> list[Claim]:
        """Return what a peer holds and we do not, as it was when it was noted; or all of them."""
        rows = self._conn.execute(
            f"SELECT {_CLAIM} FROM claims WHERE ?1 IS NULL OR maker = ?1 ORDER BY maker, log, seq, name",
            (maker,),
        ).fetchall()
        return [Claim(Key(row[0]), row[1], row[2], LogId(row[3]), *row[4:]) for row in rows]

    @guarded
    def count_claims(self, maker: Key) -> int:
        """Return how many there are of one peer."""
        found: int = self._conn.execute("SELECT count(*) FROM claims WHERE maker = ?", (maker,)).fetchone()[0]
        return found

    @guarded
    def met(self, claims: Iterable[Claim]) -> None:
        """Forget these: what they tell of is held now, or not wanted."""
        self._conn.executemany(
            "DELETE FROM claims WHERE maker = ? AND log = ? AND kind = ? AND seq = ? AND name = ?",
            [(each.maker, each.log, each.kind, each.seq, each.name) for each in claims],
        )

    @guarded
    def unsaid(self, maker: Key, counter: int, classes: Iterable[int]) -> None:
        """Forget what a maker did not say again when it told of all that it holds of these classes."""
        self._conn.executemany(
            "DELETE FROM claims WHERE maker = ? AND class = ? AND said < ?",
            [(maker, log_class, counter) for log_class in classes],
        )

    @guarded
    def refuse(self, log: LogId, code: str) -> None:
        """Note why nothing of a log was let in."""
        self._conn.execute("UPDATE claims SET code = ? WHERE log = ?", (code, log))

    # --- What others hold ---------------------------------------------------------------------------------

    @guarded
    def hold(self, peer: Key, counter: int, tips: Iterable[tuple[LogId, int, bytes]]) -> None:
        """Note what a peer says that it holds, in place of what it said of these logs before; up to a bound."""
        tips = list(tips)
        self._conn.executemany(
            "DELETE FROM theirs WHERE peer = ? AND log = ? AND counter < ?",
            [(peer, log, counter) for log in {log for log, _, _ in tips}],
        )
        count = self._conn.execute("SELECT count(*) FROM theirs WHERE peer = ?", (peer,)).fetchone()[0]
        self._conn.executemany(
            "INSERT OR IGNORE INTO theirs (peer, log, seq, name, counter) VALUES (?, ?, ?, ?, ?)",
            [(peer, log, seq, name, counter) for log, seq, name in tips[: max(0, MAX_THEIRS - count)]],
        )

    @guarded
    def theirs(self, peer: Key, log: LogId) -> list[tuple[int, bytes]]:
        """Return what a peer said that it holds of a log: place and first bytes of the id, of each branch."""
        rows = self._conn.execute("SELECT seq, name FROM theirs WHERE peer = ? AND log = ?", (peer, log))
        return [(seq, name) for seq, name in rows]

    @guarded
    def forget_theirs(self, peer: Key) -> None:
        """Forget what a peer said that it holds, and when it said what is missing: its journal began anew."""
        self._conn.execute("DELETE FROM theirs WHERE peer = ?", (peer,))
        self._conn.execute("UPDATE claims SET counter = 0, said = 0 WHERE maker = ?", (peer,))

    # --- What others ask for ------------------------------------------------------------------------------

    @guarded
    def ask_anew(self, peer: Key) -> None:
        """Forget what a peer asked for."""
        self._conn.execute("DELETE FROM asked WHERE peer = ?", (peer,))

    @guarded
    def ask(self, peer: Key, wanted: Iterable[tuple[LogId, bytes]], at: int) -> None:
        """Note logs that a peer asks for, each with what it holds of it, as it said so and when that came; up to a bound."""
        count = self._conn.execute("SELECT count(*) FROM asked WHERE peer = ?", (peer,)).fetchone()[0]
        rows = [(peer, log, held, at) for log, held in wanted][: max(0, MAX_ASKED - count)]
        self._conn.executemany("INSERT OR REPLACE INTO asked (peer, log, held, at) VALUES (?, ?, ?, ?)", rows)

    @guarded
    def asked(self, peer: Key, after: int = -1) -> list[tuple[LogId, bytes]]:
        """Return what a peer asks for, as far as that came after a moment."""
        rows = self._conn.execute(
            "SELECT log, held FROM asked WHERE peer = ? AND at > ? ORDER BY log", (peer, after)
        ).fetchall()
        return [(LogId(log), held) for log, held in rows]


_CARRIED = "seen_journal, seen, acked_journal, acked, acked_sets, follows, asked_at, asked_counter"
_LEFT = "bundle, peer, at, place, journal, counter, since, whole, arrived, sets"
_CAME = "bundle, maker, at, made, journal, counter, since, tips, everything, told, files, last, whole, done"
_CLAIM = "maker, class, kind, log, seq, name, counter, code"


def _packed(counters: Counters) -> bytes:
    return b"".join([each.to_bytes(8, "big", signed=True) for each in counters])


def _counters(data: bytes) -> Counters:
    one, two, three, four = (int.from_bytes(data[at : at + 8], "big", signed=True) for at in range(0, 32, 8))
    return one, two, three, four


def _came(row: tuple[object, ...]) -> CameBundle:
    bundle, maker, at, made, journal, counter, since, tips, everything, told, files, last, whole, done = row
    stretches = [each.partition("-") for each in str(told).split(",") if each]
    return CameBundle(
        bundle=bundle,  # type: ignore[arg-type]
        maker=maker,  # type: ignore[arg-type]
        at=at,  # type: ignore[arg-type]
        made=made,  # type: ignore[arg-type]
        journal=journal,  # type: ignore[arg-type]
        counter=counter,  # type: ignore[arg-type]
        since=_counters(since),  # type: ignore[arg-type]
        tips=tips,  # type: ignore[arg-type]
        everything=bool(everything),
        told=tuple((int(low), int(high)) for low, _, high in stretches),
        files=frozenset(int(each) for each in str(files).split(",") if each),
        last=last,  # type: ignore[arg-type]
        whole=bool(whole),
        done=bool(done),
    )
