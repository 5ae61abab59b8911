"""A list of files to upload, from a file or standard input."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from asyncup.cli.stdin import raw_stdin
from asyncup.core.errors import UsageError
from asyncup.core.selection import printable
from asyncup.engine.jobs import Named

_BLOCK = 1 << 16


def read_list(source: str, *, null: bool, directory: Path | None) -> Iterator[Named | None]:
    """Return what a list names, a line or with `null` a NUL-terminated entry each.

    Names are relative to `directory`, or the working directory; their keys keep them as listed.
    None stands where the rest of the list may take its time.

    Raises:
        UsageError: the list cannot be read; or, while it is read, a name leads out of the
            directory.
    """
    if source == "-":
        return _named(raw_stdin(), null=null, directory=directory)
    try:
        file = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed when all is read
    except OSError as error:
        raise UsageError(f"read the list {source}: {error.strerror}") from error
    return _named(file, null=null, directory=directory)


def _named(stream: BinaryIO, *, null: bool, directory: Path | None) -> Iterator[Named | None]:
    with stream:
        for entry in _entries(stream, b"\0" if null else b"\n"):
            if entry is None:
                yield None
                continue
            name = os.fsdecode(entry if null else entry.removesuffix(b"\r"))
            if name:
                yield _one(name, directory)


def _one(name: str, directory: Path | None) -> Named:
    relative = PurePosixPath(Path(name).as_posix())
    if ".." in relative.parts:
        raise UsageError(
            f"the list names {printable(name)!r}: a key cannot go up with '..'",
            hint="list paths below one directory, and name that directory as the source",
        )
    inside = relative.relative_to("/") if relative.is_absolute() else relative
    path = Path(name) if directory is None else directory / inside
    return Named(path, str(inside))


def _entries(stream: BinaryIO, separator: bytes) -> Iterator[bytes | None]:
    """Yield what stands between separators; the last one may be missing.

    Without a buffer, a read gives what is there, if only a few bytes; after it comes None.
    """
    rest = b""
    while block := stream.read(_BLOCK):
        *entries, rest = (rest + block).split(separator)
        yield from entries
        yield None
    if rest:
        yield rest
