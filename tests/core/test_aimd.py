"""How many parts in flight: near the best on links of every kind, and steady there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.aimd import DOUBLED_IN, EXCUSED, LONGEST_REST, REST, SPARED, Aimd, Ramp
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    ChecksumRejected,
    ConnectionLost,
    Fault,
    ForeignAnswer,
    ServerFault,
    Stalled,
    Throttled,
    TimedOut,
)
from asyncup.core.options import MIB, Adaptive

FAULT = Fault(action="upload part 1")
THROTTLED, LOST = Throttled(FAULT), ConnectionLost(FAULT)
STEP = 0.25

Link = Callable[[int, float], tuple[float, list[AsyncupError]]]
"""Slots in use and time to bytes a second that arrive, and what fails in this step."""


@dataclass(slots=True)
class Run:
    """A long upload over a link, step by step; `demand` is how many slots there are parts for."""

    link: Link
    aimd: Aimd = field(default_factory=lambda: Aimd(Adaptive(start=8), 0.0))
    demand: int = 1000
    now: float = 0.0
    numbers: list[int] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)

    def go(self, seconds: float) -> "Run":
        """Go on for so long."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            in_use = min(self.aimd.slots, self.demand)
            rate, errors = self.link(in_use, self.now)
            self.aimd.moved(self.now, in_use, count=round(rate * STEP))
            for error in errors:
                self.aimd.failed(self.now, error)
            self.numbers.append(self.aimd.slots)
            self.moved.append(rate)
        return self

    def since(self, seconds: float) -> tuple[list[int], float]:
        """Return the numbers of slots, and the mean rate, since then."""
        first = round(seconds / STEP)
        return self.numbers[first:], sum(self.moved[first:]) / len(self.moved[first:])


def wide(capacity: float, each: float, noise: float = 0.0) -> Link:
    """Return a link that carries `capacity` MiB/s in all, and `each` in one connection."""
    random = Random(1)
    return lambda slots, _: (
        min(capacity, each * slots) * MIB * (1 + random.uniform(-noise, noise)),
        [],
    )


@pytest.mark.parametrize(
    ("capacity", "each", "best"),
    [
        pytest.param(1000, 10, 32, id="one connection carries little"),
        pytest.param(100, 5, 20, id="twenty are enough"),
        pytest.param(20, 2, 10, id="ten are enough"),
        pytest.param(12, 100, 8, id="one is enough"),
        pytest.param(0.5, 100, 8, id="a thin link"),
        pytest.param(1250, 39, 32, id="10 Gbit/s"),
    ],
)
def test_more_while_more_brings_more(capacity: float, each: float, best: int) -> None:
    """Within a quarter of an hour the number is what fills the link, and not far beyond it."""
    numbers, rate = Run(wide(capacity, each)).go(3600).since(900)
    assert rate >= 0.95 * min(capacity, 32 * each) * MIB
    assert max(numbers) <= best * 1.5
    assert sum(numbers) / len(numbers) <= best * 1.25


def changes(numbers: list[int]) -> int:
    """Return how often the number changed."""
    return sum(before != after for before, after in pairwise(numbers))


def test_a_full_link_is_left_alone() -> None:
    """What was in vain is tried again after rests that double: a few times an hour, no more."""
    numbers, _ = Run(wide(20, 2)).go(4 * 3600).since(3600)
    assert changes(numbers) <= 2 * 3 * 3600 / 480 + 2


def test_a_wider_link_is_noticed() -> None:
    """After hours of a full link, more is tried after the longest rest at most; having found more
    makes the rests short again.
    """  # noqa: D205 - one sentence
    run = Run(wide(20, 2)).go(12 * 3600)
    assert run.aimd.slots == 10
    run.link = wide(30, 2)
    widened = run.now
    while run.aimd.slots < 15:
        run.go(STEP)
    assert run.now - widened < LONGEST_REST + 20
    # Still more is in vain by now.
    run.go(20)
    run.link = wide(1000, 2)
    run.go(REST + 10)
    assert run.aimd.slots > 18


def test_noise_is_not_taken_for_more() -> None:
    """A rate that goes up and down by a tenth does not drive the number up for that."""
    numbers, rate = Run(wide(20, 100, noise=0.1)).go(3600).since(600)
    assert rate >= 19 * MIB
    assert sum(numbers) / len(numbers) <= 16


def throttling(most: int) -> Link:
    """Return a server that refuses what is beyond `most` requests at once."""
    return lambda slots, _: (min(slots, most) * MIB, [THROTTLED] * max(0, slots - most))


@pytest.mark.parametrize("most", [2, 5, 10, 20])
def test_below_what_s3_refuses(most: int) -> None:
    """Of a server that throttles, most of what it takes is used, and it seldom has to refuse."""
    run = Run(throttling(most)).go(3600)
    numbers, rate = run.since(300)
    assert rate >= 0.7 * most * MIB
    refused = sum(number > most for number in numbers) / len(numbers)
    assert refused <= 0.1
    # From below to beyond and back: once in half a minute.
    assert changes(numbers) <= 6 * 3300 / REST


