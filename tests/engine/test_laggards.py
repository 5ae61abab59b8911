"""Parts that lag, on a virtual clock: who is dropped, when, and what becomes of it.

Parts have 100 bytes and travel in slices of 10, one a second where nothing is said: 10 B/s.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import Fault, Interrupted, TooSlow
from asyncup.core.model import UploadResult
from asyncup.core.options import Options, Overwrite
from asyncup.edges import body as bodies
from asyncup.edges.body import PartBody
from asyncup.edges.ranges import RangeReader
from asyncup.engine.laggards import Laggards
from tests.engine.kit import OPTIONS, URI, Ears, Stream, make_file, uploader
from tests.fakes3 import FakeS3, Request
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

SLOW = 5.0
"""Seconds that a slice takes of a part that lags: 2 B/s."""

FAULT = Fault(action="upload part 1")


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten slices make a part."""
    monkeypatch.setattr(bodies, "SLICE", 10)


def lagging(*attempts: int) -> Callable[[Request], float]:
    """Return a pace at which some attempts, by the order of their beginning, lag.

    Which part is the first is not told: threads decide which of those in the window is.
    """
    begun = count(1)
    return lambda _: SLOW if next(begun) in attempts else 1.0


def number_of(event: events.RetryScheduled | events.PartStarted) -> int | None:
    """Return the part that an event is about."""
    return event.part_number


class Sent:
    """A file of so many parts, uploaded to an S3 at a pace; what came of it, and when."""

    def __init__(
        self,
        directory: Path,
        pace: Callable[[Request], float],
        options: Options = OPTIONS,
        *,
        parts: int = 10,
    ) -> None:
        self.s3, self.ears = FakeS3(), Ears()
        self.s3.pace = pace
        self.file = make_file(directory, 100 * parts)
        self.result, self.seconds = run(self._main(directory, options))
        assert self.s3.objects[URI.key].data == self.file.read_bytes()

    async def _main(self, directory: Path, options: Options) -> tuple[UploadResult, float]:
        async with uploader(self.s3, directory, options=options, listener=self.ears) as up:
            result = await up.put(self.file, URI)
        return result, asyncio.get_running_loop().time()

    @property
    def dropped(self) -> list[int]:
        """How often each part was dropped that was."""
        return sorted(Counter(map(number_of, self.ears.of(events.RetryScheduled))).values())


def test_a_straggler_at_the_end_is_sent_again(tmp_path: Path) -> None:
    """The last part goes again at once, on its own, and the run ends the earlier for it."""
    sent = Sent(tmp_path, lagging(10))
    (again,) = sent.ears.of(events.RetryScheduled)
    *_, last = sent.ears.of(events.PartStarted)
    assert isinstance(again.error, TooSlow)
    assert (again.part_number, again.attempt, again.delay) == (last.part_number, 1, 0.0)
    assert str(again.error).startswith(f"upload part {last.part_number} of {URI}: slower than ")
    assert sorted(sent.s3.sent_parts()) == sorted([*range(1, 11), last.part_number])
    assert sent.result.attempts == 11
    assert sent.result.resent == 20
    # It begins at 30 s, shows in 11 s and a look what it is, and then takes 10 s.
    assert sent.seconds <= 30 + 13 + 10


def streamed(directory: Path, pace: Callable[[Request], float], *, pause: float = 0.0) -> Ears:
    """Upload ten parts from a stream that pauses after the fourth, and return what was told."""
    s3, ears = FakeS3(), Ears()
    s3.pace = pace
    data = make_file(directory, 1000).read_bytes()

    async def main() -> None:
        async with uploader(s3, directory, listener=ears) as up:
            await up.put(Pausing(data, pause), URI)

    run(main())
    assert s3.objects[URI.key].data == data
    return ears


