"""Parts over time: neighbours share a lane where there are too many, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.lanes import Lane, Lanes

MOST = 4


def sent(*numbers: int) -> Lanes:
    """Return the lanes of parts that travel one after the other, a second each."""
    lanes = Lanes(most=MOST)
    for second, number in enumerate(numbers):
        lanes.start(number, float(second))
        lanes.finish(number, second + 1.0)
    return lanes


@given(numbers=st.lists(st.integers(1, 10_000), unique=True))
def test_none_is_lost(numbers: list[int]) -> None:
    """In whatever order parts come, each is in one lane, and there are not too many of these."""
    lanes = sent(*numbers)
    told = lanes.by_first_part
    assert len(told) <= MOST
    assert sum(lane.uploaded for lane in told.values()) == len(numbers)
    for first, lane in told.items():
        mine = [at for at, n in enumerate(numbers) if first <= n < first + lanes.size]
        assert (lane.uploaded, lane.began) == (len(mine), min(mine))
        assert lane.ended == max(mine) + 1


def test_few_parts_have_a_lane_each() -> None:
    """From when it began to when S3 had it."""
    lanes = sent(2, 1)
    assert lanes.by_first_part == {
        1: Lane(began=1.0, ended=2.0, uploaded=1),
        2: Lane(began=0.0, ended=1.0, uploaded=1),
    }


def test_a_part_that_goes_again() -> None:
    """It is one part, however often it was begun; when an attempt failed last is told."""
    lanes = Lanes()
    lanes.start(1, 1.0)
    lanes.fail(1, 2.0)
    lanes.start(1, 3.0)
    lanes.fail(1, 4.0)
    lanes.start(1, 5.0)
    lanes.finish(1, 6.0)
    expected = Lane(began=1.0, ended=6.0, failed=4.0, uploaded=1, failures=2)
    assert lanes.by_first_part == {1: expected}


def test_parts_that_are_kept() -> None:
    """They were not sent; beside one that is, they say nothing about when that was."""
    lanes = Lanes(most=MOST)
    lanes.keep(1, 1.0)
    assert lanes.by_first_part == {1: Lane(ended=1.0, kept=1)}
    lanes.start(2, 2.0)
    lanes.finish(8, 3.0)
    assert lanes.by_first_part == {
        1: Lane(began=2.0, ended=2.0, kept=1),
        7: Lane(ended=3.0, uploaded=1),
    }


def test_what_is_in_flight_at_the_end() -> None:
    """It was on its way until then; what S3 has, or what waits for an attempt, was not."""
    lanes = Lanes()
    for number in (1, 2, 3):
        lanes.start(number, 1.0)
    lanes.finish(1, 2.0)
    lanes.fail(2, 2.0)
    lanes.close(9.0)
    lanes.close(10.0)
    assert [lane.ended for lane in lanes.by_first_part.values()] == [2.0, 2.0, 9.0]
