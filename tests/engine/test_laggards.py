"""Parts that lag, on a virtual clock: who is dropped, when, and what becomes of it.

Parts have 100 bytes and travel in slices of 10, one a second where nothing is said: 10 B/s.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import Fault, Interrupted, TooSlow
from asyncup.core.model import UploadResult
from asyncup.core.options import Options, Overwrite
from asyncup.edges import body as bodies
from asyncup.edges.body import PartBody
from asyncup.edges.files import RangeReader
from asyncup.engine.laggards import Laggards
from tests.engine.kit import OPTIONS, URI, Ears, Stream, make_file, uploader
from tests.fakes3 import FakeS3, Request
from tests.loop import run

SLOW = 5.0
"""Seconds that a slice takes of a part that lags: 2 B/s."""

FAULT = Fault(action="upload part 1")


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten slices make a part."""
    monkeypatch.setattr(bodies, "SLICE", 10)


def crawling(*numbers: int, times: int = 1) -> Callable[[Request], float]:
    """Return a pace at which the first attempts at some parts lag, and all others do not."""
    left = dict.fromkeys(numbers, times)

    def pace(request: Request) -> float:
        number = request.number or 1
        if not left.get(number):
            return 1.0
        left[number] -= 1
        return SLOW

    return pace


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
    def dropped(self) -> list[int | None]:
        """The numbers of the parts that were sent again, in order."""
        return [event.part_number for event in self.ears.of(events.RetryScheduled)]


def test_a_straggler_at_the_end_is_sent_again(tmp_path: Path) -> None:
    """The last part goes again at once, on its own, and the run ends the earlier for it."""
    sent = Sent(tmp_path, crawling(10))
    (again,) = sent.ears.of(events.RetryScheduled)
    assert isinstance(again.error, TooSlow)
    assert (again.part_number, again.attempt, again.delay) == (10, 1, 0.0)
    assert "slower than others" in str(again.error)
    assert str(again.error).startswith(f"upload part 10 of {URI}: ")
    assert sorted(sent.s3.sent_parts()) == [*range(1, 11), 10]
    assert sent.result.attempts == 11
    assert sent.result.resent == 20
    # It begins at 30 s, shows in 11 s and a look what it is, and then takes 10 s.
    assert sent.seconds <= 30 + 13 + 10


def test_a_straggler_of_a_stream(tmp_path: Path) -> None:
    """So it is with a stream, of which nobody knows beforehand where it ends."""
    s3, ears = FakeS3(), Ears()
    s3.pace = crawling(10)
    data = make_file(tmp_path, 1000).read_bytes()

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=ears) as up:
            await up.put(Stream(data), URI)

    run(main())
    assert s3.objects[URI.key].data == data
    assert [event.part_number for event in ears.of(events.RetryScheduled)] == [10]


def test_while_parts_wait_for_slots_nothing_is_sent_twice(tmp_path: Path) -> None:
    """A part that lags in the middle of a run holds up nobody who could not go elsewhere."""
    sent = Sent(tmp_path, crawling(2), parts=13)
    assert sent.dropped == []
    assert sent.result.resent == 0


def test_a_link_that_becomes_slow_for_all_at_the_end(tmp_path: Path) -> None:
    """One part finds out that a new connection is no faster; the others stay as they are."""
    sent = Sent(tmp_path, crawling(9, 10, times=9), replace(OPTIONS, concurrency=4))
    assert len(sent.dropped) == 1


MIN_RATE = replace(OPTIONS, min_rate=5, stall_timeout=10, max_retry=1)


def test_a_part_below_the_least_rate_is_sent_again(tmp_path: Path) -> None:
    """In the middle of a run, too; it is no failure, so that one attempt is enough."""
    sent = Sent(tmp_path, crawling(2), MIN_RATE)
    assert sent.dropped == [2]
    assert sorted(sent.s3.sent_parts()) == sorted([*range(1, 11), 2])
    assert sent.seconds <= 40 + 11


def test_a_link_below_the_least_rate(tmp_path: Path) -> None:
    """Where all parts are too slow, none is sent twice."""
    sent = Sent(tmp_path, lambda _: SLOW, MIN_RATE)
    assert sent.dropped == []


def test_one_part_at_a_time_below_the_least_rate(tmp_path: Path) -> None:
    """With nothing to compare, parts get three more chances, until some show that it is the link.

    None of them fails for it.
    """
    sent = Sent(tmp_path, lambda _: SLOW, replace(MIN_RATE, concurrency=1))
    assert sent.dropped == [1] * 3 + [2] * 3 + [3] * 3


def test_nothing_is_dropped_while_stopping(tmp_path: Path) -> None:
    """After Ctrl-C, what is in flight is to arrive."""
    s3, ears = FakeS3(), Ears()
    file = make_file(tmp_path, 1000)
    first = [SLOW]
    s3.pace = lambda _: first.pop() if first else 1.0

    async def main() -> None:
        options = replace(MIN_RATE, stop_grace=60)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            asyncio.get_running_loop().call_later(5, up.stop)
            with suppress(Interrupted):
                await up.put(file, URI)

    run(main())
    assert ears.of(events.RetryScheduled) == []
    assert len(ears.of(events.PartUploaded)) == 3


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
            s3.pace = crawling(1)
            return await up.put(file, URI)

    assert run(main()).attempts == 2
    assert len(ears.of(events.RetryScheduled)) == 1


class Watched:
    """One attempt that is watched, and has nothing to be compared with: below 5 B/s, it goes."""

    def __init__(self, directory: Path) -> None:
        self._file = make_file(directory, 100)
        self.ended = 0.0

    async def carry(self, pace: float, *, answer_after: float = 0.0, read_in: float = 0.0) -> str:
        """Return the answer, and take note of when it ended, however it did."""
        reader = Slow(self._file, 0, 100, read_in)
        laggards = Laggards(5, 10.0, asyncio.Event(), lambda: False)
        with PartBody(reader, 100, lambda _: None) as body:
            try:
                async with laggards.watch(body, FAULT, 0):
                    async for _ in body:
                        await asyncio.sleep(pace)
                    await asyncio.sleep(answer_after)
                    return "answer"
            finally:
                self.ended = asyncio.get_running_loop().time()


class Slow(RangeReader):
    """Reads a file from a disk that takes its time."""

    def __init__(self, path: Path, offset: int, size: int, seconds: float) -> None:
        super().__init__(path, offset, size)
        self._seconds = seconds

    async def read(self) -> bytes:
        """Return the next block, later."""
        await asyncio.sleep(self._seconds)
        return await super().read()


def test_an_attempt_ends_and_its_task_goes_on(tmp_path: Path) -> None:
    """What is dropped ends in an error of ours, and nothing of the cancelling is left."""
    watched = Watched(tmp_path)

    async def main() -> None:
        with pytest.raises(TooSlow, match=r"upload part 1: .* B/s where 5 B/s are asked for"):
            await watched.carry(SLOW)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(1)

    run(main())


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
