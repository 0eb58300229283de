"""Sticks that appear at a running daemon: the bundles on them are taken in, and one is left on those that were made for it.

Nothing on a stick is ever run, and nothing is opened but plain files (`media`). Whatever a stick does, it does in a thread
of its own: no link and nobody who writes waits for it.
"""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from fedsync import fatnames, media, sticks
from fedsync.bundling import Came
from fedsync.daemon.arriving import Arriving, apart
from fedsync.errors import Problem
from fedsync.gossip.events import Peer
from fedsync.plain import many
from fedsync.records.ids import Key
from fedsync.sticking import Watched
from fedsync.store.errors import StoreError

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon

LOOK_SECONDS: Final = 3.0
"""Between two looks at a directory: who holds a stick in for a quarter of a minute is served."""
LEAVE_SECONDS: Final = 60.0
"""Between two bundles that are left on one stick while it stays: sticks wear out."""
REST: Final = 20.0
"""How many times as long as it took nothing is looked at or left again: a slow stick full of pictures costs little."""
SEEN_FILES: Final = media.MOST_ENTRIES
"""Files whose state is kept in mind, so that they are not read again: as many as are looked at, else none would be known again."""

log = logging.getLogger("fedsync")


class _Stamp(NamedTuple):
    """By what a file is known to be the one that was read before."""

    device: int
    inode: int
    size: int
    changed: int


class Seen:
    """Which files need not be read again: those that were, as long as they stay. What goes away and comes again is read again."""

    def __init__(self) -> None:
        self._until: OrderedDict[_Stamp, float] = OrderedDict()
        """Of each file, until when it is left alone."""
        self._here: set[_Stamp] = set()
        """What was met since `looked`."""

    def wants(self, found: media.Found, now: float) -> bool:
        """Say whether a file that was met is to be read."""
        stamp = _stamp_of(found)
        self._here.add(stamp)
        return self._until.get(stamp, now) <= now

    def read(self, found: media.Found, until: float = inf) -> None:
        """Leave a file alone until then, as long as it stays."""
        stamp = _stamp_of(found)
        self._until[stamp] = until
        self._until.move_to_end(stamp)
        while len(self._until) > SEEN_FILES:
            self._until.popitem(last=False)

    def looked(self) -> None:
        """Forget what was not met: all that is there was."""
        for stamp in [each for each in self._until if each not in self._here]:
            del self._until[stamp]
        self._here.clear()


@dataclass
class _Left:
    """What was left on a stick since it appeared."""

    stamp: object = None
    """As things stood then; the same again: nothing new is to be said."""
    bundle: bytes = b""
    again_at: float = 0.0


