"""Live panels on a terminal; the only door to rich's Live.

Drawn by time, ten times a second, never by event. What is to stay on the screen (objects that
are done, errors) scrolls up above the panels; the panels themselves leave nothing behind.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from asyncup.core import aftercare, events, watching
from asyncup.core.events import Event
from asyncup.core.progress import FileProgress, Progress
from asyncup.ui.offline import Offline
from asyncup.ui.text import Level, Line, clean, describe, late_line, summary, totals

_STYLES = {
    Level.INFO: "dim",
    Level.DONE: "green",
    Level.WARNING: "yellow",
    Level.ERROR: "bold red",
}
_STAYS = (
    events.UploadCompleted,
    events.UploadFailed,
    events.FileSkipped,
    events.ReceiptLost,
    aftercare.ObjectVerified,
    aftercare.VerifyFailed,
    aftercare.VerifyFinished,
    watching.WatchLost,
    watching.SourceKept,
)
_LOG_LINES = 4
_FRAME = 4
"""Rows that borders and the totals take."""

_NARROWEST_BAR = 10
_BESIDE_NAME = 24
"""Columns of a file's row that its name and its bar leave to the rest."""


class LivePanels:
    """Draws totals, the files in flight and a short log."""

    interval = 0.1

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._console = console
        self._clock = clock
        self._now = now
        self._began = clock()
        self._progress = Progress()
        self._offline = Offline(clock, now)
        self._log: deque[Line] = deque(maxlen=_LOG_LINES)
        self._above: list[Line] = []
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._progress.sample(self._began)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._print_above()
        self._live.stop()

    def __call__(self, event: Event, /) -> None:
        """Take in an event; it is seen at the next tick."""
        self._progress.apply(event)
        self._offline.apply(event)
        if (line := describe(event)) is not None:
            (self._above if isinstance(event, _STAYS) else self._log).append(line)
        if isinstance(event, events.RunFinished):
            self._above += summary(self._progress, event, self._clock() - self._began)

    def tick(self) -> None:
        """Draw how things stand."""
        self._progress.sample(self._clock())
        self._above += map(late_line, self._progress.late(self._now()))
        self._print_above()
        # The cursor waits on a line of its own: a `^C` that the terminal shows there moves nothing.
        self._live.update(Group(self.panels(), Text()), refresh=True)

    def panels(self) -> RenderableType:
        """Return what is drawn now."""
        parts: list[RenderableType] = [Panel(self._totals(), title="asyncup", title_align="left")]
        if self._progress.files:
            parts.append(Panel(self._files(), title="in flight", title_align="left"))
        if self._log:
            parts.append(Panel(self._events(), title="log", title_align="left"))
        return Group(*parts)

    def _totals(self) -> RenderableType:
        state = self._progress
        width = self._console.width - _FRAME
        done = self._bar(width, state.committed, state.in_flight, state.bytes_found)
        lines = [self._one_line(Text(totals(state)))]
        if (offline := self._offline.line) is not None:
            lines.append(self._one_line(Text(offline, style=_STYLES[Level.WARNING])))
        if (hint := self._offline.hint) is not None:
            lines.append(self._one_line(Text(f"hint: {clean(hint)}")))
        return Group(done, *lines)

    def _files(self) -> RenderableType:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for _ in range(3):
            table.add_column(no_wrap=True, justify="right")
        shown = list(self._shown_files())
        width = max(_NARROWEST_BAR, self._console.width // 4)
        for file in shown:
            table.add_row(
                Text(self._tail(clean(file.uri.key), self._console.width - width - _BESIDE_NAME)),
                self._bar(width, *_extent(file)),
                _percent(file),
                _phase(file),
            )
        if (more := len(self._progress.files) - len(shown)) > 0:
            table.add_row(Text(f"and {more} more", style="dim"))
        return table

    def _shown_files(self) -> Iterator[FileProgress]:
        """Yield as many files as the terminal's height has room for."""
        room = max(1, self._console.height - 3 * _FRAME - _LOG_LINES)
        for file, _ in zip(self._progress.files.values(), range(room), strict=False):
            yield file

    def _events(self) -> RenderableType:
        return Group(*(self._one_line(_as_text(line)) for line in self._log))

    def _one_line(self, text: Text) -> Text:
        """Cut a text off at the end of its line, in what this terminal can show."""
        text.no_wrap, text.overflow = True, "ellipsis"
        if self._console.options.ascii_only:
            text.plain = text.plain.replace("·", "-").encode("ascii", "replace").decode()
            text.overflow = "crop"
        return text

    def _tail(self, name: str, width: int) -> str:
        """Return the end of a name, which tells more than its beginning."""
        if self._console.options.ascii_only:
            name = name.encode("ascii", "replace").decode()
        if cell_len(name) <= width:
            return name
        mark = "<" if self._console.options.ascii_only else "…"
        return f"{mark}{set_cell_size(name[::-1], max(1, width - 1))[::-1].lstrip()}"

    def _bar(self, width: int, done: int, moving: int, total: int) -> Text:
        """Return a bar: what S3 has, what is on its way, what is to come."""
        ascii_only = self._console.options.ascii_only
        marks = ("#", "=", "-") if ascii_only else ("█", "▒", "░")
        first = width * done // total if total else 0
        second = min(width - first, -(-width * moving // total)) if total else 0
        bar = Text(marks[0] * first, style="green", no_wrap=True)
        bar.append(marks[1] * second, style="cyan")
        return bar.append(marks[2] * (width - first - second), style="dim")

    def _print_above(self) -> None:
        """Let what is to stay scroll up above the panels, all of it at once."""
        if self._above:
            self._console.print(Group(*map(_as_text, self._above)))
            self._above.clear()


def _phase(file: FileProgress) -> str:
    if file.compared:
        return "comparing"
    return "completing" if file.completing else f"{file.parts_done}/{file.parts or '?'} parts"


def _extent(file: FileProgress) -> tuple[int, int, int]:
    if file.compared:
        return 0, file.compared, file.size or file.compared
    moving = file.position - file.committed
    # The end of a stream is not known: it is always half way.
    total = file.size if file.size is not None else 2 * (file.position or 1)
    return file.committed, moving, total


def _percent(file: FileProgress) -> str:
    if file.size is None:
        return "?"
    # 100 is the word for an object that was compared with its file.
    done = file.compared or file.committed
    return f"{min(99, 100 * done // file.size) if file.size else 0}%"


def _as_text(line: Line) -> Text:
    text = Text(f"{line.level.value} {clean(line.text)}", style=_STYLES[line.level])
    if line.hint is not None and line.level is Level.ERROR:
        text.append(f"\n  hint: {clean(line.hint)}", style="default")
    return text
