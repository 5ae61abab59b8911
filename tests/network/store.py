"""The S3 server at the far end of a link."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from asyncup import embedded
from asyncup.core.model import ObjectURI
from asyncup.embedded import EmbeddedServer
from tests.network.link import Link
from tests.network.namespaces import inside
from tests.s3 import Bucket

BUCKET = "far-away"


class Store:
    """SeaweedFS, which can be killed, and started again with the same data and address."""

    def __init__(self, link: Link, server: EmbeddedServer) -> None:
        self._link = link
        self._server = server

    @property
    def env(self) -> Mapping[str, str]:
        """Return the environment that reaches the server."""
        return self._server.environment

    def objects(self, place: ObjectURI) -> Mapping[str, bytes]:
        """Return all objects below a place, read beside the server: not over the link."""
        return inside(self._link.server, Bucket(self._server, place).objects)

    def pending(self, place: ObjectURI) -> list[str]:
        """Return the keys below a place that have pending uploads."""
        return inside(self._link.server, Bucket(self._server, place).pending)

    @property
    def url(self) -> str:
        """Return where the server is."""
        return self._server.endpoint_url

    def kill(self) -> None:
        """End the server as a power failure would; its connections are refused from now on."""
        self._server.process.kill()
        self._server.process.wait()

    def start_again(self) -> None:
        """Start it as it was, without waiting until it answers; nothing if it runs."""
        if self._server.process.poll() is None:
            return
        self._server = inside(self._link.server, self._start)

    def _start(self) -> EmbeddedServer:
        server = self._server
        keys = {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
        }
        with (server.directory / "again.log").open("ab") as output:
            process = subprocess.Popen(
                server.process.args,
                env={**os.environ, **keys},
                cwd=server.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return replace(server, process=process)


@contextmanager
def open_store(link: Link, directory: Path) -> Iterator[Store]:
    """Run a server at the far end of a link for as long as the context lasts."""
    server = inside(
        link.server, lambda: embedded.start(directory, buckets=[BUCKET], host=link.address)
    )
    store = Store(link, server)
    try:
        yield store
    finally:
        store.kill()
