"""Bundles at a running daemon: those that a command hands over, and those on sticks that appear."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio

from fedsync import handing
from fedsync.bundling import Batch, Taking, batches
from fedsync.daemon.watching import Watching
from fedsync.errors import Exit, Problem
from fedsync.node import Taken

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon

MOST_HANDED: Final = 8
"""Files that commands hand over at once. Whoever began one and says no more for long makes room for others."""
SILENT_SECONDS: Final = 600.0
"""A stick may take long to read; a command that ended without a word never comes back."""


@dataclass
class _Handed:
    taking: Taking
    heard: float
    """When a command last said something of it."""


class Sticks:
    """Takes bundles in at one daemon."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._handed: dict[int, _Handed] = {}
        self._number = 0
        self.watched = [Watching(daemon, section) for section in daemon.settings.sticks]

    async def watch(self) -> None:
        """Look for sticks until cancelled."""
        async with trio.open_nursery() as nursery:
            for each in self.watched:
                nursery.start_soon(each.run)

    def told(self) -> list[dict[str, str]]:
        """Return what happened last with the sticks of each directory."""
        return [{"watch": each.section.watch, "says": each.says} for each in self.watched]

    # --- What commands hand over ---------------------------------------------------------------------------

    def begin(self) -> dict[str, Any]:
        """Begin with a file that a command hands over. Raises a Problem when there are too many."""
        now = trio.current_time()
        for number in [each for each, handed in self._handed.items() if now - handed.heard > SILENT_SECONDS]:
            del self._handed[number]
        if len(self._handed) >= MOST_HANDED:
            raise Problem(
                "too_many_files",
                f"{MOST_HANDED} files are being taken in already. Nothing was changed.",
                "Type the command again when they are done.",
                Exit.NOT_YET,
            )
        self._number += 1
        self._handed[self._number] = _Handed(Taking(self._daemon.node, self._daemon.key), now)
        return {"number": self._number}

    async def more(self, number: int, group: object) -> dict[str, Any]:
        """Take in the next chunks of a file."""
        handed = self._of(number)
        handed.heard = trio.current_time()
        for batch in batches(handing.pieces(group)):
            await self._take(handed.taking, batch)
        return {}

    async def end(self, number: int) -> dict[str, Any]:
        """End a file, and return what came of it."""
        taking = self._of(number).taking
        del self._handed[number]
        await self.end_file(taking)
        return handing.told(taking.came)

    def _of(self, number: int) -> _Handed:
        found = self._handed.get(number)
        if found is None:
            raise Problem(
                "no_such_file",
                "The daemon does not know of this file any more; what was taken of it is kept.",
                "Type the command again.",
                Exit.NOT_YET,
            )
        return found

    async def _take(self, taking: Taking, batch: Batch) -> None:
        await self.step(partial(taking.take, batch))

    async def end_file(self, taking: Taking) -> None:
        """End a file that is taken in; peers are told of the bodies that are followed because its maker announced them."""
        await self.step(taking.end)
        if taking.follows_more:
            self._daemon.links.bodies_changed()

    async def step(self, step: Callable[[], list[Taken]]) -> None:
        """Do a step of taking in while nobody else uses the node, and tell of what is durable."""
        # What is durable must be told of, when whoever asked for it is gone meanwhile.
        with trio.CancelScope(shield=True):
            async with self._daemon.links.door.writing() as _:
                taken = await trio.to_thread.run_sync(step)
            self._daemon.links.announce(taken)
