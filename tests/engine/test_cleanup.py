"""Pending uploads: all of them are found, only those that are asked for are aborted."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asyncup.core import aftercare, events
from asyncup.core.aftercare import PendingUploadFound
from asyncup.core.errors import AccessDenied, Fault, Interrupted, JournalLocked
from asyncup.core.events import Event
from asyncup.core.model import ListedPart, ObjectAttributes, ObjectURI, PartListing, Upload
from asyncup.core.options import Options
from asyncup.core.outcome import RunResult
from asyncup.edges.journal import Journal
from asyncup.engine.cleanup import Cleanup, is_older
from tests.engine.kit import OPTIONS, Ears, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

BUCKET = "test-bucket"
NOW = datetime(2026, 1, 8, tzinfo=UTC)


def at(key: str) -> ObjectURI:
    return ObjectURI(BUCKET, key)


def leave(
    s3: FakeS3, directory: Path, key: str, parts: int = 3, state_dir: Path | None = None
) -> None:
    """Leave an upload at S3 that has so many parts of 100 bytes."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        def cancel(_: int, __: Event) -> None:
            if any(u.upload.uri.key == key and len(u.parts) == parts for u in s3.uploads.values()):
                task.cancel()

        options = replace(OPTIONS, concurrency=1, read_ahead=0, state_dir=state_dir)
        async with uploader(s3, directory, listener=Ears(cancel), options=options) as up:
            await up.put(make_file(directory, 1050), at(key))

    with suppress(asyncio.CancelledError):
        run(main())
    s3.requests.clear()


def found(
    s3: FakeS3, place: ObjectURI, *, exact: bool = False, state_dir: Path | None = None
) -> list[PendingUploadFound]:
    """Return what is listed."""

    async def main() -> list[PendingUploadFound]:
        async with Cleanup(options=replace(OPTIONS, state_dir=state_dir), gateway=s3) as cleanup:
            return [each.found async for each in cleanup.list(place, NOW, exact=exact)]

    return run(main())


def abort(
    s3: FakeS3, place: ObjectURI, options: Options = OPTIONS, *, exact: bool = False
) -> tuple[Ears, RunResult]:
    """Abort all that is listed."""
    ears = Ears()

    async def main() -> RunResult:
        async with Cleanup(options=options, gateway=s3, listener=ears) as cleanup:
            pending = [each async for each in cleanup.list(place, NOW, exact=exact)]
            return await cleanup.abort_all(pending)

    return ears, run(main())


def test_all_that_is_known_is_told(tmp_path: Path) -> None:
    """Key, age, parts, bytes, when a rule aborts it, and whether this machine began it."""
    s3, state_dir = FakeS3(), tmp_path / "state"
    s3.abort_after = timedelta(days=9)
    leave(s3, tmp_path, "a", parts=4)
    s3.abort_after = None
    leave(s3, tmp_path, "b", parts=1, state_dir=state_dir)
    a, b = found(s3, at(""), state_dir=state_dir)
    begun = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert a == PendingUploadFound(
        uri=at("a"),
        upload_id="upload-1",
        initiated=begun,
        age=7 * 86400 - 1,
        parts=4,
        size=400,
        abort_date=begun + timedelta(days=9),
        in_journal=False,
        source=None,
    )
    assert (b.uri, b.parts, b.in_journal, b.abort_date) == (at("b"), 1, True, None)
    assert b.source == str(tmp_path / "file.bin")


PLACES = pytest.mark.parametrize(
    ("place", "exact", "keys"),
    [
        ("", False, ["film", "film/1", "film/sub/2", "films/3"]),
        ("film", False, ["film", "film/1", "film/sub/2"]),
        ("film/", False, ["film/1", "film/sub/2"]),
        ("film", True, ["film"]),
        ("films", True, []),
        ("fil", False, []),
    ],
)


@PLACES
def test_what_is_below_a_place(tmp_path: Path, place: str, keys: list[str], *, exact: bool) -> None:
    """A key stands for itself and what is below it, never for its neighbour that begins alike."""
    s3 = FakeS3()
    for key in ("films/3", "film/sub/2", "film", "film/1"):
        leave(s3, tmp_path, key, parts=1)
    assert [each.uri.key for each in found(s3, at(place), exact=exact)] == keys
    abort(s3, at(place), exact=exact)
    left = {each.upload.uri.key for each in s3.uploads.values()}
    assert left == {"film", "film/1", "film/sub/2", "films/3"} - set(keys)


