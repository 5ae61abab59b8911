"""The gate that all bytes pass: even, fair, and at once as fast or slow as it is told to be."""

import asyncio
from collections.abc import Sequence

import pytest

from asyncup.edges.body import SLICE
from asyncup.engine.limiter import Limiter
from tests.loop import VirtualLoop, run

KIB, MIB = 1 << 10, 1 << 20
WINDOW = 10.0


class Bodies:
    """Bodies that always have more to send, and a network that takes all at once.

    Attributes:
        went: when how many bytes went, and of which body, in order.
    """

    def __init__(self, limiter: Limiter, count: int) -> None:
        self._limiter = limiter
        self._loop = asyncio.get_running_loop()
        self.went: list[tuple[float, int, int]] = []
        self.tasks = [asyncio.create_task(self._send(number)) for number in range(count)]

    async def _send(self, number: int) -> None:
        while True:
            size = self._limiter.take(SLICE)
            if not isinstance(size, int):
                size = await size
            self.went.append((self._loop.time(), number, size))

    async def stop(self) -> None:
        """Cancel all of them."""
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)

    def between(self, begin: float, end: float) -> int:
        """Return how many bytes went in a time."""
        return sum(size for time, _, size in self.went if begin <= time < end)


def windows(went: Sequence[tuple[float, int, int]]) -> tuple[list[int], list[int]]:
    """Return what went in all windows, without the slices at their ends and with them."""
    least: list[int] = []
    most: list[int] = []
    total, first = 0, 0
    for now, _, size in went:
        total += size
        while now - went[first][0] > WINDOW:
            total -= went[first][2]
            least.append(total - size)
            first += 1
        most.append(total)
    return least, most


def limiter_of(rate: int | None) -> Limiter:
    """Return a limiter with a rate."""
    limiter = Limiter()
    limiter.limit(rate)
    return limiter


@pytest.mark.parametrize("count", [1, 2, 7, 32])
@pytest.mark.parametrize("rate", [10 * KIB, 100 * KIB, 2_500_000, 100 * MIB])
def test_any_ten_seconds_are_within_five_percent(rate: int, count: int) -> None:
    """Whatever window of ten seconds one looks at, what went is the rate, within 5 %."""

    async def main() -> tuple[list[int], list[int]]:
        bodies = Bodies(limiter_of(rate), count)
        await asyncio.sleep(25)
        await bodies.stop()
        return windows(bodies.went)

    least, most = run(main())
    assert len(least) > 100
    assert min(least) >= 0.95 * rate * WINDOW
    assert max(most) <= 1.05 * rate * WINDOW


@pytest.mark.parametrize("count", [2, 7, 32])
@pytest.mark.parametrize("rate", [10 * KIB, MIB, 100 * MIB])
def test_all_bodies_get_the_same(rate: int, count: int) -> None:
    """At no time has a body had two slices more than another."""

    async def main() -> list[tuple[float, int, int]]:
        bodies = Bodies(limiter_of(rate), count)
        await asyncio.sleep(20)
        await bodies.stop()
        return bodies.went

    had = dict.fromkeys(range(count), 0)
    for _, number, _ in run(main()):
        had[number] += 1
        assert max(had.values()) - min(had.values()) <= 2
    assert min(had.values()) > 5


def test_who_comes_late_stands_behind() -> None:
    """Who asks when it is somebody's turn, but that one has not woken yet, does not go first."""

    async def main() -> None:
        limiter, loop = limiter_of(10 * KIB), asyncio.get_running_loop()
        assert limiter.take(SLICE) == KIB
        first = asyncio.create_task(_awaited(limiter))
        await asyncio.sleep(0)
        assert isinstance(loop, VirtualLoop)
        loop._jumping.now += 0.15
        second = asyncio.create_task(_awaited(limiter))
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        assert (first.done(), second.done()) == (True, False)
        await second

    run(main())


