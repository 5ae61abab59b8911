"""The tools that are compared: 16 MiB parts and 8 of them in flight, wherever that can be set."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asyncup.core.errors import UsageError
from benchmarks.speed.libraries.asked import BUCKET, IN_FLIGHT
from benchmarks.speed.servers import Target
from benchmarks.speed.works import MIB, Work
from tests.cli.kit import COMMAND
from tests.servers import ROOT

PEERS = ROOT / ".venv-peers" / "bin"
PREFIX = "speed/"

AWS_CONFIG = f"""[default]
s3 =
  max_concurrent_requests = {IN_FLIGHT}
  multipart_chunksize = 16MB
  multipart_threshold = 16MB
"""
"""The configuration file of aws-cli, which takes these settings from nowhere else; MB are MiB."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a tool is to do now.

    Attributes:
        work: of which kind.
        source: a file, or a directory if there are several.
        target: where to upload it.
        state: a directory for what asyncup remembers.
    """

    work: Work
    source: Path
    target: Target
    state: Path

    @property
    def is_many(self) -> bool:
        """Whether there are several files."""
        return self.work.files > 1

    @property
    def uri(self) -> str:
        """Where to: the object, or what the keys of several begin with."""
        return f"s3://{BUCKET}/{PREFIX}" + ("" if self.is_many else self.source.name)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        name: as it is known.
        arguments: the command that does a job.
        asks_version: the command that tells its version.
        is_command: whether it is a peer on the command line.
        is_peer: whether it is a peer at all.
        trusts: the variable that names the certificates to trust, where no argument does.
    """

    name: str
    arguments: Callable[[Job], list[str]]
    asks_version: tuple[str, ...] = ()
    is_command: bool = False
    is_peer: bool = True
    trusts: str = ""

    @property
    def version(self) -> str:
        """What it tells of its version.

        Raises:
            UsageError: it is not installed.
        """
        try:
            told = subprocess.run(self.asks_version, capture_output=True, text=True, check=True)
        except FileNotFoundError as error:
            raise UsageError(f"compare with {self.name}: it is not installed") from error
        return told.stdout.splitlines()[0].split(" Python/")[0].split(" (")[0]

    def shown(self, work: Work) -> str:
        """Return the command for a work as it is shown to readers."""
        source = Path("DIRECTORY" if work.files > 1 else "FILE")
        target = Target("https://SERVER", Path("CERTIFICATE"), ("", ""))
        program, *rest = self.arguments(Job(work, source, target, Path("STATE")))
        variables = [f"{self.trusts}={target.certificate}"] if self.trusts else []
        return " ".join([*variables, Path(program).name, *rest])


def _asyncup(*flags: str) -> Callable[[Job], list[str]]:
    def arguments(job: Job) -> list[str]:
        return [
            COMMAND,
            "put",
            str(job.source),
            f"s3://{BUCKET}/{PREFIX}",
            *("--endpoint-url", job.target.url),
            *("--ca-bundle", str(job.target.certificate)),
            *("--state-dir", str(job.state)),
            *("--part-size", f"{job.work.part_size // MIB}MiB"),
            *("--concurrency", str(IN_FLIGHT)),
            *flags,
        ]

    return arguments


def _s5cmd(job: Job) -> list[str]:
    source = f"{job.source}/" if job.is_many else str(job.source)
    files, parts = (IN_FLIGHT, 1) if job.is_many else (1, IN_FLIGHT)
    common = ["--endpoint-url", job.target.url, "--numworkers", str(files)]
    copy = ["cp", "--part-size", "16", "--concurrency", str(parts), source, job.uri]
    return [str(PEERS / "s5cmd"), *common, *copy]