class Straggling(FakeS3):
    """A server on which parts that were on their way turn up after an abort, twice."""

    late = 2

    async def list_parts(self, upload: Upload) -> PartListing:
        if self.late and self.count("abort_multipart_upload"):
            self.late -= 1
            return PartListing([ListedPart(1, 100, "late")])
        return await super().list_parts(upload)


def test_abort_is_repeated_until_nothing_is_left(tmp_path: Path) -> None:
    """Parts that arrive after an abort would go on costing money."""
    s3, state_dir = Straggling(), tmp_path / "state"
    leave(s3, tmp_path, "a", state_dir=state_dir)
    ears, result = abort(s3, at("a"), replace(OPTIONS, state_dir=state_dir))
    assert (result.exit_code, s3.uploads, s3.count("abort_multipart_upload")) == (0, {}, 3)
    assert ears.of(aftercare.AbortFinished) == [
        aftercare.AbortFinished(aborted=1, size=300, failed=0, interrupted=0, exit_code=0)
    ]
    assert [event.upload_id for event in ears.of(events.UploadAborted)] == ["upload-1"]
    with Journal(state_dir, s3.endpoint, print) as journal:
        assert journal.uploads() == []


def test_who_only_looks_changes_nothing(tmp_path: Path) -> None:
    """What the journal knows and S3 does not is no pending upload; a run may be completing it."""
    s3, state_dir = FakeS3(), tmp_path / "state"
    leave(s3, tmp_path, "a", state_dir=state_dir)
    s3.uploads.clear()
    assert found(s3, at(""), state_dir=state_dir) == []
    with Journal(state_dir, s3.endpoint, print) as journal:
        assert [each.upload.uri for each in journal.uploads()] == [at("a")]


def test_a_running_upload_is_refused(tmp_path: Path) -> None:
    """What a live run has claimed stays; the others are aborted all the same."""
    s3, state_dir = FakeS3(), tmp_path / "state"
    leave(s3, tmp_path, "a")
    leave(s3, tmp_path, "b")
    with Journal(state_dir, s3.endpoint, print) as journal, journal.claim(at("a")):
        ears, result = abort(s3, at(""), replace(OPTIONS, state_dir=state_dir))
    (failed,) = ears.of(aftercare.AbortFailed)
    assert isinstance(failed.error, JournalLocked)
    assert [each.upload.uri.key for each in s3.uploads.values()] == ["a"]
    assert result.exit_code == 1


def test_one_that_cannot_be_aborted_stops_none_of_the_others(tmp_path: Path) -> None:
    """It is told, and the exit status says so."""
    s3 = FakeS3()
    for key in ("a", "b"):
        leave(s3, tmp_path, key)
    s3.fail("abort_multipart_upload", AccessDenied(Fault(action="abort")))
    ears, result = abort(s3, at(""))
    assert [event.uri.key for event in ears.of(aftercare.AbortFailed)] == ["a"]
    assert (len(s3.uploads), result.exit_code) == (1, 1)


def test_stop(tmp_path: Path) -> None:
    """After a stop, no further upload is looked at or aborted."""
    s3 = FakeS3()
    for key in ("a", "b"):
        leave(s3, tmp_path, key)

    async def main() -> RunResult:
        async with Cleanup(options=OPTIONS, gateway=s3) as cleanup:
            pending = [each async for each in cleanup.list(at(""), NOW)]
            s3.watch = lambda request: (
                cleanup.stop() if request.verb == "abort_multipart_upload" else None
            )
            result = await cleanup.abort_all(pending)
            with pytest.raises(Interrupted):
                assert [each async for each in cleanup.list(at(""), NOW)]
        return result

    result = run(main())
    assert (result.done, result.interrupted, result.exit_code) == (1, 1, 130)
    assert len(s3.uploads) == 1


@pytest.mark.parametrize(
    ("age", "limit", "outcome"),
    [
        (100.0, None, True),
        (None, None, True),
        (100.0, 100.0, True),
        (99.0, 100.0, False),
        (None, 0.0, False),
    ],
)
def test_is_older(age: float | None, limit: float | None, *, outcome: bool) -> None:
    """An age is compared with a limit; one that nobody knows is never enough."""
    upload = PendingUploadFound(at("a"), "id", None, age, 0, 0, None, in_journal=False)
    assert is_older(upload, limit) is outcome


def test_several_of_one_key() -> None:
    """Several uploads of one key are all told, the oldest first."""
    s3 = FakeS3()

    async def create() -> Sequence[Upload]:
        return [
            await s3.create_multipart_upload(at("a"), None, ObjectAttributes()) for _ in range(3)
        ]

    made = run(create())
    assert [each.upload_id for each in found(s3, at("a"))] == [each.upload_id for each in made]
