"""Live panels on a terminal; the only door to rich's Live.

Drawn by time, ten times a second, never by event. What is to stay on the screen (objects that
are done, errors) scrolls up above the panels; the panels themselves leave nothing behind.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text

from asyncup.core import aftercare, events, watching
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.progress import Progress
from asyncup.ui.keys import KeyHint
from asyncup.ui.log_panel import log_line
from asyncup.ui.offline import Offline
from asyncup.ui.panels import MOST_LOG, TONES, Scene, View, draw
from asyncup.ui.rows import Row, Tone, marks_for
from asyncup.ui.text import Level, Line, clean, describe, late_line, summary
from asyncup.ui.traces import Traces

_STYLES = {
    # Colours of the terminal's own palette, and no background: they suit light and dark ones.
    Tone.PLAIN: Style(),
    Tone.FAINT: Style(dim=True),
    Tone.STRONG: Style(bold=True),
    Tone.STORED: Style(color="blue"),
    Tone.DONE: Style(color="green"),
    Tone.MOVING: Style(color="cyan"),
    Tone.WARNING: Style(color="yellow"),
    Tone.ERROR: Style(color="red", bold=True),
}
_STAYS = (
    events.UploadCompleted,
    events.UploadFailed,
    events.ReceiptLost,
    aftercare.ObjectVerified,
    aftercare.VerifyFailed,
    aftercare.VerifyFinished,
    watching.WatchLost,
    watching.SourceKept,
)

KEYS = (
    KeyHint("?", "help", "show this, and go back"),
    KeyHint("enter", "details", "show all that is known of a file, and go back"),
    KeyHint("j k", "", "choose the next file, the one before; or the arrows"),
)
"""Keys that change only what is shown."""

_STEPS = {"j": 1, "down": 1, "k": -1, "up": -1}
_ERASE_ROW = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))


class _Drawn:
    """Rows as rich takes them, and one more for the cursor.

    It waits on a line of its own: a `^C` that the terminal shows there moves nothing.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in self._rows:
            for text, tone in row:
                yield Segment(text, _STYLES[tone])
            yield Segment.line()
        yield Segment.line()


class LivePanels:
    """Draws totals, the files in flight with their parts, and a short log.

    Of a run that was, or never was: give it the events, `tick` after each stretch of time, and
    print `panels()` on a console of any size, which need not be a terminal.
    """

    interval = 0.1
    keys = KEYS

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
        self._scene = Scene(self._progress)
        self._offline = Offline(clock, now)
        self._log: deque[tuple[str, Line]] = deque(maxlen=MOST_LOG)
        self._above: list[Line] = []
        self._behind = View.HELP
        self._is_shown = False
        self._live: Live | None = None
        self._traces = Traces()
        self._size = console.size

    def __enter__(self) -> Self:
        self._progress.sample(self._began)
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def __call__(self, event: Event, /) -> None:
        """Take in an event; it is seen at the next tick."""
        self._progress.apply(event)
        self._offline.apply(event)
        if isinstance(event, _STAYS):
            self._above += filter(None, [describe(event)])
        elif (line := log_line(event)) is not None:
            self._log.append((f"{self._now().astimezone():%H:%M:%S}", line))
        if isinstance(event, events.RunFinished):
            self._above += summary(self._progress, event, self._clock() - self._began)

    def offer(self, keys: Sequence[KeyHint], slots: int | None = None) -> None:
        """Show which keys there are, and how many slots as long as nothing else is heard."""
        self._scene.keys, self._scene.slots = keys, slots

    def press(self, key: str) -> None:
        """Take a key that changes what is shown; all others are passed over."""
        scene = self._scene
        files = list(self._progress.files)
        if key == "?":
            scene.view, self._behind = self._behind, scene.view
        elif key == "enter" and files:
            scene.chosen = self._chosen(files, 0)
            self._behind = View.HELP
            scene.view = View.FILES if scene.view is View.DETAILS else View.DETAILS
        elif key in _STEPS and files:
            scene.chosen = self._chosen(files, _STEPS[key])

    def _chosen(self, files: Sequence[ObjectURI], step: int) -> ObjectURI:
        """Return the file that is so many further than the one that is chosen, all around."""
        if self._scene.chosen not in files:
            return files[min(step, 0)]
        return files[(files.index(self._scene.chosen) + step) % len(files)]

    def tick(self) -> None:
        """Draw how things stand."""
        self._progress.sample(self._clock())
        self._above += map(late_line, self._progress.late(self._now()))
        if not self._is_shown:
            self._print_above()
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._take_back_traces()
        self._live.update(self.panels())
        if self._above:
            self._print_above()
        else:
            self._live.refresh()

    def show(self) -> None:
        """Draw at the next tick, and from then on."""
        self._is_shown = True

    def hide(self) -> None:
        """Give the screen back, with nothing on it but what is to stay."""
        self._is_shown = False
        if self._live is not None:
            self._take_back_traces()
            self._live.update(self.panels())
            self._live.stop()
            self._live, self._traces = None, Traces()
        # Above the panels, it could be beyond the top of a small terminal when they are gone.
        self._print_above()

    @property
    def erasure(self) -> str:
        """What takes the panels off the terminal, and shows its cursor, when there is no time."""
        if self._live is None:
            return ""
        return "\r" + "\x1b[1A\x1b[2K" * self._traces.rows + "\x1b[?25h"

    def panels(self) -> RenderableType:
        """Return what is drawn now."""
        rows = self.rows()
        self._traces.draw(self._console.width, len(rows))
        return _Drawn(rows)

    def rows(self) -> list[Row]:
        """Return the rows of what is drawn now, as high and wide as the console lets them be."""
        scene, console = self._scene, self._console
        if scene.chosen not in self._progress.files:
            scene.chosen = None
            scene.view = View.HELP if scene.view is View.HELP else View.FILES
        scene.elapsed = self._clock() - self._began
        scene.offline, scene.hint = self._offline.line, self._offline.hint
        scene.log = list(self._log)
        return draw(scene, console.width, console.height, marks_for(console.encoding))

    def _take_back_traces(self) -> None:
        """Erase what is left of earlier rows in a terminal that has another size now."""
        size = self._console.size
        if size != self._size:
            more = self._traces.resize(size.width, size.height)
            self._size = size
            self._console.control(Control((ControlType.ERASE_IN_LINE, 2), *(_ERASE_ROW * more)))

    def _print_above(self) -> None:
        """Let what is to stay scroll up above the panels, all of it at once."""
        if self._above:
            self._console.print(Group(*map(_as_text, self._above)))
            self._above.clear()
            self._traces.forget()


def _as_text(line: Line) -> Text:
    text = Text(f"{line.level.value} {clean(line.text)}", style=_STYLES[TONES[line.level]])
    if line.hint is not None and line.level is Level.ERROR:
        text.append(f"\n  hint: {clean(line.hint)}", style="default")
    return text
