"""What changes under an upload: the file, the object, the upload itself; and what is done then."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import (
    AccessDenied,
    ChecksumUnsupported,
    Fault,
    PreconditionFailed,
    SourceChanged,
    SourceUnsuitable,
    UploadMissing,
)
from asyncup.core.events import Event
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Proof,
)
from asyncup.core.options import ChecksumPolicy, OnChange, Options, Overwrite
from asyncup.edges.body import PartBody
from asyncup.engine.upload import ROUNDS
from tests.bodies import checksums_of
from tests.engine.kit import OPTIONS, URI, Ears, Stream, make_file, no_task_is_left, uploader
from tests.fakes3 import FakeS3, Request, StoredObject
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

SIZE = 1050


def upload(
    s3: FakeS3,
    file: Path,
    directory: Path,
    options: Options = OPTIONS,
    act: Callable[[int, Event], None] | None = None,
) -> Ears:
    """Upload a file to its end, while something may act at events."""
    ears = Ears(act)

    async def main() -> None:
        async with uploader(s3, directory, options=options, listener=ears) as up:
            await up.put(file, URI)
        assert no_task_is_left()

    run(main())
    return ears


def at(kind: type[Event], act: Callable[[], None], number: int = 1) -> Callable[[int, Event], None]:
    """Return what acts at the so-manieth event of a kind, and never again."""
    seen = 0

    def listen(_: int, event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == number and isinstance(event, kind):
            act()

    return listen


def rewrite(file: Path, data: bytes) -> Callable[[], None]:
    """Return what gives a file other bytes, and a time that tells."""

    def act() -> None:
        file.write_bytes(data)
        os.utime(file, ns=(0, len(data)))

    return act


def with_byte(file: Path, place: int) -> bytes:
    """Return a file's bytes, one of them another one."""
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    return bytes(data)


def test_fail_leaves_the_parts(tmp_path: Path) -> None:
    """Unless told otherwise, a file that changes fails, and its parts stay for another run."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    with pytest.raises(SourceChanged):
        upload(s3, file, tmp_path, act=at(events.PartUploaded, rewrite(file, b"x" * SIZE), 3))
    assert len(s3.uploads) == 1
    assert s3.objects == {}


@pytest.mark.parametrize("direct", [False, True], ids=["chunk files", "direct"])
@pytest.mark.parametrize("moment", [events.PartStarted, events.PartUploaded])
@pytest.mark.parametrize("number", [1, 5, 11])
def test_patch_sends_only_what_differs(
    tmp_path: Path, moment: type[Event], number: int, *, direct: bool
) -> None:
    """A byte that changes on the way costs its own part, and the object is the file as it is."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    changed = with_byte(file, 150)
    options = replace(OPTIONS, on_change=OnChange.PATCH, direct=direct)
    ears = upload(s3, file, tmp_path, options, at(moment, rewrite(file, changed), number))
    assert s3.objects[URI.key].data == changed
    assert s3.count("create_multipart_upload") == 1
    assert {each.part_number for each in ears.of(events.PartDiscarded)} <= {2}
    assert len(ears.of(events.UploadRestarted)) == 1
    acknowledged = [each.part_number for each in ears.of(events.PartUploaded)]
    assert {number for number in acknowledged if acknowledged.count(number) > 1} <= {2}


@pytest.mark.parametrize("size", [50, 450, 1049, 1100, 3000])
@pytest.mark.parametrize("policy", [OnChange.PATCH, OnChange.RESTART])
def test_a_file_of_another_size_arrives_as_it_is(
    tmp_path: Path, policy: OnChange, size: int
) -> None:
    """Grown or shrunk, the file arrives, and no upload of what it was is left."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    now = make_file(tmp_path, size, "now", seed=2).read_bytes()
    options = replace(OPTIONS, on_change=policy)
    upload(s3, file, tmp_path, options, at(events.PartUploaded, rewrite(file, now), 4))
    assert s3.objects[URI.key].data == now
    assert s3.uploads == {}


def test_restart_begins_again(tmp_path: Path) -> None:
    """The upload of a file that changed is aborted, and all parts go again."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    changed = with_byte(file, 150)
    options = replace(OPTIONS, on_change=OnChange.RESTART)
    ears = upload(s3, file, tmp_path, options, at(events.PartUploaded, rewrite(file, changed), 4))
    assert s3.objects[URI.key].data == changed
    assert s3.count("create_multipart_upload") == 2
    assert [each.reason for each in ears.of(events.UploadAborted)] == ["the file has changed"]
    assert s3.uploads == {}


