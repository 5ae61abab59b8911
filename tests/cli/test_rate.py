"""A limit that is changed while the installed command runs; seen by its events, never by time.

At the rates that these uploads begin with, they would take minutes.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import asyncup, finish, lines, start, tree
from tests.s3 import Bucket
from tests.starter import Process

DATA = os.urandom(6 << 20)
KIB, MIB = 1 << 10, 1 << 20


class Running:
    """A command that uploads DATA, and tells its events."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Return the next event of a type; until then, nothing is told of the rate."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["type"] == kind:
                return event
            assert not event["type"].startswith("rate_"), line
        raise AssertionError(f"it ended without {kind}: {finish(self.process).err}")

    def next_rate(self) -> tuple[int | None, str]:
        """Return the next change, and its reason."""
        event = self.wait_for("rate_changed")
        return event["rate"], event["reason"]

    def send(self, number: signal.Signals) -> tuple[int | None, str]:
        """Send a signal and return the change that comes of it."""
        self.process.send_signal(number)
        return self.next_rate()


@contextmanager
def upload(bucket: Bucket, directory: Path, *options: str | Path, **env: str) -> Iterator[Running]:
    """Start an upload, and see that it ends with the object in its place."""
    tree(directory, {"file": DATA})
    arguments = ("put", directory / "file", str(bucket.place), "--json", "--part-size=5MiB")
    process = start(*arguments, *options, env={**bucket.env, **env})
    try:
        yield Running(process)
        ended = finish(process)
    finally:
        process.kill()
        process.wait()
    assert (ended.code, ended.err) == (0, "")
    assert bucket.objects() == {"file": DATA}


def config(directory: Path, text: str) -> Path:
    """Write a configuration file, as an editor does that puts a new one in its place."""
    path = directory / "asyncup.toml"
    new = directory / "new.toml"
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return path


def test_signals(bucket: Bucket, tmp_path: Path) -> None:
    """SIGUSR1 halves the limit, SIGUSR2 doubles it, and each change is told with the signal."""
    with upload(bucket, tmp_path, "--limit-rate=32KiB/s") as run:
        assert run.next_rate() == (32 * KIB, "as asked for")
        run.wait_for("part_started")
        assert run.send(signal.SIGUSR1) == (16 * KIB, "SIGUSR1")
        rate = 16 * KIB
        while rate < 256 * MIB:
            rate *= 2
            assert run.send(signal.SIGUSR2) == (rate, "SIGUSR2")


def test_halving_without_a_limit(bucket: Bucket, tmp_path: Path) -> None:
    """While nothing is limited, SIGUSR1 begins at half of what goes out just now."""
    tree(tmp_path, {"file": b""})
    with (tmp_path / "file").open("r+b") as sparse:
        sparse.truncate(200 << 20)
    arguments = ("put", tmp_path / "file", str(bucket.place), "--json", "--concurrency=1")
    process = start(*arguments, env=bucket.env)
    try:
        run = Running(process)
        run.wait_for("part_uploaded")
        rate, reason = run.send(signal.SIGUSR1)
        assert reason == "SIGUSR1"
        assert rate is not None
    finally:
        process.kill()
        process.communicate()


def test_configuration_is_edited(bucket: Bucket, tmp_path: Path) -> None:
    """A limit that is edited in the file holds; what is no limit is told, and changes nothing."""
    path = config(tmp_path, 'limit-rate = "16KiB/s"')
    with upload(bucket, tmp_path, "--config", path) as run:
        assert run.next_rate() == (16 * KIB, "as asked for")
        run.wait_for("part_started")
        config(tmp_path, 'limit-rate = "fast"')
        told = run.wait_for("rate_refused")["reason"]
        assert told.startswith(f"{path}: limit-rate = 'fast': 'fast' is not a rate: write 20MiB/s")
        config(tmp_path, "limit-rate = ")
        assert f"{path} is not TOML" in run.wait_for("rate_refused")["reason"]
        assert run.send(signal.SIGUSR1) == (8 * KIB, "SIGUSR1")
        # The limit of the file is the same as before: what the signal has set stays.
        config(tmp_path, 'limit-rate = "16K"\nplain = true')
        for _ in range(4):
            run.wait_for("progress")
        config(tmp_path, 'limit_rate = "32KiB/s"')
        assert run.next_rate() == (32 * KIB, str(path))
        config(tmp_path, "")
        assert run.next_rate() == (None, str(path))


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_what_counts_more_than_the_file(bucket: Bucket, tmp_path: Path, by: str) -> None:
    """With a flag or a variable, an edited file changes nothing."""
    path = config(tmp_path, 'limit-rate = "1KiB/s"')
    options = ["--limit-rate=64KiB/s"] if by == "flag" else []
    env = {} if by == "flag" else {"ASYNCUP_LIMIT_RATE": "64KiB/s"}
    with upload(bucket, tmp_path, "--config", path, *options, **env) as run:
        assert run.next_rate() == (64 * KIB, "as asked for")
        run.wait_for("part_started")
        config(tmp_path, 'limit-rate = "2KiB/s"')
        for _ in range(4):
            run.wait_for("progress")
        rate = 64 * KIB
        while rate < 256 * MIB:
            rate *= 2
            assert run.send(signal.SIGUSR2) == (rate, "SIGUSR2")


def test_what_cannot_be(bucket: Bucket, tmp_path: Path) -> None:
    """A bad limit is told at once, wherever it comes from: all that is wrong, in one message."""
    tree(tmp_path, {"file": b"x"})
    arguments = ("put", tmp_path / "file", str(bucket.place))
    wrong = "25:00=fast 8:00=1M"
    told = "'25:00' is not between 00:00 and 23:59; 'fast' is not a rate: write 20MiB/s, 2.5MB/s"
    by_flag = asyncup(*arguments, "--limit-rate", wrong, env=bucket.env)
    by_env = asyncup(*arguments, env={**bucket.env, "ASYNCUP_LIMIT_RATE": wrong})
    path = config(tmp_path, f'limit-rate = "{wrong}"')
    by_file = asyncup(*arguments, "--config", path, env=bucket.env)
    assert {by_flag.code, by_env.code, by_file.code} == {2}
    assert by_flag.err.startswith(f"error: --limit-rate: {told}")
    assert by_env.err.startswith(f"error: ASYNCUP_LIMIT_RATE: {told}")
    assert f"{path}: line 1: limit-rate = '{wrong}': {told}" in by_file.err


def test_people_are_told(bucket: Bucket, tmp_path: Path) -> None:
    """Plain lines say what limits the rate."""
    tree(tmp_path, {"file": b"x"})
    arguments = ("put", tmp_path / "file", str(bucket.place), "--limit-rate=2.5MB/s")
    ended = asyncup(*arguments, env=bucket.env)
    assert ended.code == 0
    assert lines(ended.err, "as asked for: at most 2.38 MiB/s from now on")
