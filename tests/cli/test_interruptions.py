"""Real processes, really killed: what is sent again, what is left, and what it says."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from asyncup.cli.signals import Signals, caught_signals
from tests.cli.kit import COMMAND, asyncup, finish, lines, start, start_anew, tree
from tests.proxy import Answer, Fate, Proxy, Request, let_pass, proxy_to
from tests.s3 import Bucket

LARGE = os.urandom(22 << 20)
PARTS = 5


def has_parts(count: int) -> Callable[[Proxy], bool]:
    """Return what is true when S3 has acknowledged so many parts."""
    return lambda proxy: len(proxy.parts()) == count


class Upload:
    """A command that uploads a file of nine parts, through a proxy at first."""

    def __init__(self, bucket: Bucket, directory: Path, *options: str) -> None:
        tree(directory, {"large": LARGE})
        self.bucket = bucket
        self.split_dir = directory / "split"
        self.arguments = [
            *("put", str(directory / "large"), str(bucket.place)),
            *("--part-size=5MiB", "--concurrency=2", f"--split-dir={self.split_dir}"),
            *options,
        ]

    def env(self, proxy: Proxy) -> dict[str, str]:
        """Return the environment that leads through the proxy."""
        return {**self.bucket.env, "AWS_ENDPOINT_URL": proxy.url}

    def check_nothing_is_left(self) -> None:
        """Check that the object is the file, and that no trace of the work is left."""
        assert self.bucket.objects() == {"large": LARGE}
        assert self.bucket.pending() == []
        assert list(self.split_dir.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("--direct",)], ids=["chunk files", "direct"])
@pytest.mark.parametrize("parts", [0, 1, 3, 5])
def test_kill(bucket: Bucket, tmp_path: Path, parts: int, options: tuple[str, ...]) -> None:
    """Killed when S3 has some parts, the same command sends exactly the others."""
    upload = Upload(bucket, tmp_path, *options)
    script = let_pass(parts)

    def until_complete(request: Request) -> Fate | Answer:
        return Fate.SILENCE if request.is_complete else script(request)

    def is_next(request: Request) -> bool:
        return request.is_complete or (parts < PARTS and request.part_number is not None)

    with proxy_to(bucket.server.endpoint_url, until_complete) as proxy:
        process = start(*upload.arguments, env=upload.env(proxy))
        proxy.wait_until(has_parts(parts))
        proxy.wait_until(lambda seen: any(is_next(each) for each in seen.requests))
        process.kill()
        assert finish(process).code == -signal.SIGKILL
    held = set(proxy.parts())
    with proxy_to(bucket.server.endpoint_url) as proxy:
        ended = asyncup(*upload.arguments, "--json", env=upload.env(proxy))
        assert ended.code == 0
        assert sorted(proxy.parts()) == sorted(set(range(1, PARTS + 1)) - held)
    kept = {event["part_number"] for event in ended.events("part_kept")}
    assert kept == held
    if not options:
        upload.check_nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal(bucket: Bucket, tmp_path: Path, number: signal.Signals) -> None:
    """The first signal ends resumably: status 130, how to go on, and what is still to send."""
    upload = Upload(bucket, tmp_path, "--stop-grace=0.1s")
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(*upload.arguments, env=upload.env(proxy))
        proxy.wait_until(has_parts(2))
        process.send_signal(number)
        ended = finish(process)
    assert (ended.code, ended.out) == (130, "")
    assert lines(ended.err, "stopping: parts in flight have 0s to arrive")
    assert lines(ended.err, "12 MiB are not at S3 yet")
    assert lines(ended.err, f"to go on: asyncup put {tmp_path}/large {bucket.place}")
    assert list(upload.split_dir.iterdir()) == []
    assert len(bucket.pending()) == 1
    assert asyncup(*upload.arguments, env=bucket.env).code == 0
    upload.check_nothing_is_left()


def test_parts_in_flight_arrive_after_the_signal(bucket: Bucket, tmp_path: Path) -> None:
    """A part that is on its way when the signal comes is acknowledged and kept."""
    upload = Upload(bucket, tmp_path, "--stop-grace=60s", "--concurrency=1")

    def script(request: Request) -> Fate:
        if request.part_number is not None and not proxy.parts():
            process.send_signal(signal.SIGINT)
        return Fate.PASS

    with proxy_to(bucket.server.endpoint_url, script) as proxy:
        process = start(*upload.arguments, env=upload.env(proxy))
        ended = finish(process)
    assert ended.code == 130
    assert 0 < len(proxy.parts()) < PARTS
    assert asyncup(*upload.arguments, env=bucket.env).code == 0
    upload.check_nothing_is_left()


def test_second_signal(bucket: Bucket, tmp_path: Path) -> None:
    """The second signal does not wait for what is in flight."""
    upload = Upload(bucket, tmp_path, "--stop-grace=1h")
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(*upload.arguments, env=upload.env(proxy))
        assert process.stderr is not None
        proxy.wait_until(has_parts(2))
        process.send_signal(signal.SIGINT)
        while b"stopping" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert list(upload.split_dir.iterdir()) == []


def test_ignored_signal_stays_ignored(bucket: Bucket, tmp_path: Path) -> None:
    """Under nohup, losing the terminal stops nothing."""
    upload = Upload(bucket, tmp_path)
    with proxy_to(bucket.server.endpoint_url) as proxy:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = start_anew(*upload.arguments, env=upload.env(proxy))
        finally:
            signal.signal(signal.SIGHUP, before)
        proxy.wait_until(lambda seen: len(seen.parts()) >= 2)
        process.send_signal(signal.SIGHUP)
        assert finish(process).code == 0
    upload.check_nothing_is_left()


def test_killed_run_leaves_chunk_files_only_until_the_next(bucket: Bucket, tmp_path: Path) -> None:
    """Chunk files of a killed run are removed by the next one, whatever that uploads."""
    upload = Upload(bucket, tmp_path)
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(*upload.arguments, env=upload.env(proxy))
        proxy.wait_until(has_parts(2))
        process.kill()
        finish(process)
    assert list(upload.split_dir.iterdir()) != []
    tree(tmp_path, {"small": b"x"})
    split_dir = f"--split-dir={upload.split_dir}"
    assert (
        asyncup("put", tmp_path / "small", str(bucket.place), split_dir, env=bucket.env).code == 0
    )
    assert list(upload.split_dir.iterdir()) == []


def test_stream_resumes(bucket: Bucket, tmp_path: Path) -> None:
    """A stream that is piped again after a break sends what is missing."""
    arguments = ["put", "-", f"{bucket.place}stream", "--part-size=5MiB", "--concurrency=2"]
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        ended = asyncup(
            *(*arguments, "--stall-timeout=1s", "--max-retry=1"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
            stdin=LARGE,
        )
    assert ended.code == 4
    with proxy_to(bucket.server.endpoint_url) as proxy:
        ended = asyncup(*arguments, env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url}, stdin=LARGE)
    assert ended.code == 0
    assert len(proxy.parts()) == PARTS - 2
    assert bucket.objects() == {"stream": LARGE}
    assert tmp_path.exists()


@contextmanager
def fed(*arguments: str, env: Mapping[str, str], stdin: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command with this standard input; kill it if the test fails."""
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env={**os.environ, **env},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()


