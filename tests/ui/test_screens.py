"""What a person sees, row by row, at the sizes that terminals have; `screens/` has the pictures.

`python -m tests.ui.test_screens` makes these anew, to be looked at before they are kept.
"""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from asyncup.core.conditions import SlotsChanged, SlotsReason, WentOffline
from asyncup.core.errors import ConnectionLost, Fault
from asyncup.core.events import Event
from asyncup.ui.keys import KeyHint
from asyncup.ui.live import KEYS, LivePanels
from tests.ui.history import MOMENTS, STEP, beginning, moment

SCREENS = Path(__file__).parent / "screens"
LOST = ConnectionLost(
    Fault(action="look for s3://films/", message="network is unreachable"), hint="check the cable"
)
HINTS = (KeyHint("p", "pause", "begin no part"), KeyHint("q", "stop", "stop"), *KEYS)


def screen(width: int, height: int, *more: Event, press: str = "", encoding: str = "utf-8") -> str:
    """Return the panels at the end of the history, on a terminal of a size."""
    now = [0.0]
    noon = datetime(2026, 11, 27, 12).astimezone()
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height, _environ={})
    live = LivePanels(console, lambda: now[0], lambda: noon + timedelta(seconds=now[0]))
    for event in beginning():
        live(event)
    for index in range(MOMENTS):
        now[0] = index * STEP
        for event in moment(index):
            live(event)
        live.tick()
    for event in more:
        live(event)
    live.offer(HINTS, 8)
    for key in press.split():
        live.press(key)
    return "".join("".join(text for text, _ in row) + "\n" for row in live.rows())


PICTURES: dict[str, Callable[[], str]] = {
    "60x16": lambda: screen(60, 16),
    "80x24": lambda: screen(80, 24),
    "120x30": lambda: screen(120, 30),
    "200x50": lambda: screen(200, 50),
    "80x24-ascii": lambda: screen(80, 24, encoding="ascii"),
    "80x24-paused": lambda: screen(80, 24, SlotsChanged(0, SlotsReason.PAUSED)),
    "80x24-offline": lambda: screen(80, 24, WentOffline(LOST, 40.0, 1)),
    "80x24-details": lambda: screen(80, 24, press="down down down enter"),
    "80x24-help": lambda: screen(80, 24, press="?"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_screen_is_the_picture(name: str) -> None:
    """The same events at the same times draw the same, at every size."""
    picture = (SCREENS / f"{name}.txt").read_text(encoding="utf-8")
    assert PICTURES[name]() == picture


def test_no_picture_is_left_over() -> None:
    """Each of them is one that is drawn."""
    assert {path.stem for path in SCREENS.iterdir()} == set(PICTURES)


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (SCREENS / f"{name}.txt").write_text(draw(), encoding="utf-8")
