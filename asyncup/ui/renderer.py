"""What a renderer is, and the two without a screen: quiet, and objects on standard output."""

from types import TracebackType
from typing import Protocol, Self, TextIO

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.ui.text import Level, Line, clean, describe


class Renderer(Protocol):
    """Shows events, and itself anew whenever `tick` is called, every `interval` seconds."""

    interval: float

    def __enter__(self) -> Self:
        """Take the screen."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the screen back, with nothing on it that is not to stay."""

    def __call__(self, event: Event, /) -> None:
        """Take in an event."""

    def tick(self) -> None:
        """Show how things stand."""


def write_line(stream: TextIO, line: Line) -> None:
    """Write a line in plain text, with its hint below it."""
    mark = {Level.WARNING: "warning: ", Level.ERROR: "error: "}.get(line.level, "")
    stream.write(f"{mark}{clean(line.text)}\n")
    if line.hint is not None:
        stream.write(f"hint: {clean(line.hint)}\n")
    stream.flush()


class Quiet:
    """Writes errors, and nothing else."""

    interval = 3600.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write an error."""
        line = describe(event)
        if line is not None and line.level is Level.ERROR:
            write_line(self._stream, line)

    def tick(self) -> None:
        """Do nothing."""


class Objects:
    """Writes the URI and the ETag of every object that is done, a tab between them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event, /) -> None:
        """Write a line for an object."""
        if isinstance(event, events.UploadCompleted):
            self._stream.write(f"{clean(str(event.uri))}\t{event.result.etag}\n")
            self._stream.flush()
