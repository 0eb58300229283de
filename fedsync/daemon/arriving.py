"""What lies on sticks is taken in: what is urgent of all files first, then all of each, a few side by side in turns.

Reading waits for sticks in threads of its own. While a file is read, nobody who writes waits for it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from fedsync import sticks
from fedsync.bundling import Course, Fresh, Head, Taking, batches, head, lines
from fedsync.errors import Problem
from fedsync.gossip.bundles.chunks import Piece
from fedsync.gossip.bundles.form import Title
from fedsync.handing import GROUP_CHUNKS
from fedsync.wrapping import Opener

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon
    from fedsync.daemon.watching import Watching

AT_ONCE: Final = 4
"""Files that are read side by side, of different makers: each holds some megabytes, and what waits for a name up to eight."""
AGAIN_SECONDS: Final = 60.0
"""Before a file is tried again that could not be read to its end, while it stays: its stick was pulled out, or wears out."""

T = TypeVar("T")


@dataclass
class _File:
    source: sticks.Source
    title: Title | None
    early: int
    """Records that came with what is urgent of it."""


@dataclass
class _Open:
    """A file that is being read. `stack`: what closes it."""

    file: _File
    stack: ExitStack
    course: Course
    taking: Taking


class Arriving:
    """Takes in what one look at a directory has found."""

    def __init__(self, daemon: "Daemon", watching: "Watching") -> None:
        self._daemon, self._watching = daemon, watching
        self._ours = Opener(daemon.private)
        self._files: list[_File] = []
        self._gone = False
        """A file could not be opened again: it is told once that the stick was pulled out, not of each file."""

    async def look(self, found: Iterator[sticks.Source]) -> None:
        """Look at files, and take in what is urgent of each."""
        known = self._known()
        while (source := await apart(partial(next, found, None))) is not None:
            try:
                begins = await apart(partial(self._head, source, known))
            except Problem:
                # It is told when all of it is to be read.
                begins = Head(None, [])
            early = 0
            if begins.pieces:
                taking = Taking(self._daemon.node, self._daemon.key)
                await self._take(taking, begins.pieces)
                await self._daemon.sticks.end_file(taking)
                early = taking.came.records
            self._files.append(_File(source, begins.title, early))

    def _head(self, source: sticks.Source, known: Callable[[Title], bool]) -> Head:
        with source.opened() as pieces:
            return head(pieces, self._ours, known)

    async def take(self) -> bool:
        """Take in all of the files that were looked at; say whether there was something in them."""
        waiting = deque(lines((each, each.title, _size(each)) for each in self._files))
        going: deque[tuple[_Open, list[_File]]] = deque()
        fresh = False
        while waiting or going:
            if waiting and len(going) < AT_ONCE:
                file, *rest = waiting.popleft()
                if (opened := await self._open(file)) is not None:
                    going.append((opened, rest))
                elif rest:
                    waiting.appendleft(rest)
                continue
            opened, rest = going.popleft()
            if await self._go_on(opened):
                going.append((opened, rest))
            else:
                # Not when this is told to stop: a stick that does not answer would be waited for.
                opened.stack.close()
                fresh = await self._ended(opened) or fresh
                if rest:
                    waiting.appendleft(rest)
        return fresh

    async def _open(self, file: _File) -> _Open | None:
        found = file.source.found
        assert found is not None
        stack = ExitStack()
        try:
            pieces = await apart(partial(stack.enter_context, file.source.opened_again()))
        except Problem as problem:
            if not self._gone:
                self._unreadable(file, problem)
            self._gone = True
            return None
        self._watching.seen.read(found)
        course = Course(pieces, self._ours, self._known())
        return _Open(file, stack, course, Taking(self._daemon.node, self._daemon.key))

    async def _go_on(self, opened: _Open) -> bool:
        """Take in the next part of a file; False when that was all."""
        try:
            pieces = await apart(opened.course.more)
        except Problem as problem:
            self._unreadable(opened.file, problem)
            return False
        await self._take(opened.taking, pieces or ())
        return pieces is not None

    async def _ended(self, opened: _Open) -> bool:
        fresh = opened.course.fresh
        if fresh.passed and not fresh.some:
            return False
        await self._daemon.sticks.end_file(opened.taking)
        if opened.course.ended:
            self._watching.tell_of(opened.file.source.shown, opened.taking.came, opened.file.early)
        return True

    def _unreadable(self, file: _File, problem: Problem) -> None:
        assert file.source.found is not None
        self._watching.seen.read(file.source.found, trio.current_time() + AGAIN_SECONDS)
        self._watching.tell(problem.message)

    async def mend(self, found: list[sticks.Source]) -> None:
        """Take in what is lost or damaged of these files and can be had from others of them."""
        mended = sticks.mended_files(found, self._ours)
        while (pieces := await apart(partial(next, mended, None))) is not None:
            taking = Taking(self._daemon.node, self._daemon.key)
            fresh = Fresh(self._known())
            await self._take(taking, filter(fresh.wants, pieces))
            if fresh.some or not fresh.passed:
                await self._daemon.sticks.end_file(taking)
                self._watching.tell_of("mended", taking.came, 0)

    async def _take(self, taking: Taking, pieces: Iterable[Piece]) -> None:
        read = batches(pieces, GROUP_CHUNKS)
        while (batch := await apart(partial(next, read, None))) is not None:
            await self._daemon.sticks.step(partial(taking.take, batch))

    def _known(self) -> Callable[[Title], bool]:
        """Return what says whether a file begins as one that this node made, or of which all has come. It may be asked apart."""
        own = self._daemon.key
        done = {
            (each.bundle, each.maker): each.files for each in self._daemon.reader.carried.came() if each.done
        }

        def known(title: Title) -> bool:
            return title.said.maker == own or title.part in done.get(title.said, ())

        return known


def _size(file: _File) -> int:
    return file.source.found.size if file.source.found is not None else 0


async def apart(work: Callable[[], T]) -> T:
    """Do something in a thread of its own, which is left behind when this is told to stop: a stick may never answer."""
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
