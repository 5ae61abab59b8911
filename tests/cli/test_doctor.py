"""`asyncup doctor` as a user meets it: on a real server, and where something is wrong."""

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from asyncup.core.diagnosis import CHECKS
from tests.certificates import make_certificate
from tests.cli.kit import COMMAND, Ended, asyncup, finish, lines, start
from tests.proxy import Answer, Fate, Request, Script, error_answer, let_pass, proxy_to
from tests.s3 import Bucket


@pytest.fixture
def nothing_is_left(bucket: Bucket) -> Iterator[None]:
    """Look that there is nothing at S3 after the test."""
    yield
    assert (bucket.objects(), bucket.pending()) == ({}, [])


def doctor(bucket: Bucket, *more: str | Path, **env: str) -> Ended:
    """Examine the test's place, without measuring the rate."""
    return asyncup("doctor", str(bucket.place), "--no-speed", *more, env={**bucket.env, **env})


def through(bucket: Bucket, script: Script, *more: str) -> Ended:
    """Examine the place on a server that answers as a script says."""
    with proxy_to(bucket.server.endpoint_url, script) as proxy:
        return doctor(bucket, *more, AWS_ENDPOINT_URL=proxy.url)


@pytest.mark.usefixtures("nothing_is_left")
def test_all_is_well(bucket: Bucket, tmp_path: Path) -> None:
    """Each check is told, with what SeaweedFS is known to lack; status 0; it is remembered."""
    ended = doctor(bucket, "--json", "--state-dir", tmp_path / "state")
    assert (ended.code, ended.err) == (0, "")
    made = {each["check"]: each for each in ended.events("check_made")}
    assert list(made) == [each.name for each in CHECKS if each.name not in {"rate", "source"}]
    found = {name: each["verdict"] for name, each in made.items() if each["verdict"] != "ok"}
    assert found == {
        "region": "unknown",
        "lifecycle": "warning",
        "listed_checksums": "lacking",
        "object_size": "lacking",
        "trailer": "unknown",
    }
    assert [each["type"] for each in ended.events()[-2:]] == ["diagnosis_finished", "summary"]
    (kept,) = (tmp_path / "state" / "servers").iterdir()
    assert '"takes_checksums": true' in kept.read_text()


@pytest.mark.usefixtures("nothing_is_left")
def test_a_permission_that_is_missing(bucket: Bucket) -> None:
    """It fails, with the policy that mends it; that deleting is denied is no failure."""

    def deny(request: Request) -> Fate | Answer:
        is_list = request.method == "GET" and "uploadId=" in request.query
        return error_answer("AccessDenied", 403) if is_list else Fate.PASS

    ended = through(bucket, deny)
    assert ended.code == 4
    (failed,) = lines(ended.out, "  failed   ")
    assert "list its parts: list the parts of s3://" in failed
    (policy,) = lines(ended.out, "policy: ")
    assert '"s3:ListMultipartUploadParts"' in policy
    assert lines(ended.out, "an upload would fail: 1 failed")


def test_a_certificate_that_is_not_trusted(bucket: Bucket, tmp_path: Path) -> None:
    """It is told before anything is sent, and how to trust it."""
    certificate = make_certificate(tmp_path)
    with proxy_to(bucket.server.endpoint_url, certificate=certificate) as proxy:
        refused = doctor(bucket, "-q", AWS_ENDPOINT_URL=proxy.url)
        assert refused.code == 4
        assert "TLS: connect to 127.0.0.1" in refused.out
        assert "hint: name the certificate of its issuer with --ca-bundle" in refused.out
        assert proxy.requests == []


@pytest.mark.usefixtures("nothing_is_left")
def test_ctrl_c(bucket: Bucket) -> None:
    """It ends soon with status 130, and what was made is removed."""
    is_over = False

    def hang(request: Request) -> Fate:
        return Fate.SILENCE if request.part_number and not is_over else Fate.PASS

    with proxy_to(bucket.server.endpoint_url, hang) as proxy:
        process = start(
            *("doctor", str(bucket.place), "--no-speed", "--json"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: any(each.part_number for each in seen.requests))
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.code == 130
    assert ended.events("summary")[0]["exit_code"] == 130
    assert ended.events("left_behind") == []


def test_ctrl_c_twice(bucket: Bucket) -> None:
    """It ends at once, and tells what may be left with the commands that remove it; they do."""
    with proxy_to(bucket.server.endpoint_url, let_pass(0)) as proxy:
        process = start(
            *("doctor", str(bucket.place), "--no-speed", "--plain"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: any(each.part_number for each in seen.requests))
        proxy.script = lambda _: Fate.SILENCE
        known = len(proxy.requests)
        process.send_signal(signal.SIGINT)
        proxy.wait_until(lambda seen: len(seen.requests) > known)
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.code == 130
    (told,) = lines(ended.err, "something may be left at s3://")
    (hint,) = lines(ended.err, "hint: asyncup abort s3://")
    assert len(bucket.pending()) == 1
    command = hint.removeprefix("hint: asyncup ").partition(";")[0].split()
    assert command[1] == told.rpartition(" ")[2]
    assert asyncup(*command, env=bucket.env).code == 0
    assert bucket.pending() == []


def read_all(terminal: int) -> Iterator[bytes]:
    """Yield what is drawn, until the terminal is closed."""
    # At the end of what was written there, Linux gives an error.
    with suppress(OSError):
        while block := os.read(terminal, 1 << 16):
            yield block


def test_tables_on_a_terminal(bucket: Bucket) -> None:
    """On a terminal there is a table for each area."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "doctor", "s3://no-such-bucket/", "--no-speed"],
        env={**os.environ, **bucket.env, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    drawn = b"".join(read_all(ours)).decode()
    os.close(ours)
    assert process.wait() == 4
    for told in ("the way to S3", "permissions", "└", "an upload would fail: 1 failed"):
        assert told in drawn
