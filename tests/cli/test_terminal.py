"""The terminal is given back as it was, however a run ends."""

import sys

import pytest

from tests.cli.terminal import Terminal

PROGRAM = """
import asyncio, os, signal, termios, time
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


# Who stops it without asking, a shell sets the terminal for itself.
CONTINUED = """
        settings = termios.tcgetattr(0)
        settings[3] |= termios.ICANON
        termios.tcsetattr(0, termios.TCSANOW, settings)
        os.kill(os.getpid(), signal.SIGCONT)
        while termios.tcgetattr(0)[3] & termios.ICANON:
            await asyncio.sleep(0)
"""


def run(statements: str) -> Terminal:
    """Return the terminal of the program that does these in the middle."""
    program = PROGRAM.format(end=statements)
    shell = 'ulimit -c 0; exec "$@"'
    return Terminal(80, 24, ["-c", program], {}, shell=shell, program=sys.executable)


@pytest.mark.parametrize("end", ENDS)
def test_the_terminal_is_as_it_was(end: str) -> None:
    """Its settings, its cursor, and nothing is left of the panels."""
    statement, code = ENDS[end]
    terminal = run(statement)
    before = terminal.settings
    assert terminal.finish() == code
    assert "╭".encode() in terminal.written
    assert "╭" not in terminal.text
    assert terminal.settings_at_end == before
    assert terminal.shows_cursor


def test_keys_are_read_again_after_a_stop_without_asking() -> None:
    """SIGCONT tells of it: the terminal is set for keys anew, and given back at the end."""
    terminal = run(CONTINUED)
    before = terminal.settings
    assert terminal.finish() == 0
    assert terminal.settings_at_end == before
