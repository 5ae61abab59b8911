"""What a terminal shows of a recorded run at some moment: as text, and as a picture."""

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

import pyte
from rich.console import Console
from rich.text import Text

from asyncup.ui.live import LivePanels
from tests.screens.recording import Moment

COMMAND = "asyncup put films s3://archive/2026/"
_NOON = datetime(2026, 11, 27, 12).astimezone()
_TICK = 0.5
"""Seconds between two frames: those between are seen by nobody."""

_COLOURS = {"default": "", "brown": "yellow", "brightbrown": "bright_yellow"}
"""Names that pyte has and rich has not."""


class Screen:
    """A terminal on which the command was typed, `seconds` ago."""

    def __init__(self, moments: Sequence[Moment], width: int, height: int, seconds: float) -> None:
        self.width = width
        self._screen = _Terminal(width, height)
        # As a terminal does it, a line's end is the next one's beginning.
        self._screen.set_mode(pyte.modes.LNM)
        stream = pyte.Stream(self._screen)
        stream.feed(f"$ {COMMAND}\n")
        stream.feed(_written(moments, width, height, seconds))

    def text(self) -> str:
        """Return what is on it, as lines without what is empty at their ends."""
        rows = [row.rstrip() for row in self._screen.display]
        return "\n".join(rows).rstrip() + "\n"

    def svg(self) -> str:
        """Return a picture of it, that loads nothing."""
        console = Console(
            file=io.StringIO(), record=True, width=self.width, color_system="truecolor", _environ={}
        )
        for row in range(self.text().count("\n")):
            console.print(self._row(row), no_wrap=True, overflow="crop")
        # Its fonts are from a server elsewhere.
        return re.sub(
            r"\s*@font-face {.*?}", "", console.export_svg(title=COMMAND), flags=re.DOTALL
        )

    def _row(self, row: int) -> Text:
        cells = [self._screen.buffer[row][column] for column in range(self.width)]
        text = Text()
        # Of a wide character, the second cell is empty.
        for style, group in groupby(cells, _style):
            text.append("".join(cell.data for cell in group), style=style)
        return text


class _Terminal(pyte.Screen):
    """Keeps letters that are dim, which pyte does not know, as struck through: nothing else is.

    The code of these (2) would mean something else within that of a colour of 256 or more.
    """

    def select_graphic_rendition(self, *codes: int) -> None:
        """Take in how what follows is to look."""
        super().select_graphic_rendition(*(9 if each == 2 else each for each in codes))


def _style(cell: pyte.screens.Char) -> str:
    """Return how a cell looks, in rich's words."""
    kinds = {"bold": cell.bold, "reverse": cell.reverse, "dim": cell.strikethrough}
    words = [word for word, is_so in kinds.items() if is_so]
    colours = [_COLOURS.get(each, _named(each)) for each in (cell.fg, cell.bg)]
    words += [colours[0]] if colours[0] else []
    words += [f"on {colours[1]}"] if colours[1] else []
    return " ".join(words)


def _named(colour: str) -> str:
    if re.fullmatch(r"[0-9a-f]{6}", colour):
        return f"#{colour}"
    return colour.replace("bright", "bright_")


def _written(moments: Sequence[Moment], width: int, height: int, seconds: float) -> str:
    """Return all that live panels write until then."""
    now = 0.0
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        width=width,
        # One is the cursor's.
        height=height - 1,
        color_system="standard",
        legacy_windows=False,
        _environ={"TERM": "xterm-256color"},
    )
    live = LivePanels(console, lambda: now, lambda: _NOON + timedelta(seconds=now))
    waiting = [each for each in moments if each.seconds <= seconds]
    live.__enter__()
    while now < seconds:
        now = min(seconds, now + _TICK)
        while waiting and waiting[0].seconds <= now:
            live(waiting.pop(0).event)
        live.tick()
    return file.getvalue()
