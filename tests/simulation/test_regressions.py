"""What histories have brought to light, each in the few lines that are enough to show it."""

import asyncio
import hashlib
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core.arbiter import Outcome, arbitrate
from asyncup.core.errors import JournalLocked, ObjectMismatch
from asyncup.core.events import Event, FileStarted, PartUploaded
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)
from asyncup.core.options import OnChange
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.journal import Journal
from asyncup.engine.source import FileSource
from tests.bodies import receipt
from tests.engine.kit import OPTIONS, URI, Ears, make_file, uploader
from tests.fakes3 import FakeS3, Request
from tests.loop import run
from tests.simulation.clock import SteppingLoop
from tests.simulation.server import Habits, SimulatedS3, drive


def stage_until(split_dir: Path, file: Path, stop_at: int) -> bool:
    """Stage a part, cancel that at a step, and say whether it was not done before."""
    steps, stopped = 0, False

    def step() -> None:
        nonlocal steps, stopped
        steps += 1
        if steps == stop_at:
            stopped = task.cancel()

    loop = SteppingLoop(step, lambda: 0.0)
    with ChunkStore(split_dir) as chunks, closing(loop):
        task = loop.create_task(FileSource(file, chunks).stage(Part(2, 100, 100), frozenset()))
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task).release()
        assert list(split_dir.rglob("*-part*")) == []
    return stopped


def test_staging_that_is_stopped_leaves_no_chunk_file(tmp_path: Path) -> None:
    """At whatever step the staging of a part is cancelled, its chunk file goes with it."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 200)
    steps = 1
    while stage_until(tmp_path / "split", file, steps):
        steps += 1
    assert steps > 5


DATA = b"the bytes of a file"
OPAQUE = "no MD5 at all"
MD5 = hashlib.md5(DATA).hexdigest()  # noqa: S324 - the ETag that S3 gives


@pytest.mark.parametrize(
    ("algorithm", "etag", "outcome"),
    [
        (ChecksumAlgorithm.CRC64NVME, OPAQUE, Outcome.START_OVER),
        (ChecksumAlgorithm.CRC64NVME, MD5, Outcome.START_OVER),
        (None, MD5, Outcome.START_OVER),
        (None, OPAQUE, Outcome.READ_BACK),
    ],
)
def test_an_object_of_somebody_else_is_not_taken_for_ours(
    algorithm: ChecksumAlgorithm | None, etag: str, outcome: Outcome
) -> None:
    """A new object of the right size settles nothing where S3 would tell more of our own."""
    upload = Upload(ObjectURI("test-bucket", "key"), "upload-1", algorithm)
    head = ObjectHead(len(DATA), "somebody's")
    receipts = [receipt(1, 0, DATA, etag)]
    assert arbitrate(upload, receipts, head, is_pending=False, replaces="") is outcome


def test_an_object_made_of_the_acknowledged_parts_is_ours() -> None:
    """The ETag that S3 makes of the parts' ETags settles it, also if no MD5 was computed here."""
    upload = Upload(ObjectURI("test-bucket", "key"), "upload-1")
    made = Receipt(Part(1, 0, len(DATA)), MD5, Checksums(len(DATA)))
    etag = hashlib.md5(bytes.fromhex(MD5)).hexdigest()  # noqa: S324 - as above
    head = ObjectHead(len(DATA), f"{etag}-1")
    assert arbitrate(upload, [made], head, is_pending=False, replaces="") is Outcome.DONE


def test_an_object_that_was_found_to_be_another_one_is_not_believed_by_the_next_run(
    tmp_path: Path,
) -> None:
    """Where nothing but sizes is told, too, what took the object's place is replaced."""
    s3, file = FakeS3(opaque_etags=True, algorithms=()), make_file(tmp_path, 250)
    other = make_file(tmp_path, 250, "other", seed=1).read_bytes()

    def look(request: Request) -> None:
        if request.verb == "head_object" and URI.key in s3.objects:
            s3.watch = lambda _: None
            s3._store(URI.key, ObjectAttributes(), "somebody's", [other], {})

    async def main() -> None:
        options = replace(OPTIONS, state_dir=tmp_path / "state")
        async with uploader(s3, tmp_path, options=options) as up:
            with pytest.raises(ObjectMismatch):
                await up.put(file, URI)
        async with uploader(s3, tmp_path, options=options) as up:
            await up.put(file, URI)

    s3.watch = look
    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()


def test_an_aborted_upload_whose_parts_are_still_listed_is_not_gone_on_with(
    tmp_path: Path,
) -> None:
    """S3 may list a part of it for a while: the file goes up all the same, in another upload."""
    s3 = SimulatedS3(Habits(aborts_in_two=True), min_part_size=10)
    file = make_file(tmp_path, 250)
    options = replace(OPTIONS, state_dir=tmp_path / "state")

    def abort(_: int, event: Event) -> None:
        if isinstance(event, PartUploaded) and not s3.leftovers:
            (stored,) = s3.uploads.values()
            drive(s3.abort_multipart_upload(stored.upload))

    async def main() -> None:
        async with uploader(s3, tmp_path, options=options, listener=Ears(abort)) as up:
            await up.put(file, URI)

    run(main())
    assert s3.objects[URI.key].data == file.read_bytes()
    assert s3.leftovers.keys() == {"upload-1"}


def test_a_file_that_grows_beyond_one_part_needs_the_key_for_itself(tmp_path: Path) -> None:
    """A run that began with one request goes on in parts only if no other run is at work there."""
    s3, file, state_dir = FakeS3(), make_file(tmp_path, 50), tmp_path / "state"

    def grow(_: int, event: Event) -> None:
        if isinstance(event, FileStarted):
            file.write_bytes(b"x" * 250)

    async def main() -> None:
        options = replace(OPTIONS, state_dir=state_dir, on_change=OnChange.PATCH)
        async with uploader(s3, tmp_path, options=options, listener=Ears(grow)) as up:
            with pytest.raises(JournalLocked):
                await up.put(file, URI)

    with Journal(state_dir, s3.endpoint, print) as other, other.claim(URI):
        run(main())
    assert s3.uploads == {}
