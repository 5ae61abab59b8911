"""The journal's file and its runs: opened, begun, or set aside when it is of no use any more.

The file is touched by SQLite alone. On Unix, to open and close it here as well would drop the
locks that another journal of this process holds on it (https://sqlite.org/howtocorrupt.html, 2.2).
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from asyncup.edges.journal_rows import TABLES, VERSION
from asyncup.edges.locks import Lock

_SECONDS_TO_WAIT = 5.0
"""For another process that is writing; each transaction takes far less than a millisecond."""

_SURELY_STARTED = 3600.0
"""Seconds after which a run that made its lock file holds it, if it is alive."""

_CHECKED_WHOLE = 16 << 20
"""Bytes of a journal that are checked in some ten milliseconds; 50,000 receipts take as many."""

# SQLITE_ERROR is what a statement gives for a table that is not there, and a header for a format
# that SQLite does not know.
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class FileUnusable(Exception):
    """The file is none that can be worked with; `aside` is the suffix under which it is kept."""

    def __init__(self, reason: str, aside: str | None) -> None:
        super().__init__(reason)
        self.aside = aside


class RunLock:
    """Says that a run is alive, as long as it is: a locked file that is named after its token.

    A token is never used again, and only its run takes the lock for longer than a look. So a file
    that is removed, by its run or by who finds the run dead, is one that nobody waits for; to
    look at each other's one at a time, runs do so within a transaction.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.token = secrets.token_hex(16)
        self._lock = Lock(self._path(self.token))

    def _path(self, token: str) -> Path:
        return self.directory / f"{token}.lock"

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            OSError: it cannot be had.
        """
        self.directory.mkdir(mode=0o700, exist_ok=True)
        if not self._lock.acquire():
            raise OSError("no lock can be taken there")

    def release(self) -> None:
        """Let go of the lock and remove its file; nothing happens where it was not taken."""
        with self._lock:
            pass

    def is_alive(self, token: str) -> bool:
        """Return whether the run of a token is alive; the file of a dead one is removed.

        Raises:
            OSError: that cannot be told.
        """
        if token == self.token:
            return True
        lock = Lock(self._path(token))
        if not lock.acquire():
            return True
        with lock:
            return False

    def is_alone(self) -> bool:
        """Return whether no other run is alive."""
        return not any(self.is_alive(found.stem) for found in self._others())

    def sweep(self) -> None:
        """Remove the files of dead runs that no row leads to: a power loss may have taken it.

        Only old ones: a run that is just starting has made its file and not locked it yet.
        """
        for found in self._others():
            with suppress(OSError):
                if time.time() - found.stat().st_mtime > _SURELY_STARTED:
                    self.is_alive(found.stem)

    def _others(self) -> list[Path]:
        return [each for each in self.directory.glob("*.lock") if each.stem != self.token]


def open_file(path: Path, run: RunLock, warn: Callable[[str], None]) -> sqlite3.Connection:
    """Return a connection to the journal at `path`, which is begun where there is none.

    One that is damaged or of an older asyncup is set aside, which `warn` is told.

    Raises:
        FileUnusable: it is of a newer asyncup, or of no use while another run works with it.
        sqlite3.Error, OSError: it cannot be opened, or begun.
    """
    _begin(path, run)
    identity = identify(path)
    try:
        return _connect(path)
    except FileUnusable as unusable:
        # The name may lead to a new journal already, which another run has begun.
        if unusable.aside is not None and identity == identify(path):
            _set_aside(path, unusable, run)
            warn(f"it {unusable}; it is kept as {path.name}{unusable.aside}, and a new one begun")
        elif unusable.aside is None:
            raise
    _begin(path, run)
    return _connect(path)


def identify(path: Path) -> tuple[int, int]:
    """Return which file a name leads to.

    Raises:
        OSError: to none.
    """
    status = path.stat()
    return status.st_dev, status.st_ino


def _begin(path: Path, run: RunLock) -> None:
    """Make the file if it is not there, in one step: nobody ever sees an unfinished one."""
    if path.exists():
        return
    draft = run.directory / f"{run.token}.new"
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    number = f"PRAGMA user_version = {VERSION}"
    try:
        with closing(_raw_connection(draft)) as database:
            for statement in ("PRAGMA journal_mode = WAL", "BEGIN", *TABLES, number, "COMMIT"):
                database.execute(statement)
        # A hard link never replaces the file that another run has begun meanwhile.
        with suppress(FileExistsError):
            _link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # some file systems have no hard links
        draft.rename(path)


def _raw_connection(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, isolation_level=None)
    # What damage has made a text of need not be one.
    database.text_factory = bytes
    return database


def _connect(path: Path) -> sqlite3.Connection:
    database = _raw_connection(path)
    try:
        _check(database)
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException as error:
        database.close()
        if isinstance(error, sqlite3.Error) and _code(error) in _DAMAGE:
            raise FileUnusable(f"is damaged ({error})", ".damaged") from error
        raise
    return database


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code of an error, 0 for one of Python's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _check(database: sqlite3.Connection) -> None:
    """Raise FileUnusable unless the file is a whole journal of this version."""
    version = _pragma(database, "user_version")
    size = _pragma(database, "page_count") * _pragma(database, "page_size")
    if version > VERSION:
        raise FileUnusable("is of a newer asyncup", None)
    if size == 0:
        raise FileUnusable("is damaged (it is empty)", ".damaged")
    if version < VERSION:
        raise FileUnusable("is of an older asyncup", ".old")
    if size <= _CHECKED_WHOLE:
        ((found,),) = database.execute("PRAGMA quick_check(1)")
        if found != b"ok":
            raise FileUnusable("is damaged", ".damaged")
    statements = {row[0] for row in database.execute("SELECT sql FROM sqlite_master")}
    if statements != {table.encode() for table in TABLES}:
        raise FileUnusable("is damaged (its tables are not a journal's)", ".damaged")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    ((value,),) = database.execute(f"PRAGMA {name}")
    return int(value)


def _set_aside(path: Path, unusable: FileUnusable, run: RunLock) -> None:
    """Rename the file and what SQLite keeps beside it; what was set aside before gives way."""
    if not run.is_alone():
        raise FileUnusable(f"{unusable}, and another run works with it", None) from unusable
    # The file itself goes last: without it, SQLite would take its log for that of the next.
    for beside in ("-wal", "-shm", ""):
        found = path.with_name(f"{path.name}{beside}")
        kept = path.with_name(f"{path.name}{unusable.aside}{beside}")
        if found.exists():
            found.replace(kept)
        else:
            kept.unlink(missing_ok=True)
