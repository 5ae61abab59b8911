"""Slots: fair, never lost, as many as there are to be, and let go one by one after an outage."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from asyncup.core.conditions import (
    RateChanged,
    SlotsChanged,
    SlotsReason,
    WentOffline,
    WentOnline,
)
from asyncup.core.errors import ConnectionLost, DiskFull, Fault, S3Error, Throttled
from asyncup.core.events import BytesSent, Event, PartStarted, RetryScheduled
from asyncup.core.model import Checksums, ObjectURI, Upload
from asyncup.core.options import MIB, Adaptive, Overwrite
from asyncup.edges.body import PartBody
from asyncup.engine.runtime import Backlog
from asyncup.engine.slots import Places, Slots
from tests.engine.kit import OPTIONS, URI, Ears, chunk_files, jobs, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

LOST = ConnectionLost(Fault(action="upload part 1"))
THROTTLED = Throttled(Fault(action="upload part 1", code="SlowDown"))


class Guests:
    """Tasks that take a place and hold it until they are told to leave."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.inside: list[int] = []
        self._doors: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def come(self, *numbers: int) -> None:
        """Let guests come, one after the other."""
        for number in numbers:
            self._doors[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._stay(number))
            await asyncio.sleep(0)

    async def _stay(self, number: int) -> None:
        async with self.places:
            self.inside.append(number)
            try:
                await self._doors[number].wait()
            finally:
                self.inside.remove(number)

    async def leave(self, *numbers: int) -> None:
        """Let guests leave."""
        for number in numbers:
            self._doors[number].set()
        await settled()

    async def close(self) -> None:
        """Let all leave."""
        for door in self._doors.values():
            door.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert (self.places.taken, self.inside) == (0, [])


