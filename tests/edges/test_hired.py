"""One worker as those see it who have hired it: whatever it says, and however it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from inspect import CORO_CLOSED, getcoroutinestate
from pathlib import Path
from typing import Any

import pytest

from asyncup.core.errors import SourceMissing, WorkerLost
from asyncup.core.messages import (
    Answer,
    CalledOff,
    Failed,
    Grant,
    Message,
    Moved,
    OpenS3,
    Persevere,
    ReadSpan,
    Span,
    SpanRead,
    Stuck,
    Want,
)
from asyncup.core.options import S3Config
from asyncup.edges.hired import PATIENCE, Hired
from tests.bodies import checksums_of
from tests.loop import run

OPENING = OpenS3(s3=S3Config(), concurrency=4, stall_timeout=30.0, asks_first=True, agent="test")
ASKED = ReadSpan(
    call=1, span=Span(Path("file"), 0, 3), algorithms=frozenset(), into=None, is_end=False
)
ANSWER = SpanRead(1, checksums_of(b"123"), has_more=False)


class Way:
    """The way to a worker that says what a test does.

    Attributes:
        heard: what was said to it.
    """

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()

    async def start(self) -> "Way":
        """Start it."""
        return self

    def say(self, *messages: Message) -> None:
        """Let it say some things in one go."""
        for message in messages:
            self._said.put_nowait(message)

    def send(self, message: Message) -> None:
        """Hear something."""
        self.heard.append(message)

    async def receive(self) -> Message | None:
        """Say what is next."""
        return await self._said.get()

    def kill(self) -> None:
        """End it."""
        self._said.put_nowait(None)

    async def ended(self) -> str:
        """Say how it has ended."""
        return "was ended by SIGKILL"

    @property
    def granted(self) -> list[Message]:
        """What it was granted."""
        return [each for each in self.heard if isinstance(each, Grant)]


class Attempt:
    """Who is told how an attempt goes on; `allowances` are what it gives, one after the other."""

    def __init__(self, *allowances: Awaitable[int]) -> None:
        self.seen: list[int] = []
        self.loses = False
        self.stood_for: list[float] = []
        self._allowances = list(allowances)

    def told(self, sent: int, _: float, *, loses: bool) -> None:
        """Take note, and refuse to believe what cannot be."""
        if sent < 0:
            raise ValueError("fewer than none")
        self.seen.append(sent)
        self.loses = loses

    def allowance(self, _: int) -> Awaitable[int]:
        """Give the next one."""
        return self._allowances.pop(0)

    def persist(self, stood_for: float) -> float:
        """Wait for as long again."""
        self.stood_for.append(stood_for)
        return stood_for


async def turns() -> None:
    """Let everybody go on who can."""
    for _ in range(20):
        await asyncio.sleep(0)


def work(main: Callable[[Way, Hired], Coroutine[Any, Any, None]]) -> None:
    """Do something with a worker, and leave no task."""

    async def whole() -> None:
        way = Way()
        worker = Hired(way.start, OPENING)
        await main(way, worker)
        await worker.close()
        await turns()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(whole())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("no room on the cluster"), "could not be used: no room on the cluster"),
        (KeyError(), "could not be used: KeyError"),
        (asyncio.CancelledError(), "was ended"),
    ],
    ids=["error", "bug", "cancelled"],
)
def test_whatever_keeps_a_worker_from_starting_is_told(
    error: BaseException, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for ever for a worker that does not come, and no traceback goes anywhere."""

    async def start() -> Way:
        raise error

    async def main() -> None:
        worker = Hired(start, OPENING)
        for losses in (1, 2):
            with pytest.raises(WorkerLost) as raised:
                await worker.call(ASKED)
            assert str(raised.value).endswith(told)
            assert (worker.losses, worker.load) == (losses, 0)

    run(main())
    assert caplog.records == []


