"""The servers that tools upload to, and what has arrived there."""

import asyncio
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from asyncup import embedded
from asyncup.core.options import S3Config
from asyncup.edges.s3_client import open_client
from benchmarks.speed.libraries.asked import BUCKET
from tests.certificates import make_certificate
from tests.servers import ROOT

_END_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Target:
    """Where to upload to: a URL, the certificates to trust, and keys."""

    url: str
    certificate: Path
    keys: tuple[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has arrived at a server.

    Attributes:
        objects: how many there are.
        size: their bytes.
        received: bytes of all bodies that came, also of parts that came twice.
        broken: bodies that did not come whole.
        cpu: seconds of CPU that the server has taken since it was started.
    """

    objects: int
    size: int
    received: int
    broken: int = 0
    cpu: float = 0.0


class Server(Protocol):
    """A server that can be empty as often as is needed."""

    name: str

    def empty(self, scheme: str) -> AbstractContextManager[Target]:
        """Hold nothing, and be there for as long as the context lasts."""

    def arrived(self, target: Target) -> Arrived:
        """Tell what has arrived since it was empty."""


class Sink:
    """The server that discards what it gets."""

    name = "sink"

    def __init__(self, where: dict[str, str]) -> None:
        self._where = where

    @contextmanager
    def empty(self, scheme: str) -> Iterator[Target]:
        """Forget everything."""
        self.tell("reset")
        yield self.target(scheme)

    def target(self, scheme: str) -> Target:
        """Return where it is."""
        return Target(self._where[scheme], Path(self._where["ca"]), ("key", "secret"))

    def arrived(self, _target: Target) -> Arrived:
        """Tell what has arrived since it was empty."""
        told = self.tell("tally")
        return Arrived(
            objects=int(told["objects"]),
            size=int(told["size"]),
            received=int(told["received"]),
            broken=int(told["broken"]),
            cpu=told["cpu"],
        )

    def tell(self, request: str) -> dict[str, float]:
        """Let it do something; see `benchmarks/sink/server.py`."""
        connection = http.client.HTTPConnection(self._where["http"].removeprefix("http://"))
        connection.request("POST", f"/-/{request}")
        told: dict[str, float] = json.loads(connection.getresponse().read())
        connection.close()
        return told


@contextmanager
def run_sink() -> Iterator[Sink]:
    """Run a sink for as long as the context lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sink"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # A Ctrl-C in the terminal is for who measures, who then ends it.
        start_new_session=True,
    )
    with process:
        try:
            yield Sink(json.loads(next(iter(process.stdout or ()))))
        finally:
            process.terminate()
            process.wait(_END_SECONDS)


class Weed:
    """SeaweedFS, a real store: started anew each time, since it frees no disk at once."""

    name = "weed"

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "weed"
        self._certificate = make_certificate(directory)

    @contextmanager
    def empty(self, scheme: str) -> Iterator[Target]:
        """Run it with an empty directory."""
        certificate = self._certificate if scheme == "https" else None
        shutil.rmtree(self._directory, ignore_errors=True)
        with embedded.serve(self._directory, buckets=[BUCKET], certificate=certificate) as server:
            keys = server.access_key, server.secret_key
            yield Target(server.endpoint_url, self._certificate.issuer, keys)
        shutil.rmtree(self._directory, ignore_errors=True)

    def arrived(self, target: Target) -> Arrived:
        """Tell what it holds; of what came and was not kept it tells nothing."""
        sizes = asyncio.run(_sizes(target))
        return Arrived(len(sizes), sum(sizes), sum(sizes))


async def _sizes(target: Target) -> list[int]:
    """Return the sizes of all objects that a server holds."""
    key, secret = target.keys
    config = S3Config(
        endpoint_url=target.url,
        region="us-east-1",
        ca_bundle=target.certificate if target.url.startswith("https:") else None,
        access_key_id=key,
        secret_access_key=secret,
    )
    async with open_client(config, connections=1, agent="speed") as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [int(item["Size"]) async for page in pages for item in page.get("Contents", ())]