def _rclone(job: Job) -> list[str]:
    url = job.target.url
    remote = f":s3,provider=Other,env_auth=true,force_path_style=true,endpoint='{url}':"
    files, parts = (IN_FLIGHT, 1) if job.is_many else (1, IN_FLIGHT)
    return [
        str(PEERS / "rclone"),
        "copy" if job.is_many else "copyto",
        str(job.source),
        remote + job.uri.removeprefix("s3://"),
        *("--ca-cert", str(job.target.certificate)),
        *("--s3-chunk-size", "16Mi", "--s3-upload-cutoff", "16Mi"),
        *("--transfers", str(files), "--s3-upload-concurrency", str(parts)),
    ]


def _aws(job: Job) -> list[str]:
    recursive = ["--recursive"] if job.is_many else []
    copy = ["s3", "cp", str(job.source), job.uri, *recursive, "--no-progress"]
    trusted = str(job.target.certificate)
    return [str(PEERS / "aws"), *copy, "--endpoint-url", job.target.url, "--ca-bundle", trusted]


def _library(python: Path, name: str) -> Callable[[Job], list[str]]:
    def arguments(job: Job) -> list[str]:
        target = job.target
        what = [target.url, str(target.certificate), PREFIX, str(job.source)]
        return [str(python), "-m", f"benchmarks.speed.libraries.{name}", *what]

    return arguments


def _curl(job: Job) -> list[str]:
    trusted = ["--cacert", str(job.target.certificate)]
    place = f"{job.target.url}/{BUCKET}/{PREFIX}"
    if not job.is_many:
        return [_CURL, "-sS", "--fail", *trusted, "-T", str(job.source), place]
    names = job.work.names
    several = ["--parallel", "--parallel-max", str(IN_FLIGHT), "--no-progress-meter"]
    every = f"{job.source}/[{names[0]}-{names[-1]}]"
    return [_CURL, "--fail", *several, *trusted, "-T", every, place]


def _version(_job: Job) -> list[str]:
    return [COMMAND, "--version"]


def _import(_job: Job) -> list[str]:
    return [sys.executable, "-c", "import aioboto3"]


def _told_by(python: Path, package: str) -> tuple[str, ...]:
    ask = f"from importlib.metadata import version; print('{package}', version('{package}'))"
    return (str(python), "-c", ask)


_CURL = shutil.which("curl") or "curl"
_HERE = Path(sys.executable)
_THERE = PEERS / "python"
_ASKS_US = (COMMAND, "--version")

TOOLS = (
    Tool("asyncup", _asyncup(), _ASKS_US, is_peer=False),
    Tool("asyncup --direct", _asyncup("--direct"), _ASKS_US, is_peer=False),
    Tool(
        "s5cmd",
        _s5cmd,
        (str(PEERS / "s5cmd"), "version"),
        is_command=True,
        trusts="AWS_CA_BUNDLE",
    ),
    Tool("rclone", _rclone, (str(PEERS / "rclone"), "--version"), is_command=True),
    Tool("aws-cli", _aws, (str(PEERS / "aws"), "--version"), is_command=True),
    Tool("boto3 (CRT)", _library(_THERE, "with_boto3"), _told_by(_THERE, "boto3")),
    Tool("obstore", _library(_THERE, "with_obstore"), _told_by(_THERE, "obstore")),
    Tool("aioboto3", _library(_HERE, "with_aioboto3"), _told_by(_HERE, "aioboto3")),
    Tool("curl", _curl, (_CURL, "--version"), is_peer=False),
    Tool("asyncup, no journal", _asyncup(), _ASKS_US, is_peer=False),
    Tool("asyncup --direct, no journal", _asyncup("--direct"), _ASKS_US, is_peer=False),
    Tool("asyncup --version", _version, _ASKS_US, is_peer=False),
    Tool("import aioboto3", _import, _told_by(_HERE, "aioboto3"), is_peer=False),
)

PEER_NAMES = [tool.name for tool in TOOLS if tool.is_peer]
COMMAND_NAMES = [tool.name for tool in TOOLS if tool.is_command]
