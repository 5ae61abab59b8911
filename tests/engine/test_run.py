"""Many files: those that fail do not hold up the others, and the result says it all."""

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core import progress as progressing
from asyncup.core.errors import (
    BucketMissing,
    Fault,
    Interrupted,
    ObjectTooLarge,
    SourceChanged,
    SourceMissing,
    SourceUnsuitable,
)
from asyncup.core.events import Event
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectListing,
    ObjectURI,
    Receipt,
    Upload,
)
from asyncup.core.options import Overwrite
from asyncup.core.progress import Progress
from asyncup.core.selection import Filters
from asyncup.edges import blocks
from asyncup.edges.body import PartBody
from asyncup.edges.files import Walk
from asyncup.engine import run as running
from asyncup.engine.deadlines import SILENCE
from asyncup.engine.jobs import Job, Named, Selected, Selection
from tests.engine.kit import (
    OPTIONS,
    URI,
    Answers,
    Ears,
    Stream,
    chunk_files,
    jobs,
    make_file,
    no_task_is_left,
    uploader,
)
from tests.fakes3 import FakeS3
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

BUCKET = ObjectURI("test-bucket", "")


def files_in(directory: Path, *sizes: int) -> list[tuple[Path, ObjectURI]]:
    """Make files and say where they go."""
    return [
        (make_file(directory, size, f"file-{index}", seed=index), BUCKET / f"file-{index}")
        for index, size in enumerate(sizes)
    ]


def test_one_file_that_fails_is_one_failure(tmp_path: Path) -> None:
    """The others are uploaded, and the exit status says that some failed."""
    s3, ears = FakeS3(), Ears()
    files = files_in(tmp_path, 250, 10, 250)
    s3.fail("upload_part", ObjectTooLarge(Fault(action="upload part", code="EntityTooLarge")))

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            result = await up.put_all(jobs(files))
        assert (result.done, len(result.failures), result.exit_code) == (2, 1, 1)
        assert no_task_is_left()

    run(main())
    assert len(s3.objects) == 2
    assert len(ears.of(events.UploadFailed)) == 1


def test_file_that_vanished_since_it_was_found(tmp_path: Path) -> None:
    """A file that is gone at its turn fails alone."""
    s3 = FakeS3()
    files = files_in(tmp_path, 10, 10)

    async def selected() -> AsyncIterator[Selected]:
        for path, uri in files:
            yield Job(path, str(path), uri, 10)
        files[0][0].unlink()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put_all(selected())
        assert [type(error) for error in result.failures] == [SourceMissing]
        assert result.exit_code == 1

    run(main())
    assert list(s3.objects) == ["file-1"]


def test_hopeless_run_ends_at_once(tmp_path: Path) -> None:
    """An error that every other file would meet ends the run with its own status."""
    s3 = FakeS3(bucket="another-bucket")
    files = files_in(tmp_path, *[50] * 100)

    async def main() -> None:
        options = replace(OPTIONS, overwrite=Overwrite.ALWAYS)
        async with uploader(s3, tmp_path, options=options) as up:
            result = await up.put_all(jobs(files))
        assert isinstance(next(iter(result.failures)), BucketMissing)
        assert (result.done, result.exit_code) == (0, 4)

    run(main())
    assert s3.count("put_object") < 10


def test_list_that_fails_is_raised(tmp_path: Path) -> None:
    """If S3 does not even list what is there, nothing is begun."""
    s3 = FakeS3(bucket="another-bucket")

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            with pytest.raises(BucketMissing):
                await up.put_all(jobs(files_in(tmp_path, 10)), below=BUCKET)

    run(main())


@pytest.mark.parametrize("below", [None, BUCKET], ids=["one by one", "by one list"])
def test_what_is_there_is_skipped(tmp_path: Path, below: ObjectURI | None) -> None:
    """A second run of the same files sends nothing, and says why of each."""
    s3, ears = FakeS3(), Ears()
    files = files_in(tmp_path, 250, 10, 0)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put_all(jobs(files), below=below)
        s3.requests.clear()
        async with uploader(s3, tmp_path, listener=ears) as up:
            result = await up.put_all(jobs(files), below=below)
        assert (result.done, result.skipped, result.exit_code) == (0, 3, 0)

    run(main())
    assert {request.verb for request in s3.requests} == {"list_objects"}
    assert len(s3.requests) == (1 if below else 3)
    assert all("same size" in event.reason for event in ears.of(events.FileSkipped))


