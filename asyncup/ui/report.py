"""Who hears of a run, and writes a report of it when it is over."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from asyncup.core import aftercare, conditions, events
from asyncup.core.chronicle import Chronicle
from asyncup.core.errors import AsyncupError, UsageError
from asyncup.core.events import Event
from asyncup.core.spelling import told_without_secrets
from asyncup.ui.renderer import Writable
from asyncup.ui.report_page import Run, page
from asyncup.ui.text import Level, describe

_MOST = 50
"""Warnings that are told in full."""

_TOLD_OTHERWISE = (
    events.RetryScheduled,
    events.UploadInterrupted,
    aftercare.VerifyInterrupted,
    aftercare.VerifyFinished,
    conditions.WentOffline,
)
"""Where they matter: in pictures and tables."""


class Report:
    """Folds events, and writes the page at the end.

    Args:
        stream: of which each write is all there is to be.
        clock: seconds, from any monotonic clock.
        now: the time of day.
        asked: what was to be uploaded, where to, and so on, by what it is.
        slots: how many there are as long as nothing else is heard.
        is_verifying: whether nothing is to be sent, only compared.
    """

    interval = 3600.0

    def __init__(
        self,
        stream: Writable,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        asked: Mapping[str, Sequence[str]],
        slots: int | None = None,
        is_verifying: bool = False,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._now = now
        self._asked = asked
        self._is_verifying = is_verifying
        self._began_at = clock()
        self._began = now()
        self._chronicle = Chronicle(slots=slots)
        self._warnings: list[str] = []
        self._more_warnings = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Take in an event."""
        self._chronicle.apply(event, self._elapsed())
        if isinstance(event, _TOLD_OTHERWISE):
            return
        line = describe(event)
        if line is not None and line.level is Level.WARNING:
            self._warn(told_without_secrets(line.text))

    def tick(self) -> None:
        """Do nothing: it is written once."""

    def error(self, error: AsyncupError) -> None:
        """Take in an error that belongs to no file."""
        self._chronicle.fail(error, self._elapsed())

    def end(self, exit_code: int) -> None:
        """Write the page; of a command that was refused there is nothing to tell."""
        if exit_code == UsageError.exit_code:
            return
        elapsed = self._elapsed()
        self._chronicle.close(elapsed)
        run = Run(
            asked=self._asked,
            began=self._began,
            ended=self._now(),
            elapsed=elapsed,
            exit_code=exit_code,
            warnings=self._warnings,
            more_warnings=self._more_warnings,
            is_verifying=self._is_verifying,
        )
        self._stream.write(page(self._chronicle, run))

    def _warn(self, text: str) -> None:
        if len(self._warnings) < _MOST:
            self._warnings.append(text)
        else:
            self._more_warnings += 1

    def _elapsed(self) -> float:
        return self._clock() - self._began_at
