"""Limits of the rate as people write them, and the arithmetic of keeping to one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.errors import UsageError
from asyncup.core.rates import (
    HIGHEST_RATE,
    LEEWAY,
    LOWEST_RATE,
    Bucket,
    Meter,
    RateLimit,
    doubled,
    halved,
    lease,
)

KIB, MIB = 1 << 10, 1 << 20
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


def at(limit: str, day: int, time: str) -> int | None:
    """Return a limit's rate at a time of a day of the week, Monday is 0."""
    hour, minute = map(int, time.split(":"))
    return RateLimit.parse(limit).rate_at(MONDAY + timedelta(days=day, hours=hour, minutes=minute))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20MiB/s", 20 * MIB),
        ("20M", 20 * MIB),
        ("20m/S", 20 * MIB),
        ("2.5MB/s", 2_500_000),
        ("2.5 MB / s", 2_500_000),
        (" 10KiB/s ", 10 * KIB),
        ("1048576", MIB),
        ("off", None),
        ("OFF", None),
    ],
)
def test_a_rate_is_read(text: str, rate: int | None) -> None:
    """A rate is a size, with or without `/s`, or `off`; it holds at all times."""
    limit = RateLimit.parse(text)
    assert limit.is_constant
    assert {limit.rate_at(MONDAY + timedelta(hours=each)) for each in range(168)} == {rate}


WORKDAYS = "08:00=2MiB/s 19:00=off Sat-08:00=off sun-8:00=4M"


@pytest.mark.parametrize(
    ("day", "time", "rate"),
    [
        (0, "00:00", None),
        (0, "07:59", None),
        (0, "08:00", 2 * MIB),
        (4, "18:59", 2 * MIB),
        (4, "19:00", None),
        (5, "07:59", None),
        (5, "08:00", None),
        (6, "07:59", None),
        (6, "08:00", 4 * MIB),
        (6, "19:00", None),
    ],
)
def test_a_timetable_holds_from_its_times_on(day: int, time: str, rate: int | None) -> None:
    """Each rate holds until the next time; a time with a day counts more than that of every day."""
    assert at(WORKDAYS, day, time) == rate
    assert not RateLimit.parse(WORKDAYS).is_constant


@pytest.mark.parametrize(
    ("day", "time", "rate"),
    [(0, "00:00", MIB), (2, "09:29", MIB), (2, "09:30", KIB), (6, "23:59", KIB), (1, "23:59", MIB)],
)
def test_a_week_begins_as_the_one_before_ended(day: int, time: str, rate: int) -> None:
    """Before the first time of the week, the last one of it holds, and so round and round."""
    assert at("wed-9:30=1K Mon-00:00=1M", day, time) == rate
    assert at("Wed-09:30=1K", 0, "00:00") == KIB


def test_the_order_and_the_spaces_do_not_matter() -> None:
    """The same times and rates are the same limit."""
    assert RateLimit.parse("08:00=2M 19:00=off") == RateLimit.parse("19:00 = OFF\n8:00= 2MiB/s")


