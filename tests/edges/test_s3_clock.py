"""Requests are signed by the clock of S3, however wrong this machine's is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from asyncup.core.errors import AccessDenied, ClockCorrected, ClockSkewed, ForeignAnswer
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.edges.s3 import S3
from asyncup.edges.s3_client import open_client
from asyncup.edges.s3_clock import SigningClock
from asyncup.embedded import EmbeddedServer
from tests.proxy import Answer, Fate, Script, error_answer, proxy_to
from tests.s3 import S3Server, config_of
from tests.servers import Server

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = "x-amz-request-id: 1"
SKEWED = error_answer("RequestTimeTooSkewed", 403, ID)

Use = Callable[[S3], Awaitable[None]]


def clock(ahead: timedelta) -> SigningClock:
    """Return a clock that is as far ahead of the right one as a test wants."""
    return SigningClock(lambda: datetime.now(UTC) + ahead)


def use(server: S3Server, clock: SigningClock, ask: Use, url: str | None = None) -> list[str]:
    """Make requests to a server, and return the times that they were signed with."""
    dates: list[str] = []

    def note(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        date = request.headers["X-Amz-Date"]
        dates.append(date if isinstance(date, str) else date.decode())

    async def main() -> None:
        async with open_client(config_of(server, url), connections=4, agent="test") as client:
            client.meta.events.register("before-send.s3", note)
            await ask(S3(client, Options(stall_timeout=5), clock=clock))

    asyncio.run(main())
    return dates


def through(script: Script, server: S3Server, clock: SigningClock, ask: Use) -> list[str]:
    """Make requests through a proxy with a script."""
    with proxy_to(server.endpoint_url, script) as proxy:
        return use(server, clock, ask, proxy.url)


@pytest.mark.parametrize("name", ["weed", "rclone"])
@pytest.mark.parametrize("ahead", [HOUR, -HOUR, timedelta(days=-9000)])
def test_a_wrong_clock_is_corrected(
    request: pytest.FixtureRequest, prefix: ObjectURI, name: str, ahead: timedelta
) -> None:
    """A server that refuses the time of a request is taken at its word for the next one."""
    server: Server | EmbeddedServer = request.getfixturevalue(name)
    wrong = clock(ahead)

    async def ask(s3: S3) -> None:
        with pytest.raises(ClockCorrected) as caught:
            await s3.list_objects(prefix, 1)
        assert (caught.value.transient, caught.value.stops_run) == (True, False)
        assert (await s3.list_objects(prefix, 1)).objects == {}
        assert await s3.head_object(prefix / "nothing") is None

    before, after, _ = use(server, wrong, ask)
    assert before[:11] != after[:11]
    assert abs(wrong.ahead + ahead) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["weed", "rclone"])
def test_what_answers_head_does_not_say_so(
    request: pytest.FixtureRequest, prefix: ObjectURI, name: str
) -> None:
    """HEAD is refused without a word: a clock that is far off is taken to be the reason."""
    server: Server | EmbeddedServer = request.getfixturevalue(name)

    async def ask(s3: S3) -> None:
        with pytest.raises(ClockCorrected):
            await s3.head_object(prefix / "nothing")
        assert await s3.head_object(prefix / "nothing") is None

    use(server, clock(HOUR), ask)


def test_a_probe_sets_the_clock_itself(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """Whoever only wants to know whether S3 can be reached is not troubled with the clock."""

    async def ask(s3: S3) -> None:
        await s3.probe(prefix)

    assert len(use(weed, clock(HOUR), ask)) == 2


def test_a_correction_that_does_not_help_is_the_end(
    weed: EmbeddedServer, prefix: ObjectURI
) -> None:
    """S3 that refuses the time that it has told itself is not asked again."""
    refusal = replace(SKEWED, headers=(ID, "Date: Sun, 01 Mar 2026 12:00:00 GMT"))

    async def ask(s3: S3) -> None:
        with pytest.raises(ClockCorrected):
            await s3.list_objects(prefix, 1)
        with pytest.raises(ClockSkewed) as caught:
            await s3.list_objects(prefix, 1)
        assert not caught.value.transient
        assert caught.value.hint == "set this machine's clock, for example with NTP"

    dates = through(lambda _: refusal, weed, clock(timedelta()), ask)
    assert dates[1].startswith("20260301T12")


@pytest.mark.parametrize("date", ["", "Date: yesterday", "Date: Mon, 01 Jan 99999 00:00:00 GMT"])
def test_without_a_date_there_is_nothing_to_go_by(
    weed: EmbeddedServer, prefix: ObjectURI, date: str
) -> None:
    """An answer that tells of skew and no time leaves it to the user."""
    refusal = replace(SKEWED, headers=(ID, *([date] if date else ())))

    async def ask(s3: S3) -> None:
        with pytest.raises(ClockSkewed) as caught:
            await s3.list_objects(prefix, 1)
        assert type(caught.value) is ClockSkewed

    through(lambda _: refusal, weed, clock(timedelta()), ask)


def test_a_denial_stays_a_denial(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """Where the clock is right, or nearly, what is denied without a word is denied."""
    soon = datetime.now(UTC) + timedelta(minutes=3)
    denial = Answer(403, "", (ID, f"Date: {soon:%a, %d %b %Y %H:%M:%S} GMT"))

    async def ask(s3: S3) -> None:
        with pytest.raises(AccessDenied):
            await s3.head_object(prefix / "x")

    through(lambda _: denial, weed, clock(timedelta()), ask)


def test_nobody_else_sets_the_clock(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """A captive portal's idea of the time is its own."""
    page = ("Content-Type: text/html", "Date: Sun, 01 Mar 2020 12:00:00 GMT")
    right = clock(timedelta())

    async def ask(s3: S3) -> None:
        with pytest.raises(ForeignAnswer):
            await s3.head_object(prefix / "x")

    through(lambda _: Answer(403, "<html></html>", page), weed, right, ask)
    assert right.ahead == timedelta()


