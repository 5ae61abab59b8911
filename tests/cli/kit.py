"""The installed command, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.told import read_lines

COMMAND = str(Path(sys.executable).with_name("asyncup"))


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
    done = subprocess.run(
        [*under, COMMAND, *map(str, arguments)],
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        cwd=cwd,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a command; a signal reaches it alone."""
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[bytes]") -> Ended:
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
