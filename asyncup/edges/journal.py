"""The journal: the durable local record of unfinished uploads, and of who is at work on them.

It makes a resume fast, and never makes anything wrong: S3 is the ledger. So nothing here ends a
run. If the journal cannot be used, or not any more, that is told once and the run goes on without.

It is an SQLite database in WAL mode below the state directory; each call is one short transaction.
A power loss may take the last ones, which then are asked of S3 again. Beside it lies a locked
file for each run that is alive, so that a destination has one owner, and a dead one is none.
"""

import os
import platform
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from asyncup.core.errors import JournalLocked
from asyncup.core.model import JournalRecord, ObjectURI, Phase, Receipt, Upload
from asyncup.core.names import printable
from asyncup.edges.journal_file import FileUnusable, RunLock, identify, open_file
from asyncup.edges.journal_rows import (
    Entry,
    Value,
    destination,
    from_bytes,
    read_receipt,
    read_upload,
    receipt_row,
    seal,
    to_bytes,
    unseal,
    upload_row,
)

T = TypeVar("T")

# Who first reads and then writes must not find that another one has written in between.
_WRITING, _READING = "BEGIN IMMEDIATE", "BEGIN"
_AT_ONCE = ""
"""One statement that reads, which is a transaction by itself."""

_AT = "endpoint = ? AND bucket = ? AND object = ?"
_TOKEN = re.compile(r"[0-9a-f]{32}")


