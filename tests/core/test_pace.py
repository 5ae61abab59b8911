"""How fast a run is, and when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.pace import LONG_ENOUGH, LONG_RUN, Pace


def test_an_outage_moves_the_end() -> None:
    """While nothing is acknowledged, the end moves away, and does not jump back afterwards."""
    pace = Pace()
    pace.sample(0, 0, 0)
    pace.sample(10, 100, 100)
    assert pace.until(900, 0) == 90
    pace.sample(100, 100, 100)
    assert pace.until(900, 0) == 900
    assert pace.rate == 0


def test_what_travels_again_does_not_count() -> None:
    """The end is told by what S3 has, not by what leaves: a link that loses parts is slower."""
    pace = Pace()
    pace.sample(0, 0, 0)
    for second in range(1, 11):
        pace.sample(second, 100 * second, 50 * second)
    assert pace.until(500, 0) == 10
    assert pace.rate == 100


def test_large_parts_are_waited_for() -> None:
    """With a part an hour, the pace is that of many hours, not of none."""
    pace = Pace()
    pace.sample(0, 0, 0)
    for hour in range(1, 100):
        pace.sample(3600 * hour, 1000 * hour, 1000 * hour)
    assert pace.until(36_000, 0) == 36 * 3600


def test_small_parts_are_forgotten_soon() -> None:
    """What was long ago tells nothing: a link that is faster now is believed after a minute."""
    pace = Pace()
    for second in range(1000):
        pace.sample(second, second, second)
    for second in range(200):
        pace.sample(1000 + second, 1000 + 100 * second, 1000 + 100 * second)
    assert pace.until(1000, 0) == pytest.approx(10, rel=0.05)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 1 << 50)), max_size=60),
    st.integers(0, 1 << 60),
)
def test_whatever_happens(steps: list[tuple[float, int]], left: int) -> None:
    """The end is never in the past, and little is remembered."""
    pace, now, done = Pace(), 0.0, 0
    for seconds, count in steps:
        now, done = now + seconds, done + count
        pace.sample(now, done, done)
        until = pace.until(left, 0)
        assert until is None or until >= 0


def test_little_is_remembered() -> None:
    """A run of a week holds no more samples than one of some minutes."""
    pace = Pace()
    for tick in range(100_000):
        pace.sample(tick / 10, tick, tick)
    assert len(pace._acknowledged) <= max(LONG_ENOUGH, LONG_RUN * 10) + 2
    assert len(pace._moved) < 200
