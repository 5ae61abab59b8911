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
        # Whoever takes it need not be the thread that lets go of it.
        self._lock = FileLock(path, thread_local=False)

    def acquire(self, patience: float = 0.0) -> bool:
        """Take the lock unless another process holds it, for so many seconds.

        Returns:
            Whether it is ours now.

        Raises:
            OSError: the file cannot be made or locked.
        """
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Let go of the lock; its file stays."""
        self._lock.release()

    def is_held(self) -> bool:
        """Return whether another process holds the lock; its file stays.

        Raises:
            OSError: that cannot be told.
        """
        if not self.acquire():
            return True
        self.release()
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Let go of the lock and remove its file."""
        self._lock.release()
        with suppress(OSError):
            os.unlink(self._lock.lock_file)  # noqa: PTH108 - the path comes as a string
