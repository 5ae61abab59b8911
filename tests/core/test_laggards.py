"""Which attempts are dropped for their slowness, and how a rate is taken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.laggards import InFlight, Track, to_drop, typical_rate, typical_time

SIZE = 16_000
TYPICAL = 1000.0
"""So a whole part takes 16 s, with grace 17 s, and one below 333 a second is slow."""

CRAWLING = InFlight(id=0, size=SIZE, sent=100, rate=40.0, recent=40.0)
FAST = InFlight(id=1, size=SIZE, sent=100, rate=1000.0, recent=1000.0)


def others(count: int, like: InFlight = FAST) -> list[InFlight]:
    """Return more attempts like one."""
    return [replace(like, id=100 + number) for number in range(count)]


def too_slow(*flights: InFlight, min_rate: float = 50.0, typical: float | None = None) -> list[int]:
    """Return what is dropped while other parts wait for slots."""
    return sorted(to_drop(flights, min_rate=min_rate, typical=typical, is_idle=False))


def stragglers(*flights: InFlight, typical: float | None = TYPICAL) -> list[int]:
    """Return what is dropped near the end of a run, where no least rate is asked for."""
    return sorted(to_drop(flights, min_rate=0.0, typical=typical, is_idle=True))


def test_below_the_least_rate_is_dropped() -> None:
    """A part that is slower than what is asked for, beside one that is not, goes again."""
    assert too_slow(CRAWLING, FAST) == [0]


LET_BE: dict[str, tuple[list[InFlight], float, float | None]] = {
    "none is asked for": ([CRAWLING, FAST], 0.0, None),
    "fast enough": ([CRAWLING, FAST], 40.0, None),
    "too young to tell": ([replace(CRAWLING, rate=None), FAST], 50.0, None),
    "others too young to tell": ([CRAWLING, *others(2, replace(CRAWLING, rate=None))], 50.0, None),
    "does not move at all": ([replace(CRAWLING, rate=0.0), FAST], 50.0, None),
    "all bytes are sent": ([replace(CRAWLING, sent=SIZE), FAST], 50.0, None),
    "the rest is there before all of it": ([replace(CRAWLING, sent=3300), FAST], 50.0, None),
    "others are no faster": ([CRAWLING, *others(3, replace(CRAWLING, rate=49.0))], 50.0, TYPICAL),
    "dropped often enough": ([replace(CRAWLING, drops=3), FAST], 50.0, None),
    "alone, and parts were no faster before": ([CRAWLING], 50.0, 49.0),
}


@pytest.mark.parametrize("reason", LET_BE)
def test_let_be(reason: str) -> None:
    """A part is not dropped where that would gain nothing, or is not its connection's fault."""
    flights, min_rate, typical = LET_BE[reason]
    assert too_slow(*flights, min_rate=min_rate, typical=typical) == []


@pytest.mark.parametrize("typical", [None, 50.0, 1000.0])
@pytest.mark.parametrize("drops", [0, 1, 2])
def test_alone_it_is_dropped_some_times(drops: int, typical: float | None) -> None:
    """With nothing in flight to compare, a part is given three other chances."""
    assert too_slow(replace(CRAWLING, drops=drops), typical=typical) == [0]


def test_an_answer_that_is_waited_for_says_nothing_of_the_link() -> None:
    """A part that is all sent is no proof that the link is fast, nor that it is slow."""
    waiting = replace(FAST, sent=SIZE, rate=1.0)
    assert too_slow(CRAWLING, waiting) == [0]
    assert too_slow(CRAWLING, *others(1, replace(CRAWLING, rate=45.0)), waiting) == []


def test_a_straggler_is_dropped_at_the_end() -> None:
    """Far slower than is typical, and long on its way: it goes again when slots are idle."""
    assert stragglers(CRAWLING) == [0]
    assert stragglers(CRAWLING, *others(3)) == [0]


NO_STRAGGLERS = {
    "too young to tell": [replace(CRAWLING, recent=None), FAST],
    "all bytes are sent": [replace(CRAWLING, sent=SIZE), FAST],
    "a third of what is typical": [replace(CRAWLING, recent=334.0), FAST],
    "nearly there": [replace(CRAWLING, sent=SIZE - 34 * 40), FAST],
    "dropped before": [replace(CRAWLING, drops=1), FAST],
    "nothing moves anywhere": others(4, replace(CRAWLING, recent=0.0)),
}


@pytest.mark.parametrize("reason", NO_STRAGGLERS)
def test_no_straggler(reason: str) -> None:
    """A part that is not far behind, or is near its end, or may only seem slow, stays."""
    assert stragglers(*NO_STRAGGLERS[reason]) == []


def test_no_straggler_before_the_end() -> None:
    """While slots are in use, or nothing is known to be typical, no part is one."""
    flights = [CRAWLING, FAST]
    assert to_drop(flights, min_rate=0.0, typical=TYPICAL, is_idle=False) == {}
    assert to_drop(flights, min_rate=0.0, typical=None, is_idle=True) == {}


def test_a_straggler_that_stands_still_beside_others_that_move() -> None:
    """Where others get through, or there are none, it need not wait for the stall clock."""
    assert stragglers(replace(CRAWLING, recent=0.0), FAST) == [0]
    assert stragglers(replace(CRAWLING, recent=0.0)) == [0]


def test_only_the_slowest_quarter_at_a_time() -> None:
    """Of many stragglers, those go first that would take the longest."""
    slow = [replace(CRAWLING, id=number, recent=float(number)) for number in range(1, 5)]
    assert stragglers(*slow, *others(4)) == [1, 2]
    assert stragglers(*slow[1:], FAST) == [2]


