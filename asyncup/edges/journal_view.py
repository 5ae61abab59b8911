"""The journal, looked at from outside of the runs that write it."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from asyncup.core.standing import UnfinishedUploadFound
from asyncup.edges.journal import Journal
from asyncup.edges.journal_rows import Entry, destination, from_bytes, read_upload, unseal


class JournalView(Journal):
    """All that a journal has, of all endpoints."""

    def __init__(self, state_dir: Path, warn: Callable[[str], None]) -> None:
        # Where there is no journal, none is begun just to look at it.
        super().__init__(state_dir if (state_dir / "journal.sqlite").exists() else None, "", warn)

    def unfinished(self) -> Sequence[UnfinishedUploadFound]:
        """Return the uploads that are neither completed nor aborted, by bucket and key."""
        return self._do(self._unfinished) or []

    def _unfinished(self, database: sqlite3.Connection) -> list[UnfinishedUploadFound]:
        at_work = self._at_work(database)
        rows = database.execute("SELECT * FROM uploads ORDER BY bucket, object, position DESC")
        entries = [entry for entry in map(read_upload, rows.fetchall()) if entry is not None]
        return [_standing(database, entry, at_work) for entry in entries]

    def _at_work(self, database: sqlite3.Connection) -> set[object]:
        claims = [unseal("claims", row) for row in database.execute("SELECT * FROM claims")]
        return {each[:3] for each in claims if each and self._is_alive(database, each[3])}


def _standing(
    database: sqlite3.Connection, entry: Entry, at_work: set[object]
) -> UnfinishedUploadFound:
    record, upload = entry.record, entry.record.upload
    count = "SELECT count(*), sum(size) FROM receipts WHERE id = ?"
    ((parts, committed),) = database.execute(count, (entry.id,))
    return UnfinishedUploadFound(
        uri=upload.uri,
        upload_id=upload.upload_id,
        endpoint=from_bytes(entry.endpoint),
        source=record.source,
        size=None if record.fingerprint is None else record.fingerprint.size,
        part_size=record.part_size,
        parts_committed=parts,
        bytes_committed=int(committed or 0),
        initiated=upload.initiated,
        is_running=destination(entry.endpoint, upload.uri) in at_work,
    )