def lossy(each_hour: float) -> Link:
    """Return a link on which each connection breaks so often, whatever else is on it."""
    random = Random(2)
    chance = each_hour * STEP / 3600
    return lambda slots, _: (
        slots * MIB,
        [LOST for _ in range(slots) if random.random() < chance],
    )


def test_connections_that_break_one_by_one() -> None:
    """Where each breaks now and then by itself and more of them bring more, there are many."""
    _, rate = Run(lossy(10)).go(3600).since(600)
    assert rate >= 0.9 * 32 * MIB


def crowded(most: int) -> Link:
    """Return a link on which all connections break every half a minute if there are too many."""

    def link(slots: int, now: float) -> tuple[float, list[AsyncupError]]:
        breaks = slots > most and now % 30 < STEP
        return min(slots, most) * MIB, [LOST] * slots if breaks else []

    return link


@pytest.mark.parametrize("most", [3, 6, 12])
def test_connections_that_break_for_there_are_too_many(most: int) -> None:
    """Where many break what few do not, there are few."""
    numbers, rate = Run(crowded(most)).go(3600).since(600)
    assert rate >= 0.7 * most * MIB
    assert sum(number > most for number in numbers) <= 0.4 * len(numbers)


def test_what_is_not_used_does_not_grow() -> None:
    """Where there are no parts for all slots, more of them would stand idle."""
    run = Run(wide(1000, 1), demand=6).go(600)
    assert set(run.numbers) == {8}


def test_more_that_is_not_used_goes_back() -> None:
    """What cannot be fed from the disk is not kept."""
    run = Run(wide(1000, 1), demand=8).go(600)
    assert max(run.numbers) == 16
    assert run.numbers[-1] == 8


@pytest.mark.parametrize(
    ("error", "after", "reason"),
    [
        (Throttled(FAULT), 4, SlotsReason.THROTTLED),
        (ConnectionLost(FAULT), 4, SlotsReason.LOST),
        (Stalled(FAULT), 4, SlotsReason.LOST),
        (TimedOut(FAULT), 4, SlotsReason.LOST),
        (ServerFault(FAULT), 8, None),
        (ForeignAnswer(FAULT), 8, None),
        (ChecksumRejected(FAULT), 8, None),
        (AccessDenied(FAULT), 8, None),
    ],
)
def test_what_halves(error: AsyncupError, after: int, reason: SlotsReason | None) -> None:
    """S3's word that it is too much, and what a way that is too full does; nothing else."""
    aimd = Aimd(Adaptive(start=8), 0.0)
    assert reason in {aimd.failed(1.0, error), aimd.failed(1.5, error)}
    assert aimd.slots == after


def test_lost_packets_make_many_of_a_few_at_the_beginning() -> None:
    """While all slots are in use, up to the most; once it has ceased to double, no more."""
    aimd = Aimd(Adaptive(start=2, most=24), 0.0)
    assert aimd.lossy(1.0, 1) is None
    assert aimd.lossy(1.0, 2) is SlotsReason.LOSSY
    assert aimd.slots == 8
    assert aimd.lossy(2.0, 8) is SlotsReason.LOSSY
    assert aimd.slots == 24
    assert aimd.lossy(3.0, 24) is None
    aimd.failed(4.0, THROTTLED)
    assert aimd.lossy(5.0, aimd.slots) is None


def test_a_number_that_is_pinned_stays_also_where_packets_are_lost() -> None:
    """It was asked for."""
    assert Aimd(Adaptive.pinned(8), 0.0).lossy(1.0, 8) is None


def test_what_fails_at_once_halves_once() -> None:
    """Half of the parts fail together, and some of them a little later; that is one event."""
    aimd = Aimd(Adaptive(start=8), 0.0)
    for number in range(4):
        aimd.failed(1.0 + number * SPARED / 4, LOST)
    assert aimd.slots == 4
    for number in range(2):
        aimd.failed(30.0 + number, LOST)
    assert aimd.slots == 2


def test_a_connection_lost_among_many_is_no_sign() -> None:
    """Of twenty, two may break; three within seconds are a sign."""
    aimd = Aimd(Adaptive(start=20), 0.0)
    for then in (1.0, 2.0, 30.0, 31.0, 60.0):
        assert aimd.failed(then, LOST) is None
    assert aimd.failed(61.0, LOST) is None
    assert aimd.failed(62.0, LOST) is SlotsReason.LOST
    assert aimd.slots == 10


def test_after_a_failure() -> None:
    """It comes back to three quarters at once, and tries more only after a rest."""
    run = Run(wide(1000, 1)).go(1.0)
    run.aimd.failed(run.now, THROTTLED)
    run.go(REST)
    assert list(dict.fromkeys(run.numbers[4:])) == [4, 6]
    run.go(20)
    assert run.aimd.slots > 6


@pytest.mark.parametrize("number", [1, 3, 8, 100])
def test_a_number_is_pinned(number: int) -> None:
    """Whatever happens, a number stays."""
    aimd = Aimd(Adaptive.pinned(number), 0.0)
    run = Run(lambda slots, now: (slots * MIB, [THROTTLED] if now % 20 < STEP else []), aimd)
    assert set(run.go(600).numbers) == {number}