@pytest.mark.parametrize(
    ("said", "losses"),
    [(Failed(1, SourceMissing("no file")), 2), (CalledOff(1), 2), (ANSWER, 1)],
    ids=["failed", "left off", "done"],
)
def test_a_worker_is_of_use_when_it_has_done_something(said: Answer, losses: int) -> None:
    """One that ends whatever it is asked, and is quick to say no, is not started for ever."""

    async def main() -> None:
        ways = [Way(), Way(), Way()]
        ways[0].kill()
        ways[1].say(said)
        ways[1].kill()
        left = iter(ways)

        async def start() -> Way:
            return next(left)

        worker = Hired(start, OPENING)
        with pytest.raises(WorkerLost):
            await worker.call(ASKED)
        with suppress(SourceMissing):
            await worker.call(ASKED)
        await turns()
        assert worker.losses == losses

    run(main())


def test_who_waits_for_a_worker_is_told_that_none_comes_any_more() -> None:
    """A worker that is ended for good while it starts is not started again for its calls."""
    started = 0

    async def start() -> Way:
        nonlocal started
        started += 1
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def main() -> None:
        worker = Hired(start, OPENING)
        calling = asyncio.create_task(worker.call(ASKED))
        await turns()
        await worker.close()
        with pytest.raises(WorkerLost, match="was ended"):
            await calling

    run(main())
    assert started == 1


def test_a_worker_that_says_what_cannot_be_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """What it says wrong is why its call is lost."""

    async def main(way: Way, worker: Hired) -> None:
        way.say(Moved(1, -5, 0.0, loses=False))
        with pytest.raises(WorkerLost, match="could not be used: fewer than none"):
            await worker.call(ASKED, Attempt())

    work(main)
    assert caplog.records == []


@pytest.mark.parametrize("is_impatient", [True, False], ids=["cancelled again", "no answer"])
def test_what_is_dropped_is_told_nothing_any_more(*, is_impatient: bool) -> None:
    """Who has left an attempt does not hear of it again, whatever the worker still says."""

    async def main(way: Way, worker: Hired) -> None:
        attempt = Attempt()
        way.say(Moved(1, 5, 0.0, loses=False))
        calling = asyncio.create_task(worker.call(ASKED, attempt))
        await turns()
        calling.cancel()
        await turns()
        assert not calling.done()
        if is_impatient:
            calling.cancel()
            way.say(Moved(1, 6, 0.0, loses=False), Want(1, 10))
        else:
            # What it says in the moment of its end.
            loop = asyncio.get_running_loop()
            loop.call_later(PATIENCE, way.say, Moved(1, 6, 0.0, loses=False), Want(1, 10))
        with pytest.raises(asyncio.CancelledError):
            await calling
        seen = list(attempt.seen)
        way.say(Moved(1, 7, 0.0, loses=False), Want(1, 10))
        await turns()
        assert attempt.seen == seen

    work(main)


def test_an_answer_may_come_with_a_last_question() -> None:
    """What was to be granted to a call that is answered by now is given back, and not forgotten."""

    async def allowance() -> int:
        return 10

    async def main(way: Way, worker: Hired) -> None:
        granting = allowance()
        way.say(Want(1, 10), ANSWER)
        assert await worker.call(ASKED, Attempt(granting)) == ANSWER
        await turns()
        assert way.granted == []
        assert getcoroutinestate(granting) == CORO_CLOSED

    work(main)


def test_what_stands_still_is_asked_about() -> None:
    """Whether a worker goes on waiting is not its own to say, and it is told at once."""

    async def main(way: Way, worker: Hired) -> None:
        attempt = Attempt()
        way.say(Moved(1, 5, 0.0, loses=True), Stuck(1, 30.5), ANSWER)
        assert await worker.call(ASKED, attempt) == ANSWER
        assert attempt.loses
        assert attempt.stood_for == [30.5]
        assert way.heard[-1] == Persevere(1, 30.5)

    work(main)


def test_who_asks_again_has_asked_once() -> None:
    """Of two questions for bytes, the second one is answered, and the first takes none away."""

    async def main(way: Way, worker: Hired) -> None:
        first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
        way.say(Want(1, 10), Want(1, 20))
        calling = asyncio.create_task(worker.call(ASKED, Attempt(first, second)))
        await turns()
        assert first.cancelled()
        second.set_result(15)
        await turns()
        assert way.granted == [Grant(1, 15)]
        way.say(ANSWER)
        await calling

    work(main)
