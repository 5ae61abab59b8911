"""Locks that tell whether the process that took them is alive; the only door to filelock.

The system itself lets go of such a lock when its process ends, however that ends, so no process
number that was given to another one can mislead.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout


class Lock:
    """A lock on a file of its own, which is made where it is missing."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        """Take the lock unless another process holds it; return whether it is ours now.

        Raises:
            OSError: the file cannot be made or locked.
        """
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the lock and remove its file."""
        self._lock.release()
        with suppress(OSError):
            os.unlink(self._lock.lock_file)  # noqa: PTH108 - the path comes as a string
