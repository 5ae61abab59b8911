"""One tool doing one work once, and whether all of it has arrived."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from asyncup.core.errors import UsageError
from benchmarks.speed.results import Run
from benchmarks.speed.servers import Arrived, Server, Sink, Target
from benchmarks.speed.tools import AWS_CONFIG, Job, Tool
from benchmarks.speed.works import Work
from tests.servers import ROOT

PATIENCE = 600.0
"""Seconds after which a tool is ended."""

_SETTLE = 0.3
_LAUNCH = Path(__file__).with_name("launch.py")
_LOST_PART = 7


@dataclass(frozen=True, slots=True)
class Launched:
    """What became of a command: its exit status and its figures, in seconds and bytes."""

    status: int
    wall: float
    cpu: float
    peak: int


def launch(command: list[str], environment: Mapping[str, str], log: Path) -> Launched:
    """Run a command to its end, or for `PATIENCE`, and measure it."""
    result = log.with_suffix(".json")
    result.unlink(missing_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCH), str(result), *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return Launched(-signal.SIGKILL, PATIENCE, 0.0, 0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Launched(**json.loads(result.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Ground:
    """Where tools are measured: a server, and a directory for all that they leave behind."""

    server: Server
    directory: Path

    def measure(self, work: Work, tool: Tool, scheme: str, source: Path, number: int) -> Run:
        """Let a tool do a work for a server that holds nothing of it, or all but one part."""
        home = self._new_home()
        with self.server.empty(scheme) as target:
            job = Job(work, source, target, home / "state")
            if work.is_pending:
                self._hold_all_but_one(tool, scheme, job)
            if tool.name.endswith("no journal"):
                shutil.rmtree(job.state)
            before = self.server.arrived(target)
            # What the one before has left to be written is not written while this one runs.
            os.sync()
            time.sleep(_SETTLE)
            launched = launch(
                tool.arguments(job), _environment(home, target, tool), self.directory / "log"
            )
            arrived = self.server.arrived(target)
        return Run(
            work=work.name,
            tool=tool.name,
            scheme=scheme,
            server=self.server.name,
            round=number,
            wall=launched.wall,
            cpu=launched.cpu,
            peak=launched.peak,
            fault=fault_of(work, launched.status, arrived),
            received=arrived.received,
            server_cpu=arrived.cpu - before.cpu,
        )

    def _new_home(self) -> Path:
        home = self.directory / "home"
        shutil.rmtree(home, ignore_errors=True)
        (home / ".aws").mkdir(parents=True)
        (home / ".aws" / "config").write_text(AWS_CONFIG, encoding="utf-8")
        return home

    def _hold_all_but_one(self, tool: Tool, scheme: str, job: Job) -> None:
        """Bring the server, and what asyncup remembers, to where one part is missing.

        Raises:
            UsageError: it is not there: what would be measured is something else.
        """
        sink = self.server
        if not isinstance(sink, Sink):
            raise UsageError(f"measure ({job.work.name}) on {sink.name}: only the sink loses parts")
        kept = self.directory / f"journal-{scheme}"
        if not kept.exists():
            sink.tell("refuse?operation=CompleteMultipartUpload")
            command = [*tool.arguments(replace(job, state=kept)), "--max-retry", "1"]
            environment = _environment(job.state.parent, job.target, tool)
            launched = launch(command, environment, self.directory / "log")
            arrived = sink.arrived(job.target)
            if arrived.objects or arrived.received < job.work.total or not kept.exists():
                shutil.rmtree(kept, ignore_errors=True)
                raise UsageError(
                    f"prepare ({job.work.name}) with {tool.name}: exit {launched.status}, "
                    f"{arrived.objects} objects, {arrived.received} of {job.work.total} bytes"
                )
            sink.tell(f"forget?part={_LOST_PART}")
            sink.tell(f"keep?state={scheme}")
        sink.tell(f"restore?state={scheme}")
        shutil.copytree(kept, job.state)


def _environment(home: Path, target: Target, tool: Tool) -> dict[str, str]:
    key, secret = target.keys
    trusted = {tool.trusts: str(target.certificate)} if tool.trusts else {}
    return trusted | {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def fault_of(work: Work, status: int, arrived: Arrived) -> str:
    """Return why the figures of a run do not count, empty if they do.

    A tool that does not send every byte is no faster, and one whose server answers early sends
    less than it seems.
    """
    if status != 0:
        return f"exit {status}"
    if arrived.broken:
        return f"{arrived.broken} bodies did not arrive whole"
    if (arrived.objects, arrived.size) != (work.files, work.total):
        return f"{arrived.objects} objects of {arrived.size} bytes in all"
    if arrived.received < work.to_send:
        return f"{arrived.received} of {work.to_send} bytes arrived"
    return ""