@pytest.mark.parametrize("policy", [OnChange.PATCH, OnChange.RESTART])
def test_a_file_that_never_stands_still(tmp_path: Path, policy: OnChange) -> None:
    """A file that is written to all the time is given up, not looked at for ever."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    times = iter(range(1, 1000))

    def touch(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted | events.PartKept):
            os.utime(file, ns=(0, next(times)))

    with pytest.raises(SourceChanged):
        upload(s3, file, tmp_path, replace(OPTIONS, on_change=policy), touch)
    assert s3.objects == {}
    assert s3.count("list_multipart_uploads") == ROUNDS


@pytest.mark.parametrize("moment", [events.PartUploaded, events.UploadCompleting])
def test_an_upload_that_a_lifecycle_rule_aborts_is_begun_again(
    tmp_path: Path, moment: type[Event]
) -> None:
    """An upload that is gone is no end: another one is begun, and said to be."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    ears = upload(s3, file, tmp_path, act=at(moment, s3.uploads.clear))
    assert s3.objects[URI.key].data == file.read_bytes()
    (again,) = ears.of(events.UploadRestarted)
    assert isinstance(again.error, UploadMissing)


def test_an_upload_that_another_run_completed(tmp_path: Path) -> None:
    """What another run, elsewhere, made of the same upload is compared, and nothing sent again."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    s3.delay = 1

    def other_run() -> None:
        (stored,) = s3.uploads.values()
        data = file.read_bytes()
        head = ObjectHead(SIZE, "other-11", checksums=checksums_of(data).values)
        s3.objects[URI.key] = StoredObject(data, head, stored.attributes, [100] * 10 + [50])
        s3.uploads.clear()

    ears = upload(s3, file, tmp_path, act=at(events.PartUploaded, other_run, 3))
    (skipped,) = ears.of(events.FileSkipped)
    assert skipped.reason == "S3 already holds it, proven by crc64nvme"
    assert s3.count("create_multipart_upload") == 1


def test_always_is_always(tmp_path: Path) -> None:
    """An equal object is no reason to stop where the object is to be replaced in any case."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    upload(s3, file, tmp_path)
    options = replace(OPTIONS, overwrite=Overwrite.ALWAYS)
    ears = upload(s3, file, tmp_path, options, at(events.PartUploaded, s3.uploads.clear, 3))
    assert len(ears.of(events.UploadCompleted)) == 1


def test_a_vanished_upload_needs_no_permission_to_abort(tmp_path: Path) -> None:
    """What is gone is not aborted; what is to be and cannot is named, and in nobody's way."""
    denied = AccessDenied(Fault(action="abort", code="AccessDenied"))
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    s3.fail("abort_multipart_upload", denied, times=99)
    upload(s3, file, tmp_path, act=at(events.PartUploaded, s3.uploads.clear, 3))
    assert s3.count("abort_multipart_upload") == 0
    now = make_file(tmp_path, 450, "now", seed=2).read_bytes()
    options = replace(OPTIONS, on_change=OnChange.PATCH, overwrite=Overwrite.ALWAYS)
    ears = upload(s3, file, tmp_path, options, at(events.PartUploaded, rewrite(file, now), 8))
    assert s3.objects[URI.key].data == now
    assert "could not be aborted" in ears.of(events.PendingUploadIgnored)[-1].reason


def test_an_upload_that_fits_no_more_is_not_aborted_unasked(tmp_path: Path) -> None:
    """A part beyond the end, of somebody else, is a reason to begin anew, not to delete."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)

    def intrude() -> None:
        (stored,) = s3.uploads.values()
        stored.parts[49] = stored.parts[3]

    ears = upload(s3, file, tmp_path, act=at(events.PartUploaded, intrude, 11))
    assert s3.objects[URI.key].data == file.read_bytes()
    assert ears.of(events.UploadAborted) == []
    assert len(s3.uploads) == 1


def test_what_was_sent_is_known_to_the_next_round_and_counted(tmp_path: Path) -> None:
    """Without a journal, and with ETags that tell nothing, no part that stays is sent again."""
    s3, file = FakeS3(opaque_etags=True, algorithms=()), make_file(tmp_path, SIZE)

    def lose() -> None:
        (stored,) = s3.uploads.values()
        del stored.parts[3]

    ears = upload(s3, file, tmp_path, act=at(events.PartUploaded, lose, 11))
    assert len(s3.sent_parts()) == 12
    (done,) = ears.of(events.UploadCompleted)
    assert done.result.attempts == 12


def test_an_object_of_unknown_content_is_read_back(tmp_path: Path) -> None:
    """After a lost answer on a server that tells only sizes, a stranger's object is not ours."""
    s3, file = FakeS3(opaque_etags=True, algorithms=()), make_file(tmp_path, SIZE)
    other = make_file(tmp_path, SIZE, "other", seed=1)
    s3.fail("complete_multipart_upload")

    def replaced(request: Request) -> None:
        if request.verb == "complete_multipart_upload" and s3.uploads:
            s3.uploads.clear()
            head = ObjectHead(SIZE, "strange")
            s3.objects[URI.key] = StoredObject(other.read_bytes(), head, ObjectAttributes(), [SIZE])
            s3.watch = lambda _: None

    s3.watch = replaced
    s3.troubles[0].times = 1
    upload(s3, file, tmp_path, replace(OPTIONS, overwrite=Overwrite.ALWAYS))
    assert s3.objects[URI.key].data == file.read_bytes()


