"""The terminal that panels are on: whose turn it is, how it is set, and what is typed.

A shell takes the terminal away by Ctrl-Z and `bg`, and hands it back by `fg`, of which a job that
runs hears nothing. So whoever draws looks first. Out of turn, nothing is drawn, read or set: what
is drawn would run into the shell's own lines, and the rest stops a job (POSIX, 11.1.4).
"""

import asyncio
import os
import select
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

from asyncup.ui.keys import Keys
from asyncup.ui.renderer import Interactive

KEYBOARD, SCREEN = 0, 2
"""Standard input and standard error."""

_LOCAL, _SPECIAL = 3, 6
_AT_ONCE = 1024


class Keyboard:
    """Tells keys when they are pressed, not shown and without Enter; Ctrl-C stays a signal.

    `press` is called in the event loop with each.
    """

    def __init__(self, press: Callable[[str], None]) -> None:
        self._press = press
        self._keys = Keys()
        self._before: list[int | list[bytes | int]] | None = None
        self._is_read = False

    def take(self) -> None:
        """Read keys from now on, if there is a terminal to read, and it is ours."""
        if self._is_read or not _is_ours(KEYBOARD):
            return
        with suppress(termios.error):
            settings = termios.tcgetattr(KEYBOARD)
            # What a shell hands back later may be what was set here.
            self._before = self._before or termios.tcgetattr(KEYBOARD)
            settings[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
            settings[_SPECIAL][termios.VMIN], settings[_SPECIAL][termios.VTIME] = 1, 0
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, settings)
            asyncio.get_running_loop().add_reader(KEYBOARD, self._read)
            self._is_read = True

    def leave(self) -> None:
        """Read no more, and set the terminal as it was, if it is ours still."""
        if self._is_read:
            self.forget()
            self.restore()

    def forget(self) -> None:
        """Read no more until `take` is called: others may have set the terminal meanwhile."""
        self._is_read = False
        asyncio.get_running_loop().remove_reader(KEYBOARD)

    def restore(self) -> None:
        """Set the terminal as it was, if it is ours; what was typed for us is for nobody else."""
        if self._before is not None and _is_ours(KEYBOARD):
            with suppress(termios.error):
                termios.tcflush(KEYBOARD, termios.TCIFLUSH)
                termios.tcsetattr(KEYBOARD, termios.TCSANOW, self._before)

    def _read(self) -> None:
        try:
            data = os.read(KEYBOARD, _AT_ONCE) if _is_ours(KEYBOARD) else b""
        except OSError:
            data = b""
        if not data:
            # Not ours any more, or gone; whoever looks next finds out.
            self.forget()
        for key in self._keys.of(data):
            self._press(key)


class Terminal:
    """Lends the screen to panels, and keys to who acts on them, while it is our turn.

    Entered and left in the event loop. However that ends, the terminal is as it was before.
    """

    def __init__(self, panels: Interactive, keyboard: Keyboard | None) -> None:
        self._panels = panels
        self._keyboard = keyboard
        self._has_turn = False
        self._caught: list[signal.Signals] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for number, receiver in (
            (signal.SIGTSTP, lambda *_: self._soon(self._stop)),
            (signal.SIGCONT, lambda *_: self._soon(self._continue)),
            (signal.SIGQUIT, self._quit),
        ):
            # Whoever ignores one, or acts on it in another way, has a reason.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, receiver)
                self._caught.append(number)
        self._look()
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)
        self._caught, self._has_turn = [], False
        if self._keyboard is not None:
            self._keyboard.leave()

    def tick(self) -> None:
        """Draw the panels, if it is our turn."""
        self._look()
        self._panels.tick()

    def give_back_at_once(self) -> None:
        """Leave the terminal as it was, whatever the event loop does; nothing is waited for."""
        if self._has_turn:
            if self._keyboard is not None:
                self._keyboard.restore()
            if select.select([], [SCREEN], [], 0)[1]:
                os.write(SCREEN, self._panels.erasure.encode())

    def _look(self) -> None:
        """Take the terminal, or leave it to whose turn it is."""
        has_turn = _is_ours(SCREEN, otherwise=True)
        if has_turn and self._keyboard is not None:
            self._keyboard.take()
        if has_turn != self._has_turn:
            self._has_turn = has_turn
            if has_turn:
                self._panels.show()
            else:
                self._leave()

    def _leave(self) -> None:
        self._has_turn = False
        if self._keyboard is not None:
            self._keyboard.leave()
        self._panels.hide()

    def _soon(self, act: Callable[[], None]) -> None:
        # The loop may have been closed just now.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act)

    def _continue(self) -> None:
        """Go on after whatever it was that stopped this process, perhaps without asking."""
        if self._keyboard is not None and self._caught:
            self._keyboard.forget()
            self._look()

    def _stop(self) -> None:
        """Stand still as Ctrl-Z has it, with the terminal as it was, until there is a `fg`."""
        if not self._caught:
            return
        self._leave()
        receiver = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, receiver)
        self._look()

    def _quit(self, number: int, _: FrameType | None) -> None:
        """End as SIGQUIT has it; whatever hangs, the terminal is as it was."""
        self.give_back_at_once()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _is_ours(terminal: int, *, otherwise: bool = False) -> bool:
    """Return whether our process group is in the foreground of a terminal.

    `otherwise` is the answer for what is no terminal of this session.
    """
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return otherwise