def test_stream_that_nobody_ends(bucket: Bucket) -> None:
    """A signal ends the wait for a pipe that stays open and silent."""
    silent, held = os.pipe()
    arguments = ("put", "-", f"{bucket.place}stream", "--stop-grace=0.1s")
    with (
        os.fdopen(silent, "rb"),
        os.fdopen(held, "wb") as writer,
        fed(*arguments, env=bucket.env, stdin=silent) as process,
    ):
        writer.write(b"x" * (1 << 20))
        writer.flush()
        _wait_for_handler(process.pid)
        process.send_signal(signal.SIGINT)
        assert finish(process).code == 130


def test_terminal_that_nobody_types_on(bucket: Bucket) -> None:
    """A signal ends the wait for a terminal, too."""
    typing, terminal = pty.openpty()
    arguments = ("put", "-", f"{bucket.place}stream", "--stop-grace=0.1s", "--json")
    with (
        os.fdopen(typing, "wb", buffering=0),
        os.fdopen(terminal, "rb", buffering=0),
        fed(*arguments, env=bucket.env, stdin=terminal) as process,
    ):
        assert process.stdout is not None
        while b"file_started" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert (ended.code, ended.err) == (130, "")


def test_list_that_nobody_ends(bucket: Bucket, tmp_path: Path) -> None:
    """Names are taken up as they come, and a signal ends the wait for the next one."""
    tree(tmp_path, {"a": b"1"})
    names, held = os.pipe()
    arguments = ("put", str(tmp_path), "--files-from=-", str(bucket.place), "--stop-grace=0.1s")
    with (
        os.fdopen(names, "rb"),
        os.fdopen(held, "wb", buffering=0) as writer,
        fed(*arguments, env=bucket.env, stdin=names) as process,
    ):
        writer.write(b"a\nb")
        assert process.stdout is not None
        assert process.stdout.readline().decode().startswith(f"{bucket.place}a\t")
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert ended.code == 130
    assert lines(ended.err, "1 file uploaded")
    assert lines(ended.err, "to go on: asyncup put")


HANGS = """
import asyncio, threading
from asyncup.cli.signals import caught_signals

async def main(signals):
    signals.attend()
    signals.stop = lambda: None
    asyncio.current_task().add_done_callback(lambda _: print("closing", flush=True))
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    print("running", flush=True)
    await asyncio.sleep({seconds})

with caught_signals() as signals:
    asyncio.run(main(signals))
"""
"""A thread that never ends, while the run goes on or while the loop waits for it."""


@pytest.mark.parametrize(
    ("seconds", "when", "signals"), [(3600, b"running", 3), (0, b"closing", 2)]
)
def test_signal_that_always_ends_it(seconds: int, when: bytes, signals: int) -> None:
    """Whatever hangs, a signal too many ends the process at once."""
    with subprocess.Popen(
        [sys.executable, "-c", HANGS.format(seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            while when not in process.stdout.readline():
                pass
            # Two of one kind at the same time would be one.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[:signals]:
                process.send_signal(number)
            ended = finish(process)
        finally:
            process.kill()
    assert (ended.code, ended.err) == (130, "")


def test_signal_that_another_thread_is_given() -> None:
    """A loop that sleeps is woken by it: the system chooses the thread, if there are several."""
    asleep = threading.Event()

    def send() -> None:
        asleep.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    async def main(signals: Signals) -> None:
        stopped = asyncio.Event()
        signals.attend()
        signals.stop = stopped.set
        # When all else is done, the loop goes to sleep.
        asyncio.get_running_loop().call_soon(asleep.set)
        await stopped.wait()

    thread = threading.Thread(target=send)
    thread.start()
    with caught_signals() as signals:
        asyncio.run(main(signals))
    thread.join()


def _wait_for_handler(pid: int) -> None:
    """Wait until a process catches SIGINT by itself, which it does when its run begins."""
    status = Path(f"/proc/{pid}/status")
    wanted = 1 << (signal.SIGTERM - 1)
    while True:
        (line,) = [each for each in status.read_text().splitlines() if each.startswith("SigCgt")]
        if int(line.split()[1], 16) & wanted:
            return