def test_long_list_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more is there than is worth a list, each key beyond it is asked for by itself."""
    monkeypatch.setattr("asyncup.engine.existing.INDEX_SIZE", 2)
    s3 = FakeS3()
    files = files_in(tmp_path, 10, 20, 30, 40)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put_all(jobs(files[:3]), below=BUCKET)
        s3.requests.clear()
        async with uploader(s3, tmp_path) as up:
            result = await up.put_all(jobs(files), below=BUCKET)
        assert (result.done, result.skipped) == (1, 3)

    run(main())
    assert (s3.count("list_objects"), s3.count("head_object")) == (1, 2)


def selection(*sources: Path, filters: Filters | None = None, several: bool = True) -> Selection:
    """Return what a command that names these sources would upload."""
    return Selection(
        sources=[Named(source) for source in sources],
        destination=BUCKET,
        several=several,
        walk=Walk(),
        filters=filters or Filters(),
    )


def test_two_sources_of_one_key(tmp_path: Path) -> None:
    """The second file that would take a key is refused by name; the first is uploaded."""
    s3 = FakeS3()
    first = make_file(tmp_path, 10, "a/same", seed=1)
    make_file(tmp_path, 10, "b/same", seed=2)

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put_all(aiter(selection(tmp_path / "a", tmp_path / "b")))
        (error,) = result.failures
        assert isinstance(error, SourceUnsuitable)
        assert "a/same goes to the same key" in str(error)
        assert result.exit_code == 1

    run(main())
    assert s3.objects["same"].data == first.read_bytes()


def test_names_that_cannot_be_keys(tmp_path: Path) -> None:
    """A name that is not UTF-8 is refused and shown readably; the rest goes on."""
    s3, ears = FakeS3(), Ears()
    make_file(tmp_path, 10, "d/good")
    (tmp_path / "d" / "bad-\udcff").write_bytes(b"x")

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            result = await up.put_all(aiter(selection(tmp_path / "d")))
        assert (result.done, result.exit_code) == (1, 1)

    run(main())
    (failed,) = ears.of(events.UploadFailed)
    assert r"bad-\xff: the name is not UTF-8" in str(failed.error)


def test_filters_are_told(tmp_path: Path) -> None:
    """What a filter leaves out is skipped with the filter's reason."""
    s3, ears = FakeS3(), Ears()
    make_file(tmp_path, 10, "d/keep.bin")
    make_file(tmp_path, 10, "d/drop.tmp")
    make_file(tmp_path, 5, "d/small.bin")
    filters = Filters.of(exclude=["*.tmp"], min_size=6)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            await up.put_all(aiter(selection(tmp_path / "d", filters=filters)))

    run(main())
    assert list(s3.objects) == ["keep.bin"]
    assert {
        (Path(event.source).name, event.reason, event.filtered)
        for event in ears.of(events.FileSkipped)
    } == {
        ("drop.tmp", "excluded by pattern", True),
        ("small.bin", "smaller than 6 B", True),
    }


def test_dry_run_sends_nothing(tmp_path: Path) -> None:
    """A plan names files, parts and requests, and S3 is only asked what it holds."""
    s3, ears = FakeS3(), Ears()
    files = files_in(tmp_path, 250, 10)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            assert (await up.plan_all(jobs(files))).exit_code == 0

    run(main())
    assert [(event.size, event.parts, event.requests) for event in ears.of(events.FilePlanned)] == [
        (250, 3, 9),
        (10, 1, 1),
    ]
    assert {request.verb for request in s3.requests} == {"list_objects", "list_multipart_uploads"}


def test_stop_lets_parts_in_flight_arrive(tmp_path: Path) -> None:
    """After `stop`, what is in flight arrives, nothing else is begun, and the rest is counted."""
    s3, ears = FakeS3(), Ears()
    s3.delay = 1
    files = files_in(tmp_path, 1000, 1000, 50)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            running = asyncio.create_task(up.put_all(jobs(files)))
            await asyncio.sleep(1.5)
            up.stop()
            up.stop()
            result = await running
            assert (result.interrupted, result.exit_code) == (3, 130)
            assert asyncio.get_running_loop().time() == 2
        assert no_task_is_left()

    run(main())
    assert len(s3.sent_parts()) == 6
    (stopped,) = ears.of(events.UploadInterrupted)
    assert stopped.remaining == 400
    assert len(ears.of(events.Stopping)) == 1