def test_a_new_connection_that_is_no_faster_spares_the_others() -> None:
    """While what was sent again has not shown to be faster, nothing else is sent again."""
    for again in (replace(CRAWLING, id=7, drops=1), replace(FAST, id=7, drops=1, recent=None)):
        assert stragglers(CRAWLING, again, *others(2)) == []
    assert stragglers(*others(7), replace(CRAWLING, drops=1)) == []
    assert stragglers(CRAWLING, replace(FAST, id=7, drops=1), *others(2)) == [0]
    assert stragglers(CRAWLING, replace(FAST, id=7, drops=1, sent=SIZE), *others(2)) == [0]


def test_what_is_said() -> None:
    """The reason has the part's rate, what it is measured by, and how far it came."""
    assert to_drop([CRAWLING, FAST], min_rate=50.0, typical=None, is_idle=False) == {
        0: "slower than others: 40 B/s where 50 B/s are asked for, after 100 B of 15.62 KiB"
    }
    assert to_drop([CRAWLING, FAST], min_rate=0.0, typical=TYPICAL, is_idle=True) == {
        0: "slower than others: 40 B/s where 1000 B/s is typical, after 100 B of 15.62 KiB"
    }


@given(
    flights=st.lists(
        st.builds(
            InFlight,
            id=st.just(0),
            size=st.just(SIZE),
            sent=st.integers(0, SIZE),
            drops=st.integers(0, 4),
            rate=st.none() | st.floats(0, 3000),
            recent=st.none() | st.floats(0, 3000),
        ),
        max_size=12,
    ),
    min_rate=st.sampled_from([0.0, 50.0, 500.0]),
    typical=st.none() | st.floats(1, 5000),
    is_idle=st.booleans(),
)
def test_whatever_is_in_flight(
    flights: list[InFlight], min_rate: float, typical: float | None, *, is_idle: bool
) -> None:
    """Never is a part dropped that is all sent or was dropped thrice, nor a link that is slow."""
    flights = [replace(each, id=number) for number, each in enumerate(flights)]
    found = to_drop(flights, min_rate=min_rate, typical=typical, is_idle=is_idle)
    dropped = [each for each in flights if each.id in found]
    assert all(each.sent < SIZE and each.drops < 3 for each in dropped)
    if min_rate and not is_idle and len(flights) > 1 and found:
        rates = [each.rate for each in flights if each.sent < SIZE and each.rate is not None]
        assert len(rates) == 1 or max(rates) >= min_rate
    if not min_rate:
        assert len(dropped) <= max(1, len(flights) // 4)


def test_the_typical_rate_is_the_median() -> None:
    """One part that was slow, or fast, does not count more than the others; two are too few."""
    assert typical_rate([]) is None
    assert typical_rate([5.0, 5.0]) is None
    assert typical_rate([1.0, 900.0, 1000.0]) == 900.0
    assert typical_time(9000, 900.0) == 11.0


def test_a_rate_is_that_of_the_last_seconds() -> None:
    """What was sent before does not count, however fast it was."""
    track = Track(30.0)
    for second in range(1, 101):
        track.note(float(second), min(second, 50) * 100 + max(0, second - 50))
    assert track.rate(30.0) == 1.0
    assert track.rate(5.0) == 1.0
    track.note(101.0, 50 * 100 + 46 + 45)
    assert track.rate(5.0) == 9.0


def test_a_rate_needs_its_time() -> None:
    """Before the seconds have passed, there is no rate."""
    track = Track(30.0)
    assert track.rate(1.0) is None
    track.note(29.0, 1000)
    assert track.rate(30.0) is None
    track.note(30.0, 3000)
    assert track.rate(30.0) == 100.0


def test_a_rate_after_bytes_were_taken_back() -> None:
    """A part that is sent from the start again has no rate until its time has passed again."""
    track = Track(30.0)
    track.note(30.0, 3000)
    track.note(31.0, 100)
    assert track.rate(30.0) is None
    track.note(61.0, 3100)
    assert track.rate(30.0) == 100.0


def test_a_clock_that_stands_still() -> None:
    """While bytes are waited for on this side, no time passes, and the rate stays what it was."""
    track = Track(30.0)
    track.note(30.0, 3000)
    for _ in range(100):
        track.note(30.0, 3000)
    assert track.rate(30.0) == 100.0


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 10_000)), max_size=300))
def test_a_rate_is_that_of_some_time(steps: list[tuple[float, int]]) -> None:
    """However a part moves, its rate is between none and the fastest it ever had."""
    track, now, sent = Track(30.0), 0.0, 0
    for step, count in steps:
        now, sent = now + step, sent + count
        track.note(now, sent)
    rate = track.rate(30.0)
    assert (rate is None) == (now < 30.0)
    assert rate is None or 0 <= rate <= sent


def test_what_is_empty_has_no_rate() -> None:
    """Empty files arrive at no rate at all, and tell nothing of what is typical."""
    assert typical_rate([0.0, 0.0, 0.0, 0.0]) is None
    assert typical_rate([0.0, 10.0, 10.0, 10.0, 0.0]) == 10.0


def test_one_that_is_alone_is_compared_with_what_has_arrived() -> None:
    """If nothing has ever reached the least rate, it is the link, however few have arrived."""
    alone = replace(CRAWLING, id=7)
    assert to_drop([alone], min_rate=50.0, typical=None, is_idle=False, fastest=10.0) == {}
    assert list(to_drop([alone], min_rate=50.0, typical=None, is_idle=False, fastest=90.0)) == [7]
