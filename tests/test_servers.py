"""A server that cannot be had fails the tests on it, and says why."""

import sys
from pathlib import Path

import pytest

from tests import servers
from tests.ceph import serve_ceph
from tests.servers import NoServer, run, serve_localstack


def test_one_that_ends_shows_its_log(tmp_path: Path) -> None:
    """Whoever reads the failure reads the server's own last words, and its status."""
    last_words = [sys.executable, "-c", "print('no disk'); raise SystemExit(3)"]
    with (
        run(last_words, tmp_path, name="server") as process,
        pytest.raises(NoServer, match=r"(?s)server ended with status 3.*no disk"),
    ):
        process.wait_until(lambda: False)


def test_one_that_is_never_ready_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that only sits there is ended when its time is up."""
    monkeypatch.setattr(servers, "START_SECONDS", 0.0)
    with (
        pytest.raises(NoServer, match="is not ready after 0 s"),
        run(["sleep", "1000"], tmp_path) as process,
    ):
        process.wait_until(lambda: False)
    assert process.popen.returncode is not None


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Ceph is not installed, the failure is the command that installs it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(NoServer, match=r"as root, apt-get install .*ceph-mon ceph-osd radosgw"),
        serve_ceph(tmp_path, "bucket"),
    ):
        pass


def test_missing_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where LocalStack is not installed, the failure names the target that installs it."""
    monkeypatch.setattr(servers, "LOCALSTACK", tmp_path / "nothing")
    with (
        pytest.raises(NoServer, match="make test-servers"),
        serve_localstack(tmp_path, "bucket"),
    ):
        pass