class Journal:
    """The journal in a state directory, for the uploads of one run to one endpoint.

    Use as a context manager: entering opens, leaving closes; neither raises. `warn` is told why
    there is no journal, or no more, or a new one. With `state_dir` None there is none, silently.
    """

    def __init__(self, state_dir: Path | None, endpoint: str, warn: Callable[[str], None]) -> None:
        self._state_dir = state_dir
        self._path = (state_dir or Path()) / "journal.sqlite"
        self._endpoint = to_bytes(_without_secrets(endpoint))
        self._warn = warn
        self._run: RunLock | None = None
        self._database: sqlite3.Connection | None = None
        self._identity = (0, 0)

    def __enter__(self) -> Self:
        if self._state_dir is not None:
            try:
                self._open(self._state_dir)
            except (sqlite3.Error, OSError, ValueError, FileUnusable) as error:
                self._give_up(error)
            self._do(self._register)
        return self

    def _open(self, state_dir: Path) -> None:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run = RunLock(state_dir / "runs")
        run.acquire()
        self._run = run
        self._database = open_file(self._path, run, self._tell)
        self._identity = identify(self._path)

    def _register(self, database: sqlite3.Connection) -> None:
        for row in database.execute("SELECT run FROM runs").fetchall():
            self._is_alive(database, row[0])
        if self._run is not None:
            self._run.sweep()
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        row = (self._token, os.getpid(), to_bytes(platform.node()), to_bytes(started))
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", seal("runs", *row))

    def __exit__(self, *_: object) -> None:
        self._do(self._unregister)
        self._close()
        if self._run is not None:
            # Last, when no row leads to it any more. A file that stays tells nothing wrong.
            with suppress(OSError):
                self._run.release()

    def _unregister(self, database: sqlite3.Connection) -> None:
        self._bury(database, self._token)

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()

    def _do(self, work: Callable[[sqlite3.Connection], T], begin: str = _WRITING) -> T | None:
        """Return what `work` does in a transaction, None where there is no journal."""
        database = self._database
        if database is None:
            return None
        try:
            self._require_file()
            with _transaction(database, begin):
                return work(database)
        except (sqlite3.Error, OSError, OverflowError, FileUnusable) as error:
            self._give_up(error)
            return None

    def _require_file(self) -> None:
        # SQLite would go on with a file that was deleted or replaced, and nobody would find it.
        if identify(self._path) != self._identity:
            raise FileUnusable("was replaced by another one", None)

    def _give_up(self, error: Exception) -> None:
        self._close()
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        verb = "it " if isinstance(error, FileUnusable) else ""
        self._tell(
            f"{verb}{cause}; this run goes on without it: to resume, S3's lists are read, and "
            "nothing keeps another run off the same objects"
        )

    def _tell(self, reason: str) -> None:
        self._warn(f"keep the journal {printable(str(self._path))}: {reason}")

    @property
    def _token(self) -> bytes:
        return b"" if self._run is None else to_bytes(self._run.token)

    @contextmanager
    def claim(self, uri: ObjectURI) -> Iterator[None]:
        """Be the one owner of a destination; without a journal, nobody is kept off it.

        Raises:
            JournalLocked: another run that is alive, or this one, is at work on it.
        """
        self._do(lambda database: self._take(database, uri))
        try:
            yield
        finally:
            self._do(lambda database: self._let_go(database, uri))

    def _take(self, database: sqlite3.Connection, uri: ObjectURI) -> None:
        at = destination(self._endpoint, uri)
        select = f"SELECT * FROM claims WHERE {_AT}"  # noqa: S608 - a constant
        for row in database.execute(select, at).fetchall():
            claimed = unseal("claims", row)
            if claimed is not None and self._is_alive(database, claimed[3]):
                raise _locked(database, uri, claimed[3])
        claim = seal("claims", *at, self._token)
        database.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", claim)

    def _let_go(self, database: sqlite3.Connection, uri: ObjectURI) -> None:
        database.execute(
            f"DELETE FROM claims WHERE {_AT} AND run = ?",  # noqa: S608 - a constant
            (*destination(self._endpoint, uri), self._token),
        )

    def _is_alive(self, database: sqlite3.Connection, run: object) -> bool:
        """Return whether the run of a token is alive; what a dead one has left is removed."""
        token = run.decode("ascii", "replace") if isinstance(run, bytes) else ""
        # Damage may have made anything of it, and it becomes a file name.
        if self._run is not None and _TOKEN.fullmatch(token) and self._run.is_alive(token):
            return True
        self._bury(database, run)
        return False

    def _bury(self, database: sqlite3.Connection, run: object) -> None:
        database.execute("DELETE FROM claims WHERE run = ?", (run,))
        database.execute("DELETE FROM runs WHERE run = ?", (run,))

    def find(self, uri: ObjectURI) -> Sequence[JournalRecord]:
        """Return the records of a destination, the newest first, with their receipts."""
        # Of most there is nothing, which one statement tells without a transaction around it.
        if not self._do(lambda database: self._entries(database, uri), _AT_ONCE):
            return []
        return self._do(lambda database: self._find(database, uri), _READING) or []

    def _find(self, database: sqlite3.Connection, uri: ObjectURI) -> Sequence[JournalRecord]:
        return [_with_receipts(database, entry) for entry in self._entries(database, uri)]

    def _entries(self, database: sqlite3.Connection, uri: ObjectURI) -> list[Entry]:
        """Return what can be trusted of a destination, the newest first."""
        select = f"SELECT * FROM uploads WHERE {_AT}"  # noqa: S608 - a constant
        entries = self._read(database, select, destination(self._endpoint, uri))
        # A damaged tree may give whole rows in the wrong place.
        found = [entry for entry in entries if entry.record.upload.uri == uri]
        return sorted(found, key=lambda entry: entry.position, reverse=True)

    def _read(
        self, database: sqlite3.Connection, select: str, values: tuple[Value, ...]
    ) -> list[Entry]:
        entries = map(read_upload, database.execute(select, values).fetchall())
        return [entry for entry in entries if entry and entry.endpoint == self._endpoint]

    def uploads(self) -> Sequence[JournalRecord]:
        """Return all records at this endpoint by bucket and key, without their receipts."""
        select = "SELECT * FROM uploads WHERE endpoint = ? ORDER BY bucket, object, position DESC"
        entries = self._do(lambda database: self._read(database, select, (self._endpoint,)))
        return [entry.record for entry in entries or []]

    def knows_endpoint(self) -> bool:
        """Return whether an earlier run has left anything at this endpoint."""
        select = "SELECT 1 FROM uploads WHERE endpoint = ? LIMIT 1"
        found = self._do(lambda database: database.execute(select, (self._endpoint,)).fetchone())
        return found is not None

    def opened(self, record: JournalRecord) -> None:
        """Remember that parts of an upload are being sent, before the first of them is.

        The receipts of an earlier record of the same upload stay if it has the same fingerprint
        and part size. Those of `record` are not taken.
        """
        self._do(lambda database: self._opened(database, record))

    def _opened(self, database: sqlite3.Connection, record: JournalRecord) -> None:
        entries = self._entries(database, record.upload.uri)
        before = _of(record.upload, entries)
        if (
            before is not None
            and before.record.fingerprint == record.fingerprint
            and before.record.part_size == record.part_size
        ):
            identity = before.id
        else:
            identity = secrets.token_bytes(16)
            self._delete(database, record.upload)
        position = 1 + max((entry.position for entry in entries), default=0)
        record = replace(record, phase=Phase.SENDING, replaces="")
        _write(database, Entry(self._endpoint, identity, position, record))

    def received(self, upload: Upload, receipt: Receipt) -> None:
        """Remember a part that S3 has acknowledged, before that is announced."""
        self._do(lambda database: self._received(database, upload, receipt))

    def _received(self, database: sqlite3.Connection, upload: Upload, receipt: Receipt) -> None:
        entry = _of(upload, self._entries(database, upload.uri))
        if entry is not None:
            insert = "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)"
            database.execute(insert, receipt_row(entry.id, receipt))

    def completing(self, upload: Upload, replaces: str) -> None:
        """Remember that S3 is about to be asked to complete an upload.

        `replaces` is the ETag of the object that the key leads to now, empty if there is none.
        """
        self._do(lambda database: self._enter_phase(database, upload, Phase.COMPLETING, replaces))

    def _enter_phase(
        self, database: sqlite3.Connection, upload: Upload, phase: Phase, replaces: str
    ) -> None:
        entry = _of(upload, self._entries(database, upload.uri))
        if entry is not None:
            record = replace(entry.record, phase=phase, replaces=replaces)
            _write(database, replace(entry, record=record))

    def unproven(self, upload: Upload) -> None:
        """Remember that what an upload has left under its key was not shown to be the file."""
        self._do(lambda database: self._enter_phase(database, upload, Phase.UNPROVEN, ""))

    def closed(self, upload: Upload) -> None:
        """Forget an upload that was completed or aborted, or is gone."""
        self._do(lambda database: self._delete(database, upload))

    def _delete(self, database: sqlite3.Connection, upload: Upload) -> None:
        this = (*destination(self._endpoint, upload.uri), to_bytes(upload.upload_id))
        where = f"FROM uploads WHERE {_AT} AND upload_id = ?"
        # By what the row says, even if it cannot be trusted: at worst, parts are read again.
        database.execute(f"DELETE FROM receipts WHERE id IN (SELECT id {where})", this)  # noqa: S608
        database.execute(f"DELETE {where}", this)


