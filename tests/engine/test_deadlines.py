"""When what is under way ends after a stop."""

import asyncio

import pytest

from asyncup.core.errors import Interrupted
from asyncup.engine.deadlines import SILENCE, Deadlines
from tests.loop import run


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


async def under_way(deadlines: Deadlines) -> float:
    """Return when something that never ends by itself was ended."""
    with pytest.raises(Interrupted) as caught:
        async with deadlines.until_stopped("wait", lambda: 7):
            await asyncio.Event().wait()
    assert caught.value.remaining == 7
    return now()


@pytest.mark.parametrize(
    ("moves", "end"),
    [
        # Nothing moves, as before: it has a moment, for an answer may be on its way.
        (0, 100 + SILENCE),
        # It moves as long as the grace is.
        (1000, 110),
        # It stops to move in the middle of it.
        (4, 102 + SILENCE),
    ],
)
def test_whoever_moves_may_go_on(moves: int, end: float) -> None:
    """After a stop, what moves has the whole grace, and what does not has hardly any of it."""

    async def main() -> None:
        deadlines = Deadlines()
        ending = [asyncio.create_task(under_way(deadlines)) for _ in range(3)]
        await asyncio.sleep(100)
        deadlines.stop(10)
        for _ in range(moves):
            await asyncio.sleep(0.5)
            deadlines.moved()
        assert await asyncio.gather(*ending) == [pytest.approx(end)] * 3

    run(main())


def test_no_grace() -> None:
    """Where nothing is worth a wait, nobody waits, whatever moves."""

    async def main() -> None:
        deadlines = Deadlines()
        deadlines.moved()
        deadlines.stop(0)
        assert await under_way(deadlines) == 0

    run(main())


def test_what_begins_after_the_stop() -> None:
    """It has the same end as all else."""

    async def main() -> None:
        deadlines = Deadlines()
        deadlines.stop(10)
        await asyncio.sleep(SILENCE / 2)
        assert await under_way(deadlines) == SILENCE
        await asyncio.sleep(50)
        assert await under_way(deadlines) == now()

    run(main())


def test_a_time_out_of_its_own_stays_what_it_is() -> None:
    """Only the common deadline is an interruption."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with Deadlines().until_stopped("wait"):
                raise TimeoutError

    run(main())
