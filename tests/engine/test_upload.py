"""The story of one file: what becomes of it at S3, and what never does."""

import errno
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import (
    AccessDenied,
    ChecksumRejected,
    Fault,
    ObjectMismatch,
    PartsMismatch,
    PartTooSmall,
    RetriesExhausted,
    SourceChanged,
    SourceMissing,
    SourceUnreadable,
    SourceUnsuitable,
    Throttled,
    UploadMissing,
    UsageError,
)
from asyncup.core.events import Event
from asyncup.core.model import ObjectAttributes, ObjectURI, Proof
from asyncup.core.options import Options, Overwrite
from asyncup.engine.cleanup import Cleanup
from tests.engine.kit import (
    LIMITS,
    OPTIONS,
    URI,
    Answers,
    Ears,
    Stream,
    make_file,
    no_task_is_left,
    uploader,
)
from tests.fakes3 import FakeS3, Request
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")


def all_stored(s3: FakeS3) -> bool:
    """Return whether S3 holds all eleven parts of the file that most tests here use."""
    return any(len(upload.parts) == 11 for upload in s3.uploads.values())


DIRECT = replace(OPTIONS, direct=True)


@pytest.mark.parametrize("options", [OPTIONS, DIRECT], ids=["chunk files", "direct"])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1050, 4999, 5000, 5001, 100_000])
def test_any_size_arrives(tmp_path: Path, size: int, options: Options) -> None:
    """A file of any size becomes an object of the same bytes, and says by what it is proven."""
    file, s3, ears = make_file(tmp_path, size), FakeS3(), Ears()

    async def main() -> None:
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            result = await up.put(file, URI)
        assert no_task_is_left()
        assert (result.uri, result.size, result.skipped) == (URI, size, None)
        assert result.proof is (Proof.ETAG if size <= 100 else Proof.CRC64NVME)
        assert result.parts == len(s3.sent_parts() or [1])
        assert result.etag == s3.objects[URI.key].head.etag

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()
    assert s3.uploads == {}
    assert len(ears.of(events.UploadCompleted)) == 1


def test_small_file_is_one_request(tmp_path: Path) -> None:
    """What fits in one part costs a look and a PutObject, and nothing else."""
    file, s3 = make_file(tmp_path, 100), FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put(file, URI)

    run(main())
    assert [request.verb for request in s3.requests] == ["list_objects", "put_object"]


def test_requests_of_an_upload_in_parts(tmp_path: Path) -> None:
    """Parts are listed before they are completed, and the object looked at afterwards."""
    file, s3 = make_file(tmp_path, 250), FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path, options=replace(OPTIONS, concurrency=1)) as up:
            await up.put(file, URI)

    run(main())
    assert [request.verb for request in s3.requests] == [
        "list_objects",
        "list_multipart_uploads",
        "create_multipart_upload",
        *["upload_part"] * 3,
        "list_parts",
        "head_object",
        "complete_multipart_upload",
        "head_object",
    ]


def test_destination_prefix_takes_the_name(tmp_path: Path) -> None:
    """A destination that ends in a slash gets the file's name."""
    file, s3 = make_file(tmp_path, 10, "some name"), FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(str(file), "s3://test-bucket/a/b/")
            assert result.uri == ObjectURI("test-bucket", "a/b/some name")

    run(main())
    assert list(s3.objects) == ["a/b/some name"]


@pytest.mark.parametrize("size", [0, 99, 100, 101, 300, 1234])
def test_stream_arrives(tmp_path: Path, size: int) -> None:
    """A stream of any length becomes an object, in one request if it ends within a part."""
    data, s3 = make_file(tmp_path, size).read_bytes(), FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(Stream(data), URI)
        proof = Proof.ETAG if size < 100 else Proof.CRC64NVME
        assert (result.size, result.proof) == (size, proof)

    run(main())
    assert s3.objects[URI.key].data == data
    assert s3.count("put_object") == (size < 100)


def test_stream_with_direct_takes_chunk_files_all_the_same(tmp_path: Path) -> None:
    """A stream cannot be read twice, so it is staged even if files are not."""
    s3 = FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path, options=DIRECT) as up:
            await up.put(Stream(b"x" * 250), URI)

    run(main())
    assert s3.objects[URI.key].data == b"x" * 250


def test_stream_that_is_too_long(tmp_path: Path) -> None:
    """A stream that goes on after the last part number fails with what to do about it."""
    s3 = FakeS3()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(SourceUnsuitable, match="50 parts") as caught:
                await up.put(Stream(b"x" * 100 * (LIMITS.max_parts + 1)), URI)
            assert caught.value.hint is not None
            assert "--part-size" in caught.value.hint

    run(main())
    assert s3.objects == {}


