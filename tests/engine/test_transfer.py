"""Slots and window: how many parts are where, and that no slot is idle between files."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import DiskFull
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.options import Limits, Options
from tests.engine.kit import LIMITS, OPTIONS, URI, Ears, chunk_files, jobs, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_no_more_parts_in_flight_than_slots(tmp_path: Path, concurrency: int) -> None:
    """All slots are used, and never more."""
    file, s3 = make_file(tmp_path, 3000), FakeS3()
    s3.delay = 1

    async def main() -> None:
        options = replace(OPTIONS, concurrency=concurrency)
        async with uploader(s3, tmp_path, options=options) as up:
            await up.put(file, URI)

    run(main())
    assert s3.most_in_flight == concurrency


@pytest.mark.parametrize("read_ahead", [0, 1, 5])
def test_chunk_files_stay_within_the_window(tmp_path: Path, read_ahead: int) -> None:
    """There are never more chunk files than slots and read-ahead, and some are ahead."""
    file, s3 = make_file(tmp_path, 3000), FakeS3()
    s3.delay = 1
    most = 0

    def count(_: int, __: Event) -> None:
        nonlocal most
        most = max(most, len(chunk_files(tmp_path)))

    async def main() -> None:
        options = replace(OPTIONS, read_ahead=read_ahead)
        async with uploader(s3, tmp_path, options=options, listener=Ears(count)) as up:
            await up.put(file, URI)

    run(main())
    assert most == OPTIONS.slots.most + read_ahead


def test_chunk_file_is_gone_when_its_part_is_acknowledged(tmp_path: Path) -> None:
    """A part that S3 has needs no disk any more."""
    file, s3 = make_file(tmp_path, 1000), FakeS3()
    left: list[int] = []

    def look(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted) and event.part_number > 4:
            left.extend(_number(path) for path in chunk_files(tmp_path) if _is_stored(s3, path))

    async def main() -> None:
        options = replace(OPTIONS, concurrency=1, read_ahead=0)
        async with uploader(s3, tmp_path, options=options, listener=Ears(look)) as up:
            await up.put(file, URI)

    run(main())
    assert left == []


def test_a_part_that_was_begun_twice_is_never_written_over(tmp_path: Path) -> None:
    """What was given up may still be read; the chunk file of what went at once is taken again."""
    file, s3 = make_file(tmp_path, 3000), FakeS3()
    # So others come after its second attempt, too.
    s3.delay = 3
    s3.fail("upload_part", number=2, times=1)
    kept: dict[int, tuple[Path, bytes]] = {}

    def keep(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted) and event.part_number in {1, 2}:
            (chunk,) = (
                path for path in chunk_files(tmp_path) if _number(path) == event.part_number
            )
            link = tmp_path / f"{event.part_number}-{event.attempt}"
            os.link(chunk, link)
            kept[event.part_number] = (link, link.read_bytes())

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(keep)) as up:
            await up.put(file, URI)

    run(main())
    assert {number: link.read_bytes() == was for number, (link, was) in kept.items()} == {
        1: False,
        2: True,
    }


def _number(chunk: Path) -> int:
    return int(chunk.name[-5:])


def _is_stored(s3: FakeS3, chunk: Path) -> bool:
    return any(_number(chunk) in upload.parts for upload in s3.uploads.values())


def test_next_file_follows_without_a_gap(tmp_path: Path) -> None:
    """Files of several parts use every slot all the time: the run takes as long as one big file."""
    s3 = FakeS3()
    s3.delay = 1
    files = [
        (make_file(tmp_path, size, f"{size}"), ObjectURI("test-bucket", f"{size}"))
        for size in (700, 500, 400, 200, 1200)
    ]

    async def main() -> float:
        async with uploader(s3, tmp_path) as up:
            result = await up.put_all(jobs(files))
        assert result.done == 5
        return asyncio.get_running_loop().time()

    # 30 parts of a second each, through three slots.
    assert run(main()) == pytest.approx(10)
    assert s3.most_in_flight == 3
    for path, uri in files:
        assert s3.objects[uri.key].data == path.read_bytes()


def test_small_files_share_the_slots(tmp_path: Path) -> None:
    """Small files go up as many at once as there are slots."""
    s3 = FakeS3()
    s3.delay = 1
    files = [
        (make_file(tmp_path, size, f"{size}"), ObjectURI("test-bucket", f"{size}"))
        for size in range(40, 60)
    ]
    in_flight: set[str] = set()
    most = 0

    def count(_: int, event: Event) -> None:
        nonlocal most
        if isinstance(event, events.PartStarted):
            in_flight.add(event.uri.key)
        elif isinstance(event, events.PartUploaded):
            in_flight.discard(event.uri.key)
        most = max(most, len(in_flight))

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(count)) as up:
            assert (await up.put_all(jobs(files))).done == 20

    run(main())
    assert most == 3


def test_no_upload_is_opened_long_before_its_turn(tmp_path: Path) -> None:
    """While a file has parts to begin, the next one is not created: it could wait for days."""
    s3 = FakeS3()
    s3.delay = 1
    files = [
        (make_file(tmp_path, size, f"{size}"), ObjectURI("test-bucket", f"{size}"))
        for size in (2000, 2001, 2002)
    ]
    open_at_once: list[int] = []
    s3.watch = lambda _: open_at_once.append(len(s3.uploads))

    async def main() -> None:
        async with uploader(s3, tmp_path) as up:
            await up.put_all(jobs(files))

    run(main())
    assert max(open_at_once) == 2
    created = [
        len([each for each in s3.requests[:index] if each.verb == "upload_part"])
        for index, request in enumerate(s3.requests)
        if request.verb == "create_multipart_upload"
    ]
    # The second is created when at most a slot's worth of the first one's twenty parts is left.
    assert created[0] == 0
    assert created[1] >= 20 - OPTIONS.ahead - 2 * OPTIONS.slots.most


def test_disk_that_is_too_small(tmp_path: Path) -> None:
    """A window that does not fit on the disk is an error before anything is asked of S3."""
    s3 = FakeS3()
    limits = Limits(min_part_size=1, max_part_size=1 << 60, max_parts=100, part_size_step=1 << 50)
    file = make_file(tmp_path, 0)
    with file.open("ab") as sparse:
        sparse.truncate(1 << 43)

    async def main() -> None:
        options = Options(part_size=1 << 42, limits=limits, concurrency=2)
        async with uploader(s3, tmp_path, options=options) as up:
            with pytest.raises(DiskFull, match="8 TiB needed") as caught:
                await up.put(file, URI)
            assert caught.value.hint is not None
            assert "--split-dir" in caught.value.hint

    run(main())
    assert s3.uploads == {}


def test_limits_of_the_kit() -> None:
    """The tests' own limits leave room for the files they make."""
    assert LIMITS.max_object_size >= 100_000