@contextmanager
def _transaction(database: sqlite3.Connection, begin: str) -> Iterator[None]:
    if begin == _AT_ONCE:
        yield
        return
    database.execute(begin)
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _without_secrets(endpoint: str) -> str:
    """Return an endpoint's URL without a user, a password or a query, none of which places it."""
    return re.sub(r"(?<=//)[^/?#]*@", "", re.split(r"[?#]", endpoint)[0]).rstrip("/")


def _locked(database: sqlite3.Connection, uri: ObjectURI, run: object) -> JournalLocked:
    who, since = "another process", ""
    for row in database.execute("SELECT * FROM runs WHERE run = ?", (run,)).fetchall():
        known = unseal("runs", row)
        if known is not None:
            _, pid, host, started = known
            who = f"process {pid} on host {from_bytes(host)}"
            since = f" (it was started at {from_bytes(started)})"
    return JournalLocked(
        f"upload {printable(str(uri))}: {who} is at work on it{since}",
        hint="wait for it to end, or stop it; then run the same command again",
    )


def _of(upload: Upload, entries: Sequence[Entry]) -> Entry | None:
    """Return the entry of exactly this upload."""
    same = (each for each in entries if each.record.upload.upload_id == upload.upload_id)
    return next(same, None)


def _with_receipts(database: sqlite3.Connection, entry: Entry) -> JournalRecord:
    rows = database.execute("SELECT * FROM receipts WHERE id = ? ORDER BY number", (entry.id,))
    receipts = [read_receipt(entry.id, row) for row in rows.fetchall()]
    known = {receipt.part.number: receipt for receipt in receipts if receipt is not None}
    return replace(entry.record, receipts=known)


def _write(database: sqlite3.Connection, entry: Entry) -> None:
    row = upload_row(entry)
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT OR REPLACE INTO uploads VALUES ({marks})", row)  # noqa: S608
