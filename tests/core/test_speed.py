"""How fast a run is, and when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.speed import BEATS, LONG_RUN, LONG_RUN_PARTS, Pulse, Speed


def test_an_outage_moves_the_end() -> None:
    """While nothing is acknowledged, the end moves away, and does not jump back afterwards."""
    speed = Speed()
    speed.sample(0, 0, 0)
    speed.sample(10, 100, 100)
    assert speed.until(900, 0) == 90
    speed.sample(100, 100, 100)
    assert speed.until(900, 0) == 900
    assert speed.rate == 0


def test_what_travels_again_does_not_count() -> None:
    """The end is told by what S3 has, not by what leaves: a link that loses parts is slower."""
    speed = Speed()
    speed.sample(0, 0, 0)
    for second in range(1, 11):
        speed.sample(second, 100 * second, 50 * second)
    assert speed.until(500, 0) == 10
    assert speed.rate == 100


def test_large_parts_are_waited_for() -> None:
    """With a part an hour, the speed is that of many hours, not of none."""
    speed = Speed()
    speed.sample(0, 0, 0)
    for hour in range(1, 100):
        speed.sample(3600 * hour, 1000 * hour, 1000 * hour)
    assert speed.until(36_000, 0) == 36 * 3600


def test_small_parts_are_forgotten_soon() -> None:
    """What was long ago tells nothing: a link that is faster now is believed after a minute."""
    speed = Speed()
    for second in range(1000):
        speed.sample(second, second, second)
    for second in range(200):
        speed.sample(1000 + second, 1000 + 100 * second, 1000 + 100 * second)
    assert speed.until(1000, 0) == pytest.approx(10, rel=0.05)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 1 << 50)), max_size=60),
    st.integers(0, 1 << 60),
)
def test_whatever_happens(steps: list[tuple[float, int]], left: int) -> None:
    """The end is never in the past, and little is remembered."""
    speed, now, done = Speed(), 0.0, 0
    for seconds, count in steps:
        now, done = now + seconds, done + count
        speed.sample(now, done, done)
        until = speed.until(left, 0)
        assert until is None or until >= 0


def test_little_is_remembered() -> None:
    """A run of a week holds no more samples than one of some minutes."""
    speed = Speed()
    for tick in range(100_000):
        speed.sample(tick / 10, tick, tick)
    assert len(speed._acknowledged) <= max(LONG_RUN_PARTS, LONG_RUN * 10) + 2
    assert len(speed._moved) < 200


def test_the_pulse_has_what_moved_in_each_second() -> None:
    """Also in those in which nothing was looked at; the one that is not over is left out."""
    pulse = Pulse()
    for now, moved in ((5.0, 100), (5.5, 110), (6.2, 125), (9.1, 150), (9.9, 190)):
        pulse.sample(now, moved)
    assert pulse.last(10) == [10, 15, 0, 0]
    pulse.sample(10.0, 190)
    assert pulse.last(3) == [0, 0, 65]
    assert Pulse().last(3) == []


def test_the_pulse_is_never_below_nothing() -> None:
    """A retry takes back what was sent in seconds before."""
    pulse = Pulse()
    for now, moved in ((0.0, 0), (0.5, 10), (1.5, 4), (2.5, 6)):
        pulse.sample(now, moved)
    assert pulse.last(9) == [10, 0]


def test_the_pulse_forgets() -> None:
    """It is bounded, also after a machine has slept for a week."""
    pulse = Pulse()
    for now in range(3 * BEATS):
        pulse.sample(now, 2 * now)
    assert pulse.last(10 * BEATS) == [2] * BEATS
    pulse.sample(7 * 86400, 6 * BEATS)
    assert pulse.last(10 * BEATS) == [0] * BEATS
