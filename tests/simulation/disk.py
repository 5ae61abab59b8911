"""The disks of a simulation: files that change, and what a process leaves on them."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

EPOCH = 1_700_000_000_000_000_000
"""The time of the first change of a file, in nanoseconds since 1970."""


@dataclass(slots=True)
class SourceFile:
    """A file that is uploaded, and all that it ever was; every change has a time of its own."""

    path: Path
    states: list[bytes] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """What is in it now."""
        return self.states[-1]

    def write(self, data: bytes) -> None:
        """Change it in place, at once."""
        with self.path.open("r+b" if self.states else "wb") as handle:
            handle.truncate(len(data))
            handle.write(data)
        self._changed(data)

    def replace(self, data: bytes) -> None:
        """Put another file into its place."""
        other = self.path.with_name(f"{self.path.name}.new")
        other.write_bytes(data)
        other.replace(self.path)
        self._changed(data)

    def _changed(self, data: bytes) -> None:
        self.states.append(data)
        now = EPOCH + len(self.states)
        os.utime(self.path, ns=(now, now))

    def change(self, random: Random, unit: int) -> str:
        """Change it in one of many ways; `unit` is a part's size. Return how."""
        data, size = self.data, len(self.data)
        kind = random.choice(["rewritten", "touched", "patched", "grown", "shrunk", "replaced"])
        if kind == "rewritten":
            self.write(random.randbytes(size))
        elif kind == "touched":
            self.write(data)
        elif kind == "patched" and size:
            at = random.randrange(size)
            self.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        elif kind == "shrunk" and size:
            self.write(data[: random.choice([size - 1, size // 2, max(0, size - unit)])])
        elif kind == "replaced":
            self.replace(random.randbytes(random.choice([size, size, random_size(random, unit)])))
        else:
            self.write(data + random.randbytes(random.choice([1, unit, 3 * unit])))
        return f"{self.path.name} {kind}: {size} -> {len(self.data)} bytes"


def random_size(random: Random, unit: int) -> int:
    """Return the size of a file, often one at the edge of a part."""
    parts = random.choice([0, 1, 2, 3, 4, 6, 9, 12])
    return max(0, parts * unit + random.choice([-1, 0, 0, 1, random.randrange(unit)]))


@dataclass(slots=True)
class Snapshot:
    """What was in some directories at a moment; what is of the dead is as good as unlocked."""

    kept: dict[Path, Path]

    @classmethod
    def take(cls, directories: list[Path], where: Path) -> "Snapshot":
        """Copy directories that may not be there; files may vanish no more."""
        shutil.rmtree(where, ignore_errors=True)
        kept = {}
        for number, directory in enumerate(directories):
            if directory.exists():
                kept[directory] = where / str(number)
                shutil.copytree(directory, kept[directory])
        return cls(kept)

    def restore(self, directories: list[Path]) -> None:
        """Put everything back as it was, and away what was not there."""
        for directory in directories:
            shutil.rmtree(directory, ignore_errors=True)
            if directory in self.kept:
                shutil.copytree(self.kept[directory], directory)


def lose_journal(directory: Path, older: Snapshot | None, random: Random) -> str:
    """Let something happen to a journal that nobody has open; return what."""
    files = [directory / name for name in ("journal.sqlite", "journal.sqlite-wal")]
    found = [path for path in files if path.exists()]
    kind = random.choice(["deleted", "log truncated", "truncated", "older copy", "flipped"])
    if kind == "older copy" and older is not None:
        older.restore([directory])
    elif kind in {"log truncated", "truncated"} and found:
        path = found[-1 if kind == "log truncated" else 0]
        if path.name.endswith("-wal") or kind == "truncated":
            os.truncate(path, random.randrange(path.stat().st_size + 1))
    elif kind == "flipped" and found:
        _flip(random.choice(found), random)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return f"{directory.name}: {kind}"


def _flip(path: Path, random: Random) -> None:
    with path.open("r+b") as handle:
        size = path.stat().st_size
        if size:
            at = random.randrange(size)
            handle.seek(at)
            byte = handle.read(1)
            handle.seek(at)
            handle.write(bytes([byte[0] ^ (1 << random.randrange(8))]))


def open_files() -> frozenset[str]:
    """Return the numbers of what this process has open, where the system tells them."""
    try:
        return frozenset(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only, and quickly
    except OSError:
        return frozenset()
