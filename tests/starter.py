"""Starts the installed command again and again, and loads it only once.

A command needs some tenths of a second to load what it is made of, most of the time that most of
them run. So one process loads it and waits, and each command is a fork of that: it has arguments,
an environment, a directory, a session and standard streams of its own, it is sent signals, and it
ends as every interpreter ends. What differs is what is loaded at its beginning, and what the
interpreter itself takes from the environment when it starts; `tests/cli/test_starter.py` compares.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, Self

_LAZY = (
    "aiobotocore.session",
    "aiohttp.client",
    "awscrt.auth",
    "awscrt.checksums",
    "botocore.crt.auth",
    "rich.live",
    "sqlite3",
    "typer.rich_utils",
)
"""What asyncup itself imports only when a command comes to need it."""


class Process(Protocol):
    """A command that runs: what tests use of a `subprocess.Popen`."""

    pid: int
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None
    returncode: Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def communicate(self, *, timeout: float | None = None) -> tuple[bytes, bytes]: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Started:
    """A command that was started; as `subprocess.Popen` has it."""

    def __init__(self, report: socket.socket, out: IO[bytes], err: IO[bytes] | None) -> None:
        self._report = report
        self._answers = report.makefile("rb")
        self.stdout: IO[bytes] | None = out
        self.stderr = err
        self.pid = int(self._answers.readline())
        self.returncode: Any = None

    def poll(self) -> int | None:
        """Return the exit status, or minus the signal that ended it; None if it runs."""
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._report.close()
        return None if self.returncode is None else int(self.returncode)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends, and return what `poll` returns then.

        Raises:
            TimeoutExpired: it runs after so many seconds.
        """
        if self.returncode is None:
            select.select([self._report], [], [], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def communicate(self, *, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Return all that it writes, when it has ended; errors as of `wait`."""
        streams = [stream for stream in (self.stdout, self.stderr) if stream is not None]
        read: dict[IO[bytes], bytes] = {}
        threads = [
            threading.Thread(target=lambda each=each: read.update({each: each.read()}), daemon=True)
            for each in streams
        ]
        for thread in threads:
            thread.start()
        self.wait(timeout)
        for thread, stream in zip(threads, streams, strict=True):
            thread.join()
            stream.close()
        out, err = (read[each] if each else b"" for each in (self.stdout, self.stderr))
        return out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that has all of it loaded, `under` another command if given."""

    def __init__(self, under: Sequence[str] = ()) -> None:
        self._control, control = socket.socketpair()
        with control:
            fd = control.fileno()
            self._process = subprocess.Popen(
                # -P, as beside this file there are modules of any name.
                [*under, sys.executable, "-P", __file__, str(fd)],
                pass_fds=[fd],
                # As those of commands are, so that Python makes the same of them.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A Ctrl-C in the terminal is for the tests.
                start_new_session=True,
            )

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path | None = None,
        stdin: int | None = None,
        stderr: int | None = None,
    ) -> Started:
        """Start a command with this whole environment, in a session of its own.

        Its standard input is that of the descriptor, or empty; its errors go to the descriptor,
        or can be read.

        Raises:
            AssertionError: all of that did not load.
        """
        job = json.dumps({"argv": argv, "env": dict(env), "cwd": str(cwd or Path.cwd())})
        mine, its = socket.socketpair()
        out, to_out = os.pipe()
        err, to_err = (None, os.dup(stderr)) if stderr is not None else os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        given = nothing if stdin is None else stdin
        try:
            socket.send_fds(self._control, [b"+"], [given, to_out, to_err, its.fileno()])
        except BrokenPipeError:
            raise AssertionError(self._process.communicate()[1].decode()) from None
        finally:
            its.close()
            for fd in (nothing, to_out, to_err):
                os.close(fd)
        mine.sendall(job.encode() + b"\n")
        return Started(mine, os.fdopen(out, "rb"), None if err is None else os.fdopen(err, "rb"))

    def close(self) -> None:
        """End it; commands go on."""
        self._control.close()
        with self._process:
            pass


def _load() -> None:
    """Load all that commands may need."""
    package = importlib.import_module("asyncup")
    for module in pkgutil.walk_packages(package.__path__, "asyncup."):
        # The one that runs when it is loaded.
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _LAZY:
        importlib.import_module(name)
    # Forks share what nobody touches.
    gc.collect()
    gc.freeze()


def _serve(control: socket.socket) -> bool:
    """Start commands until nobody wants one any more; return whether this process is a command."""
    # Nobody waits for those that watch a command.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        _, streams, _, _ = socket.recv_fds(control, 1, 4)
        if not streams:
            return False
        if os.fork() == 0:
            control.close()
            return _watch(socket.socket(fileno=streams.pop()), streams)
        for fd in streams:
            os.close(fd)


def _watch(report: socket.socket, streams: Sequence[int]) -> bool:
    """Start one command and report its process ID and its end; return, in the command, True."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with report.makefile("rb") as asked:
        job = json.loads(asked.readline())
    if (pid := os.fork()) == 0:
        report.close()
        _become(job, streams)
        return True
    for fd in (0, 1, 2, *streams):
        os.close(fd)
    # Who started it may have gone.
    with suppress(BrokenPipeError):
        report.sendall(b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        report.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(job: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Take on what a command is given."""
    os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    sys.argv = job["argv"]


if __name__ == "__main__":
    _load()
    if _serve(socket.socket(fileno=int(sys.argv[1]))):
        # As the script does that pip has installed.
        sys.exit(importlib.import_module("asyncup.cli.main").main())
