"""The journal as who asks for it sees it: all uploads, of all endpoints, and who is at work."""

from pathlib import Path

from asyncup.core.model import (
    Checksums,
    Fingerprint,
    JournalRecord,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)
from asyncup.edges.journal import Journal
from asyncup.edges.journal_view import JournalView


def uploads(state_dir: Path) -> list[tuple[str, str, int, int, bool]]:
    """Return key, endpoint, parts, bytes, and whether it is running, of each upload."""
    with JournalView(state_dir, print) as view:
        return [
            (
                each.uri.key,
                each.endpoint,
                each.parts_committed,
                each.bytes_committed,
                each.is_running,
            )
            for each in view.unfinished()
        ]


def test_all_uploads_are_seen(tmp_path: Path) -> None:
    """Of whatever endpoint, with what S3 has acknowledged of each, and whether a run has it."""
    with (
        Journal(tmp_path, "http://one", print) as one,
        Journal(tmp_path, "http://two", print) as two,
    ):
        for journal, key in ((one, "b"), (two, "a")):
            upload = Upload(ObjectURI("bucket", key), f"id-{key}")
            record = JournalRecord(
                upload=upload,
                source="/a",
                fingerprint=Fingerprint(30, 1, 2, 3),
                part_size=20,
            )
            journal.opened(record)
            for part in (Part(1, 0, 20), Part(2, 20, 10))[: 1 + (key == "b")]:
                journal.received(upload, Receipt(part, "etag", Checksums(part.size)))
        with two.claim(ObjectURI("bucket", "a")):
            assert uploads(tmp_path) == [
                ("a", "http://two", 1, 20, True),
                ("b", "http://one", 2, 30, False),
            ]
        assert [each[-1] for each in uploads(tmp_path)] == [False, False]


def test_looking_begins_no_journal(tmp_path: Path) -> None:
    """Where there is none, there is none afterwards, and nothing is told."""
    assert uploads(tmp_path / "state") == []
    assert not (tmp_path / "state").exists()
