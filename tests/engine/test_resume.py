"""Interruptions: whatever S3 acknowledged is not sent again, and nothing else is believed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, Proof
from asyncup.core.options import Options
from tests.bodies import body_of, checksums_of
from tests.engine.kit import (
    OPTIONS,
    URI,
    Ears,
    Stream,
    chunk_files,
    make_file,
    no_task_is_left,
    uploader,
)
from tests.fakes3 import FakeS3
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

SERVERS: dict[str, Callable[[], FakeS3]] = {
    "AWS-like": FakeS3,
    "no checksums listed": lambda: FakeS3(lists_checksums=False),
    "no checksums at all": lambda: FakeS3(algorithms=()),
    "opaque ETags": lambda: FakeS3(opaque_etags=True, lists_checksums=False),
}


def upload_until(
    s3: FakeS3, file: Path, directory: Path, stop_at: int, options: Options = OPTIONS
) -> tuple[Ears, bool]:
    """Upload a file and cancel everything at the n-th event; say whether that came to pass."""
    stopped = False

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        def cancel(count: int, _: Event) -> None:
            nonlocal stopped
            if count == stop_at:
                stopped = task.cancel()

        ears.act = cancel
        try:
            async with uploader(s3, directory, listener=ears, options=options) as up:
                await up.put(file, URI)
        finally:
            assert no_task_is_left()

    ears = Ears()
    with suppress(asyncio.CancelledError):
        run(main())
    assert chunk_files(directory) == []
    return ears, stopped


@pytest.mark.parametrize("direct", [False, True], ids=["chunk files", "direct"])
@pytest.mark.parametrize("server", SERVERS)
def test_stop_at_every_event(tmp_path: Path, server: str, *, direct: bool) -> None:
    """Stopped at any event and run again, the object is the file, and nothing is left over.

    No part that S3 had acknowledged is sent twice, unless S3 lists nothing to compare it by.
    """
    file = make_file(tmp_path, 1050)
    options = replace(OPTIONS, direct=direct)
    is_blind = server == "opaque ETags"
    stop_at, stopped = 0, True
    while stopped:
        stop_at += 1
        s3 = SERVERS[server]()
        ears, stopped = upload_until(s3, file, tmp_path, stop_at, options)
        acknowledged = {event.part_number for event in ears.of(events.PartUploaded)}
        already = len(s3.requests)
        upload_until(s3, file, tmp_path, stop_at=0, options=options)
        again = [each.number for each in s3.requests[already:] if each.verb == "upload_part"]

        assert s3.objects[URI.key].data == file.read_bytes()
        assert s3.uploads == {}
        if not is_blind:
            assert acknowledged.isdisjoint(again)
        assert len(again) == len(set(again))
    assert stop_at > 35


def part_way(s3: FakeS3, file: Path, directory: Path, parts: int, part_size: int = 100) -> None:
    """Leave an upload at S3 that has so many parts."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        def cancel(_: int, __: Event) -> None:
            if any(len(upload.parts) == parts for upload in s3.uploads.values()):
                task.cancel()

        options = replace(OPTIONS, part_size=part_size, concurrency=1, read_ahead=0)
        async with uploader(s3, directory, listener=Ears(cancel), options=options) as up:
            await up.put(file, URI)

    with suppress(asyncio.CancelledError):
        run(main())
    s3.requests.clear()


def resume(
    s3: FakeS3, source: Path | Stream, directory: Path, options: Options = OPTIONS
) -> tuple[Ears, Proof]:
    """Run the upload again and return what was heard."""
    ears = Ears()

    async def main() -> Proof:
        async with uploader(s3, directory, listener=ears, options=options) as up:
            return (await up.put(source, URI)).proof

    return ears, run(main())


