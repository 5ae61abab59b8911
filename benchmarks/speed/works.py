"""What the tools are given to do."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PART_SIZE = 16 * MIB

_BLOCK = MIB
_COUNTER = 8

ALL = (
    "asyncup",
    "asyncup --direct",
    "s5cmd",
    "rclone",
    "aws-cli",
    "boto3 (CRT)",
    "obstore",
    "aioboto3",
    "curl",
)
OURS = ("asyncup", "asyncup --direct")
SECURE_ONLY = ("boto3 (CRT)", "aioboto3")
"""No goal looks at them, and they take long: over HTTP they are measured only when asked for."""

RESUMING = (*OURS, "asyncup, no journal", "asyncup --direct, no journal")
STARTING = ("asyncup --version", "import aioboto3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to do, for each of some tools.

    Attributes:
        name: what it is called on the command line.
        told: what it is, for readers.
        files: how many.
        size: of each, in bytes.
        tools: the names of those that do it.
        schemes: by which they do it.
        part_size: in bytes.
        most_rounds: how often it is done at most: what is long and does not vary, once.
        is_sparse: whether the files are holes, so that they take no disk.
        is_pending: whether S3 already holds an upload of it with all parts but one.
    """

    name: str
    told: str
    files: int = 1
    size: int = 0
    tools: Sequence[str] = ALL
    schemes: Sequence[str] = ("https", "http")
    part_size: int = PART_SIZE
    most_rounds: int = 1000
    is_sparse: bool = False
    is_pending: bool = False

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return self.files * self.size

    @property
    def to_send(self) -> int:
        """Bytes that have to arrive."""
        return self.part_size if self.is_pending else self.total

    @property
    def names(self) -> Sequence[str]:
        """The names of its files, all of one length."""
        digits = len(str(self.files - 1))
        return [f"{number:0{digits}}" for number in range(self.files)]

    @property
    def disk(self) -> int:
        """Bytes of disk that it takes: files, and chunk files while it is done."""
        window = 10 * self.part_size if self.part_size == PART_SIZE else self.total
        return window + (0 if self.is_sparse else self.total)


WORKS = (
    Work(name="a", told="one file of 4 GiB", size=4 * GIB),
    Work(name="b", told="16 files of 256 MiB", files=16, size=256 * MIB),
    Work(name="c", told="2,000 files of 256 KiB", files=2000, size=256 * KIB),
    Work(name="d", told="one file of 64 MiB", size=64 * MIB),
    Work(
        name="e",
        told="going on with a file of 4 GiB of which S3 lacks one part",
        size=4 * GIB,
        tools=RESUMING,
        schemes=("https",),
        is_pending=True,
    ),
    Work(
        name="f",
        told="a file of 6 GiB in parts of 5 GiB, for its memory",
        size=6 * GIB,
        tools=OURS,
        schemes=("https",),
        part_size=5 * GIB,
        most_rounds=1,
        is_sparse=True,
    ),
    Work(
        name="many",
        told="10,000 empty files, for its memory",
        files=10_000,
        tools=("asyncup",),
        schemes=("http",),
        most_rounds=1,
    ),
    Work(name="start", told="starting", files=0, tools=STARTING, schemes=("http",)),
)


def resized(works: Sequence[Work], size: int) -> Sequence[Work]:
    """Return works of another size, where that is gigabytes: what 4 GiB are is `size` then."""
    from asyncup.core.sizes import format_size

    old, new = format_size(4 * GIB), format_size(size)
    made = []
    for work in works:
        if work.name in {"a", "e"}:
            made.append(replace(work, size=size, told=work.told.replace(old, new)))
        elif work.name == "b":
            each = size // work.files
            told = f"{work.files} files of {format_size(each)}"
            made.append(replace(work, size=each, told=told))
        else:
            made.append(work)
    return made


def quick(works: Sequence[Work]) -> Sequence[Work]:
    """Return what takes a minute: less of everything, over HTTPS."""
    fewer = {"c": 200, "many": 1000}
    made = [
        replace(
            work,
            files=fewer.get(work.name, work.files),
            told=work.told.replace("2,000", "200").replace("10,000", "1,000"),
            schemes=work.schemes[:1],
        )
        for work in works
        if work.name != "f"
    ]
    return resized(made, 512 * MIB)


def lay(work: Work, directory: Path) -> Path:
    """Make the files of a work, unless they are there; return the file, or their directory.

    No block of them is like another one, and none can be compressed.
    """
    place = directory / f"{work.files}x{work.size}{'-holes' * work.is_sparse}"
    source = place / work.names[0] if work.files == 1 else place
    if place.exists():
        return source
    unfinished = place.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    block = os.urandom(_BLOCK)
    for index, name in enumerate(work.names):
        with (unfinished / name).open("wb") as file:
            if work.is_sparse:
                file.truncate(work.size)
                continue
            for offset in range(0, work.size, _BLOCK):
                counter = (index << 32 | offset // _BLOCK).to_bytes(_COUNTER, "big")
                file.write((counter + block[_COUNTER:])[: work.size - offset])
    unfinished.rename(place)
    return source


def warm(source: Path) -> None:
    """Read what is to be uploaded, so that the disk is not what is measured."""
    scratch = bytearray(_BLOCK)
    for path in sorted(source.iterdir()) if source.is_dir() else [source]:
        with path.open("rb", buffering=0) as file:
            while file.readinto(scratch):
                pass


def by_name(works: Sequence[Work]) -> Mapping[str, Work]:
    """Return works by their names."""
    return {work.name: work for work in works}
