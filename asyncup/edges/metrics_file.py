"""A file that is replaced as a whole, for whoever reads it from time to time."""

import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from asyncup.core.errors import UsageError
from asyncup.core.names import printable
from asyncup.edges.threads import Behind

_PATIENCE = 5.0
"""Seconds that the end of a run waits for a disk that hangs."""

_LONGEST = 1 << 20
"""Bytes that are read of what an earlier run has left."""


class MetricsFile:
    """A stream of which each text is the whole file; it never raises.

    Raises:
        UsageError: on making, if it cannot be replaced.
    """

    def __init__(self, path: Path) -> None:
        # What a link leads to is replaced, not the link.
        self.path = path.resolve()
        self._draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            if self.path.exists() and not stat.S_ISREG(self.path.stat().st_mode):
                raise OSError("it is there, and no file")  # noqa: TRY301 - one text for both
            self._draft.touch()
            self._draft.unlink()
        except OSError as error:
            raise UsageError(
                f"write metrics to {printable(str(path))}: {error.strerror or error}",
                hint="name a file in a directory that can be written with --metrics-file",
            ) from error
        self._behind = Behind(self._replace, most=1)

    def number_before(self, name: str) -> float | None:
        """Return the value of a metric without labels that an earlier run has left."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                found = re.search(rf"^{name} (\S+)$", file.read(_LONGEST), re.MULTILINE)
            return None if found is None else float(found[1])
        except (OSError, ValueError):
            return None

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

    def _replace(self, texts: Sequence[str]) -> None:
        try:
            # Not of a library for temporary files: who collects metrics has to be let read it.
            self._draft.write_text(texts[-1], encoding="utf-8")
            self._draft.replace(self.path)
        except OSError:
            with suppress(OSError):
                self._draft.unlink()
            raise