def test_only_missing_parts_are_sent(tmp_path: Path) -> None:
    """A second run sends what is missing and says of every kept part why."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    part_way(s3, file, tmp_path, 4)
    ears, proof = resume(s3, file, tmp_path)
    assert sorted(s3.sent_parts()) == [5, 6, 7, 8, 9, 10, 11]
    assert sorted((event.part_number, event.reason) for event in ears.of(events.PartKept)) == [
        (number, "the checksum that S3 lists is that of the bytes here") for number in (1, 2, 3, 4)
    ]
    (resumed,) = ears.of(events.UploadResumed)
    assert (resumed.parts_listed, resumed.parts, resumed.part_size) == (4, 11, 100)
    assert proof is Proof.CRC64NVME


def test_all_parts_are_there_but_it_was_not_completed(tmp_path: Path) -> None:
    """If only completing is missing, no part is sent."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    part_way(s3, file, tmp_path, 11)
    resume(s3, file, tmp_path)
    assert s3.sent_parts() == []
    assert s3.objects[URI.key].data == file.read_bytes()


@pytest.mark.parametrize("part_size", [10, 50, 120, 1000, 2000])
def test_part_size_belongs_to_the_upload(tmp_path: Path, part_size: int) -> None:
    """Another --part-size of the second run changes nothing for an upload that is pending."""
    file, s3 = make_file(tmp_path, 2500), FakeS3()
    part_way(s3, file, tmp_path, 3)
    resume(s3, file, tmp_path, replace(OPTIONS, part_size=part_size))
    assert sorted(s3.sent_parts()) == list(range(4, 26))
    assert s3.objects[URI.key].data == file.read_bytes()


@pytest.mark.parametrize("server", ["AWS-like", "no checksums listed", "no checksums at all"])
def test_wrong_part_at_s3_goes_again(tmp_path: Path, server: str) -> None:
    """A part of the right number and size but other bytes is not kept."""
    file, s3 = make_file(tmp_path, 1050), SERVERS[server]()
    other = make_file(tmp_path, 1050, "other", seed=1)
    file_bytes = file.read_bytes()
    mixed = make_file(tmp_path, 1050, "mixed")
    mixed.write_bytes(file_bytes[:200] + other.read_bytes()[200:300] + file_bytes[300:])
    part_way(s3, mixed, tmp_path, 5)
    ears, _ = resume(s3, file, tmp_path)
    assert [event.part_number for event in ears.of(events.PartDiscarded)] == [3]
    assert sorted(s3.sent_parts()) == [3, 6, 7, 8, 9, 10, 11]
    assert s3.objects[URI.key].data == file_bytes


def test_nothing_to_compare_by(tmp_path: Path) -> None:
    """Where S3 lists neither checksums nor MD5s, no part is believed, and each says so."""
    file, s3 = make_file(tmp_path, 1050), FakeS3(opaque_etags=True, lists_checksums=False)
    part_way(s3, file, tmp_path, 5)
    ears, _ = resume(s3, file, tmp_path)
    assert {event.reason for event in ears.of(events.PartDiscarded)} == {
        "S3 lists neither a checksum nor an MD5 for it"
    }
    assert sorted(s3.sent_parts()) == list(range(1, 12))


def test_file_that_has_grown(tmp_path: Path) -> None:
    """Parts of a file that has grown since stay, but for the short one that was its last."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    part_way(s3, file, tmp_path, 11)
    with file.open("ab") as grown:
        grown.write(b"more" * 100)
    ears, _ = resume(s3, file, tmp_path)
    assert sorted(s3.sent_parts()) == [11, 12, 13, 14, 15]
    assert len(ears.of(events.PartKept)) == 10
    assert s3.objects[URI.key].data == file.read_bytes()


def test_file_that_has_shrunk(tmp_path: Path) -> None:
    """An upload with parts beyond the file's end cannot become it, and is left alone."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    part_way(s3, file, tmp_path, 8)
    (old,) = s3.uploads
    file.write_bytes(file.read_bytes()[:500])
    ears, _ = resume(s3, file, tmp_path)
    assert s3.objects[URI.key].data == file.read_bytes()
    assert [event.upload_id for event in ears.of(events.PendingUploadIgnored)] == [old]
    assert list(s3.uploads) == [old]


