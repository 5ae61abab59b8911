"""The installed command, in a process of its own."""

import atexit
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.starter import Process, Starter
from tests.told import read_lines

INSTALLED = os.environ.get("TESTED_COMMAND")
"""Where the command is that is tested as it was installed, if not beside this interpreter."""

COMMAND = INSTALLED or str(Path(sys.executable).with_name("asyncup"))


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit status and what it wrote."""

    code: int
    out: str
    err: str

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the JSON events on standard output, or those of a type; all have their schema."""
        told = read_lines(self.out.splitlines())
        return [event for event in told if kind in {None, event["type"]}]


def asyncup(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    cwd: Path | None = None,
    under: Sequence[str] = (),
) -> Ended:
    """Run a command to its end, `under` another one if given."""
    if not under and is_startable(env or {}):
        with pipe_of(stdin) as filled:
            return finish(starter().start(_command(arguments), _whole(env), cwd, stdin=filled))
    done = subprocess.run(
        [*under, *_command(arguments)],
        env=_whole(env),
        input=stdin,
        capture_output=True,
        cwd=cwd,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Process:
    """Start a command; a signal reaches it alone."""
    if is_startable(env or {}):
        return starter().start(_command(arguments), _whole(env))
    return start_anew(*arguments, env=env)


def start_anew(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Do the same with an interpreter that is new, and inherits what this process is like."""
    return subprocess.Popen(
        _command(arguments),
        env=_whole(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [COMMAND, *map(str, arguments)]


def _whole(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {})}


def is_startable(env: Mapping[str, str]) -> bool:
    """Return whether a fork of the starter is all the same; if not, a new interpreter is.

    That reads some of the environment when it starts; what macOS itself has loaded need not
    outlive a fork; and a command that was installed elsewhere has an interpreter of its own.
    """
    if INSTALLED or sys.platform != "linux":
        return False
    return not any(name.startswith(("PYTHON", "LC_")) for name in env)


@functools.cache
def starter(*under: str) -> Starter:
    """Return what starts commands, `under` another one, for as long as this process runs."""
    made = Starter(under)
    atexit.register(made.close)
    return made


@contextmanager
def pipe_of(data: bytes) -> Iterator[int]:
    """Return the end of a pipe that this comes out of, as quickly as it is read."""
    end, beginning = os.pipe()

    def fill() -> None:
        # Who does not want it may leave it.
        with suppress(BrokenPipeError), os.fdopen(beginning, "wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield end
    finally:
        os.close(end)
        thread.join()


def finish(process: Process) -> Ended:
    """Wait for a command's end."""
    out, err = process.communicate()
    return Ended(process.returncode, (out or b"").decode(), (err or b"").decode())


def tree(directory: Path, files: Mapping[str, bytes]) -> Path:
    """Make files below a directory."""
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def lines(text: str, containing: str) -> Sequence[str]:
    """Return the lines that contain something."""
    return [line for line in text.splitlines() if containing in line]
