"""A file that is replaced as a whole, for whoever reads it from time to time."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from asyncup.edges.threads import Behind

_PATIENCE = 5.0
"""Seconds that the end of a run waits for a disk that hangs."""


def draft_of(path: Path) -> Path:
    """Return where this process writes what is to be a file."""
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")


def replace_file(path: Path, text: str) -> None:
    """Let a text be all of a file, or leave the file as it is, even if the power fails.

    The draft beside it is a new one: who may write there could have left a link in its place.

    Raises:
        OSError: it cannot be written.
    """
    draft = draft_of(path)
    try:
        draft.unlink(missing_ok=True)
        # Not of a library for temporary files: others may be let read it.
        with draft.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


class ReplacedFile:
    """A stream of which each text is the whole file; writing never raises, and never waits.

    Raises:
        OSError: on making, if nothing can be written where the file is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        draft = draft_of(path)
        draft.unlink(missing_ok=True)
        draft.touch(exist_ok=False)
        draft.unlink()
        self._behind = Behind(self._replace, most=1, end=self._let_go)

    def write(self, text: str, /) -> None:
        """Take what is to be the file."""
        self._behind.put(text)

    def flush(self) -> None:
        """Do nothing: what is taken is written at once, as far as the disk lets it."""

    def take_problem(self) -> str | None:
        """Return why the file was not replaced, once."""
        return self._behind.take_problem()

    def close(self) -> None:
        """Write what is left, as far as the disk lets it."""
        self._behind.close(_PATIENCE)

    def _let_go(self) -> None:
        """Do nothing: nothing is held."""

    def _replace(self, texts: Sequence[str]) -> None:
        replace_file(self.path, texts[-1])
