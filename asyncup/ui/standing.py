"""Commands and uploads that are not finished: told by a run, and as lines for who asks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Self

from asyncup.core import aftercare, conditions, events
from asyncup.core.errors import AsyncupError, SourceError, SourceMissing, UsageError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.progress import Progress
from asyncup.core.sizes import format_duration, format_size
from asyncup.core.spelling import told_without_secrets
from asyncup.core.standing import Command, CommandFound, State, UnfinishedUploadFound, note_text
from asyncup.ui.renderer import Writable
from asyncup.ui.text import Level, Line, counted

_FAILURES = (
    events.UploadFailed,
    events.RetryScheduled,
    conditions.WentOffline,
    aftercare.VerifyFailed,
)

_MOST = 100
"""Objects that a note names."""


class Note:
    """Keeps the note of a command up to date; there is none of one that is done.

    Args:
        stream: of which each write is all there is to be, and an empty one removes it.
        command: what was asked for.
        clock: seconds, from any monotonic clock.
        now: the time of day.
        pid: of this process.
        before: what was there of an earlier run, which a command that did nothing leaves as it was.
    """

    interval = 2.0

    def __init__(
        self,
        stream: Writable,
        command: Command,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        pid: int,
        before: str = "",
    ) -> None:
        self._pid = pid
        self._before = before
        self._stream = stream
        self._command = command
        self._clock = clock
        self._now = now
        self._began = now()
        self._progress = Progress()
        self._last_error: str | None = None
        self._exit_code: int | None = None
        self._has_refused = False
        self._is_only_missing = True

    def __enter__(self) -> Self:
        self.tick()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Take in an event."""
        self._progress.apply(event)
        if isinstance(event, _FAILURES):
            self.error(event.error)
        if isinstance(event, events.UploadFailed) and event.uri is None:
            self._has_refused = True
        if isinstance(event, events.ScanFinished):
            # What there is to do is known from now on, also if it is killed in a moment.
            self.tick()

    def error(self, error: AsyncupError) -> None:
        """Remember what went wrong last."""
        self._last_error = told_without_secrets(str(error))
        self._is_only_missing = self._is_only_missing and isinstance(error, SourceMissing)

    def tick(self) -> None:
        """Write how it stands."""
        self._progress.sample(self._clock())
        self._stream.write(note_text(self._command, self._found(), self._unfinished()))

    def end(self, exit_code: int) -> None:
        """Write how it ended, nothing any more if it is done, what was there if it did nothing."""
        self._exit_code = exit_code
        if exit_code == UsageError.exit_code or self._has_found_nothing(exit_code):
            self._stream.write(self._before)
        elif exit_code:
            self.tick()
        else:
            self._stream.write("")

    def _has_found_nothing(self, exit_code: int) -> bool:
        """Return whether no source was there; one of many may be on a disk that comes back."""
        found = self._progress.files_found or self._progress.files_skipped
        return exit_code == SourceError.exit_code and self._is_only_missing and not found

    def _unfinished(self) -> Sequence[ObjectURI] | None:
        """Return what is left to do, None as long as nobody can name all of it."""
        if self._has_refused or not self._progress.scan_finished:
            return None
        unfinished = self._progress.unfinished
        return None if unfinished is None or len(unfinished) > _MOST else unfinished

    def _found(self) -> CommandFound:
        state = self._progress
        return CommandFound(
            name=self._command.name,
            state=State.RUNNING,
            arguments=list(self._command.arguments),
            directory=self._command.directory,
            pid=self._pid,
            started=self._began,
            updated=self._now(),
            files_found=state.files_found,
            files_done=state.files_done,
            files_failed=state.files_failed,
            bytes_found=state.bytes_found + state.bytes_left,
            bytes_committed=state.committed,
            bytes_in_flight=state.in_flight,
            rate=round(state.rate),
            eta=None if state.eta is None else round(state.eta),
            last_error=self._last_error,
            exit_code=self._exit_code,
            obstacle=self._command.obstacle,
        )


def command_lines(found: CommandFound, shown: str) -> Iterator[Line]:
    """Say how a command stands; `shown` is the command as one would type it."""
    level = Level.INFO if found.state is State.RUNNING else Level.WARNING
    yield Line(level, f"{found.name} {found.state}: {shown}")
    told = [
        f"{found.files_done}/{found.files_found} files",
        f"{format_size(found.bytes_committed)} of {format_size(found.bytes_found)}",
    ]
    if found.files_failed:
        told.append(f"{found.files_failed} failed")
    if found.state is State.RUNNING:
        told.append(f"{format_size(found.rate)}/s")
        if found.eta is not None:
            told.append(f"{format_duration(found.eta)} left")
        told.append(f"process {found.pid}")
    else:
        told.append(f"since {found.updated:%Y-%m-%d %H:%M} UTC")
    yield Line(level, f"  {' · '.join(told)}")
    if found.last_error is not None:
        yield Line(level, f"  last error: {found.last_error}")
    if found.state is not State.RUNNING:
        how = found.obstacle or f"asyncup resume {found.name}"
        yield Line(level, f"  to go on: {how}")


def upload_line(found: UnfinishedUploadFound) -> Line:
    """Say how an upload stands, in one line that begins with its URI."""
    of = "" if found.size is None else f" of {format_size(found.size)}"
    told = [
        f"{counted(found.parts_committed, 'part')} at S3",
        f"{format_size(found.bytes_committed)}{of}",
        f"of {found.source}",
        "being sent" if found.is_running else "waiting to be resumed",
    ]
    return Line(Level.INFO, f"{found.uri}: {', '.join(told)} (upload ID {found.upload_id})")
