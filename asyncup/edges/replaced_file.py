"""A file that is replaced as a whole, for whoever reads it from time to time."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from asyncup.core.errors import UsageError
from asyncup.core.names import printable
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


class OwnFile(ReplacedFile):
    """One that takes no other's place than that of an earlier one of its kind.

    Args:
        path: what a link leads to is replaced, not the link.
        option: by which it is named, without the dashes.
        kind: what it holds, in a word.
        beginning: by which that is known.

    Raises:
        UsageError: on making, if it cannot be, or if what is there holds anything else.
    """

    def __init__(self, path: Path, *, option: str, kind: str, beginning: bytes) -> None:
        # (Path.resolve raises RuntimeError where links go round in circles.)
        place = Path(os.path.realpath(path))
        try:
            _check(place, kind, beginning)
            super().__init__(place)
        except OSError as error:
            raise UsageError(
                f"write {kind} to {printable(str(path))}: {error.strerror or error}",
                hint=f"name a file in a directory that can be written with --{option}",
            ) from error


def _check(place: Path, kind: str, beginning: bytes) -> None:
    """Look whether what is there may be replaced.

    Raises:
        OSError: it may not.
    """
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError("it is there, and no file")
    with place.open("rb") as file:
        if file.read(len(beginning)) not in (b"", beginning):
            raise OSError(f"it is there, and holds no {kind} of asyncup")
