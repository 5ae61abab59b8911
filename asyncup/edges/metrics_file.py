"""The file that metrics are collected from."""

import re
from pathlib import Path

from asyncup.edges.replaced_file import OwnFile

_LONGEST = 1 << 20
"""Bytes that are read of what an earlier run has left."""


class MetricsFile(OwnFile):
    """A file of metrics, replaced as a whole.

    Raises:
        UsageError: on making, if it cannot be, or if what is there holds anything but metrics.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, option="metrics-file", kind="metrics", beginning=b"# TYPE asyncup")

    def number_before(self, name: str) -> float | None:
        """Return the value of a metric that an earlier run has left, whatever its labels."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", file.read(_LONGEST), re.MULTILINE)
            return None if found is None else float(found[1])
        except (OSError, ValueError):
            return None
