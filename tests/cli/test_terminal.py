"""The terminal is given back as it was, however a run ends."""

import sys

import pytest

from tests.cli.terminal import Terminal

PROGRAM = """
import asyncio, os, signal, time
from rich.console import Console
from asyncup.cli.signals import caught_signals
from asyncup.cli.terminal import Keyboard, Terminal
from asyncup.ui.live import LivePanels

async def main(signals):
    signals.attend()
    panels = LivePanels(Console(stderr=True), time.monotonic)
    with panels, Terminal(panels, Keyboard(print)) as terminal:
        signals.at_last = terminal.give_back_at_once
        terminal.tick()
        {end}

with caught_signals() as signals:
    asyncio.run(main(signals))
"""

ENDS = {
    "an error": ("raise RuntimeError", 1),
    "being cancelled": ("os.kill(os.getpid(), signal.SIGTERM); await asyncio.sleep(9)", 1),
    # The loop has no time to do anything about the first two of them.
    "the third Ctrl-C": ("[os.kill(os.getpid(), signal.SIGINT) for _ in range(3)]", 130),
    "SIGQUIT": ("os.kill(os.getpid(), signal.SIGQUIT)", -3),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_terminal_is_as_it_was(end: str) -> None:
    """Its settings, its cursor, and nothing is left of the panels."""
    statement, code = ENDS[end]
    program = PROGRAM.format(end=statement)
    shell = 'ulimit -c 0; exec "$@"'
    terminal = Terminal(80, 24, ["-c", program], {}, shell=shell, program=sys.executable)
    before = terminal.settings
    assert terminal.finish() == code
    assert "╭".encode() in terminal.written
    assert "╭" not in terminal.text
    assert terminal.settings_at_end == before
    assert terminal.shows_cursor
