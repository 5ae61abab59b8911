"""What all files of a run share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from asyncup.core.events import Listener
from asyncup.core.object_check import ObjectCheck
from asyncup.core.options import Options
from asyncup.edges.gateway import Gateway
from asyncup.edges.hands import Hands
from asyncup.edges.hints import Hints
from asyncup.edges.journal import Journal
from asyncup.engine.laggards import Laggards
from asyncup.engine.link import Link
from asyncup.engine.rate import RateControl
from asyncup.engine.retry import Retrier
from asyncup.engine.slots import Places, Slots
from asyncup.engine.source import OpenFile


@dataclass(frozen=True, slots=True)
class Runtime:
    """The tools of a run.

    Attributes:
        hands: who sends the parts, this process or others.
        open_file: gives the source for a path, whose parts are read by the same.
        hints: what is known of the server: they spare requests, and prove nothing.
        slots: permission to hold a part in flight; the same for all files.
        window: permission to hold a part anywhere between its source and S3, which bounds the
            disk that chunk files take; it has a few places more than there are slots.
        link: knows whether S3 can be reached.
        stopping: set when no further part is to be begun.
        rate: how fast bytes may go out, of all files together.
    """

    gateway: Gateway
    hands: Hands
    open_file: OpenFile
    options: Options
    announce: Listener
    retry: Retrier
    journal: Journal
    hints: Hints
    slots: Slots
    window: Places
    link: Link
    stopping: asyncio.Event
    backlog: "Backlog"
    rate: RateControl
    laggards: Laggards
    object_check: ObjectCheck


class Backlog:
    """Counts the parts of the files begun that nobody has taken up yet.

    The next file is begun when fewer than `enough` are left: early enough for its first requests
    to be done when the slots fall free, so that its parts follow without a gap; late enough that
    no upload stands open at S3 for days before its turn.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._parts = 0
        self._is_released = False
        self._room = asyncio.Event()
        self._room.set()

    def open(self, parts: int) -> "Claim":
        """Add a file's parts."""
        self._change(parts)
        return Claim(parts, self._change)

    @property
    def is_empty(self) -> bool:
        """Whether every part of the files begun was taken up."""
        return not self._parts

    async def room(self) -> None:
        """Wait until another file is to be begun."""
        await self._room.wait()

    def release(self) -> None:
        """Let nobody wait any more."""
        self._is_released = True
        self._room.set()

    def resize(self, enough: int) -> None:
        """Set how many parts are enough."""
        self._enough = enough
        self._change(0)

    def _change(self, parts: int) -> None:
        self._parts += parts
        if self._is_released or self._parts < self._enough:
            self._room.set()
        else:
            self._room.clear()


class Claim:
    """One file's share of the backlog; close it when the file is done, however it ended."""

    def __init__(self, parts: int, change: Callable[[int], None]) -> None:
        self._left = parts
        self._change = change

    def take(self) -> None:
        """Note that one part was taken up."""
        if self._left:
            self._left -= 1
            self._change(-1)

    def close(self) -> None:
        """Give back what was not taken up."""
        self._change(-self._left)
        self._left = 0
