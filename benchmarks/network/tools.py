"""The tools that are compared: each uploads one file as its manual says, with nothing set."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.machine import commit
from tests.cli.kit import COMMAND
from tests.servers import ROOT

PEERS = ROOT / ".venv-peers" / "bin"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Args:
        name: as it is known.
        program: where it is installed.
        arguments: from a file, the server's URL, and an object's URI.
        asks_version: the arguments with which it tells its version.
    """

    name: str
    program: Path
    arguments: Callable[[str, str, str], tuple[str, ...]]
    asks_version: str = "--version"

    def command(self, file: str, url: str, uri: str) -> list[str]:
        """Return the command that uploads a file."""
        return [str(self.program), *self.arguments(file, url, uri)]

    @property
    def shown(self) -> str:
        """The command as it is shown to readers."""
        arguments = self.arguments("FILE", "http://SERVER", "s3://BUCKET/KEY")
        return " ".join([self.program.name, *arguments])

    @property
    def version(self) -> str:
        """What it tells of its version."""
        told = subprocess.run(
            [self.program, self.asks_version], capture_output=True, text=True, check=True
        )
        return told.stdout.splitlines()[0].split(" Python/")[0]

    @property
    def commit(self) -> str:
        """Which commit it is made of, if it is asyncup; of others, the version tells."""
        return commit(ROOT / "asyncup") if self.program == Path(COMMAND) else ""


def _asyncup(file: str, url: str, uri: str) -> tuple[str, ...]:
    return ("put", file, uri, "--endpoint-url", url, "--plain")


def _asyncup_bbr(file: str, url: str, uri: str) -> tuple[str, ...]:
    return (*_asyncup(file, url, uri), "--congestion-control", "bbr")


def _rclone(file: str, url: str, uri: str) -> tuple[str, ...]:
    remote = f":s3,provider=Other,env_auth=true,force_path_style=true,endpoint='{url}':"
    return ("copyto", file, remote + uri.removeprefix("s3://"))


def _s5cmd(file: str, url: str, uri: str) -> tuple[str, ...]:
    return ("--endpoint-url", url, "cp", file, uri)


def _aws(file: str, url: str, uri: str) -> tuple[str, ...]:
    return ("s3", "cp", file, uri, "--endpoint-url", url, "--no-progress")


ASYNCUP = Tool("asyncup", Path(COMMAND), _asyncup)
TOOLS = (
    ASYNCUP,
    Tool("asyncup, bbr", Path(COMMAND), _asyncup_bbr),
    Tool("aws-cli", PEERS / "aws", _aws),
    Tool("rclone", PEERS / "rclone", _rclone),
    Tool("s5cmd", PEERS / "s5cmd", _s5cmd, "version"),
)
