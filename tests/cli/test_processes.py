"""`--processes`: workers are real processes, which nobody sees, and which nobody has to end."""

import os
import select
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.cli.kit import Ended, asyncup, finish, start
from tests.proxy import Fate, Proxy, Request, proxy_to
from tests.s3 import Bucket
from tests.starter import Process

MIB = 1 << 20
LARGE = Random(5).randbytes(31 * MIB)
SMALL = b"small"
PARTS = 7


class Upload:
    """A command that uploads a file of seven parts and a small one, by two workers.

    While `is_held`, no part after the second is answered.
    """

    def __init__(self, bucket: Bucket, directory: Path) -> None:
        self.bucket = bucket
        self.env = dict(bucket.env)
        self.split_dir = directory / "split"
        self.is_held = True
        sources = [directory / "large", directory / "small"]
        for source, data in zip(sources, (LARGE, SMALL), strict=True):
            source.write_bytes(data)
        self.arguments = [
            *("put", *map(str, sources), str(bucket.place), "--json"),
            *("--processes=2", "--part-size=5MiB", "--concurrency=3"),
            *(f"--state-dir={directory / 'state'}", f"--split-dir={self.split_dir}"),
        ]

    def fate(self, request: Request) -> Fate:
        """Say what the way to S3 does with a request."""
        is_late = request.part_number is not None and request.part_number > 2
        return Fate.SILENCE if self.is_held and is_late else Fate.PASS

    def start(self, proxy: Proxy) -> Process:
        """Start it, and return when there are parts that nobody answers."""
        env = {**self.env, "AWS_ENDPOINT_URL": proxy.url}
        process = start(*self.arguments, env=env)
        proxy.wait_until(lambda seen: {1, 2} <= set(seen.parts()))
        proxy.wait_until(
            lambda seen: len([each for each in seen.requests if (each.part_number or 0) > 2]) >= 2
        )
        return process

    def check(self, ended: Ended) -> None:
        """Check that all is at S3, and that nothing is left here."""
        assert ended.code == 0, ended.err
        assert self.bucket.objects() == {"large": LARGE, "small": SMALL}
        assert self.bucket.pending() == []
        assert list(self.split_dir.iterdir()) == []


@pytest.fixture
def upload(bucket: Bucket, tmp_path: Path) -> Upload:
    """Return a command that was not started yet."""
    return Upload(bucket, tmp_path)


def workers_of(process: Process) -> list[int]:
    """Return the process IDs of a command's workers."""
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=False
    )
    return [int(each) for each in told.stdout.split()]


def check_gone(pids: Sequence[int]) -> None:
    """Check that processes end by themselves."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            # It can be read when the process has ended.
            assert select.select([handle], [], [], 30)[0], f"process {pid} goes on"
        finally:
            os.close(handle)


def test_the_same_happens_in_one_process_and_in_two(upload: Upload) -> None:
    """The objects are the same, and so are the events, as many of each kind, and their totals."""
    two = asyncup(*upload.arguments, env=upload.env)
    upload.check(two)
    one = asyncup(*upload.arguments, "--processes=1", "--overwrite=always", env=upload.env)
    upload.check(one)
    assert _kinds(one) == _kinds(two)
    (total,) = two.events("run_finished")
    assert (total["uploaded"], total["failed"]) == (2, 0)
    completed = {event["uri"]: event["result"] for event in two.events("upload_completed")}
    again = {event["uri"]: event["result"] for event in one.events("upload_completed")}
    assert completed == again


def _kinds(ended: Ended) -> Counter[str]:
    return Counter(event["type"] for event in ended.events() if event["type"] != "progress")


def test_a_stream_is_sent_by_workers_as_well(bucket: Bucket, tmp_path: Path) -> None:
    """Standard input is split here, sent elsewhere, and arrives whole."""
    ended = asyncup(
        *("put", "-", f"{bucket.place}stream", "--processes=2", "--part-size=5MiB"),
        f"--split-dir={tmp_path / 'split'}",
        env=bucket.env,
        stdin=LARGE,
    )
    assert ended.code == 0, ended.err
    assert bucket.objects() == {"stream": LARGE}
    assert list((tmp_path / "split").iterdir()) == []


def test_workers_that_are_killed_cost_nothing_but_time(upload: Upload) -> None:
    """After a `kill -9` of all workers, others send what was on its way, and no more."""
    with proxy_to(upload.bucket.server.endpoint_url, upload.fate) as proxy:
        process = upload.start(proxy)
        workers = workers_of(process)
        assert len(workers) == 2
        upload.is_held = False
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        ended = finish(process)
        assert sorted(proxy.parts()) == list(range(1, PARTS + 1))
    upload.check(ended)
    retried = [event["error"] for event in ended.events("retry_scheduled")]
    # On a machine that is very busy, a part may stall as well.
    lost = [error["message"] for error in retried if error["name"] == "WorkerLost"]
    assert len(lost) >= 2
    assert all("was ended by SIGKILL" in each for each in lost)
    assert "Traceback" not in ended.err


def test_workers_end_with_the_command(upload: Upload) -> None:
    """However a command ends, none of its workers goes on, and the next one finds all in order."""
    with proxy_to(upload.bucket.server.endpoint_url, upload.fate) as proxy:
        process = upload.start(proxy)
        workers = workers_of(process)
        process.kill()
        assert finish(process).code == -signal.SIGKILL
        check_gone(workers)
    upload.check(asyncup(*upload.arguments, env=upload.env))


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_a_terminal_is_for_the_command_alone(upload: Upload, times: int) -> None:
    """Workers, which get the same signal, leave it to the command to stop, and to go on later."""
    with proxy_to(upload.bucket.server.endpoint_url, upload.fate) as proxy:
        process = upload.start(proxy)
        workers = workers_of(process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        while b'"stopping"' not in process.stdout.readline():
            pass
        if times > 1:
            os.killpg(process.pid, signal.SIGINT)
        ended = finish(process)
        assert ended.code == 130, ended.err
        check_gone(workers)
    assert "Traceback" not in ended.err
    assert list(upload.split_dir.iterdir()) == []
    again = asyncup(*upload.arguments, env=upload.env)
    upload.check(again)
    assert {event["part_number"] for event in again.events("part_kept")} >= {1, 2}


def test_no_key_can_be_seen_from_outside(upload: Upload, tmp_path: Path) -> None:
    """What a worker signs with is neither in its command line nor in its environment."""
    key, secret = (upload.env.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    lines = ["[default]", f"aws_access_key_id = {key}", f"aws_secret_access_key = {secret}"]
    (tmp_path / "home" / "aws-credentials").write_text("\n".join(lines), encoding="utf-8")
    with proxy_to(upload.bucket.server.endpoint_url, upload.fate) as proxy:
        process = upload.start(proxy)
        for pid in workers_of(process):
            seen = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
            assert b"asyncup.worker" in seen[0]
            assert secret.encode() not in b"".join(seen)
        process.terminate()
        assert finish(process).code == 130


def test_auto_adds_nobody_without_need(upload: Upload) -> None:
    """What one process does with ease it does alone."""
    upload.is_held = False
    ended = asyncup(*upload.arguments, "--processes=auto", env=upload.env)
    upload.check(ended)
    assert not ended.events("processes_added")
