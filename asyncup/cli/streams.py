"""The standard streams, of which any may be closed, full, or without a reader."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from asyncup.core.errors import AsyncupError

_READER_GONE = {errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET}


def prepare() -> None:
    """Make the standard streams such that writing to them does no harm.

    To be called before any file is opened: it would get the number of a stream that is closed,
    and be written to in its place. Standard input stays None then, so that it can be told.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is no reason to fail.
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for the whole process


def let_go() -> None:
    """Flush what is written; what nobody takes is dropped, or Python would fail at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_out(text: str) -> None:
    """Write text on standard output; errors as of `writing_out`."""
    with writing_out():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def writing_out() -> Iterator[None]:
    """Let standard output be written to; a reader that is gone wanted no more of it.

    Raises:
        AsyncupError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _READER_GONE:
            raise AsyncupError(f"write standard output: {error.strerror}") from error


class StandardOutput:
    """Standard output, which remembers what it could not take.

    A reader that has gone away wanted no more; a disk that is full is another matter.

    Attributes:
        is_lost: whether something could not be written, for either reason.
    """

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._lost: OSError | None = None
        self.is_lost = False

    def write(self, text: str) -> None:
        """Write text."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._note(error)
            raise

    def flush(self) -> None:
        """Let it be seen."""
        try:
            self._stream.flush()
        except OSError as error:
            self._note(error)
            raise

    def _note(self, error: OSError) -> None:
        self.is_lost = True
        if error.errno not in _READER_GONE:
            self._lost = error

    @property
    def problem(self) -> AsyncupError | None:
        """What has to be told, None if all was written or nobody wanted it."""
        if self._lost is None:
            return None
        return AsyncupError(
            f"write standard output: {self._lost.strerror}",
            hint="what was uploaded is at S3; only what was to be told of it is incomplete",
        )