def test_what_else_changes_is_not_taken_for_the_slots() -> None:
    """If a limit of the rate is lifted during a trial, the trial shows nothing."""
    aimd, rate = Aimd(Adaptive(start=8), 0.0), 8.0
    run = Run(lambda _, __: (rate * MIB, []), aimd)
    while aimd.slots == 8:
        run.go(STEP)
    assert aimd.slots == 16
    rate = 16.0
    aimd.restart(run.now)
    run.go(60)
    # It stays with what it has; were that taken for the fruit of sixteen, there would be more.
    assert aimd.slots == 16


HAPPENINGS = st.lists(
    st.tuples(
        st.floats(0, 60),
        st.integers(0, 64),
        st.integers(-10 * MIB, 1000 * MIB),
        st.integers(0, 300),
        st.sampled_from([None, THROTTLED, LOST]),
    ),
    max_size=200,
)
BOUNDS = st.tuples(st.integers(1, 64), st.integers(1, 64), st.integers(1, 64)).map(sorted)


@given(BOUNDS, HAPPENINGS)
def test_always_within_bounds(
    bounds: list[int], happenings: list[tuple[float, int, int, int, AsyncupError | None]]
) -> None:
    """Never below the least or above the most; a reason is given exactly for a change."""
    least, start, most = bounds
    aimd, now = Aimd(Adaptive(least=least, start=start, most=most), 0.0), 0.0
    for seconds, in_use, count, parts, error in happenings:
        now, before = now + seconds, aimd.slots
        if error is None:
            reason = aimd.moved(now, in_use, count=count, parts=parts)
            assert aimd.slots <= max(2 * before, most if reason is SlotsReason.RECOVERED else 0)
        else:
            reason = aimd.failed(now, error)
            assert aimd.slots in {before, max(least, before // 2)}
        assert least <= aimd.slots <= most
        assert (reason is not None) == (aimd.slots != before)


def test_a_ramp_lets_go_one_by_one() -> None:
    """However much moves, one more at a time; eight within three times what it doubles in."""
    ramp, now, numbers = Ramp(), 100.0, [1]
    ramp.begin(now)
    while ramp.slots < 8:
        now += 0.01
        ramp.moved(now)
        numbers.append(ramp.slots)
    assert all(after - before in {0, 1} for before, after in pairwise(numbers))
    assert DOUBLED_IN * 2 <= now - 100.0 <= DOUBLED_IN * 3


def test_a_ramp_waits_where_nothing_moves() -> None:
    """After a long silence, what moves lets go one part, and not all that time would have."""
    ramp = Ramp()
    ramp.begin(0.0)
    ramp.moved(1000.0)
    assert ramp.slots == 2


def test_a_ramp_goes_back() -> None:
    """What fails during it halves it."""
    ramp = Ramp()
    ramp.begin(0.0)
    for now in range(1, 10):
        ramp.moved(float(now))
    ramp.failed(10.0)
    assert ramp.slots == 5
    ramp.moved(10.01)
    assert ramp.slots == 5


@pytest.mark.parametrize(
    ("error", "after", "slots"),
    [
        pytest.param(LOST, 5, 8, id="the way was lost"),
        pytest.param(LOST, EXCUSED + 1, 4, id="that was something else"),
        pytest.param(THROTTLED, 5, 4, id="S3 asked for fewer"),
    ],
)
def test_an_outage_is_no_fruit_of_the_slots(error: AsyncupError, after: float, slots: int) -> None:
    """What the whole way's being lost has halved is taken back when that is found."""
    aimd = Aimd(Adaptive(start=8), 0.0)
    for _ in range(4):
        aimd.failed(10.0, error)
    assert aimd.slots == 4
    aimd.excuse(10.0 + after)
    assert aimd.slots == slots


def test_it_begins_with_doubling() -> None:
    """Where one connection carries little, all that there may be are in use within seconds."""
    run = Run(wide(1000, 0.3)).go(8)
    assert list(dict.fromkeys(run.numbers)) == [8, 16, 32]


def test_doubling_ends_where_it_brings_little() -> None:
    """And where it brings nothing, it is taken back at once."""
    run = Run(wide(8, 2)).go(8)
    assert list(dict.fromkeys(run.numbers)) == [8, 16]
    assert run.numbers[-1] == 8


def test_when_all_connections_are_lost_it_was_the_way() -> None:
    """Nearly all at once is an outage too short to be looked for; if it comes again, it is not."""
    aimd = Aimd(Adaptive(start=8), 0.0)
    for number in range(8):
        aimd.failed(1.0 + number / 10, LOST)
    assert aimd.slots == 8
    for number in range(8):
        aimd.failed(100.0 + number / 10, LOST)
    assert aimd.slots == 4


def test_doubling_stays_within_the_bounds() -> None:
    """Also where the most is no power of two, and what that brings is more than it is."""
    aimd = Aimd(Adaptive.between(1, 9), 0.0)
    run = Run(wide(1000, 10, noise=0.2), aimd).go(600)
    assert max(run.numbers) == 9
