"""The live panels on a terminal, read off its screen: what is there while it runs, and after."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest

from tests.cli.kit import COMMAND, tree
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket

LARGE = os.urandom(25 << 20)


class Terminal:
    """A command on a terminal of its own, whose screen can be read."""

    def __init__(self, width: int, height: int, arguments: list[str], env: dict[str, str]) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        own = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            env={**own, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
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

    def type(self, keys: bytes) -> None:
        """Press keys, which the terminal shows; the command runs in no job of it, that is all."""
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
                self._stream.feed(data)
        except OSError:
            pass  # Linux tells the end of a terminal so
        os.close(self._master)
        return self.process.wait()


def arguments(bucket: Bucket, directory: Path, *more: str) -> list[str]:
    """Return a command that uploads a large file and a small one."""
    place = tree(directory / "d", {"large.bin": LARGE, "small.txt": b"x"})
    return [
        *("put", str(place), str(bucket.place), "--part-size=5MiB", "--concurrency=3"),
        *("--stop-grace=0.1s", *more),
    ]


@pytest.mark.parametrize(("width", "height"), [(60, 16), (80, 24), (200, 50)])
def test_panels(bucket: Bucket, tmp_path: Path, width: int, height: int) -> None:
    """While it runs: totals, a bar for the file in flight, a log; after Ctrl-C, none of it.

    The terminal shows the key itself, `^C`, where its cursor stands.
    """
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        terminal = Terminal(width, height, arguments(bucket, tmp_path), env)
        terminal.read_until(lambda text: "40% 2/5 parts" in text and "10 MiB of 25 MiB" in text)
        seen = terminal.lines
        terminal.type(b"\x03")
        terminal.read_until(lambda _: b"^C" in terminal.written)
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.finish()

    top = next(index for index, line in enumerate(seen) if line.startswith("╭─ asyncup"))
    assert all(len(line) == width for line in seen[top : top + 7])
    assert "█" in seen[top + 1]
    assert "░" in seen[top + 1]
    assert "0/1+ files" in seen[top + 2] or "0/2 files" in seen[top + 2]
    assert seen[top + 4].startswith("╭─ in flight")
    assert "large.bin" in seen[top + 5]

    assert code == 130
    assert not set("╭─╮│╰╯█░") & set(terminal.text)
    assert terminal.shows_cursor
    told = " ".join(terminal.text.split())
    assert "to go on: asyncup put" in told
    assert "2 not finished" in told


def test_panels_of_a_finished_run(bucket: Bucket, tmp_path: Path) -> None:
    """What is done stays on the screen as plain lines, with a summary below."""
    terminal = Terminal(100, 24, arguments(bucket, tmp_path), bucket.env)
    assert terminal.finish() == 0
    told = terminal.text
    assert f"+ {bucket.place}small.txt 1 B, verified by etag" in told
    assert "large.bin 25 MiB in 5 parts, verified by crc64nvme" in " ".join(told.split())
    assert "2 files uploaded" in told
    assert "╭" not in told
    assert terminal.shows_cursor


def test_failure_leaves_the_screen_clean(bucket: Bucket, tmp_path: Path) -> None:
    """An error is told below what is done, with its hint, and the cursor is back."""
    given = arguments(bucket, tmp_path)
    given[2] = "s3://no-such-bucket-here/"
    terminal = Terminal(100, 24, given, bucket.env)
    assert terminal.finish() == 4
    assert "NoSuchBucket" in terminal.text
    assert "hint: check the bucket's name" in terminal.text
    assert "╭" not in terminal.text
    assert terminal.shows_cursor


def test_plain_on_a_terminal(bucket: Bucket, tmp_path: Path) -> None:
    """--plain, and a terminal that cannot move its cursor, get lines instead of panels."""
    for env, more in (({}, ["--plain"]), ({"TERM": "dumb"}, [])):
        terminal = Terminal(
            100, 24, arguments(bucket, tmp_path, "--overwrite=always", *more), {**bucket.env, **env}
        )
        assert terminal.finish() == 0
        assert "2 files uploaded" in terminal.text
        assert not {"╭", "█"} & set(terminal.text)
