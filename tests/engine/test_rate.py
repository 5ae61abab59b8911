"""Which limit holds: as asked for, by the time of day, by hand; each change is told once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.conditions import RateChanged
from asyncup.core.errors import UsageError
from asyncup.core.events import Event
from asyncup.core.options import Limits
from asyncup.core.rates import LOWEST_RATE, RateLimit
from asyncup.edges.body import SLICE
from asyncup.engine.rate import RateControl
from tests.engine.kit import OPTIONS, URI, Ears, jobs, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

KIB, MIB = 1 << 10, 1 << 20
BEGAN = datetime(2024, 1, 1, 7, 59, 30, 250_000, tzinfo=UTC)
"""A Monday, at half a minute to eight and a bit."""

Told = list[tuple[float, Event]]


def told_of(limit: str, act: Callable[[RateControl], Awaitable[None]]) -> Told:
    """Return what is announced and when, from BEGAN on, while something is done to a control."""
    told: Told = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return BEGAN + timedelta(seconds=loop.time())

        ears = Ears(lambda _, event: told.append((loop.time(), event)))
        with RateControl(RateLimit.parse(limit), ears, now) as control:
            await act(control)

    run(main())
    return told


def test_the_timetable_switches_at_the_right_second() -> None:
    """At eight o'clock sharp it slows down, an hour later it is as fast as it goes."""

    async def wait(_: RateControl) -> None:
        await asyncio.sleep(7200)

    assert told_of("08:00=2MiB/s 09:00=off Tue-08:00=1M", wait) == [
        (29.75, RateChanged(2 * MIB, "timetable")),
        (3629.75, RateChanged(None, "timetable")),
    ]


def test_a_limit_is_told_at_the_beginning() -> None:
    """Who wonders why it is slow can read it; who set no limit need not be told so."""

    async def wait(_: RateControl) -> None:
        await asyncio.sleep(60)

    assert told_of("2MiB/s", wait) == [(0, RateChanged(2 * MIB, "as asked for"))]
    assert told_of("off", wait) == []


def test_a_clock_that_is_set_is_followed() -> None:
    """When the clock is set, or summer begins, the rate of the new time holds within a second."""
    told: Told = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        shift = timedelta()
        ears = Ears(lambda _, event: told.append((loop.time(), event)))
        with RateControl(
            RateLimit.parse("08:00=2MiB/s 09:00=off"),
            ears,
            lambda: BEGAN + shift + timedelta(seconds=loop.time()),
        ):
            await asyncio.sleep(10)
            shift = timedelta(hours=1)
            await asyncio.sleep(1)
        await asyncio.sleep(3600)

    run(main())
    (_, (when, event)) = told[0], told[-1]
    assert len(told) == 1
    assert 10 <= when <= 11
    assert event == RateChanged(2 * MIB, "timetable")


def test_what_was_set_by_hand_holds_until_the_next_switch() -> None:
    """A signal counts more than the timetable, until that has something new to say."""

    async def act(control: RateControl) -> None:
        await asyncio.sleep(60)
        control.halve("SIGUSR1")
        await asyncio.sleep(60)
        control.double("SIGUSR2")
        control.double("SIGUSR2")
        await asyncio.sleep(3600)

    assert told_of("08:00=2MiB/s 09:00=off", act) == [
        (29.75, RateChanged(2 * MIB, "timetable")),
        (60, RateChanged(1 * MIB, "SIGUSR1")),
        (120, RateChanged(2 * MIB, "SIGUSR2")),
        (120, RateChanged(4 * MIB, "SIGUSR2")),
        (3629.75, RateChanged(None, "timetable")),
    ]


def test_another_limit_takes_the_place_of_the_timetable() -> None:
    """After a change of the configuration, the old times do nothing; what changes nothing is
    not told.
    """  # noqa: D205 - one sentence

    async def act(control: RateControl) -> None:
        control.follow(RateLimit.parse("1MiB/s"), "asyncup.toml")
        control.follow(RateLimit.parse("1MiB/s"), "asyncup.toml")
        await asyncio.sleep(3600)
        control.follow(RateLimit.parse("08:00=3M 08:59=off"), "asyncup.toml")
        await asyncio.sleep(60)

    assert told_of("08:00=2MiB/s 09:00=off", act) == [
        (0, RateChanged(1 * MIB, "asyncup.toml")),
        (3600, RateChanged(None, "asyncup.toml")),
    ]


