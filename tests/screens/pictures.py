"""Which pictures there are of the recorded run, and where."""

from collections.abc import Sequence
from pathlib import Path

from tests.screens.recording import Moment
from tests.screens.screen import Screen

PLACE = Path(__file__).parents[2] / "docs" / "screens"
RECORDING = PLACE / "run.jsonl"

MIDWAY = 8.0
"""Seconds after the beginning."""

PICTURES = {
    "60x16": (60, 16),
    "80x24": (80, 24),
    "120x30": (120, 30),
    "200x60": (200, 60),
    "readme": (100, 26),
}
"""Columns and rows of the terminals."""


def screen_of(name: str, moments: Sequence[Moment]) -> Screen:
    """Return a terminal with the run on it."""
    return Screen(moments, *PICTURES[name], MIDWAY)
