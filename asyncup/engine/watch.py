"""A directory that is watched: what lies in it goes up, and whatever comes or changes, without end.

What the system tells of changes is a hint where to look; what is there, the directory tells. It is
looked through as a whole at the beginning, whenever hints may have been lost, and from time to
time, as the system loses some without a word.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from asyncup.core import watching
from asyncup.core.errors import (
    AsyncupError,
    Interrupted,
    SourceBusy,
    SourceChanged,
    SourceError,
    SourceUnsuitable,
)
from asyncup.core.events import FileSkipped, Listener, UploadFailed
from asyncup.core.model import Fingerprint, ObjectURI, UploadResult
from asyncup.core.names import printable
from asyncup.core.settling import WITHOUT_HINTS, Settling, Verdict, WatchOptions
from asyncup.edges.remembered import Remembered
from asyncup.edges.watching import Watcher, tell_changes
from asyncup.engine.jobs import Job, Selected, Selection
from asyncup.engine.looking import EVERYWHERE, Look, Seen
from asyncup.engine.runtime import Claim

Upload = Callable[[Job, Claim], Awaitable[UploadResult]]
LettingGo = Callable[[str, Fingerprint], Awaitable[Path | None]]

MOST_HINTS = 10_000
"""Paths that are to be looked at; where there are more, all is looked through."""

CHECK = 2.0
"""Seconds between two looks whether the directory itself is there."""

SHARE = 10
"""Between two times that all is looked through is at least so many times what one takes."""


class Watch:
    """Yields what of a directory is to be uploaded, and hears what becomes of it.

    To be given to `Uploader.watch`, which enters it.

    Args:
        directory: that is watched.
        selection: says which of the files in it are wanted, and their keys.
        options: when they are taken.
        announce: is told what happens to the directory and the files in it.
        let_go: deletes or moves a file that S3 was shown to hold, given its path below the
            directory, and returns where it lies then; see `asyncup.edges.letting_go`.
        watcher: tells of changes.
    """

    def __init__(
        self,
        directory: Path,
        selection: Selection,
        options: WatchOptions,
        announce: Listener,
        *,
        let_go: LettingGo | None = None,
        watcher: Watcher = tell_changes,
    ) -> None:
        self._directory = directory
        self._selection = selection
        self._options = options
        self._announce = announce
        self._let_go = let_go
        self._watcher = watcher
        self._remembered = Remembered()
        self._look = Look(directory, selection, options.marker, self._remembered)
        self._settling = Settling(options.settle)
        self._hinted: set[str] = set()
        self._wake = asyncio.Event()
        self._is_first = self._is_anew = True
        self._there_at_first: dict[str, Fingerprint] = {}
        self._is_behind = False
        self._next_round = 0.0
        self._next_check = 0.0
        self._identity: tuple[int, int] | str | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def prefix(self) -> ObjectURI:
        """What all keys begin with."""
        return self._selection.prefix

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listen_no_more()
        self._remembered.close()

    def around(self, upload: Upload) -> Upload:
        """Return what uploads a file, and lets go of it then, or has it tried again later."""

        async def attempt(job: Job, claim: Claim) -> UploadResult:
            try:
                result = await upload(job, claim)
            except Interrupted:
                raise
            except AsyncupError:
                self._failed(job.name)
                raise
            await self._settle(job, result)
            return result

        return attempt

    async def __aiter__(self) -> AsyncIterator[Selected]:
        """Yield what is to be uploaded; without end, or once what is there."""
        while True:
            await self._check()
            if not self._is_lost:
                async for each in self._found():
                    yield each
            if self._options.once and not (self._is_anew or self._settling.is_waiting):
                return
            await self._until_due()

    @property
    def _is_lost(self) -> bool:
        return not isinstance(self._identity, tuple)

    async def _check(self) -> None:
        """See whether the directory is there, and the one that it was."""
        if self._now() < self._next_check:
            return
        found = await self._look.identity()
        self._next_check = self._now() + CHECK
        if found == self._identity:
            return
        self._identity = found
        await self._listen_no_more()
        if isinstance(found, str):
            self._announce(watching.WatchLost(str(self._directory), found))
            return
        self._is_anew = True
        self._next_round = self._now()
        if self._options.poll is None and not self._options.once:
            # The first hint says that changes are told from now on: all is looked through then.
            self._next_round += self._options.every
            self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        told = ""
        while True:
            reason = await self._watcher(self._directory, self._hint)
            if reason != told:
                told = reason
                self._announce(watching.WatchPolls(str(self._directory), reason, WITHOUT_HINTS))
            self._hint(None)
            await asyncio.sleep(WITHOUT_HINTS)

    async def _listen_no_more(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    def _hint(self, paths: Iterable[str] | None) -> None:
        """Take a hint where to look; None is everywhere."""
        for path in paths or ():
            self._hinted |= set(self._look.subjects(path))
            if path == str(self._directory):
                # It may be another one by now, also where it seems to be the same.
                self._identity, self._next_check = None, self._now()
        if paths is None or len(self._hinted) > MOST_HINTS:
            self._hinted = {EVERYWHERE}
        self._wake.set()

    async def _until_due(self) -> None:
        """Wait until there is something to look at."""
        moments = [self._next_check]
        if not self._is_lost:
            due = self._settling.next_due()
            moments += [self._next_round] if due is None else [self._next_round, due]
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(moments)):
                await self._wake.wait()
        self._wake.clear()

    async def _found(self) -> AsyncIterator[Selected]:
        """Yield what is to be uploaded of where something may have changed."""
        due = self._settling.due(self._now())
        relatives, self._hinted = self._hinted, set()
        if EVERYWHERE in relatives or self._now() >= self._next_round:
            async for each in self._all_found():
                yield each
        elif relatives := relatives | {self._relative(path) for path in due}:
            async for each in self._found_at(sorted(relatives)):
                yield each
        if not self._is_behind:
            # What was not met is gone, with the directory that it was in.
            for path in set(due) & set(self._settling.due(self._now())):
                self._settling.gone(path)
                self._there_at_first.pop(path, None)

    async def _all_found(self) -> AsyncIterator[Selected]:
        before = self._look.took
        async for each in self._found_at([EVERYWHERE]):
            yield each
        if self._is_behind:
            # Those that wait are soon gone, and then there is room for others.
            self._next_round = self._now() + self._options.settle
            return
        self._next_round = self._now() + max(
            self._options.every, SHARE * (self._look.took - before)
        )
        self._is_first = False
        if self._is_anew:
            self._is_anew = False
            self._announce(watching.WatchStarted(str(self._directory)))

    async def _found_at(self, relatives: Iterable[str]) -> AsyncIterator[Selected]:
        """Yield what is to be uploaded at these paths; not all of it, if too much has to wait."""
        self._is_behind = False
        async for seen in self._look.at(relatives):
            if isinstance(seen, UploadFailed):
                # It is met again at every look, and is news when it was to be tried again.
                if (deferred := self._deferred(seen.source)) is not None:
                    yield seen
                    self._tell(deferred)
            elif (found := self._judge(seen)) is not None:
                yield found
            if self._is_behind:
                self._next_round = min(self._next_round, self._now() + self._options.settle)
                return

    def _judge(self, seen: Seen | FileSkipped) -> Selected | None:
        """Return what is to be done or told about what was seen now; None if that is nothing."""
        if isinstance(seen, FileSkipped):
            return seen if self._is_first else None
        name, now = seen.job.name, self._now()
        verdict = self._settling.see(name, seen.fingerprint, now, is_whole=seen.is_whole)
        if verdict is Verdict.TAKE:
            return replace(seen.job, is_changed=seen.is_other or not self._was_there(seen))
        if verdict is Verdict.WAIT and self._is_first:
            self._there_at_first.setdefault(name, seen.fingerprint)
        self._is_behind = verdict is Verdict.FULL
        return None

    def _was_there(self, seen: Seen) -> bool:
        """Return whether a file is one that lay there from the beginning, as it was then."""
        at_first = self._there_at_first.pop(seen.job.name, None)
        return self._is_first if at_first is None else at_first == seen.fingerprint

    def _failed(self, name: str) -> None:
        """Have a file that was taken tried again later, or as soon as it has changed."""
        if (deferred := self._deferred(name)) is not None:
            self._tell(deferred)
        self._hint([name])

    def _deferred(self, name: str) -> watching.FileDeferred | None:
        """Note that a file has failed, and return when it is tried again; None if that is known."""
        noted = self._settling.failed(name, self._now())
        return None if noted is None else watching.FileDeferred(name, *noted)

    def _tell(self, deferred: watching.FileDeferred) -> None:
        if not self._options.once:
            self._announce(deferred)

    async def _settle(self, job: Job, result: UploadResult) -> None:
        """Remember a file that is done, or let go of it; and look whether it is another by now."""
        known = result.fingerprint
        if self._let_go is not None:
            try:
                await self._go(self._let_go, job, result)
            except (SourceChanged, SourceBusy) as error:
                self._announce(watching.SourceKept(job.name, job.uri, error))
                self._failed(job.name)
                return
            except SourceError as error:
                self._announce(watching.SourceKept(job.name, job.uri, error))
        taken = self._settling.done(job.name)
        if (done := known or taken) is not None:
            self._remembered.add(job.name, done)
        self._hint([job.name])

    async def _go(self, let_go: LettingGo, job: Job, result: UploadResult) -> None:
        """Delete or move a file, and announce it."""
        known = result.fingerprint
        if known is None or not result.proof.is_by_content:
            told = "S3 holds an object of its size, which is not shown to be this file"
            raise SourceUnsuitable(f"let go of {printable(job.name)}: {told}")
        to = await let_go(self._relative(job.name), known)
        if to is None:
            self._announce(watching.SourceDeleted(job.name, job.uri))
        else:
            self._announce(watching.SourceMoved(job.name, job.uri, str(to)))

    def _relative(self, name: str) -> str:
        return Path(name).relative_to(self._directory).as_posix()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
