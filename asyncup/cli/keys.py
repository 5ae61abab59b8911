"""What keys do while uploads go on."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from asyncup.cli.signals import Signals
from asyncup.engine.uploader import Uploader
from asyncup.ui.keys import KeyHint
from asyncup.ui.renderer import Interactive, Renderer

if TYPE_CHECKING:
    from asyncup.cli.terminal import Terminal

_QUIT = KeyHint("q", "stop", "stop as Ctrl-C does; the same command goes on with it")
_PAUSE = KeyHint("p", "pause", "begin no part until p is pressed again; those in flight arrive")
_SLOTS = KeyHint("+ -", "slots", "let one part more, or one less, be in flight")
_AUTO = KeyHint("a", "auto", "let the number of slots be found again, as --concurrency has it")
_RATE = KeyHint("[ ]", "rate", "halve or double the limit of the rate")


def terminal_for(
    renderer: Renderer, signals: Signals, uploader: Uploader | None, *, reads_keys: bool
) -> "Terminal | None":
    """Return the terminal that panels are drawn on, None where there are no panels.

    Keys are read if `reads_keys`, and if standard input is a terminal, too; without an `uploader`,
    nothing can be changed.
    """
    if os.name != "posix" or not isinstance(renderer, Interactive):
        return None
    from asyncup.cli.terminal import KEYBOARD, Keyboard, Terminal

    keyboard, hints = None, list[KeyHint]()
    if reads_keys and os.isatty(KEYBOARD):
        controls = Controls(renderer, signals, uploader)
        keyboard, hints = Keyboard(controls.press), controls.hints
    renderer.offer(hints, None if uploader is None else uploader.slots)
    terminal = Terminal(renderer, keyboard)
    signals.at_last = terminal.give_back_at_once
    return terminal


class Controls:
    """Acts on keys: those that it does not know are for the panels."""

    def __init__(self, panels: Interactive, signals: Signals, uploader: Uploader | None) -> None:
        self._panels = panels
        self._acts: dict[str, Callable[[], object]] = {"q": signals.stop_by_hand}
        self.hints = [_QUIT, *panels.keys]
        if uploader is not None:
            self._uploader = uploader
            self.hints = [_PAUSE, *self.hints, _SLOTS, _AUTO, _RATE]
            self._acts |= {
                "p": self._pause,
                "+": lambda: uploader.set_slots(uploader.slots + 1),
                "-": lambda: uploader.set_slots(uploader.slots - 1),
                "a": uploader.free_slots,
                "[": uploader.halve_rate,
                "]": uploader.double_rate,
            }

    def press(self, key: str) -> None:
        """Act on a key."""
        if (act := self._acts.get(key)) is not None:
            act()
        else:
            self._panels.press(key)

    def _pause(self) -> None:
        if self._uploader.is_paused:
            self._uploader.go_on()
        else:
            self._uploader.pause()
