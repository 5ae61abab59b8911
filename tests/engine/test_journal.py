"""Uploads with a journal: what it spares, and that it never decides alone."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import AccessDenied, Fault, JournalLocked, ObjectMismatch
from asyncup.core.events import Event
from asyncup.core.model import ObjectAttributes, ObjectURI, Proof
from asyncup.core.options import Options, Overwrite
from asyncup.edges.journal import Journal
from asyncup.engine.cleanup import Cleanup
from tests.engine.kit import OPTIONS, URI, Answers, Ears, Stream, jobs, make_file, uploader
from tests.fakes3 import FakeS3, Request
from tests.loop import run

SIZE = 1050


def with_journal(directory: Path) -> Options:
    """Return options with a state directory below a directory."""
    return replace(OPTIONS, state_dir=directory / "state")


def records(directory: Path, s3: FakeS3) -> list[str]:
    """Return the upload IDs that the journal remembers."""
    with Journal(directory / "state", s3.endpoint, pytest.fail) as journal:
        return [each.upload.upload_id for each in journal.uploads()]


def upload(s3: FakeS3, file: Path, directory: Path, options: Options | None = None) -> Ears:
    """Upload a file to its end and return what was heard."""
    ears = Ears()

    async def main() -> None:
        chosen = options or with_journal(directory)
        async with uploader(s3, directory, options=chosen, listener=ears) as up:
            await up.put(file, URI)

    run(main())
    return ears


def part_way(s3: FakeS3, file: Path, directory: Path, parts: int = 4) -> None:
    """Upload some parts of a file, and end as if killed."""
    uploaded = 0

    async def main() -> None:
        def listen(_: int, event: Event) -> None:
            nonlocal uploaded
            uploaded += isinstance(event, events.PartUploaded)
            if uploaded == parts:
                task.cancel()

        async with uploader(
            s3, directory, options=with_journal(directory), listener=Ears(listen)
        ) as up:
            task = asyncio.create_task(up.put(file, URI))
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    s3.requests.clear()


@pytest.mark.parametrize("opaque", [False, True], ids=["MD5 ETags", "opaque ETags"])
@pytest.mark.parametrize("lists", [False, True], ids=["no checksums listed", "checksums listed"])
def test_what_the_journal_knows_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, opaque: bool, lists: bool
) -> None:
    """Parts that journal and S3 agree on stay without a byte being read, also under KMS."""
    s3 = FakeS3(opaque_etags=opaque, lists_checksums=lists)
    file = make_file(tmp_path, SIZE)
    part_way(s3, file, tmp_path)
    held = len(next(iter(s3.uploads.values())).parts)
    offsets: list[int] = []
    monkeypatch.setattr("asyncup.edges.ranges.RangeReader.end", property(_note(offsets)))
    ears = upload(s3, file, tmp_path)
    assert len(ears.of(events.PartKept)) == held >= 4
    assert len(s3.sent_parts()) == 11 - held == len(offsets)
    reason = "checksum" if lists else "ETag"
    assert all(
        f"the {reason} that S3 lists is the journal's" in each.reason
        for each in ears.of(events.PartKept)
    )
    assert s3.objects[URI.key].data == file.read_bytes()
    assert records(tmp_path, s3) == []


def _note(offsets: list[int]) -> Callable[[object], int]:
    """Stand in for the end of a range that was read, and take note of it."""

    def end(reader: object) -> int:
        found: int = reader._offset + reader._size  # type: ignore[attr-defined]
        offsets.append(found)
        return found

    return end


def test_a_touched_file_is_read_again(tmp_path: Path) -> None:
    """A file with another time of modification is compared byte by byte, whatever is written."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    part_way(s3, file, tmp_path)
    held = len(next(iter(s3.uploads.values())).parts)
    os.utime(file, ns=(0, 1))
    ears = upload(s3, file, tmp_path)
    assert {each.reason for each in ears.of(events.PartKept)} == {
        "the checksum that S3 lists is that of the bytes here"
    }
    assert len(s3.sent_parts()) == 11 - held


def test_a_changed_file_is_not_mixed_with_what_was_sent(tmp_path: Path) -> None:
    """Parts of a file as it was stay only where its bytes are still the same."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    part_way(s3, file, tmp_path)
    changed = bytearray(file.read_bytes())
    changed[150] ^= 1
    file.write_bytes(changed)
    os.utime(file, ns=(0, 1))
    ears = upload(s3, file, tmp_path)
    assert [each.part_number for each in ears.of(events.PartDiscarded)] == [2]
    assert s3.objects[URI.key].data == bytes(changed)


def test_a_part_that_somebody_else_sent_is_read_again(tmp_path: Path) -> None:
    """The journal's receipt counts only while S3 lists exactly that part."""
    s3, file = FakeS3(lists_checksums=False), make_file(tmp_path, SIZE)
    part_way(s3, file, tmp_path)
    (stored,) = s3.uploads.values()
    number, part = max(stored.parts.items())
    part.etag, part.data = "0" * 32, b"?" * 100
    ears = upload(s3, file, tmp_path)
    assert [each.part_number for each in ears.of(events.PartDiscarded)] == [number]
    assert s3.objects[URI.key].data == file.read_bytes()