def test_by_itself_a_limit_is_none() -> None:
    """Who asks for nothing gets all."""
    assert RateLimit() == RateLimit.parse("off")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("fast", "'fast' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("-1M", "'-1M' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("20Mbit/s", "'20Mbit/s' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("20MiB/h", "'20MiB/h' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("0", "'0' is not between 1 KiB/s and 1 PiB/s; off is no limit"),
        ("512", "'512' is not between 1 KiB/s and 1 PiB/s; off is no limit"),
        ("9" * 400, f"'{'9' * 400}' is not between 1 KiB/s and 1 PiB/s; off is no limit"),
        ("08:00,2M", "'08:00,2M' is not a rate: write 20MiB/s, 2.5MB/s or off"),
        ("=2M", "'' is not a time of day: write 08:00 or Mon-08:00"),
        ("8=2M", "'8' is not a time of day: write 08:00 or Mon-08:00"),
        ("24:00=2M", "'24:00' is not between 00:00 and 23:59"),
        ("08:60=2M", "'08:60' is not between 00:00 and 23:59"),
        ("Day-08:00=2M", "'Day' is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("08:00=2M off", "'off' is not TIME=RATE"),
        ("08:00=2M 8:00=3M", "8:00 is given twice"),
        ("Mon-08:00=2M mon-8:00=off", "mon-8:00 is given twice"),
        ("08:00=", "'' is not a rate: write 20MiB/s, 2.5MB/s or off"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, problem: str) -> None:
    """What cannot be is refused in its own words, with what to write instead."""
    with pytest.raises(UsageError) as caught:
        RateLimit.parse(text)
    assert str(caught.value) == problem
    assert caught.value.hint is not None
    assert "08:00=2MiB/s 19:00=off" in caught.value.hint


def test_all_problems_are_in_one_message() -> None:
    """Who made several mistakes learns of all of them at once, also of two in one entry."""
    with pytest.raises(UsageError) as caught:
        RateLimit.parse("25:00=fast 08:00=2M nothing Foo-09:00=1")
    assert str(caught.value).split("; ", 4) == [
        "'25:00' is not between 00:00 and 23:59",
        "'fast' is not a rate: write 20MiB/s, 2.5MB/s or off",
        "'nothing' is not TIME=RATE",
        "'Foo' is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        "'1' is not between 1 KiB/s and 1 PiB/s; off is no limit",
    ]


@given(st.dictionaries(st.integers(0, 10_079), st.integers(LOWEST_RATE, 1 << 40), min_size=1))
def test_at_any_minute_the_latest_time_holds(times: dict[int, int]) -> None:
    """The rate of a minute is that of the last time before it, wherever the week begins."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    entries = [
        f"{days[minute // 1440]}-{minute // 60 % 24:02}:{minute % 60:02}={rate}"
        for minute, rate in times.items()
    ]
    limit = RateLimit.parse(" ".join(entries))
    for minute in {*times, *(each - 1 for each in times), 0, 10_079}:
        latest = minute - min((minute - each) % 10_080 for each in times)
        assert limit.rate_at(MONDAY + timedelta(minutes=minute)) == times[latest % 10_080]


@given(st.text(max_size=30) | st.text("0123456789:=-KMon off/s", max_size=30))
def test_any_text_is_a_limit_or_an_error(text: str) -> None:
    """Whatever is written, there is a limit or an error of ours."""
    try:
        limit = RateLimit.parse(text)
    except UsageError:
        return
    rate = limit.rate_at(MONDAY)
    assert rate is None or LOWEST_RATE <= rate <= HIGHEST_RATE


@pytest.mark.parametrize(
    ("limit", "measured", "rate"),
    [
        (20 * MIB, 5.0 * MIB, 10 * MIB),
        (None, 5.0 * MIB, 5 * MIB // 2),
        (None, 0.0, None),
        (LOWEST_RATE, 5.0 * MIB, LOWEST_RATE),
        (None, 3.0, LOWEST_RATE),
    ],
)
def test_half_a_rate(limit: int | None, measured: float, rate: int | None) -> None:
    """Half the limit, or of what goes; never so little that nothing would go at all."""
    assert halved(limit, measured) == rate


@pytest.mark.parametrize(
    ("limit", "rate"), [(MIB, 2 * MIB), (None, None), (HIGHEST_RATE, HIGHEST_RATE)]
)
def test_twice_a_rate(limit: int | None, rate: int | None) -> None:
    """Twice the limit; twice no limit is none."""
    assert doubled(limit) == rate


@pytest.mark.parametrize(
    ("rate", "size"),
    [
        (1 * KIB, KIB),
        (10 * KIB, KIB),
        (100 * KIB, 10 * KIB),
        (MIB, MIB // 10),
        (100 * MIB, 128 * KIB),
        (HIGHEST_RATE, 128 * KIB),
    ],
)
def test_slices_are_what_goes_in_a_tenth_of_a_second(rate: int, size: int) -> None:
    """The slower, the smaller the slices, so that many take turns; never less than 1 KiB."""
    assert Bucket(rate, 0.0).take(0.0, 128 * KIB) == size


def test_a_short_rest_goes_as_it_is() -> None:
    """The end of a part is not made any longer."""
    assert Bucket(MIB, 0.0).take(0.0, 7) == 7


@given(
    st.integers(10 * KIB, 1 << 40),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 128 * KIB)), max_size=60),
)
def test_never_more_goes_than_the_rate_and_a_little(
    rate: int, asked: list[tuple[float, int]]
) -> None:
    """In any time, what goes is at most the rate, what a fifth of a second gives, and a byte."""
    bucket, now = Bucket(rate, 0.0), 0.0
    went: list[tuple[float, int]] = []
    for pause, most in asked:
        now = max(now + pause if pause > 15 else now, bucket.opens_at)
        went.append((now, bucket.take(now, most)))
    for index, (begin, _) in enumerate(went):
        total = 0
        for end, size in went[index:]:
            total += size
            assert total <= rate * (end - begin + 2 * LEEWAY) + 1 + rate * 1e-9


def test_what_comes_back_can_go_again() -> None:
    """Bytes that were taken and did not go leave the bucket as it was."""
    bucket = Bucket(10 * KIB, 5.0)
    bucket.take(5.0, KIB)
    before = bucket.opens_at
    bucket.give_back(bucket.take(before, KIB))
    assert bucket.opens_at == pytest.approx(before)


def test_another_rate_holds_for_what_goes_next() -> None:
    """What has gone was paid at the rate that held then: a slow rate is not waited for."""
    bucket = Bucket(100 * MIB, 5.0)
    bucket.take(5.0, 128 * KIB)
    opens_at = bucket.opens_at
    bucket.rate = 10 * KIB
    assert bucket.opens_at == opens_at
    assert bucket.take(opens_at, 128 * KIB) == KIB
    assert bucket.opens_at == pytest.approx(opens_at + 0.1)


@pytest.mark.parametrize("pause", [0.001, 0.01, 0.1])
def test_what_goes_is_measured(pause: float) -> None:
    """A steady stream is measured as it is, whenever one looks."""
    meter, now = Meter(100.0), 100.0
    while now < 110.0:
        now += pause
        meter.add(now, round(pause * 1_000_000))
        assert meter.rate(now) == pytest.approx(1_000_000, rel=0.11)


def test_the_measure_follows_within_seconds() -> None:
    """What went long ago does not count: when it slows down, three seconds later that is seen."""
    meter = Meter(0.0)
    for tenth in range(200):
        meter.add(tenth / 10, 1000 if tenth < 100 else 10)
    assert meter.rate(13.0 + 7.0) == pytest.approx(100, rel=0.2)
    assert meter.rate(80.0) < 10


def test_nothing_is_measured_before_anything_went() -> None:
    """At the first moment, the rate is nothing, not an error."""
    assert Meter(5.0).rate(5.0) == 0
    assert Meter(5.0).rate(9.0) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("off", "off"),
        ("20M", "20MiB/s"),
        ("2.5MB/s", "2500000/s"),
        ("Mon-08:00=2M Sat-09:30=off", "Mon-08:00=2MiB/s Sat-09:30=off"),
    ],
)
def test_a_limit_is_told(text: str, told: str) -> None:
    """A limit is told as one can be written."""
    assert str(RateLimit.parse(text)) == told


@pytest.mark.parametrize("text", [WORKDAYS, "08:00=1M", "00:00=1M 12:00=off", "off"])
def test_a_limit_is_read_as_it_is_told(text: str) -> None:
    """What is told of a limit is the same limit."""
    limit = RateLimit.parse(text)
    again = RateLimit.parse(str(limit))
    hours = [MONDAY + timedelta(hours=hour) for hour in range(7 * 24)]
    assert [again.rate_at(hour) for hour in hours] == [limit.rate_at(hour) for hour in hours]


@pytest.mark.parametrize("rate", [1 << 10, 1 << 20, 10 << 20, 100 << 20, 10 << 30])
def test_a_lease_is_small_beside_the_rate(rate: int) -> None:
    """What 32 workers' parts were let send and have not sent is a tenth of a second's worth.

    Or one slice each, where that is more: no less goes at once in one process either.
    """
    assert 32 * lease(rate) <= max(rate / 10, 32 * (32 << 10))
    assert rate / lease(rate) <= 330