def test_a_named_checksum_is_for_small_files_too(tmp_path: Path) -> None:
    """A server that takes no notice of the checksum that was asked for is told of."""
    s3, file = Unheeding(), make_file(tmp_path, 50)
    with pytest.raises(ChecksumUnsupported, match="does not take SHA256"):
        upload(s3, file, tmp_path, replace(OPTIONS, checksum=ChecksumPolicy.SHA256))


class Unheeding(FakeS3):
    """A server that stores what it gets, and tells nothing of checksums."""

    async def put_object(
        self,
        uri: ObjectURI,
        body: PartBody,
        checksums: Checksums,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        head = await super().put_object(
            uri, body, checksums, attributes, algorithm=algorithm, only_if_absent=only_if_absent
        )
        return replace(head, checksums={})


def test_an_upload_that_is_always_gone(tmp_path: Path) -> None:
    """If every upload vanishes, that is told in the end."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)

    def vanish(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded):
            s3.uploads.clear()

    with pytest.raises(UploadMissing):
        upload(s3, file, tmp_path, act=vanish)
    assert s3.count("create_multipart_upload") == ROUNDS


def test_a_part_that_vanishes_goes_again(tmp_path: Path) -> None:
    """A part that S3 lost before completing is sent again in the same upload."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)

    def lose() -> None:
        (stored,) = s3.uploads.values()
        del stored.parts[3]

    ears = upload(s3, file, tmp_path, act=at(events.PartUploaded, lose, 11))
    assert s3.objects[URI.key].data == file.read_bytes()
    assert s3.count("create_multipart_upload") == 1
    assert len(ears.of(events.PartUploaded)) == 12


NEVER = replace(OPTIONS, overwrite=Overwrite.NEVER)


@pytest.mark.parametrize("size", [50, SIZE], ids=["one request", "parts"])
def test_never_does_not_replace_what_appears_on_the_way(tmp_path: Path, size: int) -> None:
    """An object that another one puts there while this one travels stays what it is."""
    s3, file = FakeS3(), make_file(tmp_path, size)
    other = make_file(tmp_path, size, "other", seed=1)

    other_s3 = FakeS3()

    async def stored() -> None:
        async with uploader(other_s3, tmp_path) as up:
            await up.put(other, URI)

    run(stored())

    def put_there(request: Request) -> None:
        if request.verb in {"upload_part", "put_object"}:
            s3.objects.setdefault(URI.key, other_s3.objects[URI.key])

    s3.watch = put_there
    heard: list[Event] = []
    with pytest.raises(PreconditionFailed):
        upload(s3, file, tmp_path, NEVER, lambda _, event: heard.append(event))
    named = [each for each in heard if isinstance(each, events.PendingUploadIgnored)]
    assert len(named) == len(s3.uploads) == (size > 100)
    assert s3.objects[URI.key].data == other.read_bytes()


@pytest.mark.parametrize("size", [50, SIZE], ids=["one request", "parts"])
def test_never_knows_its_own_object_after_a_lost_answer(tmp_path: Path, size: int) -> None:
    """The object that stands in the way may be the one of an attempt whose answer was lost."""
    s3, file = FakeS3(), make_file(tmp_path, size)
    s3.fail("put_object", after=True)
    s3.fail("complete_multipart_upload", after=True)
    upload(s3, file, tmp_path, NEVER)
    assert s3.objects[URI.key].data == file.read_bytes()


@pytest.mark.parametrize("size", [50, SIZE], ids=["one request", "parts"])
@pytest.mark.parametrize(
    ("policy", "proofs"),
    [
        (ChecksumPolicy.AUTO, (Proof.ETAG, Proof.CRC64NVME)),
        (ChecksumPolicy.CRC64NVME, (Proof.CRC64NVME, Proof.CRC64NVME)),
        (ChecksumPolicy.CRC32C, (Proof.CRC32C, Proof.CRC32C)),
        (ChecksumPolicy.SHA256, (Proof.SHA256, Proof.SHA256)),
        (ChecksumPolicy.MD5, (Proof.ETAG, Proof.ETAG)),
        (ChecksumPolicy.NONE, (Proof.SIZE, Proof.SIZE)),
    ],
)
def test_each_checksum_proves_what_it_can(
    tmp_path: Path, policy: ChecksumPolicy, proofs: tuple[Proof, Proof], size: int
) -> None:
    """The checksum that is asked for goes with every part, and is the proof of the object."""
    s3, file = FakeS3(), make_file(tmp_path, size)
    ears = upload(s3, file, tmp_path, replace(OPTIONS, checksum=policy))
    (done,) = ears.of(events.UploadCompleted)
    assert done.result.proof is proofs[size > 100]
    assert s3.objects[URI.key].data == file.read_bytes()


@pytest.mark.parametrize("knows", [(), (ChecksumAlgorithm.CRC64NVME,)], ids=["none", "another"])
def test_a_checksum_that_the_server_does_not_take(
    tmp_path: Path, knows: tuple[ChecksumAlgorithm, ...]
) -> None:
    """Who asks for a checksum gets it or an error, and nothing is left at S3."""
    s3, file = FakeS3(algorithms=knows), make_file(tmp_path, SIZE)
    with pytest.raises(ChecksumUnsupported, match="does not take SHA256") as caught:
        upload(s3, file, tmp_path, replace(OPTIONS, checksum=ChecksumPolicy.SHA256))
    assert caught.value.hint == "leave the choice to --checksum auto"
    assert (s3.uploads, s3.objects) == ({}, {})


def test_the_upload_that_leaves_least_to_send_is_resumed(tmp_path: Path) -> None:
    """Of several pending uploads the fullest goes on; the others are named and left."""
    s3, file = FakeS3(), make_file(tmp_path, SIZE)
    fullest = 0
    for stop in (2, 6, 1):
        before = set(s3.uploads)
        with pytest.raises(SourceChanged):
            upload(s3, file, tmp_path, act=at(events.PartUploaded, lambda: os.utime(file), stop))
        (new,) = set(s3.uploads) - before or {""}
        fullest = max(fullest, len(s3.uploads[new].parts)) if new else fullest
        for upload_id in s3.uploads:
            s3.uploads[upload_id].upload = replace(
                s3.uploads[upload_id].upload, uri=replace(URI, key=f"hidden-{upload_id}")
            )
    for stored in s3.uploads.values():
        stored.upload = replace(stored.upload, uri=URI)
    assert len(s3.uploads) == 3
    most = max(len(stored.parts) for stored in s3.uploads.values())
    s3.requests.clear()
    ears = upload(s3, file, tmp_path)
    assert len(ears.of(events.PartKept)) == most
    assert len(ears.of(events.PendingUploadIgnored)) == 2
    assert len(s3.uploads) == 2


def test_two_streams_of_one_producer_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A stream holds one place of the window while it is waited for, whatever it still has."""
    s3 = FakeS3()
    queues = [asyncio.Queue[bytes](1), asyncio.Queue[bytes](1)]

    class Tee:
        def __init__(self, queue: asyncio.Queue[bytes]) -> None:
            self._queue = queue

        async def read(self, _: int, /) -> bytes:
            return await self._queue.get()

    async def produce() -> None:
        for block in [b"x" * 50] * 40 + [b""]:
            for queue in queues:
                await queue.put(block)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up, asyncio.TaskGroup() as group:
            for index, queue in enumerate(queues):
                group.create_task(up.put(Tee(queue), URI / f"-{index}"))
            group.create_task(produce())

    run(main())
    assert [stored.data for stored in s3.objects.values()] == [b"x" * 2000] * 2


def test_a_stream_that_is_shorter_than_what_is_pending(tmp_path: Path) -> None:
    """Parts after the end of a stream are left out of the object, and an empty one is empty."""
    for size in (250, 0):
        s3 = FakeS3()

        async def main(s3: FakeS3, size: int) -> None:
            async with uploader(s3, tmp_path) as up:
                task = asyncio.create_task(up.put(Stream(b"x" * SIZE), URI))

                def stop(request: Request) -> None:
                    if request.number == 6:
                        task.cancel()

                s3.watch = stop
                with pytest.raises(asyncio.CancelledError):
                    await task
                s3.watch = lambda _: None
                await up.put(Stream(b"x" * size), URI)

        run(main(s3, size))
        assert s3.objects[URI.key].data == b"x" * size


@pytest.mark.parametrize("place", ["/proc/version", "/dev/zero", "{fifo}"])
def test_only_files_are_files(tmp_path: Path, place: str) -> None:
    """What is no regular file, or says that it is empty and is not, is refused."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    s3 = FakeS3()
    with pytest.raises(SourceUnsuitable) as caught:
        upload(s3, Path(place.format(fifo=fifo)), tmp_path)
    assert "standard input" in (caught.value.hint or "")
    assert s3.objects == {}
