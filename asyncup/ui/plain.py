"""Plain lines, for a log or a pipe: what happens, and how far it is every few seconds."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.core.progress import Progress
from asyncup.ui.offline import Offline
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import describe, late_line, summary, totals


class Plain:
    """Writes a line for what happens, and one for how far it is every `interval` seconds."""

    def __init__(
        self,
        stream: Writable,
        clock: Callable[[], float],
        interval: float = 5.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._output = Output(stream)
        self._clock = clock
        self._now = now
        self._progress = Progress()
        self._offline = Offline(clock, now)
        self._began = clock()
        self._told = ""
        self.interval = interval

    def __enter__(self) -> Self:
        self._progress.sample(self._began)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write what happened, if it is worth a line."""
        self._progress.apply(event)
        self._offline.apply(event)
        if (line := describe(event)) is not None:
            self._output.write_line(line)
        if isinstance(event, events.RunFinished):
            for each in summary(self._progress, event, self._clock() - self._began):
                self._output.write_line(each)

    def tick(self) -> None:
        """Write how far it is."""
        self._progress.sample(self._clock())
        told = totals(self._progress)
        if self._offline.line is not None:
            told = f"{told} · {self._offline.line}"
        if told != self._told:
            # Where nothing happens for days, there is nothing to say.
            self._output.write(told)
            self._told = told
        for late in self._progress.late(self._now()):
            self._output.write_line(late_line(late))
