"""Numbers over time: nothing is lost when bins are put together, however long a run is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.timeline import Bin, Timeline

MOST = 8
MOMENTS = st.lists(
    st.tuples(st.floats(0, 1e7), st.integers(0, 1 << 40), st.integers(0, 9)), min_size=1
).map(sorted)


def filled(*moments: tuple[float, int, int]) -> Timeline:
    """Return what was sent and scheduled at some moments, in their order."""
    timeline = Timeline(most=MOST, width=1.0)
    for now, sent, retries in moments:
        timeline.at(now).add(Bin(sent=sent, in_vain=sent // 2, retries=retries))
    return timeline


@given(moments=MOMENTS)
def test_nothing_is_lost(moments: list[tuple[float, int, int]]) -> None:
    """The sums are those of all that was told, in no more bins than there may be."""
    timeline = filled(*moments)
    assert len(timeline.bins) <= MOST
    assert sum(each.sent for each in timeline.bins) == sum(sent for _, sent, _ in moments)
    assert sum(each.in_vain for each in timeline.bins) == sum(sent // 2 for _, sent, _ in moments)
    assert sum(each.retries for each in timeline.bins) == sum(count for *_, count in moments)


@given(moments=MOMENTS)
def test_the_bins_reach_to_the_latest_moment(moments: list[tuple[float, int, int]]) -> None:
    """The last one holds it; a bin is as wide as it has to be, and no wider."""
    timeline = filled(*moments)
    latest = moments[-1][0]
    count = len(timeline.bins)
    assert timeline.width * (count - 1) <= latest < timeline.width * count
    assert timeline.width == 1.0 or latest >= timeline.width / 2 * MOST


def test_each_has_its_moment() -> None:
    """Also after two became one, once and again."""
    moments = [(float(second), 1 << second, 0) for second in range(16)]
    told = filled(*moments)
    assert told.width == 2.0
    assert [each.sent for each in told.bins] == [3 << 2 * index for index in range(8)]
    told.at(16.0)
    assert told.width == 4.0
    assert [each.sent for each in told.bins] == [15, 15 << 4, 15 << 8, 15 << 12, 0]


def test_an_odd_number_of_bins() -> None:
    """When so much time has gone by that only some were filled, none of these goes away."""
    told = filled((0.0, 1, 0), (1.0, 2, 0), (2.0, 4, 0), (100.0, 8, 0))
    assert told.width == 16.0
    assert [each.sent for each in told.bins] == [7, 0, 0, 0, 0, 0, 8]


def test_what_stands_goes_on() -> None:
    """Until it is told otherwise; of a bin in which it changes, the most counts."""
    timeline = Timeline(most=MOST, width=1.0)
    timeline.stand(0.5, in_flight=3, slots=4, is_offline=False)
    timeline.stand(2.5, in_flight=1, slots=2, is_offline=True)
    timeline.stand(4.5, in_flight=0, slots=2, is_offline=False)
    timeline.at(5.0)
    assert [each.in_flight for each in timeline.bins] == [3, 3, 3, 1, 1, 0]
    assert [each.slots for each in timeline.bins] == [4, 4, 4, 2, 2, 2]
    assert [each.is_offline for each in timeline.bins] == [False, False, True, True, True, False]
    timeline.at(8.0)
    assert [each.in_flight for each in timeline.bins] == [3, 3, 1, 0, 0]


def test_slots_may_be_unknown_and_none() -> None:
    """Until they are told, nobody knows them; later, there may be none."""
    timeline = Timeline(most=MOST, width=1.0)
    timeline.at(0.0)
    timeline.stand(1.0, in_flight=0, slots=2, is_offline=False)
    timeline.stand(2.0, in_flight=0, slots=0, is_offline=False)
    timeline.at(4.0)
    assert [each.slots for each in timeline.bins] == [None, 2, 2, 0, 0]
    timeline.at(8.0)
    assert [each.slots for each in timeline.bins] == [2, 2, 0, 0, 0]


def test_a_clock_that_goes_back() -> None:
    """It counts as the latest moment that was told."""
    assert [each.sent for each in filled((2.0, 1, 0), (0.0, 2, 0)).bins] == [0, 0, 3]


@pytest.mark.parametrize(
    ("end", "last"), [(4.0, 60.0), (3.75, 80.0), (3.5, 120.0), (3.001, 120.0), (3.0, 120.0)]
)
def test_rates(end: float, last: float) -> None:
    """Bytes per second; the last bin ends with the run, and is no peak because of that."""
    assert filled((0.0, 10, 0), (1.0, -5, 0), (3.0, 60, 0)).rates(end) == [10.0, 0.0, 0.0, last]


def test_a_run_without_a_moment_has_no_rates() -> None:
    """There is nothing to divide, and nothing to divide by."""
    assert Timeline().rates(0.0) == []
