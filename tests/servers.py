"""Real S3 servers for tests, each with its data and its log in a directory of its own, on loopback.

SeaweedFS is not among them: `asyncup.embedded` starts that, for users as well.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from asyncup.edges.s3_client import open_client
from tests.s3 import S3Server, config_of

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
LOCALSTACK = ROOT / ".venv-localstack"

START_SECONDS = 90.0
"""Less than a test may take, so that it is the log that tells of a server that does not start."""

_ANSWER_SECONDS = 10.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1
_TAIL = 30

# Below what systems take for the near end of connections: whoever looks for a port of its own
# between our look at this one and the server's start does not get it.
_PORTS = range(20_000, 32_000)


class NoServer(Exception):
    """A server is not installed or does not start; the tests on it fail with what this says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs, with the one bucket of the tests."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Return what every AWS tool needs in its environment to use this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
        }


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started, and the file that it writes its log to."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Ask again and again.

        Raises:
            NoServer: the process ended, or time is up.
        """
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.popen.poll() is not None:
                raise NoServer(self._tell(f"ended with status {self.popen.returncode}"))
            if time.monotonic() > deadline:
                raise NoServer(self._tell(f"is not ready after {START_SECONDS:g} s"))
            time.sleep(_POLL_SECONDS)

    def _tell(self, what: str) -> str:
        return f"{self.name} {what}; the end of its log:\n{tail(self.log)}"


@contextlib.contextmanager
def serve_rclone(directory: Path, bucket: str) -> Iterator[Server]:
    """Run `rclone serve s3` on a directory: a server that knows MD5 and no other checksum."""
    server = new_server()
    (directory / "data").mkdir()
    command = [
        _installed("rclone"),
        *("serve", "s3", "--addr", server.endpoint_url.removeprefix("http://")),
        # An empty name is no file: the developer's own configuration is not for the tests.
        *("--config", "", "--cache-dir", str(directory / "cache")),
        *("--auth-key", f"{server.access_key},{server.secret_key}"),
        str(directory / "data"),
    ]
    with run(command, directory) as process:
        process.wait_until(lambda: make_bucket(server, bucket))
        yield server


@contextlib.contextmanager
def serve_localstack(directory: Path, bucket: str) -> Iterator[Server]:
    """Run the S3 of LocalStack: the closest to AWS in what it checks and lists.

    It takes every access key, and looks at no signature.
    """
    python = LOCALSTACK / "bin" / "python"
    if not python.exists():
        raise NoServer(f"LocalStack is not installed in {LOCALSTACK.name}: run `make test-servers`")
    server = new_server()
    settings = {
        "SERVICES": "s3",
        "EAGER_SERVICE_LOADING": "1",
        "GATEWAY_LISTEN": server.endpoint_url.removeprefix("http://"),
        # Its other web server listens on every interface, whatever it is told.
        "GATEWAY_SERVER": "hypercorn",
        "FILESYSTEM_ROOT": str(directory / "root"),
        "LOCALSTACK_VOLUME_DIR": str(directory / "volume"),
        # It would ask the network for certificates, tell of its use, and answer for DNS.
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
        # In a container it would take this for its own container.
        "OVERRIDE_IN_DOCKER": "0",
    }
    command = [str(python), "-m", "localstack.runtime.main"]
    with run(command, directory, name="localstack", settings=settings) as process:
        process.wait_until(lambda: make_bucket(server, bucket))
        yield server


def new_server() -> Server:
    """Return a server that is still to be started, with a port and keys of its own."""
    return Server(
        endpoint_url=f"http://{HOST}:{free_port()}",
        access_key=secrets.token_hex(10).upper(),
        secret_key=secrets.token_hex(20),
    )


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as holder:
            holder.bind((HOST, port))
            return port


@contextlib.contextmanager
def run(
    command: Sequence[str],
    directory: Path,
    *,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Run a process for as long as the context lasts."""
    name = name or Path(command[0]).name
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(directory) | dict(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A Ctrl-C in the terminal is for the tests, which then end it in their own order.
            start_new_session=True,
        )
    try:
        yield Process(name, popen, log)
    finally:
        popen.terminate()
        try:
            popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def environment(directory: Path) -> dict[str, str]:
    """Return an environment that has nothing of the developer's."""
    temporary = directory / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "LC_ALL": "C.UTF-8",
    }


def make_bucket(server: S3Server, bucket: str) -> bool:
    """Return whether a server answers signed requests: that for a bucket is the first one."""

    async def main() -> bool:
        async with open_client(config_of(server), connections=1, agent="test") as client:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await client.create_bucket(Bucket=bucket)
        return True

    try:
        return asyncio.run(main())
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "BucketAlreadyOwnedByYou")
    except (BotoCoreError, TimeoutError):
        return False


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])


def _installed(name: str) -> str:
    beside_python = Path(sys.executable).parent / name
    if not beside_python.exists():
        raise NoServer(f"{name} is not installed beside {sys.executable}: run `make test`")
    return str(beside_python)
