"""How fast bytes may go out: limits as people write them, and the arithmetic of keeping to one.

Rates are in bytes per second, None is as fast as it goes. Moments are in seconds by any clock that
only goes forward; a timetable alone is about the time of day.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from asyncup.core.errors import UsageError
from asyncup.core.sizes import exact_size, format_size, parse_size

T = TypeVar("T")

LOWEST_RATE = 1 << 10
"""Below this, connections would rest for longer than servers keep them open."""

HIGHEST_RATE = 1 << 50
"""Above this, a limit is a mistake."""

_SHORTEST_SLICE = 1 << 10
_SLICES_A_SECOND = 10

LEEWAY = 0.1
"""Seconds that one may be late without a loss: what could have gone meanwhile goes at once."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(?:(?P<day>[a-z]+)-)?(?P<hour>\d{1,2}):(?P<minute>\d{2})", re.IGNORECASE)
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Switch:
    """From a minute of the week on, counted from Monday's first, this rate."""

    minute: int
    rate: int | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The most that may go out, by the local time of day; by itself, as fast as it goes.

    `switches` are in the order of the week. Before the first one, the last one holds.
    """

    switches: tuple[Switch, ...] = (Switch(0, None),)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `20MiB/s`, `2.5MB`, `off`, or a timetable: `08:00=2MiB/s 19:00=off Sat-08:00=off`.

        A time without a day is of every day; one with a day counts more.

        Raises:
            UsageError: it is no limit; all that is wrong is in one message.
        """
        reading = _Reading()
        if "=" in text:
            switches = _timetable(reading, re.sub(r"\s*=\s*", "=", text).split())
        else:
            switches = {0: reading.of(_rate, text.strip())}
        if reading.problems:
            hint = "write a rate, or times and rates, such as '08:00=2MiB/s 19:00=off'"
            raise UsageError("; ".join(reading.problems), hint=hint)
        return cls(tuple(Switch(minute, switches[minute]) for minute in sorted(switches)))

    def __str__(self) -> str:
        """Write it such that it is read as the same."""
        if self.is_constant:
            return _written(self.switches[0].rate)
        return " ".join(f"{_moment(each.minute)}={_written(each.rate)}" for each in self.switches)

    @property
    def is_constant(self) -> bool:
        """Whether it is the same at all times."""
        return len({switch.rate for switch in self.switches}) == 1

    def rate_at(self, now: datetime) -> int | None:
        """Return the rate at a time of day; its time zone is taken to be that of the limit."""
        minute = now.weekday() * _DAY + now.hour * 60 + now.minute
        passed = bisect_right(self.switches, minute, key=lambda switch: switch.minute)
        return self.switches[passed - 1].rate


def _written(rate: int | None) -> str:
    return "off" if rate is None else f"{exact_size(rate)}/s"


def _moment(minute: int) -> str:
    day, of_day = divmod(minute, _DAY)
    return f"{_DAYS[day].capitalize()}-{of_day // 60:02}:{of_day % 60:02}"


class _Reading:
    """Reads one piece after the other, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def of(self, read: Callable[[str], T], text: str) -> T | None:
        """Return what a piece of text says, None if that is nothing."""
        try:
            return read(text)
        except ValueError as error:
            self.problems.append(str(error))
            return None


def _timetable(reading: _Reading, entries: Iterable[str]) -> dict[int, int | None]:
    """Return rates by the minutes of the week at which they begin."""
    rates: dict[tuple[int | None, int], int | None] = {}
    for entry in entries:
        when, separator, what = entry.partition("=")
        if not separator:
            reading.problems.append(f"{entry!r} is not TIME=RATE")
            continue
        time, rate = reading.of(_time, when), reading.of(_rate, what)
        if time in rates:
            reading.problems.append(f"{when} is given twice")
        elif time is not None:
            rates[time] = rate
    daily = {minute: rate for (day, minute), rate in rates.items() if day is None}
    of_all_days = {day * _DAY + minute: rate for day in range(7) for minute, rate in daily.items()}
    return of_all_days | {
        day * _DAY + minute: rate for (day, minute), rate in rates.items() if day is not None
    }


def _time(text: str) -> tuple[int | None, int]:
    """Read `08:00` or `Mon-08:00` as a day, None for every one, and a minute of it."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time of day: write 08:00 or Mon-08:00")
    day, hour, minute = (found["day"] or "").lower(), int(found["hour"]), int(found["minute"])
    if day and day not in _DAYS:
        raise ValueError(f"{found['day']!r} is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    if hour >= 24 or minute >= 60:  # noqa: PLR2004 - as clocks have them
        raise ValueError(f"{text!r} is not between 00:00 and 23:59")
    return (_DAYS.index(day) if day else None), hour * 60 + minute


def _rate(text: str) -> int | None:
    if text.lower() == "off":
        return None
    try:
        rate = parse_size(re.sub(r"\s*/\s*s$", "", text, flags=re.IGNORECASE))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a rate: write 20MiB/s, 2.5MB/s or off") from error
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        low, high = format_size(LOWEST_RATE), format_size(HIGHEST_RATE)
        raise ValueError(f"{text!r} is not between {low}/s and {high}/s; off is no limit")
    return rate


def halved(limit: int | None, measured: float) -> int | None:
    """Return half the limit, or if there is none, half of what goes out."""
    rate = int(measured) if limit is None else limit
    # Half of nothing would be nothing for ever.
    return max(LOWEST_RATE, rate // 2) if rate else None


def doubled(limit: int | None) -> int | None:
    """Return twice the limit; there may be none."""
    return None if limit is None else min(HIGHEST_RATE, 2 * limit)


class Bucket:
    """Keeps what goes out to a rate.

    What goes closes the bucket for as long as it takes at the rate: a tenth of a second at most,
    from 10 KiB/s on. So in any 10 seconds, less than 5 % goes beyond the rate. Another `rate` that
    is set holds for what goes next.
    """

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self.opens_at = now

    def take(self, now: float, most: int) -> int:
        """Let some bytes out of an open bucket; return how many, at least one and at most `most`.

        A slice is small, so that many connections take turns, and none rests for long.
        """
        size = min(most, max(_SHORTEST_SLICE, self.rate // _SLICES_A_SECOND))
        self.opens_at = max(self.opens_at, now - LEEWAY) + size / self.rate
        return size

    def give_back(self, size: int) -> None:
        """Take bytes back that did not go out."""
        self.opens_at -= size / self.rate


_LEAST_LEASE = 32 << 10
_LEASES_A_SECOND = 320


def lease(rate: float) -> int:
    """Return how many bytes a worker may be let send at once, at a rate.

    As few as one slice of a body where that is slow, for what is let go and not sent yet comes on
    top of the rate; more where it is fast, for it takes two messages to ask.
    """
    return max(_LEAST_LEASE, int(rate) // _LEASES_A_SECOND)


class Meter:
    """Measures the rate of the last seconds: of one at least, and of three at most."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._count = 0
        self._before: float | None = None

    def add(self, now: float, count: int) -> None:
        """Count bytes that go out."""
        if now - self._since >= 2:  # noqa: PLR2004 - seconds, as told above
            self._before = self._count / (now - self._since)
            self._since, self._count = now, 0
        self._count += count

    def rate(self, now: float) -> float:
        """Return the rate of just now."""
        lasted = now - self._since
        if lasted < 1 and self._before is not None:
            return self._before
        return self._count / lasted if lasted > 0 else 0.0
