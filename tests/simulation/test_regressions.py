"""What histories have brought to light, each in the few lines that are enough to show it."""

import asyncio
import hashlib
from contextlib import closing, suppress
from pathlib import Path

import pytest

from asyncup.core.arbiter import Outcome, arbitrate
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectHead,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)
from asyncup.edges.chunks import ChunkStore
from asyncup.engine.source import FileSource
from tests.bodies import receipt
from tests.simulation.clock import SteppingLoop


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
        task = loop.create_task(FileSource(file, chunks).stage(Part(1, 0, 100), frozenset()))
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task).release()
        assert list(split_dir.rglob("*-part*")) == []
    return stopped


def test_staging_that_is_stopped_leaves_no_chunk_file(tmp_path: Path) -> None:
    """At whatever step the staging of a part is cancelled, its chunk file goes with it."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
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
        (None, OPAQUE, Outcome.DONE),
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