def test_stream_that_goes_on_after_its_end(tmp_path: Path) -> None:
    """The first end of a stream is the end, also of one that has more to say (a terminal)."""
    s3 = FakeS3()
    terminal = Answers(b"x" * 100, b"x" * 30, b"", b"y" * 100, b"")

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put(terminal, URI)

    run(main())
    assert s3.objects[URI.key].data == b"x" * 130


def test_stream_that_breaks(tmp_path: Path) -> None:
    """A stream that cannot be read further is no object of what came before."""
    s3 = FakeS3()
    broken = Answers(b"x" * 100, b"x" * 30, OSError(errno.EIO, "Input/output error"))

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(SourceUnreadable, match="read stream: Input/output error"):
                await up.put(broken, URI)

    run(main())
    assert s3.objects == {}


def test_stream_without_a_key(tmp_path: Path) -> None:
    """A stream has no name that could complete a prefix."""

    async def main() -> None:
        async with uploader(FakeS3(), tmp_path) as up:
            with pytest.raises(UsageError, match="names no object"):
                await up.put(Stream(b"x"), "s3://test-bucket/prefix/")

    run(main())


def test_missing_file(tmp_path: Path) -> None:
    """What is not there is said to be not there."""

    async def main() -> None:
        async with uploader(FakeS3(), tmp_path) as up:
            with pytest.raises(SourceMissing, match="no such file"):
                await up.put(tmp_path / "nothing", URI)

    run(main())


def test_too_large_file(tmp_path: Path) -> None:
    """A file larger than an object can be is refused before anything is sent."""
    file, s3 = make_file(tmp_path, 0), FakeS3()
    with file.open("ab") as grown:
        grown.truncate(LIMITS.max_object_size + 1)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(SourceUnsuitable, match="more than an S3 object can hold"):
                await up.put(file, URI)

    run(main())
    assert s3.requests == []


@pytest.mark.parametrize(
    "open_s3",
    [
        partial(FakeS3, algorithms=()),
        partial(FakeS3, lists_checksums=False),
        partial(FakeS3, opaque_etags=True),
    ],
    ids=["no checksums", "none listed", "opaque ETags"],
)
def test_servers_that_offer_less(tmp_path: Path, open_s3: Callable[[], FakeS3]) -> None:
    """A server without checksums, or without MD5 ETags, gets the same bytes."""
    file, s3 = make_file(tmp_path, 1050), open_s3()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert result.proof is (Proof.ETAG if not s3.algorithms else Proof.CRC64NVME)

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()


def test_no_checksum_and_no_md5_leave_the_size(tmp_path: Path) -> None:
    """Where a server offers nothing else, the result says that only the size was compared."""
    file, s3 = make_file(tmp_path, 1050), FakeS3(algorithms=(), opaque_etags=True)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            assert (await up.put(file, URI)).proof is Proof.SIZE

    run(main())


def test_attributes_reach_s3(tmp_path: Path) -> None:
    """What objects are to be like is told at creation, for both kinds of upload."""
    s3 = FakeS3()
    wanted = ObjectAttributes(storage_class="GLACIER", metadata={"a": "b"}, tags={"t": "v"})

    async def main() -> None:
        async with uploader(s3, tmp_path, attributes=wanted) as up:
            await up.put(make_file(tmp_path, 10, "small.json"), "s3://test-bucket/")
            await up.put(make_file(tmp_path, 300, "large.tar.gz"), "s3://test-bucket/")

    run(main())
    assert s3.objects["small.json"].attributes == replace(wanted, content_type="application/json")
    assert s3.objects["large.tar.gz"].attributes == replace(wanted, content_type="application/gzip")


@pytest.mark.parametrize(
    ("policy", "at_s3", "sent"),
    [
        (Overwrite.SIZE, 300, False),
        (Overwrite.SIZE, 299, True),
        (Overwrite.NEVER, 299, False),
        (Overwrite.ALWAYS, 300, True),
    ],
)
def test_overwrite(tmp_path: Path, policy: Overwrite, at_s3: int, *, sent: bool) -> None:
    """An object that is there is replaced or left as the policy says."""
    file, s3, ears = make_file(tmp_path, 300), FakeS3(), Ears()

    async def main() -> None:
        old = make_file(tmp_path, at_s3, "old", seed=1)
        async with uploader(s3, tmp_path) as up:
            await up.put(old, URI)
        options = replace(OPTIONS, overwrite=policy)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            result = await up.put(file, URI)
        assert (result.skipped is None) == sent

    run(main())
    assert (s3.objects[URI.key].data == file.read_bytes()) == sent
    assert len(ears.of(events.FileSkipped)) == (not sent)


