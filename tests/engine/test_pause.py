"""A pause: what is in flight arrives, nothing else is begun, and its time counts for nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.conditions import SlotsChanged, SlotsReason, WentOffline, WentOnline
from asyncup.core.errors import Interrupted
from asyncup.core.model import ObjectURI
from asyncup.engine.uploader import Uploader
from tests.engine.kit import OPTIONS, URI, Ears, jobs, make_file, no_task_is_left, uploader
from tests.fakes3 import FakeS3, lost
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

HOUR = 3600.0
OTHER = ObjectURI("test-bucket", "other/key")


def slow() -> FakeS3:
    """Return an S3 that takes a second for each part."""
    s3 = FakeS3()
    s3.delay = 1
    return s3


def told(ears: Ears) -> list[tuple[int, SlotsReason]]:
    """Return what was told of the slots."""
    return [(each.slots, each.reason) for each in ears.of(SlotsChanged)]


@asynccontextmanager
async def paused(s3: FakeS3, directory: Path, ears: Ears) -> AsyncIterator[Uploader]:
    """Open an uploader, and pause it in the middle of the first three parts."""
    options = replace(OPTIONS, give_up_after=HOUR)
    async with uploader(s3, directory, listener=ears, options=options) as up:
        asyncio.get_running_loop().call_later(0.5, up.pause)
        yield up


def test_what_is_in_flight_arrives_and_nothing_else_is_begun(tmp_path: Path) -> None:
    """Neither a part nor a file, for as long as it lasts; then all goes on where it was."""
    s3, ears = slow(), Ears()
    data = make_file(tmp_path, 1000), make_file(tmp_path, 50, "other", seed=1)

    async def main() -> None:
        async with paused(s3, tmp_path, ears) as up:
            running = asyncio.create_task(up.put_all(jobs(zip(data, (URI, OTHER), strict=True))))
            await asyncio.sleep(HOUR)
            assert len(ears.of(events.PartStarted)) == len(ears.of(events.PartUploaded)) == 3
            assert len(ears.of(events.FileStarted)) == 1
            up.go_on()
            assert (await running).done == 2

    run(main())
    assert s3.objects[URI.key].data == data[0].read_bytes()
    assert s3.objects[OTHER.key].data == data[1].read_bytes()
    assert told(ears)[:2] == [(0, SlotsReason.PAUSED), (3, SlotsReason.CONTINUED)]
    assert ears.of(events.RetryScheduled) == []
    assert s3.most_in_flight == 3


def test_a_stop_ends_a_pause(tmp_path: Path) -> None:
    """Nobody waits to be let go: the run ends at once, and can be resumed."""
    s3, ears = slow(), Ears()

    async def main() -> None:
        async with paused(s3, tmp_path, ears) as up:
            running = asyncio.create_task(up.put(make_file(tmp_path, 1000), URI))
            await asyncio.sleep(HOUR)
            up.stop()
            # There is nothing to pause any more.
            up.pause()
            async with asyncio.timeout(1):
                with pytest.raises(Interrupted):
                    await running
            assert len(ears.of(events.PartUploaded)) == 3
        assert no_task_is_left()

    run(main())
    assert told(ears) == [(0, SlotsReason.PAUSED), (3, SlotsReason.STOPPING)]


def test_its_time_is_no_part_of_an_outage(tmp_path: Path) -> None:
    """S3 that is out of reach is not looked for in it, and not given up after it."""
    s3, ears = slow(), Ears()
    s3.fail("upload_part", lost("upload_part"), times=3)
    s3.fail("probe", lost("probe"), times=2)

    async def main() -> None:
        async with paused(s3, tmp_path, ears) as up:
            running = asyncio.create_task(up.put(make_file(tmp_path, 1000), URI))
            await asyncio.sleep(24 * HOUR)
            assert len(ears.of(WentOffline)) == 1
            up.go_on()
            await running

    run(main())
    (back,) = ears.of(WentOnline)
    assert back.seconds < HOUR


def test_a_number_that_is_set_in_it_holds_after_it(tmp_path: Path) -> None:
    """Slots that are asked for meanwhile are there when it goes on."""
    s3, ears = slow(), Ears()

    async def main() -> None:
        async with paused(s3, tmp_path, ears) as up:
            running = asyncio.create_task(up.put(make_file(tmp_path, 1000), URI))
            await asyncio.sleep(HOUR)
            assert (up.slots, up.set_slots(up.slots + 2), up.slots) == (3, 5, 5)
            up.go_on()
            up.go_on()
            await running

    run(main())
    assert told(ears) == [(0, SlotsReason.PAUSED), (5, SlotsReason.CONTINUED)]
