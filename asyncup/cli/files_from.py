"""A list of files to upload, from a file or standard input."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from asyncup.cli.stdin import raw_stdin
from asyncup.core.errors import SourceUnsuitable, UsageError
from asyncup.core.names import printable
from asyncup.edges.files import Left
from asyncup.engine.jobs import Named

_BLOCK = 1 << 16

Listed = Named | Left | None


def read_list(source: str, *, null: bool, directory: Path | None) -> Iterator[Listed]:
    """Return what a list names, a line or with `null` a NUL-terminated entry each.

    Names are relative to `directory`, or the working directory; their keys keep them as listed.
    A name that leads out of the directory is told as left. None stands where the rest of the list
    may take its time.

    Raises:
        UsageError: the list cannot be read.
    """
    if source == "-":
        return _named(raw_stdin(), null=null, directory=directory)
    try:
        file = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed when all is read
    except OSError as error:
        raise UsageError(f"read the list {source}: {error.strerror}") from error
    return _named(file, null=null, directory=directory)


def _named(stream: BinaryIO, *, null: bool, directory: Path | None) -> Iterator[Listed]:
    with stream:
        for entry in _entries(stream, b"\0" if null else b"\n"):
            if entry is None:
                yield None
                continue
            name = os.fsdecode(entry if null else entry.removesuffix(b"\r"))
            if name:
                yield _one(name, directory)


def _one(name: str, directory: Path | None) -> Named | Left:
    relative = PurePosixPath(Path(name).as_posix())
    if ".." in relative.parts:
        problem = "a key cannot go up with '..'"
        hint = "list paths below one directory, and name that directory as the source"
        error = SourceUnsuitable(f"skip {printable(name)}: {problem}", hint=hint)
        return Left(Path(name), problem, error)
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
