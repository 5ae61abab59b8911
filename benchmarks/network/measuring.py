"""One tool through one scenario: does it finish, how soon, and with how many bytes."""

import os
import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from asyncup.core.model import ObjectURI
from benchmarks.network.scenarios import Scenario
from benchmarks.network.tools import Tool
from tests.network.link import Link
from tests.network.namespaces import within
from tests.network.store import BUCKET, Store

_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one run.

    Attributes:
        ended: the exit status; None if it did not end in time.
        equal: whether the object is the file.
        seconds: from start to end, or until it was ended.
        wire: bytes that the client sent, with all headers and what TCP sent again, as a multiple
            of the file's size.
        payload: bytes that the tool gave to TCP, what it sent again itself included, as such.
        connections: TCP connections that it made.
    """

    ended: int | None
    equal: bool
    seconds: float
    wire: float
    payload: float
    connections: int

    @property
    def is_done(self) -> bool:
        """Whether the tool says that it is done, and is right."""
        return self.ended == 0 and self.equal

    @property
    def is_over(self) -> bool:
        """Whether the tool came to an end by itself, good or bad."""
        return self.ended is not None


@dataclass(frozen=True, slots=True)
class Ground:
    """Where tools are tried: a link, a server behind it, and a directory on this side.

    After `patience` seconds, a tool is ended.
    """

    link: Link
    store: Store
    directory: Path
    patience: float


def measure(ground: Ground, scenario: Scenario, tool: Tool) -> Measured:
    """Let a tool upload a file that the server has never seen."""
    link, store, place = ground.link, ground.store, ground.directory
    data = random.Random(f"{scenario.name} {time.time_ns()}").randbytes(scenario.size)
    file = place / "file"
    file.write_bytes(data)
    uri = ObjectURI(BUCKET, f"{tool.name}/{time.time_ns()}")
    _bring_up(store)
    link.clear()
    link.set(scenario.weather)
    scenario.before(link, scenario.size)
    before, _ = link.counts()
    command = [*within(link.client), *tool.command(str(file), store.url, str(uri))]
    ended, seconds = _run(command, ground, scenario.meanwhile)
    after, _ = link.counts()
    connections = link.connections()
    link.clear()
    _bring_up(store)
    held = store.objects(uri)
    return Measured(
        ended,
        held.get("") == data,
        seconds,
        (after.size - before.size) / scenario.size,
        sum(each.unique for each in connections) / scenario.size,
        len(connections),
    )


def _bring_up(store: Store) -> None:
    """Start the server if it does not run, and wait until it answers."""
    store.start_again()
    while True:
        with suppress(BotoCoreError, ClientError):
            store.pending(ObjectURI(BUCKET, ""))
            return
        time.sleep(_POLL)


def _run(
    command: list[str], ground: Ground, meanwhile: Callable[[Store], None]
) -> tuple[int | None, float]:
    """Run a command, and do something to the server; return how it ended, and its seconds."""
    home = ground.directory / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        **ground.store.env,
    }
    with (home / "log").open("wb") as log, ThreadPoolExecutor(1) as beside:
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        done = beside.submit(meanwhile, ground.store)
        ended: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                ended = process.wait(ground.patience)
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - begin
        done.result()
    return ended, seconds