@dataclass
class Watching:
    """One directory in which sticks appear."""

    daemon: "Daemon"
    section: Watched
    told: str = "nothing has come yet"
    """What happened last, in words."""
    wrong: str = ""
    """What is wrong with the file that came last; what was left after it must not hide that."""
    seen: Seen = field(default_factory=Seen)
    _left: dict[Path, _Left] = field(default_factory=dict)

    @property
    def says(self) -> str:
        """What people are told."""
        hidden = self.wrong and self.wrong != self.told
        return f"{self.told}; before that: {self.wrong}" if hidden else self.told

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            begun = trio.current_time()
            try:
                await self._look()
            except Problem as problem:
                self.tell(problem.message)
            except OSError as error:
                self.tell(media.told(Path(self.section.watch), error).message)
            except StoreError:
                raise
            except Exception as error:
                # Else a stick that is left in would end the daemon at each start.
                log.exception("a stick brings a mistake of fedsync to light; please report it")
                self.tell(f"fedsync made a mistake: {error!r}")
            await trio.sleep(max(LOOK_SECONDS, REST * (trio.current_time() - begun)))

    async def _look(self) -> None:
        directory = Path(self.section.watch)
        # Before it is looked at what came: on a stick that appears meanwhile nothing is left before it was read.
        made_for_it = await apart(partial(media.named_so, directory, sticks.MADE_FOR_IT))
        begun = trio.current_time()
        arriving = Arriving(self.daemon, self)
        await arriving.look(sticks.in_directory(directory, lambda found: self.seen.wants(found, begun)))
        self.seen.looked()
        fresh = await arriving.take()
        if fresh and (found := await apart(partial(sticks.to_mend, directory))):
            await arriving.mend(found)
        if self.section.leave_for:
            await self._leave_on(made_for_it, fresh)

    def tell(self, words: str, warn: bool = True) -> None:
        """Say what happened last."""
        if words != self.told:
            self.told = words
            (log.warning if warn else log.info)("stick: %s", words)

    def tell_of(self, name: str, came: Came, early: int) -> None:
        """Say what came of a file. `early`: records that had come of it before."""
        daemon = self.daemon
        who = daemon.name_of(Peer(came.titles[0].said.maker)) if came.titles else "somebody"
        whole = "" if came.ends and not came.damaged else "; it is damaged, or its end is missing"
        if came.titles or came.blocks:
            words, warn = f"{name}: {many(came.records + early, 'record')} from {who}{whole}", bool(whole)
        elif came.bad and all(each.why == "wrapped" for each in came.bad):
            if name.rpartition("/")[2] == self._own_name():
                return  # What this node left there: it cannot read that either.
            words, warn = f"{name}: encrypted for others", False
        elif came.bad:
            words, warn = f"{name}: no bundle of fedsync", True
        else:
            return
        self.wrong = words if warn else ""
        self.tell(words, warn)

    # --- Leaving --------------------------------------------------------------------------------------------

    async def _leave_on(self, targets: list[Path], fresh: bool) -> None:
        """Leave a bundle on each of these, where something new is to be said. `fresh`: something came just now."""
        for gone in [each for each in self._left if each not in targets]:
            del self._left[gone]
        for target in targets:
            left = self._left.setdefault(target, _Left())
            stamp = self._stamp()
            # Whoever brought something may not wait long for the receipt of it.
            rests = trio.current_time() < left.again_at and not fresh
            if stamp is None or left.stamp == stamp or rests:
                continue
            begun = trio.current_time()
            try:
                await self._leave(target, left)
                left.stamp = stamp
            except Problem as problem:
                self.tell(problem.message)
            spent = trio.current_time() - begun
            left.again_at = trio.current_time() + max(LEAVE_SECONDS, REST * spent)

    def _stamp(self) -> object:
        """Return what a new bundle would depend on; None when there is nobody to leave one for."""
        store, whom = self.daemon.reader, self._whom()
        if not whom:
            return None
        return sticks.depends_on(store, tuple(whom))

    def _whom(self) -> dict[Key, str]:
        daemon = self.daemon
        wanted = {each.casefold() for each in self.section.leave_for}
        return {
            key: name
            for key in (*daemon.whom.peers, *daemon.whom.named)
            if daemon.whom.lets_in(key)
            and ((name := daemon.name_of(Peer(key))).casefold() in wanted or key.hex() in wanted)
        }

    def _own_name(self) -> str:
        """Return what a file that this node leaves is called."""
        return fatnames.file_name(
            fatnames.stem(self.daemon.settings.name, tuple(self._whom().values())), None
        )

    async def _leave(self, target: Path, left: _Left) -> None:
        daemon, section, whom = self.daemon, self.section, self._whom()
        plan = sticks.Plan(
            whom, daemon.settings.name, section.encrypt, section.megabytes * 1_000_000, daemon.node.now()
        )
        done = await apart(partial(sticks.leave, daemon.home, daemon.private, target, plan))
        name = media.shown(target.parent.name)
        with trio.CancelScope(shield=True):
            async with daemon.links.door.writing() as node:
                await trio.to_thread.run_sync(sticks.note, node.store, done, name, left.bundle)
        left.bundle = done.bundle
        whole = "" if done.whole else "; not all of it had room"
        self.tell(f"left for {', '.join(whom.values())} on {name}{whole}", warn=bool(whole))


def _stamp_of(found: media.Found) -> _Stamp:
    return _Stamp(found.device, found.inode, found.size, found.changed)