def test_requests_of_the_same_wrong_time_are_all_corrected(
    weed: EmbeddedServer, prefix: ObjectURI
) -> None:
    """Requests that were under way together, with the same wrong time, are all made again."""

    async def ask(s3: S3) -> None:
        both = [s3.list_objects(prefix, 1), s3.list_objects(prefix, 1)]
        errors = await asyncio.gather(*both, return_exceptions=True)
        assert [type(error) for error in errors] == [ClockCorrected, ClockCorrected]

    use(weed, clock(HOUR), ask)


def test_the_clock_follows_what_s3_says() -> None:
    """A clock that is set right later is followed, too; less than a minute is no correction."""
    local = NOW
    clock = SigningClock(lambda: local)
    assert clock.now() == NOW
    assert clock.correct("Sun, 01 Mar 2026 13:00:00 GMT", clock.ahead)
    assert (clock.ahead, clock.now()) == (HOUR, NOW + HOUR)
    assert not clock.correct("Sun, 01 Mar 2026 13:00:59 GMT", clock.ahead)
    local = NOW + HOUR
    assert clock.correct("Sun, 01 Mar 2026 13:00:00 GMT", clock.ahead)
    assert clock.now() == NOW + HOUR


def test_bodies_stay_unsigned(weed: EmbeddedServer) -> None:
    """The signature of our own, too, covers the headers of a part and not its bytes."""
    seen: list[Any] = []

    async def main() -> None:
        async with open_client(config_of(weed), connections=4, agent="test") as client:
            client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request))
            await S3(client, Options()).list_objects(ObjectURI("test-bucket"), 1)

    asyncio.run(main())
    (request,) = seen
    assert request.headers["X-Amz-Content-SHA256"] == b"UNSIGNED-PAYLOAD"


def test_the_process_signs_as_before(weed: EmbeddedServer) -> None:
    """Other clients of the same process are botocore's own, at the time of the machine."""
    with proxy_to(weed.endpoint_url, lambda _: Fate.PASS) as proxy:
        config = config_of(weed, proxy.url)

        async def main() -> None:
            async with (
                open_client(config, connections=4, agent="test") as ours,
                open_client(config, connections=4, agent="test") as other,
            ):
                s3 = S3(ours, Options(), clock=clock(HOUR))
                with pytest.raises(ClockCorrected):
                    await s3.list_objects(ObjectURI("test-bucket"), 1)
                await other.list_objects_v2(Bucket="test-bucket", MaxKeys=1)

        asyncio.run(main())