async def settled() -> None:
    """Let everybody do what can be done now."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_first_come_first_served() -> None:
    """Whoever has waited longest is next, also if somebody comes just when a place is free."""

    async def main() -> None:
        guests = Guests(Places(2))
        await guests.come(1, 2, 3, 4)
        assert guests.inside == [1, 2]
        guests._doors[1].set()
        await asyncio.sleep(0)
        await guests.come(5)
        await settled()
        assert guests.inside == [2, 3]
        await guests.leave(2, 3)
        assert guests.inside == [4, 5]
        await guests.close()

    run(main())


def test_a_larger_limit_lets_in_at_once_and_a_smaller_one_throws_nobody_out() -> None:
    """Those in flight finish; as long as they are more than the limit, nobody follows."""

    async def main() -> None:
        guests = Guests(Places(1))
        await guests.come(1, 2, 3, 4, 5)
        guests.places.resize(4)
        await settled()
        assert guests.inside == [1, 2, 3, 4]
        guests.places.resize(2)
        await guests.leave(1, 2)
        assert guests.inside == [3, 4]
        await guests.leave(3)
        assert guests.inside == [4, 5]
        await guests.close()

    run(main())


def test_who_is_cancelled_while_waiting_leaves_no_gap() -> None:
    """A place goes past those who do not wait any more, to the next one who does."""

    async def main() -> None:
        guests = Guests(Places(1))
        await guests.come(1, 2, 3)
        guests.tasks[2].cancel()
        await guests.leave(1)
        assert guests.inside == [3]
        await guests.close()
        await guests.come(4)
        assert guests.inside == [4]
        await guests.close()

    run(main())


def test_who_is_cancelled_when_the_place_comes_hands_it_on() -> None:
    """A place that was given to a task which is cancelled before it knows is not lost."""

    async def main() -> None:
        guests = Guests(Places(1))
        await guests.come(1, 2, 3)
        guests.places.release()
        guests.tasks[2].cancel()
        await settled()
        assert guests.inside == [1, 3]
        guests.places.taken += 1  # the first one's, which was given back in its name
        await guests.close()

    run(main())


@pytest.mark.parametrize("seed", range(30))
def test_no_place_is_ever_lost(seed: int) -> None:
    """Guests come, leave and are cancelled, and the limit changes, at any moment."""
    random = Random(seed)

    async def main() -> None:
        guests = Guests(Places(2))
        for number in range(60):
            await guests.come(number)
            for _ in range(random.randint(0, 2)):
                each = random.randrange(number + 1)
                if random.random() < 0.5:
                    guests._doors[each].set()
                else:
                    guests.tasks[each].cancel()
            if random.random() < 0.2:
                guests.places.resize(random.randint(1, 5))
            await asyncio.sleep(0)
        # All that can be in are in.
        await settled()
        waiting = sum(not task.done() for task in guests.tasks.values()) - len(guests.inside)
        assert guests.places.taken == len(guests.inside)
        assert waiting == 0 or len(guests.inside) >= guests.places.limit
        await guests.close()

    run(main())


class Heard:
    """Slots that are told events, and what they tell."""

    def __init__(self, bounds: Adaptive) -> None:
        self.ears = Ears()
        self.followed: list[int] = []
        self.slots = Slots(bounds, self.ears, self.followed.append)

    async def hear(self, *events: Event, after: float = 0.0) -> None:
        """Tell events, some time later."""
        await asyncio.sleep(after)
        for event in events:
            self.slots.hear(event)

    @property
    def told(self) -> list[tuple[int, SlotsReason]]:
        """What was announced."""
        return [(each.slots, each.reason) for each in self.ears.of(SlotsChanged)]


def failed(error: ConnectionLost | Throttled = LOST) -> RetryScheduled:
    """Return the event of a failure."""
    return RetryScheduled(URI, 1, 1, 5.0, error)


SENT = BytesSent(URI, 1, 100 * MIB)
OFFLINE, ONLINE = WentOffline(LOST, 5.0, 1), WentOnline(60.0)


def test_a_failure_is_heard() -> None:
    """Half the slots, what depends on them, and an event."""

    async def main() -> None:
        heard = Heard(Adaptive(start=8))
        await heard.hear(failed(THROTTLED), after=1)
        assert heard.slots.limit == 4
        assert heard.told == [(4, SlotsReason.THROTTLED)]
        assert heard.followed == [4]

    run(main())


@pytest.mark.parametrize(("error", "slots"), [(THROTTLED, 4), (LOST, 8)])
def test_a_request_without_a_slot(error: S3Error, slots: int) -> None:
    """A list that fails says nothing of the parts in flight, unless S3 asks for fewer requests."""

    async def main() -> None:
        heard = Heard(Adaptive(start=8))
        await heard.hear(RetryScheduled(URI, None, 1, 5.0, error), after=1)
        assert heard.slots.limit == slots

    run(main())


@pytest.mark.parametrize(("bounds", "most"), [(Adaptive(start=8), 8), (Adaptive.pinned(5), 5)])
def test_after_an_outage(bounds: Adaptive, most: int) -> None:
    """During it there is one slot, whatever fails and however often it is told; then one more at a
    time as bytes move, up to what there was.
    """  # noqa: D205 - one sentence

    async def main() -> None:
        heard = Heard(bounds)
        await heard.hear(OFFLINE, failed(), OFFLINE, SENT, failed(THROTTLED), after=1)
        assert heard.told == [(1, SlotsReason.OFFLINE)]
        await heard.hear(ONLINE, after=60)
        assert heard.slots.limit == 1
        for _ in range(60):
            await heard.hear(SENT, after=0.05)
        assert [number for number, _ in heard.told] == list(range(1, most + 1))
        assert {reason for _, reason in heard.told[1:]} == {SlotsReason.RAMP}
        before = heard.slots.limit
        await heard.hear(failed(), failed(), after=60)
        assert heard.slots.limit == (before if bounds.least == most else before // 2)

    run(main())


def test_what_fails_after_an_outage_slows_its_end() -> None:
    """The ramp goes back by half; the number that it leads to stays."""

    async def main() -> None:
        heard = Heard(Adaptive(start=8))
        await heard.hear(OFFLINE, after=1)
        await heard.hear(ONLINE, after=60)
        while heard.slots.limit < 6:
            await heard.hear(SENT, after=0.1)
        await heard.hear(failed())
        assert heard.slots.limit == 3
        for _ in range(60):
            await heard.hear(SENT, after=0.1)
        assert heard.slots.limit == 8

    run(main())


def test_another_rate_is_no_fruit_of_the_slots() -> None:
    """When the limit of the rate changes, what was measured before counts no more."""

    async def main() -> None:
        heard = Heard(Adaptive(start=8))
        for _ in range(8):
            await heard.slots.__aenter__()
        for _ in range(4):
            await heard.hear(SENT, RateChanged(None, "asked"), after=1)
        assert heard.told == []
        for _ in range(6):
            await heard.hear(SENT, after=1)
        assert heard.told[0] == (16, SlotsReason.TRIED)

    run(main())


def test_pinned_while_running() -> None:
    """A number that is asked for counts at once, as far as there are connections."""

    async def main() -> None:
        heard = Heard(Adaptive(most=10))
        assert [heard.slots.pin(number) for number in (3, 0, 100)] == [3, 1, 20]
        assert {reason for _, reason in heard.told} == {SlotsReason.ASKED}
        await heard.hear(failed(), after=100)
        assert heard.slots.limit == 20

    run(main())


def test_found_again_after_it_was_pinned() -> None:
    """From where it is, within the bounds; a number that was given is that number again."""

    async def main() -> None:
        heard = Heard(Adaptive(most=10))
        heard.slots.pin(20)
        heard.slots.unpin()
        assert heard.told[-1] == (10, SlotsReason.UNPINNED)
        await heard.hear(failed(THROTTLED), after=100)
        assert heard.slots.limit == 5
        heard.slots.unpin()
        assert heard.told[-1] == (5, SlotsReason.UNPINNED)
        fixed = Heard(Adaptive.pinned(4))
        fixed.slots.pin(7)
        fixed.slots.unpin()
        assert fixed.told[-1] == (4, SlotsReason.ASKED)
        await fixed.hear(failed(THROTTLED), after=100)
        assert fixed.slots.limit == 4

    run(main())


def test_no_more_than_there_is_room_for() -> None:
    """Of several bounds the lowest counts, while it is there."""

    async def main() -> None:
        heard = Heard(Adaptive(start=8))
        with heard.slots.at_most(5):
            with heard.slots.at_most(3), heard.slots.at_most(3):
                assert heard.slots.limit == 3
            assert heard.slots.limit == 5
        assert heard.slots.limit == 8
        assert heard.followed == [5, 3, 5, 8]

    run(main())


class Link(FakeS3):
    """A server that throttles where there are too many requests at once."""

    throttles_above = 1000

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        if self.in_flight >= self.throttles_above:
            raise THROTTLED
        return await super().upload_part(upload, number, body, checksums)


def test_a_run_grows(tmp_path: Path) -> None:
    """A run in which more parts at once bring more has more of them, and of their chunk files."""
    s3, ears = Link(), Ears()
    s3.delay = 1
    limits = replace(OPTIONS.limits, max_parts=1000)
    options = replace(OPTIONS, concurrency=Adaptive(most=12), limits=limits, part_size=10)
    most = 0

    def count(_: int, event: Event) -> None:
        nonlocal most
        if isinstance(event, PartStarted):
            most = max(most, len(chunk_files(tmp_path)))

    ears.act = count

    async def main() -> None:
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            await up.put(make_file(tmp_path, 5000), URI)

    run(main())
    assert [each.slots for each in ears.of(SlotsChanged)] == [12]
    assert s3.most_in_flight == 12
    assert most == 12 + OPTIONS.read_ahead


def test_a_run_is_throttled(tmp_path: Path) -> None:
    """When S3 refuses, fewer are in flight from the next attempt on, and all arrives."""
    s3, ears = Link(), Ears()
    s3.delay = 1
    s3.throttles_above = 7
    options = replace(OPTIONS, concurrency=Adaptive(start=8), retry_step=1.0)
    file = make_file(tmp_path, 5000)

    async def main() -> None:
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            await up.put(file, URI)

    run(main())
    assert ears.of(SlotsChanged)[0] == SlotsChanged(4, SlotsReason.THROTTLED)
    # One was too many, and what had been read ahead took its slot before that was known.
    assert len(ears.of(RetryScheduled)) <= 1 + OPTIONS.read_ahead
    assert s3.objects[URI.key].data == file.read_bytes()


def test_packets_that_get_lost_are_a_reason_for_more_slots() -> None:
    """Each connection carries so much there, so there are more; not so in an outage, or a pause."""
    ears = Ears()

    async def main() -> None:
        slots = Slots(Adaptive(start=1, most=8), ears)
        slots.lose_packets()
        assert slots.limit == 1
        async with slots:
            slots.lose_packets()
            assert slots.limit == 4
            slots.lose_packets()
            assert slots.limit == 4
            async with slots, slots, slots:
                slots.pause()
                slots.lose_packets()
                slots.go_on()
                assert slots.limit == 4
                slots.lose_packets()
                assert slots.limit == 8
                slots.hear(WentOffline(LOST, 1.0, 1))
                slots.lose_packets()
                assert slots.limit == 1

    run(main())
    assert SlotsChanged(4, SlotsReason.LOSSY) in ears.of(SlotsChanged)


def test_what_waits_for_a_retry_takes_no_slot(tmp_path: Path) -> None:
    """While a part waits for its next attempt, one that was read ahead goes."""
    file, s3 = make_file(tmp_path, 300), FakeS3()
    s3.fail("upload_part", number=1, times=2)

    async def main() -> None:
        options = replace(OPTIONS, concurrency=1, read_ahead=1)
        async with uploader(s3, tmp_path, options=options) as up:
            await up.put(file, URI)

    run(main())
    assert s3.sent_parts() == [2, 3, 1]


def tiny_disk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk for chunk files be one of 450 bytes."""
    real = shutil.disk_usage(directory)

    def usage(_: Path) -> object:
        return real._replace(free=450 - sum(each.stat().st_size for each in chunk_files(directory)))

    monkeypatch.setattr(shutil, "disk_usage", usage)


