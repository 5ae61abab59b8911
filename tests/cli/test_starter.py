"""A command that is forked from the starter of the tests is as one of a new interpreter."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.kit import COMMAND, asyncup, start, start_anew, starter
from tests.s3 import Bucket
from tests.starter import Process


def kinds_open(descriptors: Path) -> Iterator[str]:
    """Yield what a process has open, such as `pipe`; files come and go as it works."""
    for each in descriptors.iterdir():
        with suppress(FileNotFoundError):
            yield each.readlink().name.split(":")[0]


def facts(process: Process) -> dict[str, object]:
    """Return what the system knows of a command that waits for its standard input; kill it."""
    try:
        assert process.stdout is not None
        while b"file_started" not in process.stdout.readline():
            pass
        place = Path(f"/proc/{process.pid}")
        status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines())
        opened = list(kinds_open(place / "fd"))
        return {
            "signals": [status[name] for name in ("SigIgn", "SigBlk", "SigCgt")],
            "streams": {kind: opened.count(kind) for kind in ("pipe", "socket")},
            "directory": (place / "cwd").readlink(),
            "session": os.getsid(process.pid) - process.pid,
            "umask": status["Umask"],
        }
    finally:
        process.kill()
        process.communicate()


def test_to_the_system_both_are_the_same(bucket: Bucket, tmp_path: Path) -> None:
    """Signals, streams, directory and session; and nothing of the starter is left open."""
    command = [COMMAND, "put", "-", f"{bucket.place}stream", "--json"]
    env = {**os.environ, **bucket.env}
    silent, held = os.pipe()
    with os.fdopen(silent), os.fdopen(held):
        forked = facts(starter().start(command, env, tmp_path, stdin=silent))
        new = subprocess.Popen(
            command,
            env=env,
            cwd=tmp_path,
            stdin=silent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert forked == facts(new)


@pytest.mark.parametrize(
    "arguments", [("--version",), ("nope",), ("put", "-h"), ("config", "show"), ("schema",)]
)
def test_to_its_user_both_are_the_same(tmp_path: Path, arguments: Sequence[str]) -> None:
    """Text and exit status; what the environment says is followed, in the directory given."""
    env = {"COLUMNS": "70", "ASYNCUP_PART_SIZE": "7MiB", "TZ": "Asia/Kathmandu"}
    forked = asyncup(*arguments, env=env, cwd=tmp_path)
    new = asyncup(*arguments, env=env, cwd=tmp_path, under=["env"])
    assert forked == new


def test_signal_that_ends_it() -> None:
    """Who is killed tells no exit status, but the signal."""
    for begin in (start, start_anew):
        process = begin("schema")
        process.kill()
        process.communicate()
        assert process.returncode in {0, -signal.SIGKILL}