@pytest.mark.parametrize(("before", "after"), [(100 * MIB, 10 * KIB), (10 * KIB, 100 * MIB)])
def test_a_change_takes_effect_within_a_second(before: int, after: int) -> None:
    """Those who wait already, with large slices or small ones, are at the new rate at once."""

    async def main() -> Bodies:
        limiter = limiter_of(before)
        bodies = Bodies(limiter, 32)
        await asyncio.sleep(10)
        limiter.limit(after)
        await asyncio.sleep(12)
        await bodies.stop()
        return bodies

    bodies = run(main())
    assert bodies.between(0, 10) == pytest.approx(10 * before, rel=0.05)
    # What was to go at this very moment goes.
    assert bodies.between(10.01, 11) == pytest.approx(after, rel=0.3)
    assert bodies.between(11, 21) == pytest.approx(10 * after, rel=0.05)


def test_without_a_limit_nobody_waits() -> None:
    """Off, every slice goes at once, whole; those who were waiting go when it is turned off."""

    async def main() -> None:
        limiter = limiter_of(10 * KIB)
        waiting = []
        for _ in range(5):
            size = limiter.take(SLICE)
            if not isinstance(size, int):
                waiting.append(asyncio.ensure_future(size))
        await asyncio.sleep(0)
        limiter.limit(None)
        assert limiter.rate is None
        assert await asyncio.gather(*waiting) == [SLICE] * len(waiting)
        assert waiting
        assert [limiter.take(SLICE) for _ in range(1000)] == [SLICE] * 1000
        assert asyncio.get_running_loop().time() == 0

    run(main())


def test_who_is_cancelled_takes_nothing() -> None:
    """Bodies that stop waiting, in the line or at its head, cost the others nothing."""

    async def main() -> Bodies:
        limiter = limiter_of(100 * KIB)
        others, bodies = Bodies(limiter, 20), Bodies(limiter, 2)
        await asyncio.sleep(5)
        await others.stop()
        await asyncio.sleep(15)
        await bodies.stop()
        # Nobody is left in line: whoever comes next has to wait for no one.
        await asyncio.sleep(1)
        assert isinstance(limiter.take(SLICE), int)
        return bodies

    bodies = run(main())
    assert bodies.between(5, 15) == pytest.approx(10 * 100 * KIB, rel=0.03)


def test_who_is_cancelled_with_bytes_in_hand_gives_them_back() -> None:
    """A turn that came in the very moment of the cancellation is the next one's."""

    async def main() -> int:
        limiter, loop = limiter_of(10 * KIB), asyncio.get_running_loop()
        assert limiter.take(SLICE) == KIB
        first, second = (asyncio.ensure_future(_awaited(limiter)) for _ in range(2))
        await asyncio.sleep(0)
        # The timer for the turn was set before this one, and rings just before it.
        when = limiter._timer.when() if limiter._timer else 0.0
        loop.call_at(when, first.cancel)
        size = await second
        assert first.cancelled()
        assert loop.time() == when
        return size

    assert run(main()) == KIB


async def _awaited(limiter: Limiter) -> int:
    size = limiter.take(SLICE)
    return size if isinstance(size, int) else await size


def test_a_loop_that_was_held_up_does_not_make_up_for_it() -> None:
    """After a pause of the whole program, a tenth of a second's bytes go at once, no more."""

    async def main() -> Bodies:
        limiter = limiter_of(100 * KIB)
        bodies = Bodies(limiter, 4)
        await asyncio.sleep(5)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._jumping.now += 60
        await asyncio.sleep(5)
        await bodies.stop()
        return bodies

    bodies = run(main())
    assert bodies.between(65, 66) <= 1.3 * 100 * KIB


def test_what_goes_is_measured_without_a_limit() -> None:
    """The rate of the moment is known also when nothing is limited."""

    async def main() -> float:
        limiter = limiter_of(None)
        for _ in range(100):
            await asyncio.sleep(0.1)
            limiter.take(SLICE)
        return limiter.measured

    assert run(main()) == pytest.approx(10 * SLICE, rel=0.1)
