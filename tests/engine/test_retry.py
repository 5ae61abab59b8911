"""The loop of retries on a virtual clock: what waits, how long, and what ends it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.backoff import FREE_LOSSES, RetryPolicy
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    ConnectionLost,
    Fault,
    Interrupted,
    RetriesExhausted,
    ServerFault,
    Throttled,
    TooSlow,
    WorkerLost,
)
from asyncup.engine.link import Link
from asyncup.engine.retry import Retrier
from tests.engine.kit import OPTIONS, URI, Ears, make_file, uploader
from tests.fakes3 import FakeS3, lost
from tests.loop import run

POLICY = RetryPolicy(max_attempts=5, step=5, cap=12)


def failed() -> ServerFault:
    """Return an error that S3 has made, which is to be left alone for a while."""
    return ServerFault(Fault(action="upload part 7", code="InternalError"))


def attempts_of(
    errors: Sequence[AsyncupError], ears: Ears, stopping: asyncio.Event, chance: float = 0.0
) -> Callable[[], "asyncio.Future[float]"]:
    """Return what retries past some errors, and then returns the virtual time."""

    async def attempt(number: int) -> float:
        if number <= len(errors):
            raise errors[number - 1]
        return asyncio.get_running_loop().time()

    link = Link(FakeS3(), ears, stopping, policy=POLICY)
    retrier = Retrier(POLICY, link, ears, stopping, chance=lambda: chance)
    return lambda: asyncio.ensure_future(retrier(attempt, URI, 7))


def test_delay_grows_by_a_step_up_to_the_cap() -> None:
    """Attempt n is followed by n steps, and never by more than the cap."""
    ears = Ears()

    async def main() -> None:
        took = await attempts_of([failed()] * 4, ears, asyncio.Event())()
        assert took == 5 + 10 + 12 + 12

    run(main())
    told = ears.of(events.RetryScheduled)
    assert [(event.attempt, event.delay) for event in told] == [(1, 5), (2, 10), (3, 12), (4, 12)]
    assert {(event.uri, event.part_number) for event in told} == {(URI, 7)}


def test_jitter_shortens_a_delay() -> None:
    """Chance takes off up to a quarter."""

    async def main() -> None:
        took = await attempts_of([failed()], Ears(), asyncio.Event(), chance=1.0)()
        assert took == 3.75

    run(main())


def test_a_part_that_has_lost_its_connection_goes_again_at_once() -> None:
    """S3 is there, and has asked nobody to wait; what breaks again and again is waited for."""
    ears = Ears()

    async def main() -> None:
        assert await attempts_of([lost()] * 4, ears, asyncio.Event())() == 0 + 5 + 10 + 12
        with pytest.raises(RetriesExhausted, match="5 attempts"):
            await attempts_of([lost()] * 5, Ears(), asyncio.Event())()

    run(main())
    assert [event.delay for event in ears.of(events.RetryScheduled)] == [0, 5, 10, 12]


def test_retry_after_is_honoured_beyond_the_cap() -> None:
    """If S3 asks for a minute, it gets a minute."""
    slow = Throttled(Fault(action="x", code="SlowDown", retry_after=60.0))

    async def main() -> None:
        assert await attempts_of([slow], Ears(), asyncio.Event())() == 60

    run(main())


def test_gives_up_with_the_last_error() -> None:
    """After the last attempt, the error tells the cause, the attempts, and what to do."""
    errors = [*[lost()] * 4, ConnectionLost(Fault(action="the last one"))]

    async def main() -> None:
        with pytest.raises(RetriesExhausted, match=r"the last one.*5 attempts") as caught:
            await attempts_of(errors, Ears(), asyncio.Event())()
        assert caught.value.__cause__ is errors[-1]
        assert caught.value.hint is not None

    run(main())


def test_attempts_that_did_not_fail_do_not_count() -> None:
    """What is made again at once takes none of the attempts, and no time."""
    slow = TooSlow(Fault(action="x", message="slower than others"))
    ears = Ears()

    async def main() -> None:
        errors = [slow, failed(), slow, slow, *[failed()] * 3]
        assert await attempts_of(errors, ears, asyncio.Event())() == 5 + 10 + 12 + 12
        with pytest.raises(RetriesExhausted, match="5 attempts"):
            await attempts_of([*errors, failed()], Ears(), asyncio.Event())()

    run(main())
    told = ears.of(events.RetryScheduled)
    assert [event.attempt for event in told] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.delay for event in told] == [0, 5, 0, 0, 10, 12, 12]


def test_a_part_that_ends_every_worker_is_given_up() -> None:
    """A few losses cost it nothing; then each is an attempt, with the delay of one."""
    ears = Ears()

    async def main() -> None:
        errors = [WorkerLost("ended")] * 100
        with pytest.raises(RetriesExhausted, match="5 attempts"):
            await attempts_of(errors, ears, asyncio.Event())()

    run(main())
    told = [event.delay for event in ears.of(events.RetryScheduled)]
    assert told == [*[0] * FREE_LOSSES, 5, 10, 12, 12]


def test_permanent_error_is_not_retried() -> None:
    """An error that no retry mends comes through at once."""

    async def main() -> None:
        with pytest.raises(AccessDenied):
            await attempts_of([AccessDenied(Fault(action="x"))], Ears(), asyncio.Event())()
        assert asyncio.get_running_loop().time() == 0

    run(main())


def test_stopping_ends_a_delay() -> None:
    """Nobody waits for a retry that is not to be made."""

    async def main() -> None:
        stopping = asyncio.Event()
        waiting = attempts_of([lost()] * 4, Ears(), stopping)()
        await asyncio.sleep(7)
        stopping.set()
        with pytest.raises(Interrupted):
            await waiting
        assert asyncio.get_running_loop().time() == 7

    run(main())


def test_a_retry_holds_its_place(tmp_path: Path) -> None:
    """While a part waits for its next attempt, nobody else takes its place in the window."""
    file, s3 = make_file(tmp_path, 300), FakeS3()
    s3.fail("upload_part", number=1, times=3)

    async def main() -> float:
        options = replace(OPTIONS, concurrency=1, read_ahead=0)
        async with uploader(s3, tmp_path, options=options) as up:
            await up.put(file, URI)
        return asyncio.get_running_loop().time()

    # It goes at once, and waits 5 s and 10 s, less jitter.
    assert run(main()) >= 11
    assert s3.sent_parts() == [1, 2, 3]