def test_the_clock_is_looked_at_once_a_second() -> None:
    """However often the timetable was changed, only the last one is kept up with."""
    looks = 0

    async def main() -> None:
        nonlocal looks
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            nonlocal looks
            looks += 1
            return BEGAN + timedelta(seconds=loop.time())

        with RateControl(RateLimit(), Ears(), now) as control:
            for minute in range(10, 40):
                control.follow(RateLimit.parse(f"08:{minute}=1M 09:00=off"), "asyncup.toml")
            looks = 0
            await asyncio.sleep(60)

    run(main())
    # To see what holds, and when to come back.
    assert looks == 2 * 60


def test_half_of_no_limit_is_half_of_what_goes() -> None:
    """Halved while nothing limits it, it is limited to half of what went out just now."""

    async def act(control: RateControl) -> None:
        for _ in range(50):
            await asyncio.sleep(0.1)
            assert control.pace(SLICE) == SLICE
        control.halve("SIGUSR1")

    ((when, event),) = told_of("off", act)
    assert isinstance(event, RateChanged)
    assert event.rate == pytest.approx(5 * SLICE, rel=0.1)
    assert when == pytest.approx(5)


def test_nothing_comes_of_halving_nothing_or_doubling_no_limit() -> None:
    """Where nothing goes, half of it is no limit; and there is no limit to double."""

    async def act(control: RateControl) -> None:
        control.halve("SIGUSR1")
        control.double("SIGUSR2")

    assert told_of("off", act) == []


def test_halving_ends_at_the_lowest_rate() -> None:
    """However often it is halved, something goes."""

    async def act(control: RateControl) -> None:
        for _ in range(30):
            control.halve("SIGUSR1")

    assert told_of("1MiB/s", act)[-1] == (0, RateChanged(LOWEST_RATE, "SIGUSR1"))


def test_all_files_of_a_run_share_the_limit(tmp_path: Path) -> None:
    """Parts and small files together take as long as all that is sent takes, retries too."""
    s3 = FakeS3()
    s3.fail("upload_part", number=2, after=True)
    files = [
        (make_file(tmp_path, size, f"{size}"), replace(URI, key=f"{size}"))
        for size in (30 * KIB, 9 * KIB, 21 * KIB)
    ]
    limits = Limits(min_part_size=10, max_part_size=MIB, max_parts=50, part_size_step=10)
    options = replace(
        OPTIONS,
        part_size=10 * KIB,
        limits=limits,
        retry_step=0,
        limit_rate=RateLimit.parse("10KiB/s"),
    )
    ears = Ears()

    async def main() -> float:
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            assert (await up.put_all(jobs(files))).done == 3
        return asyncio.get_running_loop().time()

    took = run(main())
    moved = sum(event.count for event in ears.of(events.BytesSent))
    assert moved == 70 * KIB
    assert took == pytest.approx(moved / (10 * KIB), rel=0.1)
    assert ears.of(RateChanged) == [RateChanged(10 * KIB, "as asked for")]


def test_the_library_changes_the_limit(tmp_path: Path) -> None:
    """`limit_rate` takes what the option takes, while files are on their way."""
    file, s3, ears = make_file(tmp_path, 2000), FakeS3(), Ears()

    async def main() -> float:
        options = replace(OPTIONS, limit_rate=RateLimit.parse("1KiB/s"))
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            uploading = asyncio.create_task(up.put(file, URI))
            await asyncio.sleep(0.5)
            up.double_rate("impatient")
            up.double_rate()
            up.halve_rate()
            up.limit_rate("20MiB/s", "in a hurry")
            with pytest.raises(UsageError, match="'quickly' is not a rate"):
                up.limit_rate("quickly")
            up.limit_rate(RateLimit())
            await uploading
        return asyncio.get_running_loop().time()

    assert run(main()) < 1
    assert ears.of(RateChanged) == [
        RateChanged(1 * KIB, "as asked for"),
        RateChanged(2 * KIB, "impatient"),
        RateChanged(4 * KIB, "doubled"),
        RateChanged(2 * KIB, "halved"),
        RateChanged(20 * MIB, "in a hurry"),
        RateChanged(None, "as asked for"),
    ]
    assert s3.objects[URI.key].data == file.read_bytes()