class Pausing(Stream):
    """A stream that pauses."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data, most=100)
        self._left = len(data) - 400
        self._seconds = seconds

    async def read(self, size: int, /) -> bytes:
        """Return some of the next bytes, later if it is time for that."""
        if len(self._data) <= self._left:
            self._left = -1
            await asyncio.sleep(self._seconds)
        return await super().read(size)


def test_a_straggler_of_a_stream(tmp_path: Path) -> None:
    """So it is with a stream, of which nobody knows beforehand where it ends."""
    assert len(streamed(tmp_path, lagging(10)).of(events.RetryScheduled)) == 1


def test_slots_that_are_free_for_a_while_are_not_the_end(tmp_path: Path) -> None:
    """Where a stream pauses, a part that lags has time to arrive."""
    assert streamed(tmp_path, lagging(4), pause=100.0).of(events.RetryScheduled) == []


def test_while_parts_wait_for_slots_nothing_is_sent_twice(tmp_path: Path) -> None:
    """A part that lags is left alone before the last one has got its slot, if not for longer."""
    paces = iter([1.0, 1.0, 1.0, 8.0, 3.0, 3.0])
    sent = Sent(tmp_path, lambda _: next(paces, 1.0), parts=7)
    (again,) = sent.ears.of(events.RetryScheduled)
    before = sent.ears.heard[: sent.ears.heard.index(again)]
    started = {event.part_number for event in before if isinstance(event, events.PartStarted)}
    assert started == set(range(1, 8))


def test_a_link_that_becomes_slow_for_all_at_the_end(tmp_path: Path) -> None:
    """One part finds out that a new connection is no faster; the others stay as they are."""
    sent = Sent(tmp_path, lagging(*range(9, 99)), replace(OPTIONS, concurrency=4))
    assert sent.dropped == [1]


MIN_RATE = replace(OPTIONS, min_rate=5, stall_timeout=10, max_retry=1)


def test_a_part_below_the_least_rate_is_sent_again(tmp_path: Path) -> None:
    """In the middle of a run, too; it is no failure, so that one attempt is enough."""
    sent = Sent(tmp_path, lagging(2), MIN_RATE)
    assert sent.dropped == [1]
    assert len(sent.s3.sent_parts()) == 11
    assert sent.seconds <= 40 + 11


def test_a_link_below_the_least_rate(tmp_path: Path) -> None:
    """Where all parts are too slow, none is sent twice."""
    assert Sent(tmp_path, lambda _: SLOW, MIN_RATE).dropped == []


def test_one_part_at_a_time_below_the_least_rate(tmp_path: Path) -> None:
    """With nothing to compare, parts get three more chances, until some show that it is the link.

    None of them fails for it.
    """
    dropped = Sent(tmp_path, lambda _: SLOW, replace(MIN_RATE, concurrency=1)).dropped
    assert set(dropped) == {3}
    # While one waits for the slot that it gave up, the next one takes it.
    assert 1 <= len(dropped) <= 4


def test_nothing_is_dropped_while_stopping(tmp_path: Path) -> None:
    """After Ctrl-C, what is in flight is to arrive, or left; nothing is sent again."""
    s3, ears = FakeS3(), Ears()
    file = make_file(tmp_path, 1000)
    begun = count(1)
    # It lags, and yet something moves more often than all is given up that does not.
    s3.pace = lambda _: 0.7 if next(begun) == 1 else 0.2

    async def main() -> None:
        options = replace(MIN_RATE, min_rate=40, stall_timeout=2, stop_grace=60)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            asyncio.get_running_loop().call_later(1, up.stop)
            with suppress(Interrupted):
                await up.put(file, URI)

    run(main())
    assert ears.of(events.RetryScheduled) == []
    assert len(ears.of(events.PartUploaded)) == len(ears.of(events.PartStarted))


def test_a_small_file_that_arrived_after_all(tmp_path: Path) -> None:
    """A dropped request that S3 has carried out all the same is ours, not somebody else's."""
    s3, other = FakeS3(), replace(URI, key="other")
    file = make_file(tmp_path, 100)

    def arrive(_: int, event: events.Event) -> None:
        if isinstance(event, events.RetryScheduled):
            s3.objects[URI.key] = s3.objects[other.key]

    ears = Ears(arrive)

    async def main() -> UploadResult:
        options = replace(MIN_RATE, overwrite=Overwrite.NEVER)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            await up.put(file, other)
            s3.pace = lagging(1)
            return await up.put(file, URI)

    assert run(main()).attempts == 2
    assert len(ears.of(events.RetryScheduled)) == 1


class Watched:
    """One attempt that is watched, and has nothing to be compared with: below 5 B/s, it goes."""

    def __init__(self, directory: Path) -> None:
        self._file = make_file(directory, 100)
        self.ended = 0.0
        self.looks = 0

    async def carry(
        self,
        pace: float,
        *,
        answer_after: float = 0.0,
        read_in: float = 0.0,
        ends_in: float = 0.0,
    ) -> str:
        """Return the answer, and take note of when it ended, however it did."""
        reader = Slow(self._file, 0, 100, read_in)
        laggards = Laggards(5, 10.0, asyncio.Event(), self._look)
        with PartBody(reader, 100, lambda _: None) as body:
            try:
                async with laggards.watch(body, FAULT, 0):
                    try:
                        async for _ in body:
                            await asyncio.sleep(pace)
                        await asyncio.sleep(answer_after)
                    finally:
                        await asyncio.sleep(ends_in)
                    return "answer"
            finally:
                self.ended = asyncio.get_running_loop().time()

    def _look(self) -> bool:
        self.looks += 1
        return False