def test_a_small_disk_is_shared_by_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has no room for all chunk files that could be, there are fewer slots; a number
    that was asked for is an error then.
    """  # noqa: D205 - one sentence
    s3, ears = FakeS3(), Ears()
    s3.delay = 1
    file = make_file(tmp_path, 3000)
    tiny_disk(tmp_path, monkeypatch)

    async def main(concurrency: int | Adaptive) -> None:
        options = replace(OPTIONS, concurrency=concurrency, overwrite=Overwrite.ALWAYS)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            await up.put(file, URI)

    run(main(Adaptive(start=8)))
    assert s3.most_in_flight == 3
    assert [each.slots for each in ears.of(SlotsChanged)] == [3, 8]
    with pytest.raises(DiskFull):
        run(main(4))


def test_small_files_share_a_small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that go in one request have chunk files, too."""
    s3 = FakeS3()
    s3.delay = 1
    files = [(make_file(tmp_path, 100, f"{n}"), ObjectURI(URI.bucket, f"{n}")) for n in range(20)]
    tiny_disk(tmp_path, monkeypatch)
    most = 0

    def count(_: int, event: Event) -> None:
        nonlocal most
        if isinstance(event, PartStarted):
            most = max(most, len(chunk_files(tmp_path)))

    async def main() -> None:
        options = replace(OPTIONS, concurrency=Adaptive(start=8))
        async with uploader(s3, tmp_path, options=options, listener=Ears(count)) as up:
            assert (await up.put_all(jobs(files))).done == 20

    run(main())
    assert most <= 4


