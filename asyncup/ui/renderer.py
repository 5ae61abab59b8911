"""What a renderer is, and the two without a screen: quiet, and objects on standard output."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from asyncup.core import aftercare, events
from asyncup.core.events import Event
from asyncup.ui.keys import KeyHint
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


@runtime_checkable
class Interactive(Renderer, Protocol):
    """A renderer that has a screen, which others may need, and takes keys."""

    @property
    def keys(self) -> Sequence[KeyHint]:
        """Return the keys that change only what is shown."""

    @property
    def erasure(self) -> str:
        """Return what takes all of it off the terminal, if there is time for nothing else."""

    def show(self) -> None:
        """Draw at the next tick, and from then on."""

    def hide(self) -> None:
        """Give the screen back until `show` is called."""

    def offer(self, keys: Sequence[KeyHint], slots: int | None = None) -> None:
        """Show which keys there are, and how many slots as long as nothing else is heard."""

    def press(self, key: str) -> None:
        """Take a key; those that mean nothing here are passed over."""


class Writable(Protocol):
    """What lines are written to, such as a text file."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> object:
        """Let it be seen."""


class Output:
    """A stream of lines that may lose its reader; the uploads go on without one."""

    def __init__(self, stream: Writable) -> None:
        self._stream: Writable | None = stream

    def write(self, text: str) -> None:
        """Write a line, at once."""
        if self._stream is None:
            return
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Its reader is gone, its disk is full, or it was closed.
            self._stream = None

    def write_line(self, line: Line) -> None:
        """Write a line of ours in plain text, with its hint below it."""
        mark = {Level.WARNING: "warning: ", Level.ERROR: "error: "}.get(line.level, "")
        self.write(f"{mark}{clean(line.text)}")
        if line.hint is not None:
            self.write(f"hint: {clean(line.hint)}")


class Quiet:
    """Writes errors, and what of the output is lost: nothing else tells that."""

    interval = 3600.0

    def __init__(self, stream: Writable) -> None:
        self._output = Output(stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write an error."""
        line = describe(event)
        is_told = isinstance(event, events.OutputLost)
        if line is not None and (is_told or line.level is Level.ERROR):
            self._output.write_line(line)

    def tick(self) -> None:
        """Do nothing."""


class Objects:
    """Writes the URI of every object that is done, a tab, and its ETag, or what has proven it."""

    def __init__(self, stream: Writable) -> None:
        self._output = Output(stream)

    def __call__(self, event: Event, /) -> None:
        """Write a line for an object."""
        if isinstance(event, events.UploadCompleted):
            self._output.write(f"{clean(str(event.uri))}\t{clean(event.result.etag)}")
        elif isinstance(event, aftercare.ObjectVerified):
            self._output.write(f"{clean(str(event.uri))}\t{event.proof}")
