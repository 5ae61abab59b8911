"""What all tests stand on: an environment of their own, and one real S3 server for all of them."""

import hashlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.embedded import EmbeddedServer, serve
from tests.ceph import serve_ceph
from tests.servers import Server, serve_localstack, serve_rclone

BUCKET = "test-bucket"
GATEWAYS = ("fake", "weed", "rclone", "localstack", "ceph")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the contract suite run on other servers than those that are always there."""
    parser.addoption(
        "--servers",
        default="fake,weed,rclone",
        help=f"where to run the contract suite, of {', '.join(GATEWAYS)} (default: %(default)s)",
    )


def pytest_configure() -> None:
    """Let commands that tests start hear of what a terminal's keys send.

    A script that starts the tests in the background has them ignore that, and all that they start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def servers_of(config: pytest.Config) -> Sequence[str]:
    """Return the names that `--servers` asks for."""
    names = str(config.getoption("--servers")).split(",")
    if unknown := set(names) - set(GATEWAYS):
        raise pytest.UsageError(f"--servers: no {', '.join(unknown)} among {', '.join(GATEWAYS)}")
    return names


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS settings, configuration and cache out of every test."""
    for name in os.environ:
        if name.startswith(("AWS_", "ASYNCUP_", "BOTO_", "XDG_")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Run SeaweedFS for the whole session; a server that does not start fails the tests."""
    with serve(tmp_path_factory.mktemp("weed"), buckets=[BUCKET]) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run `rclone serve s3` for the whole session."""
    with serve_rclone(tmp_path_factory.mktemp("rclone"), BUCKET) as server:
        yield server


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run LocalStack's S3 for the whole session; `make test-servers` installs it."""
    with serve_localstack(tmp_path_factory.mktemp("localstack"), BUCKET) as server:
        yield server


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run Ceph's S3 gateway for the whole session; its packages are the system's."""
    with serve_ceph(tmp_path_factory.mktemp("ceph"), BUCKET) as server:
        yield server


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> ObjectURI:
    """Return a place in the bucket that no other test uses."""
    return ObjectURI(BUCKET, f"{hashlib.sha1(request.node.nodeid.encode()).hexdigest()}/")  # noqa: S324 - a name