def test_as_many_files_are_begun_as_there_are_slots_for() -> None:
    """The next file is begun when fewer parts are left than there are slots, however many."""

    async def main() -> None:
        backlog = Backlog(3)
        claim = backlog.open(5)
        waiting = asyncio.create_task(backlog.room())
        await settled()
        assert not waiting.done()
        backlog.resize(6)
        await waiting
        backlog.resize(3)
        waiting = asyncio.create_task(backlog.room())
        await settled()
        assert not waiting.done()
        backlog.release()
        backlog.resize(2)
        await waiting
        async with asyncio.timeout(1):
            await backlog.room()
        claim.close()

    run(main())


def test_the_number_is_set_while_parts_travel(tmp_path: Path) -> None:
    """From the next part on, there are so many as were asked for."""
    s3 = FakeS3()
    s3.delay = 1

    async def main() -> float:
        async with uploader(s3, tmp_path) as up:
            running = asyncio.create_task(up.put(make_file(tmp_path, 2100), URI))
            await asyncio.sleep(0.5)
            assert up.set_slots(6) == 6
            assert up._runtime.backlog._enough == 6
            await running
        return asyncio.get_running_loop().time()

    # Three in the first second, the other 18 six at a time: the rest of it begins half way.
    assert run(main()) == 4
    assert s3.most_in_flight == 6