def test_a_second_run_is_kept_off(tmp_path: Path) -> None:
    """Who comes second to an upload is refused with the owner's PID; other files go on."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    other = make_file(tmp_path, SIZE, "other", seed=1)
    s3.delay = 1

    async def main() -> None:
        options = with_journal(tmp_path)
        async with (
            uploader(s3, tmp_path, options=options) as first,
            uploader(s3, tmp_path, options=options) as second,
        ):
            task = asyncio.create_task(first.put(file, URI))
            await asyncio.sleep(0.5)
            with pytest.raises(JournalLocked, match=f"process {os.getpid()} on host"):
                await second.put(file, URI)
            await second.put(other, URI / "-other")
            await task
            s3.requests.clear()
            again = replace(options, overwrite=Overwrite.ALWAYS)
        async with uploader(s3, tmp_path, options=again) as third:
            await third.put(file, URI)

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()


def killed_while_completing(s3: FakeS3, file: Path, directory: Path) -> None:
    """End a run after S3 has made the object and before the answer is known."""

    async def main() -> None:
        options = with_journal(directory)
        async with uploader(s3, directory, options=options) as up:
            task = asyncio.create_task(up.put(file, URI))
            s3.fail("complete_multipart_upload", after=True)

            def stop(request: Request) -> None:
                if request.verb == "complete_multipart_upload":
                    task.cancel()

            s3.watch = stop
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    s3.watch = lambda _: None
    s3.troubles.clear()
    s3.requests.clear()


@pytest.mark.parametrize(
    "s3",
    [
        pytest.param(FakeS3(), id="checksums"),
        pytest.param(FakeS3(algorithms=()), id="ETags"),
        pytest.param(FakeS3(algorithms=(), opaque_etags=True), id="sizes"),
    ],
)
def test_a_lost_answer_is_settled_by_the_next_run(tmp_path: Path, s3: FakeS3) -> None:
    """A run that was killed over completing is found to be done: nothing is sent again."""
    file, ears = make_file(tmp_path, SIZE), Ears()
    killed_while_completing(s3, file, tmp_path)
    assert len(records(tmp_path, s3)) == 1

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            result = await up.put(file, URI)
        assert (result.skipped, result.parts, result.parts_kept) == (None, 11, 11)

    run(main())
    asked = {request.verb for request in s3.requests} - {"get_object"}
    assert asked == {"list_parts", "head_object"}
    assert len(ears.of(events.UploadCompleted)) == 1
    assert records(tmp_path, s3) == []


def test_an_object_that_could_not_be_shown_to_be_the_file_is_not_skipped(tmp_path: Path) -> None:
    """After a mismatch the next run sends the file, though an object of its size is there."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)

    def spoil(_: int, event: Event) -> None:
        if isinstance(event, events.UploadCompleting):
            (stored,) = s3.uploads.values()
            stored.parts[3].data = b"?" * 100

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options, listener=Ears(spoil)) as up:
            with pytest.raises(ObjectMismatch):
                await up.put(file, URI)
        async with uploader(s3, tmp_path, options=options) as up:
            result = await up.put_all(jobs([(file, URI)]), below=ObjectURI("test-bucket", ""))
            assert (result.done, result.skipped) == (1, 0)

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()
    assert records(tmp_path, s3) == []


def spoiled(s3: FakeS3, file: Path, directory: Path) -> None:
    """Upload a file so that the object is not the file, and is found not to be."""

    def spoil(_: int, event: Event) -> None:
        if isinstance(event, events.UploadCompleting):
            (stored,) = s3.uploads.values()
            stored.parts[3].data = b"?" * 100

    async def main() -> None:
        options = with_journal(directory)
        async with uploader(s3, directory, options=options, listener=Ears(spoil)) as up:
            with pytest.raises(ObjectMismatch):
                await up.put(file, URI)

    run(main())


