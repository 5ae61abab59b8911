"""A file of receipts: appended to line by line, and on the disk before anybody is told so."""

import errno
import stat
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Self

from asyncup.core.errors import AsyncupError, UsageError
from asyncup.core.names import printable
from asyncup.core.receipts import ObjectReceipt, read_receipt
from asyncup.edges.lines_file import LinesFile

_LONGEST = 1 << 20
"""Bytes. No receipt is as long; a file without line ends is not to be read into memory."""

_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EROFS}


class ReceiptFile:
    """A file that is open for appending, by this run and maybe others.

    Raises:
        UsageError: on making, if nothing can be appended to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = LinesFile(path)
        except OSError as error:
            raise UsageError(
                f"write receipts to {printable(str(path))}: {error.strerror or error}",
                hint="name a file that can be written with --receipts",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, *lines: str) -> list[AsyncupError | None]:
        """Write lines and wait until they are on the disk; return what kept each off it, or None.

        Each is written in one piece; all wait for the disk at once, which takes as long as one.
        """
        found = [self._refused(partial(self._file.append, line)) for line in lines]
        unsynced = self._refused(self._sync)
        return [error or unsynced for error in found]

    def _refused(self, write: Callable[[], None]) -> AsyncupError | None:
        try:
            write()
        except OSError as error:
            return AsyncupError(
                f"write a receipt to {printable(str(self._path))}: {error.strerror or error}",
                hint="the object is at S3 and proven; only its receipt is missing",
            )
        return None

    def _sync(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            # A pipe or a terminal has no disk.
            if error.errno not in _NOT_SYNCED:
                raise


def read_receipts(path: Path) -> Iterator[ObjectReceipt | str]:
    """Yield the newest receipt of each object, in their order; texts tell lines that are none.

    It is read twice, so that no more than a few bytes for each object stay in memory.

    Raises:
        UsageError: the file cannot be read, not twice, or there is nothing in it.
    """
    shown = printable(str(path))
    newest: dict[bytes, int] = {}
    is_empty = True
    for number, line in _lines(path):
        is_empty = False
        try:
            newest[_name(read_receipt(line))] = number
        except ValueError as error:
            yield f"read receipt {number} of {shown}: {error}"
    if is_empty:
        raise UsageError(
            f"no receipts in {shown}", hint="put --receipts writes one for each object it uploads"
        )
    wanted = {number: name for name, number in newest.items()}
    for number, line in _lines(path):
        name = wanted.get(number)
        if name is not None and (receipt := _of(name, line)) is not None:
            del wanted[number]
            yield receipt
    for number in wanted:
        yield f"read receipt {number} of {shown}: the file changed while it was read"


def _of(name: bytes, line: bytes) -> ObjectReceipt | None:
    """Return the receipt of an object, None if that is not what the line is."""
    try:
        receipt = read_receipt(line)
    except ValueError:
        return None
    return receipt if _name(receipt) == name else None


def _name(receipt: ObjectReceipt) -> bytes:
    return blake2b(str(receipt.uri).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty, with their numbers from 1."""
    try:
        # Before it is opened: that waits for whoever writes to a pipe.
        if not _can_be_read_twice(path.stat().st_mode):
            raise UsageError(
                f"read receipts {printable(str(path))}: it is no file that can be read twice",
                hint="write what comes from a pipe to a file first, and name that",
            )
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST):
                number += 1
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(f"read receipts {printable(str(path))}: {error.strerror}") from error


def _can_be_read_twice(mode: int) -> bool:
    """Return whether it is a file; of a directory, opening it tells more."""
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
