"""Kills at seeded moments, again and again, and power losses between them: nothing is lost."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from asyncup.core.model import ObjectURI
from asyncup.edges.journal import Journal
from asyncup.embedded import EmbeddedServer
from asyncup.embedded import start as start_server
from asyncup.embedded import stop as stop_server
from tests.cli.kit import asyncup, finish, start
from tests.s3 import Bucket
from tests.starter import Process

SERIES = 6
KILLS = 9
"""In each series; when an object is done, the next one follows."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: at the n-th line of this type, or at once."""

    kind: str
    count: int

    @classmethod
    def draw(cls, random: Random) -> "Moment":
        """Draw one."""
        kinds = ["part_started", "part_uploaded", "part_uploaded", "part_uploaded"]
        kind = random.choice([*kinds, "at once", "upload_created", "upload_completing"])
        return cls(kind, random.randint(1, 3) if kind in kinds else 1)

    def kill(self, process: Process) -> bool:
        """Kill a command at this moment; return whether it came before the command's end."""
        seen = 0
        if self.kind == "at once":
            seen = self.count
        elif process.stdout is not None:
            while seen < self.count and (line := process.stdout.readline()):
                seen += json.loads(line)["type"] == self.kind
        if seen == self.count:
            process.kill()
        ended = finish(process)
        assert ended.code in {0, -signal.SIGKILL}, ended.err
        return ended.code != 0


class Upload:
    """A command that uploads one file, and where it keeps things."""

    def __init__(self, bucket: Bucket, directory: Path, name: str, random: Random) -> None:
        self.bucket = bucket
        self.name = name
        self.data = random.randbytes(random.randint(11 * MIB, 30 * MIB))
        self.state_dir = directory / "state"
        self.split_dir = directory / "split"
        file = directory / name
        file.write_bytes(self.data)
        self.arguments = [
            *("put", str(file), f"{bucket.place}{name}", "--json"),
            *("--part-size=5MiB", f"--concurrency={random.randint(1, 3)}"),
            *(f"--split-dir={self.split_dir}", f"--state-dir={self.state_dir}"),
            *(["--direct"] if random.random() < 0.3 else []),
        ]

    def lose_power(self, random: Random) -> None:
        """Cut off the end of files that were written last."""
        written = [*self.state_dir.glob("journal.sqlite-wal"), *self.split_dir.rglob("*-part*")]
        if random.random() < 0.2:
            written += self.state_dir.glob("journal.sqlite")
        for path in written:
            if random.random() < 0.5:
                os.truncate(path, random.randint(0, path.stat().st_size))
        # It is made anew from the log; after a power loss, nobody has it in memory.
        (self.state_dir / "journal.sqlite-shm").unlink(missing_ok=True)

    def check_nothing_is_left(self) -> None:
        """Check that the object is the file, and that no trace of the work is left."""
        assert self.bucket.objects() == {self.name: self.data}
        assert self.bucket.pending() == []
        if self.split_dir.exists() and "--direct" not in self.arguments:
            assert list(self.split_dir.iterdir()) == []
        warnings: list[str] = []
        endpoint = self.bucket.server.endpoint_url
        with Journal(self.state_dir, endpoint, warnings.append) as journal:
            assert journal.uploads() == []
        assert warnings == []


def kill_again_and_again(bucket: Bucket, directory: Path, series: int) -> int:
    """Run one series and return how many kills there were."""
    random = Random(series)
    directory.mkdir()
    kills, objects = 0, 0
    while kills < KILLS:
        objects += 1
        place = replace(bucket, place=bucket.place / f"{series}/{objects}/")
        upload = Upload(place, directory, f"object-{objects}", random)
        while kills < KILLS:
            process = start(*upload.arguments, env=bucket.env)
            if not Moment.draw(random).kill(process):
                break
            kills += 1
            if random.random() < 0.3:
                upload.lose_power(random)
        assert asyncup(*upload.arguments, env=bucket.env).code == 0
        upload.check_nothing_is_left()
    return kills


@pytest.mark.timeout(600)
def test_killed_again_and_again(bucket: Bucket, tmp_path: Path) -> None:
    """However often a command is killed, at whatever moment, the last run makes the object.

    It leaves no chunk file, no pending upload and no record in the journal, and that also if the
    power was lost, so that the files written last are cut off.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        series = [
            pool.submit(kill_again_and_again, bucket, tmp_path / str(number), number)
            for number in range(SERIES)
        ]
        assert sum(each.result() for each in series) >= 50


@contextmanager
def own_server(directory: Path) -> Iterator[EmbeddedServer]:
    """Run a server that may be killed, and killed again."""
    server = start_server(directory, buckets=["test-bucket"])
    try:
        yield server
    finally:
        stop_server(server)


def kill_and_restart(server: EmbeddedServer) -> EmbeddedServer:
    """Kill a server and start it again, with the same data, ports and keys."""
    server.process.kill()
    server.process.wait()
    keys = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }
    with (server.directory / "again.log").open("ab") as log:
        process = subprocess.Popen(
            server.process.args,
            env={**os.environ, **keys},
            # Its sockets have relative names.
            cwd=server.directory,
            stdout=log,
            stderr=log,
        )
    return replace(server, process=process)


@pytest.mark.parametrize("kind", ["part_uploaded", "upload_completing"])
def test_killed_server(tmp_path: Path, kind: str) -> None:
    """An upload outlives its server: it goes on with what a new one finds on the same disks."""
    with own_server(tmp_path / "weed") as server:
        bucket = Bucket(server, ObjectURI("test-bucket", ""))
        upload = Upload(bucket, tmp_path, "object", Random(kind))
        patience = ["--retry-step=0.1s", "--retry-cap=1s", "--max-retry=1000"]
        process = start(*upload.arguments, *patience, env=bucket.env)
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["type"] != kind:
            pass
        again = kill_and_restart(server)
        try:
            ended = finish(process)
            assert ended.code == 0, ended.err
            # What lists objects is up before what reads them: asyncup waits for that.
            read = asyncup("verify", *upload.arguments[1:3], "--download-all", env=bucket.env)
            assert read.code == 0, read.err
            upload.check_nothing_is_left()
        finally:
            stop_server(again)