def test_stop_drops_what_does_not_arrive_in_time(tmp_path: Path) -> None:
    """Parts of which nothing has moved for a while are given up; the upload stays at S3."""
    s3 = FakeS3()
    s3.delay = 100

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            running = asyncio.create_task(up.put_all(jobs(files_in(tmp_path, 1000))))
            await asyncio.sleep(1)
            up.stop()
            result = await running
            assert (result.interrupted, result.exit_code) == (1, 130)
            assert asyncio.get_running_loop().time() == 1 + SILENCE
            assert chunk_files(tmp_path) == []
        assert no_task_is_left()

    run(main())
    assert len(s3.uploads) == 1


def test_stop_when_all_parts_have_arrived(tmp_path: Path) -> None:
    """A file whose last part is in flight when `stop` comes is completed all the same."""
    s3 = FakeS3()
    s3.delay = 1

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            running = asyncio.create_task(up.put_all(jobs(files_in(tmp_path, 300))))
            await asyncio.sleep(0.5)
            up.stop()
            result = await running
        assert (result.done, result.interrupted, result.exit_code) == (1, 0, 0)

    run(main())
    assert list(s3.objects) == ["file-0"]


def test_stop_with_the_end_of_a_stream_unsent(tmp_path: Path) -> None:
    """A stream that was read to its end is not complete while a part of it was not sent."""
    s3 = FakeS3()
    s3.delay = 1

    async def main() -> None:
        options = replace(OPTIONS, concurrency=1, read_ahead=2)
        async with uploader(s3, tmp_path, options=options) as up:
            running = asyncio.create_task(up.put(Stream(b"x" * 150), URI))
            await asyncio.sleep(0.5)
            assert len(chunk_files(tmp_path)) == 2
            up.stop()
            with pytest.raises(Interrupted):
                await running

    run(main())
    assert (s3.sent_parts(), s3.objects) == ([1], {})


def test_stop_while_s3_does_not_answer(tmp_path: Path) -> None:
    """A run that waits for its first list ends soon, and says that it did."""
    s3, ears = Silent(), Ears()

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            for below in (BUCKET, None):
                running = asyncio.create_task(
                    up.put_all(jobs(files_in(tmp_path, 250)), below=below)
                )
                await asyncio.sleep(1)
                up.stop()
                result = await running
                assert (result.interrupted, result.exit_code) == (1, 130)
            assert asyncio.get_running_loop().time() == 2 + SILENCE

    run(main())
    assert len(ears.of(events.RunFinished)) == 2


class Silent(FakeS3):
    """A server that accepts and never answers."""

    async def list_objects(self, prefix: ObjectURI, limit: int) -> ObjectListing:
        await asyncio.Event().wait()
        return await super().list_objects(prefix, limit)


def test_stop_before_a_stream_says_anything(tmp_path: Path) -> None:
    """A stream that neither gives bytes nor ends is left soon, however early it is."""
    s3 = FakeS3()

    async def main() -> None:
        options = replace(OPTIONS, overwrite=Overwrite.NEVER)
        async with uploader(s3, tmp_path, options=options) as up:
            s3.watch = lambda request: up.stop() if request.verb == "list_objects" else None
            with pytest.raises(Interrupted):
                await up.put(Answers(), URI)
            assert asyncio.get_running_loop().time() == SILENCE

    run(main())
    assert s3.objects == {}


def test_stop_while_more_is_looked_for(tmp_path: Path) -> None:
    """A list that gives no more names and does not end is left; the run is not finished then."""
    s3, ears = FakeS3(), Ears()

    async def endless() -> AsyncIterator[Selected]:
        async for each in jobs(files_in(tmp_path, 250)):
            yield each
        await asyncio.Event().wait()

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            running = asyncio.create_task(up.put_all(endless()))
            await asyncio.sleep(1)
            assert list(s3.objects) == ["file-0"]
            up.stop()
            result = await running
            assert (result.done, result.exit_code) == (1, 130)
            assert asyncio.get_running_loop().time() == 1
        assert no_task_is_left()

    run(main())
    assert len(ears.of(events.ScanFinished)) == 1