@pytest.mark.parametrize("between", ["nothing", "a look", "a run that cannot begin"])
def test_what_was_not_shown_is_not_forgotten(tmp_path: Path, between: str) -> None:
    """Whatever comes between a mismatch and the next run, the file is sent then."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    spoiled(s3, file, tmp_path)

    async def main() -> None:
        options = with_journal(tmp_path)
        if between == "a look":
            async with Cleanup(options=options, gateway=s3) as cleanup:
                looked = cleanup.list(ObjectURI("test-bucket", ""), datetime.now(UTC))
                assert [each async for each in looked] == []
        if between == "a run that cannot begin":
            denied = AccessDenied(Fault(action="create", code="AccessDenied"))
            s3.fail("create_multipart_upload", denied)
            async with uploader(s3, tmp_path, options=options) as up:
                with pytest.raises(AccessDenied):
                    await up.put(file, URI)
        async with uploader(s3, tmp_path, options=options) as up:
            assert (await up.put(file, URI)).skipped is None
            # And then it is shown, and stays.
            assert (await up.put(file, URI)).skipped is not None

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()
    assert records(tmp_path, s3) == []


def test_a_small_object_that_is_not_the_file_is_not_skipped(tmp_path: Path) -> None:
    """What goes in one request leaves the same mark when it is not shown to be the file."""
    s3, file = FakeS3(opaque_etags=True), make_file(tmp_path, 50)

    def spoil(request: Request) -> None:
        if request.verb == "head_object" and URI.key in s3.objects:
            stored = s3.objects[URI.key]
            stored.head = replace(stored.head, size=49)

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options) as up:
            s3.watch = spoil
            with pytest.raises(ObjectMismatch):
                await up.put(file, URI)
            s3.watch = lambda _: None
            stored = s3.objects[URI.key]
            stored.head = replace(stored.head, size=50)
            assert (await up.put(file, URI)).skipped is None
            assert (await up.put(file, URI)).skipped is not None

    run(main())


def test_a_settled_upload_leaves_no_other_mark(tmp_path: Path) -> None:
    """What was not shown to be the file before is forgotten once something is."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    spoiled(s3, file, tmp_path)
    killed_while_completing(s3, file, tmp_path)

    async def main() -> None:
        async with uploader(s3, tmp_path, options=with_journal(tmp_path)) as up:
            assert (await up.put(file, URI)).parts_kept == 11

    assert len(records(tmp_path, s3)) == 2
    run(main())
    assert records(tmp_path, s3) == []


def test_a_settled_upload_has_the_attributes_that_are_asked_for(tmp_path: Path) -> None:
    """An object of a killed run is not taken for one that is to be encrypted now."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    killed_while_completing(s3, file, tmp_path)
    wanted = ObjectAttributes(sse="aws:kms", content_type="x/y")

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options, attributes=wanted) as up:
            assert (await up.put(file, URI)).skipped is None

    run(main())
    assert s3.objects[URI.key].attributes == wanted


def test_other_attributes_begin_a_new_upload(tmp_path: Path) -> None:
    """An upload that was begun without encryption does not become an object that wants it."""
    s3, file, ears = FakeS3(), make_file(tmp_path, SIZE), Ears()
    part_way(s3, file, tmp_path)
    wanted = ObjectAttributes(sse="aws:kms", content_type="x/y")

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options, listener=ears, attributes=wanted) as up:
            await up.put(file, URI)

    run(main())
    assert s3.objects[URI.key].attributes == wanted
    (ignored,) = ears.of(events.PendingUploadIgnored)
    assert "other attributes" in ignored.reason


def test_a_journal_that_cannot_be_kept_is_told_and_missed_by_nothing(tmp_path: Path) -> None:
    """A state directory that cannot be is a warning, and the file arrives."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    options = replace(OPTIONS, state_dir=file / "state")
    ears = upload(s3, file, tmp_path, options)
    (told,) = ears.of(events.JournalUnavailable)
    assert "goes on without it" in told.reason
    assert s3.objects[URI.key].data == file.read_bytes()


def test_a_stream_is_not_believed_to_be_the_same(tmp_path: Path) -> None:
    """What the journal knows of an earlier stream counts for nothing."""
    s3, data = FakeS3(), make_file(tmp_path, SIZE).read_bytes()

    async def main() -> None:
        options = with_journal(tmp_path)
        async with uploader(s3, tmp_path, options=options) as up:
            broken = Answers(*[data[start : start + 50] for start in range(0, 500, 50)], OSError())
            with pytest.raises(Exception, match="read stream"):
                await up.put(broken, URI)
        async with uploader(s3, tmp_path, options=options) as up:
            result = await up.put(Stream(b"?" * SIZE), URI)
            assert result.proof is Proof.CRC64NVME

    run(main())
    assert s3.objects[URI.key].data == b"?" * SIZE
