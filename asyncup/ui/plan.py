"""What a dry run would do, as lines on standard output."""

from typing import Self

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.core.sizes import format_size
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import Level, clean, counted, describe


class PlanLines:
    """Writes a line for each file that would go up or be left, and what it comes to in all."""

    interval = 3600.0

    def __init__(self, stream: Writable, errors: Writable) -> None:
        self._output = Output(stream)
        self._errors = Output(errors)
        self._files = 0
        self._bytes = 0
        self._requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write what an event means for the plan."""
        if isinstance(event, events.FilePlanned):
            self._files += 1
            self._bytes += event.size or 0
            self._requests += event.requests or 0
            self._write(f"upload {event.source} -> {event.uri}: {_cost(event)}")
        elif isinstance(event, events.FileSkipped):
            self._write(f"skip {event.source}: {event.reason}")
        elif isinstance(event, events.RunFinished):
            self._write(
                f"dry run: {counted(self._files, 'file')}, {format_size(self._bytes)}, "
                f"{counted(self._requests, 'request')}; "
                f"{event.skipped} skipped, {event.failed} failed"
            )
        elif (line := describe(event)) is not None and line.level is Level.ERROR:
            self._errors.write_line(line)

    def tick(self) -> None:
        """Do nothing."""

    def _write(self, text: str) -> None:
        self._output.write(clean(text))


def _cost(event: events.FilePlanned) -> str:
    if event.size is None or event.parts is None or event.requests is None:
        return f"a stream of unknown size, in parts of {format_size(event.part_size)}"
    how = "1 part"
    if event.parts > 1:
        how = f"{event.parts} parts of {format_size(event.part_size)}"
    return f"{format_size(event.size)}, {how}, {counted(event.requests, 'request')}"