def test_slow_list_holds_up_no_file(tmp_path: Path) -> None:
    """What a list has named is uploaded while the rest of it is waited for."""
    s3, more = FakeS3(), threading.Event()

    def sources() -> Iterator[Named | None]:
        yield Named(make_file(tmp_path, 250, "first"), "first")
        yield None
        assert more.wait(60)
        yield Named(make_file(tmp_path, 250, "second"), "second")

    async def main() -> None:
        ears = Ears(lambda _, event: more.set() if _is_done(event) else None)
        async with uploader(s3, tmp_path, listener=ears) as up:
            result = await up.put_all(aiter(Selection(sources=sources(), destination=BUCKET)))
        assert result.done == 2

    run(main())


def _is_done(event: Event) -> bool:
    return isinstance(event, events.UploadCompleted)


def test_failure_drops_only_its_own_file(tmp_path: Path) -> None:
    """A file that fails in the middle does not take parts of another one with it."""
    s3 = FakeS3()
    s3.delay = 1
    files = files_in(tmp_path, 300, 600)

    def touch(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and event.uri.key == "file-0":
            files[0][0].touch()

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(touch)) as up:
            result = await up.put_all(jobs(files))
        assert [type(error) for error in result.failures] == [SourceChanged]

    run(main())
    assert s3.objects["file-1"].data == files[1][0].read_bytes()
    assert sorted(s3.sent_parts()) == [1, 1, 2, 2, 3, 3, 4, 5, 6]


class SlowToComplete(FakeS3):
    """A server that takes minutes to make an object of its parts."""

    completing = most_completing = 0

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        self.completing += 1
        self.most_completing = max(self.most_completing, self.completing)
        await asyncio.sleep(300)
        self.completing -= 1
        return await super().complete_multipart_upload(
            upload, receipts, only_if_absent=only_if_absent
        )


def test_files_that_are_completed_do_not_pile_up(tmp_path: Path) -> None:
    """However long S3 takes to complete, only so many files are open as there are connections."""
    s3 = SlowToComplete()

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            result = await up.put_all(jobs(files_in(tmp_path, *[200] * 30)))
            assert result.done == 30

    run(main())
    assert s3.most_completing == 2 * OPTIONS.slots.most


def test_scan_runs_ahead(tmp_path: Path) -> None:
    """All files are found long before the last one begins, so that totals are known."""
    s3, ears = FakeS3(), Ears()
    s3.delay = 1
    files = files_in(tmp_path, *[200] * 30)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            await up.put_all(jobs(files))

    run(main())
    kinds = [type(event) for event in ears.heard]
    assert kinds.index(events.ScanFinished) < kinds.index(events.UploadCompleted)


class Forgetful(FakeS3):
    """Takes objects, and keeps nothing of them."""

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
        self.objects.clear()
        self.requests.clear()
        return head


def test_many_files_are_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files there are, done, left or failed, what is held of them does not grow."""
    monkeypatch.setattr(running, "LOOK_AHEAD", 10)
    monkeypatch.setattr(progressing, "MOST_NAMED", 20)
    file, progress = make_file(tmp_path, 50), Progress()
    held: list[int] = []

    def hear(event: Event) -> None:
        progress.apply(event)
        if isinstance(event, events.UploadCompleted) and progress.files_done % 300 == 299:
            gc.collect()
            # Blocks to read into are kept to be used again, a few of them.
            others = tracemalloc.Filter(inclusive=False, filename_pattern=blocks.__file__)
            found = tracemalloc.take_snapshot().filter_traces([others])
            held.append(sum(trace.size for trace in found.traces))

    async def found() -> AsyncIterator[Selected]:
        for number in range(1200):
            uri = BUCKET / f"file-{number}"
            yield Job(file, str(file), uri, 50)
            yield Job(tmp_path / "gone", "gone", uri / "gone", 50)
            yield events.FileSkipped(f"left-{number}", "excluded by pattern", filtered=True)

    async def main() -> None:
        options = replace(OPTIONS, overwrite=Overwrite.ALWAYS)
        async with uploader(Forgetful(), tmp_path, listener=hear, options=options) as up:
            result = await up.put_all(found())
        assert (result.done, result.skipped, len(result.failures)) == (1200, 1200, 1200)

    tracemalloc.start()
    try:
        run(main())
    finally:
        tracemalloc.stop()
    # What grows with each file grows all the time; what is made once, or just now, does not.
    assert min(later - earlier for earlier, later in pairwise(held)) < 300 * 50