def test_newest_of_several_uploads(tmp_path: Path) -> None:
    """Of several pending uploads the newest is resumed; the others are named, never aborted."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    async def create() -> str:
        upload = await s3.create_multipart_upload(
            URI, ChecksumAlgorithm.CRC64NVME, ObjectAttributes()
        )
        return upload.upload_id

    oldest, older = run(create()), run(create())
    hidden = dict(s3.uploads)
    s3.uploads.clear()
    part_way(s3, file, tmp_path, 4)
    (newest,) = s3.uploads
    s3.uploads = hidden | s3.uploads
    ears, _ = resume(s3, file, tmp_path)
    assert [event.upload_id for event in ears.of(events.UploadResumed)] == [newest]
    assert [event.upload_id for event in ears.of(events.PendingUploadIgnored)] == [older, oldest]
    assert sorted(s3.sent_parts()) == [5, 6, 7, 8, 9, 10, 11]
    assert list(s3.uploads) == [oldest, older]


def test_upload_that_ends_between_two_lists(tmp_path: Path) -> None:
    """A pending upload that is gone when its parts are listed is not gone on with."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()
    part_way(s3, file, tmp_path, 4)
    s3.watch = lambda request: _clear_once(s3, request.verb)
    resume(s3, file, tmp_path)
    assert s3.objects[URI.key].data == file.read_bytes()
    assert len(s3.sent_parts()) == 11


def _clear_once(s3: FakeS3, verb: str) -> None:
    if verb == "list_parts":
        s3.uploads.clear()
        s3.watch = lambda _: None


def test_stream_is_resumed_by_the_same_stream(tmp_path: Path) -> None:
    """A stream that comes again is read through, and only what S3 lacks of it is sent."""
    data, s3 = make_file(tmp_path, 1050).read_bytes(), FakeS3()
    part_way(s3, make_file(tmp_path, 1050), tmp_path, 4)
    ears, proof = resume(s3, Stream(data), tmp_path)
    assert sorted(s3.sent_parts()) == [5, 6, 7, 8, 9, 10, 11]
    assert len(ears.of(events.PartKept)) == 4
    assert (s3.objects[URI.key].data, proof) == (data, Proof.CRC64NVME)


def test_another_stream_replaces_every_part(tmp_path: Path) -> None:
    """A stream of other bytes keeps nothing of what is there."""
    s3 = FakeS3()
    part_way(s3, make_file(tmp_path, 1050), tmp_path, 4)
    resume(s3, Stream(b"y" * 1050), tmp_path)
    assert len(s3.sent_parts()) == 11
    assert s3.objects[URI.key].data == b"y" * 1050


@pytest.mark.parametrize(
    "algorithm",
    [
        ChecksumAlgorithm.CRC32,
        ChecksumAlgorithm.CRC32C,
        ChecksumAlgorithm.SHA1,
        ChecksumAlgorithm.SHA256,
    ],
)
def test_upload_of_another_tool(tmp_path: Path, algorithm: ChecksumAlgorithm) -> None:
    """An upload that another tool began with another checksum goes on with that."""
    file, s3 = make_file(tmp_path, 1050), FakeS3()

    async def begin() -> None:
        upload = await s3.create_multipart_upload(URI, algorithm, ObjectAttributes())
        first = file.read_bytes()[:100]
        with body_of(first, tmp_path) as body:
            await s3.upload_part(upload, 1, body, checksums_of(first))

    run(begin())
    s3.requests.clear()
    ears, _ = resume(s3, file, tmp_path)
    assert [event.reason for event in ears.of(events.PartKept)] == [
        "the checksum that S3 lists is that of the bytes here"
    ]
    assert sorted(s3.sent_parts()) == list(range(2, 12))
    assert s3.objects[URI.key].data == file.read_bytes()