def test_file_that_changes_on_the_way(tmp_path: Path) -> None:
    """A file that is written to while it travels fails, and no object is made of two states."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    def write(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and event.part_number == 5:
            # In place, and never shorter: it may be read at the same time.
            with file.open("r+b") as opened:
                opened.write(make_file(tmp_path, 1050, "other", seed=1).read_bytes())

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(write)) as up:
            with pytest.raises(SourceChanged, match="changed on the way"):
                await up.put(file, URI)

    run(main())
    assert s3.objects == {}
    assert len(s3.uploads) == 1


def test_file_that_changes_after_its_last_part(tmp_path: Path) -> None:
    """A file that changes when all is sent is not completed either."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    def touch(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and all_stored(s3):
            file.touch()

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(touch)) as up:
            with pytest.raises(SourceChanged):
                await up.put(file, URI)

    run(main())
    assert s3.count("complete_multipart_upload") == 0


@pytest.mark.parametrize("options", [OPTIONS, DIRECT], ids=["chunk files", "direct"])
def test_file_that_shrinks_while_it_is_read(tmp_path: Path, options: Options) -> None:
    """A file that ends before its end fails with both sizes."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    def cut(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and event.part_number == 2:
            with file.open("ab") as shrunk:
                shrunk.truncate(400)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(cut), options=options) as up:
            with pytest.raises(SourceChanged, match="400"):
                await up.put(file, URI)

    run(main())
    assert s3.objects == {}


def test_part_missing_at_s3_is_never_completed(tmp_path: Path) -> None:
    """An upload whose list of parts lacks one is not completed, and says which."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    def steal(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and all_stored(s3):
            (upload,) = s3.uploads.values()
            del upload.parts[3]

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(steal)) as up:
            with pytest.raises(PartsMismatch, match="part 3 not listed"):
                await up.put(file, URI)

    run(main())
    assert (s3.objects, s3.count("complete_multipart_upload")) == ({}, 0)


def test_part_replaced_at_s3_is_never_completed(tmp_path: Path) -> None:
    """A part that somebody else overwrote is noticed before completing."""
    file, s3 = make_file(tmp_path, 1050), FakeS3(lists_checksums=False)

    def replace_part(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and all_stored(s3):
            (upload,) = s3.uploads.values()
            upload.parts[3].etag = "opaque"

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(replace_part)) as up:
            with pytest.raises(PartsMismatch, match="part 3: ETag"):
                await up.put(file, URI)

    run(main())
    assert s3.count("complete_multipart_upload") == 0


def test_parts_that_are_too_small_for_the_server_fail_at_once(tmp_path: Path) -> None:
    """Nothing is tried again or sent again, and what is said leads to an object after all."""
    file, s3, ears = make_file(tmp_path, 1050), FakeS3(min_part_size=150), Ears()

    async def put(part_size: int) -> None:
        options = replace(OPTIONS, part_size=part_size, state_dir=tmp_path / "state")
        async with uploader(s3, tmp_path, listener=ears, options=options) as up:
            await up.put(file, URI)

    for part_size in (100, 200):  # a pending upload keeps its own
        with pytest.raises(PartTooSmall, match="EntityTooSmall") as caught:
            run(put(part_size))
        assert "larger parts than 100 B" in (caught.value.hint or "")
        assert f"asyncup abort {URI} --upload-id upload-1, " in (caught.value.hint or "")
        assert "larger --part-size" in (caught.value.hint or "")
    assert sorted(s3.sent_parts()) == list(range(1, 12))
    assert (s3.count("complete_multipart_upload"), ears.of(events.UploadRestarted)) == (2, [])

    async def abort() -> None:
        options = replace(OPTIONS, state_dir=tmp_path / "state")
        async with Cleanup(options=options, gateway=s3) as cleanup:
            listed = cleanup.list(URI, datetime(2026, 1, 8, tzinfo=UTC), exact=True)
            await cleanup.abort_all([each async for each in listed])

    run(abort())
    run(put(200))
    assert s3.objects[URI.key].data == file.read_bytes()


def test_object_that_is_not_the_file(tmp_path: Path) -> None:
    """An object whose checksum is not the file's is no success."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    def spoil(_: int, event: Event) -> None:
        if isinstance(event, events.UploadCompleting):
            (upload,) = s3.uploads.values()
            upload.parts[3].data = b"?" * 100

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(spoil)) as up:
            with pytest.raises(ObjectMismatch, match="CRC64NVME is not the file's"):
                await up.put(file, URI)

    run(main())


def test_object_that_another_one_replaced(tmp_path: Path) -> None:
    """An object that was replaced right after completing is not taken for this file's."""
    file, s3 = make_file(tmp_path, 1050), FakeS3(algorithms=(), opaque_etags=True)

    def replace_object(request: Request) -> None:
        if request.verb == "head_object" and URI.key in s3.objects:
            stored = s3.objects[URI.key]
            stored.head = replace(stored.head, etag="another")

    s3.watch = replace_object

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(ObjectMismatch, match="another object took its place"):
                await up.put(file, URI)

    run(main())


