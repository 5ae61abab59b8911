"""A command on a pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable

import pyte

from tests.cli.kit import COMMAND


class Terminal:
    """A command on a terminal of its own, whose screen can be read.

    Attributes:
        settings_at_end: how the terminal was set when the command had ended.

    A `shell` is given the command as its arguments, to run it as a job of that terminal.
    """

    def __init__(
        self,
        width: int,
        height: int,
        arguments: list[str],
        env: dict[str, str],
        *,
        shell: str | None = None,
        program: str = COMMAND,
    ) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self.settings_at_end: list[object] = []
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        own = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        command = [program, *arguments]
        if shell is not None:
            command = ["setsid", "--ctty", "sh", "-c", shell, "sh", *command]
        self.process = subprocess.Popen(
            command,
            env={**own, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            # A leader of a session would have to be left first.
            start_new_session=shell is None,
        )
        os.close(slave)

    @property
    def lines(self) -> list[str]:
        """The screen, without the space at the ends of its lines."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor can be seen."""
        return not self._screen.cursor.hidden

    @property
    def settings(self) -> list[object]:
        """How the terminal is set: what it shows, and what it makes of keys."""
        return list(termios.tcgetattr(self._master))

    def type(self, keys: bytes) -> None:
        """Press keys; without a shell, the terminal shows them, and that is all."""
        os.write(self._master, keys)

    def read_until(self, enough: Callable[[str], bool]) -> None:
        """Let the command draw until its screen shows what is waited for."""
        while not enough(self.text):
            data = os.read(self._master, 1 << 16)
            self.written += data
            self._stream.feed(data)

    def finish(self) -> int:
        """Read to the end and return the exit status."""
        try:
            while data := os.read(self._master, 1 << 16):
                self.written += data
                self._stream.feed(data)
        except OSError:
            pass  # Linux tells the end of a terminal so
        self.settings_at_end = self.settings
        os.close(self._master)
        return self.process.wait()
