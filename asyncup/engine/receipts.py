"""Receipts of what a run uploads, written beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from asyncup.core import events
from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event, Listener
from asyncup.core.model import ObjectURI
from asyncup.core.receipts import receipt_line
from asyncup.edges.receipts import ReceiptFile

Now = Callable[[], datetime]

_Due = tuple[ObjectURI, str, asyncio.Event]
"""An object, its line, and what is set when that was written or is lost."""

_ENDED = (events.UploadFailed, events.FileSkipped, events.UploadInterrupted)
"""What may become of a file that was begun, without an object."""


class ReceiptLog:
    """A listener that writes a receipt for every object that is done.

    Attributes:
        failures: of receipts that could not be written; the uploads go on without them.
    """

    def __init__(self, file: ReceiptFile, announce: Listener, now: Now) -> None:
        self._file = file
        self._announce = announce
        self._now = now
        self._started: dict[ObjectURI, datetime] = {}
        self._queue: asyncio.Queue[_Due | None] = asyncio.Queue()
        self._unwritten: dict[ObjectURI, asyncio.Event] = {}
        self._lost: set[ObjectURI] = set()
        self.failures: list[AsyncupError] = []

    def __call__(self, event: Event, /) -> None:
        """Take in an event; what is to be written is written a little later, by a thread."""
        if isinstance(event, events.FileStarted):
            self._started[event.uri] = self._now()
        elif isinstance(event, events.UploadCompleted):
            started = self._started.pop(event.uri, None)
            line = receipt_line(event.source, event.result, started, self._now())
            written = self._unwritten[event.uri] = asyncio.Event()
            self._queue.put_nowait((event.uri, line, written))
        elif isinstance(event, _ENDED) and event.uri is not None:
            self._started.pop(event.uri, None)

    async def write(self) -> None:
        """Write what comes, until the end is told: all that is due at once, not one by one.

        So the disk, which may take longer for a line than S3 for an object, does not fall behind.
        """
        while due := await self._due():
            lines = [line for _, line, _ in due]
            errors = await asyncio.to_thread(self._file.append, *lines)
            for (uri, _, written), error in zip(due, errors, strict=True):
                self._note(uri, written, error)

    async def _due(self) -> list[_Due]:
        """Wait for something to write and return all that there is; nothing at the end."""
        due, each = [], await self._queue.get()
        while each is not None:
            due.append(each)
            if self._queue.empty():
                return due
            each = self._queue.get_nowait()
        if due:
            # The next one to ask is told of the end.
            self.end()
        return due

    def _note(self, uri: ObjectURI, written: asyncio.Event, error: AsyncupError | None) -> None:
        if error is None:
            self._lost.discard(uri)
        else:
            self.failures.append(error)
            self._lost.add(uri)
            self._announce(events.ReceiptLost(uri, error))
        written.set()
        if self._unwritten[uri] is written:
            del self._unwritten[uri]

    async def has(self, uri: ObjectURI) -> bool:
        """Wait for the receipt of an object, if one is to come; return whether none was lost."""
        if (written := self._unwritten.get(uri)) is not None:
            await written.wait()
        return uri not in self._lost

    def end(self) -> None:
        """Let `write` end when all is written."""
        self._queue.put_nowait(None)


@asynccontextmanager
async def receipts_to(
    file: ReceiptFile,
    announce: Listener,
    now: Now = lambda: datetime.now(UTC),
) -> AsyncIterator[ReceiptLog]:
    """Open a log of receipts; on leaving, however that comes about, all of them are written."""
    log = ReceiptLog(file, announce, now)
    writing = asyncio.create_task(log.write())
    try:
        yield log
    finally:
        log.end()
        await writing