def test_versions_may_not_be_looked_at(tmp_path: Path) -> None:
    """A policy without s3:GetObjectVersion is enough: then the newest version is compared."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    s3.version_id = "v1"

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert (result.proof, result.version_id) == (Proof.CRC64NVME, "v1")

    run(main())


def test_answer_to_complete_is_lost(tmp_path: Path) -> None:
    """If only the answer was lost, the object is found and compared, and nothing is sent again."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    s3.fail("complete_multipart_upload", after=True)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert (result.proof, result.parts) == (Proof.CRC64NVME, 11)

    run(main())
    assert len(s3.sent_parts()) == 11
    assert s3.count("complete_multipart_upload") == 2


def test_upload_vanishes_before_completing(tmp_path: Path) -> None:
    """An upload that is gone without an object is a failure, also if an old object has its size."""
    file, s3 = make_file(tmp_path, 1050), FakeS3(algorithms=(), opaque_etags=True)
    old = make_file(tmp_path, 1050, "old", seed=1)

    def vanish(_: int, event: Event) -> None:
        if isinstance(event, events.UploadCompleting):
            s3.uploads.clear()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put(old, URI)
        options = replace(OPTIONS, overwrite=Overwrite.ALWAYS)
        async with uploader(s3, tmp_path, listener=Ears(vanish), options=options) as up:
            with pytest.raises(UploadMissing):
                await up.put(file, URI)

    run(main())
    assert s3.objects[URI.key].data == old.read_bytes()


def test_permanent_error_stops_at_once(tmp_path: Path) -> None:
    """An error that no retry mends ends the file with one attempt."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    # Of all parts: once one has been taken, it is not for good.
    error = AccessDenied(Fault(action="upload a part", code="AccessDenied"))
    s3.fail("upload_part", error, times=99)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(AccessDenied):
                await up.put(file, URI)
        assert no_task_is_left()

    run(main())
    assert s3.sent_parts() == []
    assert len(s3.uploads) == 1


def test_retries_are_exhausted(tmp_path: Path) -> None:
    """A part that always fails gives up after as many attempts as allowed, naming the cause."""
    file, s3, ears = make_file(tmp_path, 250), FakeS3(), Ears()
    s3.fail("upload_part", number=2, times=99)

    async def main() -> None:
        options = replace(OPTIONS, max_retry=4)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            with pytest.raises(RetriesExhausted, match=r"connection reset.*4 attempts"):
                await up.put(file, URI)

    run(main())
    assert len(ears.of(events.RetryScheduled)) == 3


VERBS = [
    "list_objects",
    "list_multipart_uploads",
    "create_multipart_upload",
    "upload_part",
    "list_parts",
    "complete_multipart_upload",
    "head_object",
]


@pytest.mark.parametrize("after", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("verb", VERBS)
def test_every_request_is_retried(tmp_path: Path, verb: str, *, after: bool) -> None:
    """Whatever request or answer is lost three times, the object is right in the end."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    s3.fail(verb, times=3, after=after)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert result.proof is Proof.CRC64NVME

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()


def test_rejected_bytes_are_checked_and_sent_again(tmp_path: Path) -> None:
    """After BadDigest the staged bytes are read again, and sent again if they are right."""
    file, s3 = make_file(tmp_path, 250), FakeS3()
    s3.fail(
        "upload_part", ChecksumRejected(Fault(action="upload part", code="BadDigest")), number=2
    )

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert result.attempts == 4

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()


def test_spoiled_chunk_file_is_noticed(tmp_path: Path) -> None:
    """A chunk file that the disk spoiled is found out after S3 refused it, not sent for ever."""
    file, s3 = make_file(tmp_path, 250), FakeS3()

    def spoil(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted) and event.part_number == 2:
            (chunk,) = (tmp_path / "chunks").rglob("*-part00002")
            chunk.write_bytes(b"?" * 100)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(spoil)) as up:
            with pytest.raises(SourceChanged, match="not those of before"):
                await up.put(file, URI)

    run(main())
    assert s3.objects == {}


def test_resent_bytes_are_counted(tmp_path: Path) -> None:
    """Bytes that travelled in vain are told apart from the file's own."""
    file, s3 = make_file(tmp_path, 250), FakeS3()
    s3.fail(
        "upload_part", Throttled(Fault(action="upload part", code="SlowDown")), number=1, after=True
    )

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put(file, URI)
        assert (result.size, result.resent, result.attempts) == (250, 100, 4)

    run(main())
