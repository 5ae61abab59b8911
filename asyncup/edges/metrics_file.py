"""The file that metrics are collected from."""

import os
import re
import stat
from pathlib import Path

from asyncup.core.errors import UsageError
from asyncup.core.names import printable
from asyncup.edges.replaced_file import ReplacedFile

_BEGINNING = b"# TYPE asyncup"

_LONGEST = 1 << 20
"""Bytes that are read of what an earlier run has left."""


class MetricsFile(ReplacedFile):
    """A file of metrics, replaced as a whole.

    Raises:
        UsageError: on making, if it cannot be, or if what is there holds anything but metrics.
    """

    def __init__(self, path: Path) -> None:
        # What a link leads to is replaced, not the link. (Path.resolve raises RuntimeError where
        # links go round in circles.)
        place = Path(os.path.realpath(path))
        try:
            _check(place)
            super().__init__(place)
        except OSError as error:
            raise UsageError(
                f"write metrics to {printable(str(path))}: {error.strerror or error}",
                hint="name a file in a directory that can be written with --metrics-file",
            ) from error

    def number_before(self, name: str) -> float | None:
        """Return the value of a metric that an earlier run has left, whatever its labels."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", file.read(_LONGEST), re.MULTILINE)
            return None if found is None else float(found[1])
        except (OSError, ValueError):
            return None


def _check(place: Path) -> None:
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
        if file.read(len(_BEGINNING)) not in (b"", _BEGINNING):
            raise OSError("it is there, and holds no metrics of asyncup")