def test_a_link_that_was_down_makes_no_laggard(tmp_path: Path) -> None:
    """What could not move is not slow, whatever it had before: two parts go on as they were."""

    async def main() -> list[str]:
        laggards = Laggards(5, 10.0, asyncio.Event(), lambda: True)

        async def carry(number: int) -> str:
            reader = RangeReader(make_file(tmp_path / f"{number}", 300), 0, 300)
            with PartBody(reader, 300, lambda _: None) as body:
                async with laggards.watch(body, FAULT, 0):
                    async for _ in body:
                        moment = asyncio.get_running_loop().time()
                        # From second 12 to second 72, nothing moves.
                        await asyncio.sleep(60 if 12 <= moment < 72 else 1 + number / 10)
                    return "answer"

        for number in range(2):
            (tmp_path / f"{number}").mkdir()
        return list(await asyncio.gather(carry(0), carry(1)))

    assert run(main()) == ["answer", "answer"]


@pytest.mark.parametrize(("losing", "is_told"), [(0, False), (1, False), (2, True), (5, True)])
def test_packets_that_get_lost_are_told(tmp_path: Path, losing: int, *, is_told: bool) -> None:
    """Of five parts in flight, two or more whose connections lose some: again and again."""
    told: list[float] = []

    async def main() -> None:
        laggards = Laggards(
            0,
            10.0,
            asyncio.Event(),
            lambda: False,
            lambda: told.append(asyncio.get_running_loop().time()),
        )

        async def carry(number: int) -> None:
            with PartBody(RangeReader(path, 0, 100), 100, lambda _: None) as body:
                body.slice_size.loses = number < losing
                async with laggards.watch(body, FAULT, 0):
                    async for _ in body:
                        await asyncio.sleep(1)

        await asyncio.gather(*map(carry, range(5)))

    path = make_file(tmp_path, 100)
    run(main())
    assert (len(told) > 5) is is_told
    assert bool(told) is is_told


class Slow(RangeReader):
    """Reads a file from a disk that takes its time."""

    def __init__(self, path: Path, offset: int, size: int, seconds: float) -> None:
        super().__init__(path, offset, size)
        self._seconds = seconds

    async def read(self) -> memoryview:
        """Return the next block, later."""
        await asyncio.sleep(self._seconds)
        return await super().read()


@pytest.mark.parametrize("ends_in", [0.0, 100.0])
def test_an_attempt_ends_and_its_task_goes_on(
    tmp_path: Path, ends_in: float, caplog: pytest.LogCaptureFixture
) -> None:
    """What is dropped ends in an error of ours, however long it takes to end, and that is all."""
    watched = Watched(tmp_path)

    async def main() -> None:
        with pytest.raises(TooSlow, match=r"upload part 1: .* B/s where 5 B/s are asked for"):
            await watched.carry(SLOW, ends_in=ends_in)
        task, looks = asyncio.current_task(), watched.looks
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(1000)
        assert watched.looks == looks

    run(main())
    assert caplog.records == []


@pytest.mark.parametrize("before", [0.0, 1e-6])
def test_who_cancels_is_heard(tmp_path: Path, before: float) -> None:
    """Ctrl-C at the moment in which an attempt is dropped is Ctrl-C."""
    watched = Watched(tmp_path)
    with pytest.raises(TooSlow):
        run(watched.carry(SLOW))
    at = watched.ended - before

    async def main() -> None:
        carrying = asyncio.ensure_future(watched.carry(SLOW))
        asyncio.get_running_loop().call_at(at, carrying.cancel)
        with pytest.raises(asyncio.CancelledError):
            await carrying

    run(main())


def test_what_is_all_sent_is_waited_for(tmp_path: Path) -> None:
    """An answer may take as long as the stall clock lets it."""
    assert run(Watched(tmp_path).carry(0.1, answer_after=1000.0)) == "answer"


def test_a_slow_disk_is_no_slow_connection(tmp_path: Path) -> None:
    """Time in which the network waits for bytes is not held against it."""
    assert run(Watched(tmp_path).carry(1.0, read_in=1000.0)) == "answer"
