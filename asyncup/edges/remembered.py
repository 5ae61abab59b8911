"""Which files are known as they are, however many: on the disk, until the process ends."""

import os
import sqlite3
from contextlib import suppress
from threading import Lock

from asyncup.core.model import Fingerprint


class Remembered:
    """Files by their paths, with what they were known by; to be used from any thread.

    It is a temporary database of SQLite's own (https://www.sqlite.org/inmemorydb.html#temp_db): a
    little of it is held in memory, and nothing is left of it. What the disk has no room for is
    forgotten, and no more.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._files = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._files.execute("PRAGMA journal_mode = OFF")
        self._files.execute(
            "CREATE TABLE files (path BLOB PRIMARY KEY, known TEXT NOT NULL) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._files.close()

    def add(self, path: str, known: Fingerprint) -> None:
        """Remember a file as it is."""
        with self._lock, suppress(sqlite3.Error):
            row = (os.fsencode(path), repr(known))
            self._files.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", row)

    def forget(self, path: str) -> None:
        """Forget a file that is not there any more."""
        with self._lock, suppress(sqlite3.Error):
            self._files.execute("DELETE FROM files WHERE path = ?", (os.fsencode(path),))

    def is_same(self, path: str, seen: Fingerprint) -> bool | None:
        """Return whether a file is what it was; None if nobody remembers it."""
        with self._lock, suppress(sqlite3.Error):
            found = self._files.execute(
                "SELECT known FROM files WHERE path = ?", (os.fsencode(path),)
            ).fetchone()
            return None if found is None else found[0] == repr(seen)
        return None
