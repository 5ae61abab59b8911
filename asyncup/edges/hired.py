"""One worker as those see it who have hired it: calls, answers, and its end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from asyncup.core.errors import WorkerLost
from asyncup.core.messages import (
    Answer,
    CallOff,
    Failed,
    Grant,
    Message,
    Moved,
    ObjectTaken,
    OpenS3,
    PartTaken,
    Persevere,
    PutObject,
    Ration,
    ReadSpan,
    Send,
    SpanRead,
    Stuck,
    UploadPart,
    Want,
)
from asyncup.edges.body import Persist
from asyncup.edges.channel import WorkerChannel
from asyncup.edges.workbench import BEAT

PATIENCE = 5.0
"""Seconds that a worker may take to leave off; one that hangs is ended."""

SILENCE = 12
"""Times BEAT without a sign of life, after which a worker is taken to hang. They are counted, for
when the machine has slept, nobody could say anything.
"""

_DONE = (SpanRead, PartTaken, ObjectTaken)
"""What shows that a worker is of use."""

Asked = ReadSpan | Send

StartWorker = Callable[[], Awaitable[WorkerChannel]]
"""Starts a worker and returns the way to it."""


class Watched(Protocol):
    """Somebody who is told how an attempt goes on."""

    def told(self, sent: int, held: float, *, loses: bool) -> None:
        """Take note of how far it is."""

    def allowance(self, most: int) -> int | Awaitable[int] | None:
        """Return how many bytes may go now, or what gives that; None: all."""

    @property
    def persist(self) -> Persist:
        """Tells whether to wait for what has ceased to move."""


class _Call:
    """What one worker was asked for."""

    def __init__(self, asked: Asked, attempt: Watched | None) -> None:
        self.asked = asked
        self.attempt = attempt
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.is_told = False
        self.is_over = asyncio.Event()
        self.granting: asyncio.Future[int] | None = None

    def end(self, answer: Answer | WorkerLost) -> None:
        """Give the answer to who waits for it, if anybody does."""
        self.is_over.set()
        self.grant_no_more()
        if self.answer.done():
            return
        if isinstance(answer, WorkerLost):
            self.answer.set_exception(answer)
        elif isinstance(answer, Failed):
            self.answer.set_exception(answer.error)
        else:
            self.answer.set_result(answer)

    def grant_no_more(self) -> None:
        """Give back what was to be granted, if it has not been."""
        if self.granting is not None:
            self.granting.cancel()


class Hired:
    """One worker, which is started when it is needed, and again when it has ended.

    `losses` is how often it has ended in a row without having done anything.
    """

    def __init__(self, start: StartWorker, opening: OpenS3) -> None:
        self._start = start
        self._opening = opening
        self._channel: WorkerChannel | None = None
        self._calls: dict[int, _Call] = {}
        self._life: asyncio.Task[str] | None = None
        self._silent = 0
        self.losses = 0

    @property
    def load(self) -> int:
        """How much it has to do."""
        return len(self._calls)

    async def call(self, asked: Asked, attempt: Watched | None = None) -> Answer:
        """Ask for something and return the answer.

        Cancelled, it is left off: when this ends, nothing is sent or written any more, or the
        worker has been killed; cancelled once more, it does not wait for that. `attempt` is told
        nothing after the end.

        Raises:
            WorkerLost: it has ended before it was done.
            AsyncupError: it cannot be done.
        """
        call = self._calls[asked.call] = _Call(asked, attempt)
        self._begin()
        try:
            return await call.answer
        except asyncio.CancelledError:
            await self._call_off(call)
            raise
        finally:
            call.attempt = None

    def _begin(self) -> None:
        """Tell it what it has not been told, or start it first."""
        if self._channel is None:
            if self._life is None:
                self._life = asyncio.create_task(self._live())
                self._life.add_done_callback(self._lose)
            return
        for call in self._calls.values():
            if not call.is_told:
                call.is_told = True
                self._channel.send(call.asked)

    async def _call_off(self, call: _Call) -> None:
        if self._channel is None:
            # It has not heard of it yet, or has ended.
            self._calls.pop(call.asked.call, None)
            return
        self.tell(CallOff(call.asked.call))
        try:
            async with asyncio.timeout(PATIENCE):
                await call.is_over.wait()
        except TimeoutError:
            self.kill()

    def tell(self, message: Message) -> None:
        """Tell it something, if it is there."""
        if self._channel is not None:
            self._channel.send(message)

    def kill(self) -> None:
        """End it; what it is asked for from now on is for the one that is started then."""
        if self._channel is not None:
            self._channel.kill()
            self._channel = None

    async def close(self) -> None:
        """End it for good."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])

    async def _live(self) -> str:
        """Start it, hear what it says until it ends, and return how that was."""
        channel = await self._start()
        watching, is_at_work = asyncio.create_task(self._watch()), True
        try:
            channel.send(self._opening)
            self._channel = channel
            self._begin()
            # They may have been asked before there was a limit.
            channel.send(Ration())
            while (message := await channel.receive()) is not None:
                self._hear(message)
            is_at_work = False
        finally:
            watching.cancel()
            self._channel = None
            if is_at_work:
                channel.kill()
            how = await channel.ended()
        return how

    async def _watch(self) -> None:
        """End the worker if it says nothing for too long."""
        self._silent = 0
        while self._silent <= SILENCE:
            await asyncio.sleep(BEAT)
            self._silent += 1
        self.kill()

    def _lose(self, life: asyncio.Task[str]) -> None:
        """Let go of a worker that has ended, and of what it was told to do.

        One that has never come to life, or is ended for good, takes along what waits for it.
        """
        self.losses += 1
        self._life = None
        how, is_normal = _end(life)
        for call in list(self._calls.values()):
            if call.is_told or not is_normal:
                del self._calls[call.asked.call]
                call.end(WorkerLost(f"{_named(call.asked)}: the process that was at it {how}"))
        if self._calls:
            self._begin()

    def _hear(self, message: Message) -> None:
        self._silent = 0
        match message:
            case Moved(number) | Want(number) | Stuck(number) if call := self._calls.get(number):
                if call.attempt is not None:
                    self._hear_of(call, call.attempt, message)
            case Answer(number) if call := self._calls.pop(number, None):
                if isinstance(message, _DONE):
                    self.losses = 0
                call.end(message)
            case _:
                pass

    def _hear_of(self, call: _Call, attempt: Watched, message: Moved | Want | Stuck) -> None:
        match message:
            case Moved(_, sent, held, loses):
                attempt.told(sent, held, loses=loses)
            case Want(_, most):
                self._grant(call, attempt.allowance(most))
            case Stuck(number, stood_for):
                self.tell(Persevere(number, attempt.persist(stood_for)))

    def _grant(self, call: _Call, allowance: int | Awaitable[int] | None) -> None:
        call.grant_no_more()
        if allowance is None or isinstance(allowance, int):
            self.tell(Grant(call.asked.call, allowance))
        else:
            call.granting = asyncio.ensure_future(allowance)
            call.granting.add_done_callback(partial(self._granted, call))

    def _granted(self, call: _Call, granting: asyncio.Future[int]) -> None:
        if not granting.cancelled():
            self.tell(Grant(call.asked.call, granting.result()))


def _end(life: asyncio.Task[str]) -> tuple[str, bool]:
    """Return how a worker has ended, and whether it was there, and did so by itself."""
    if life.cancelled():
        return "was ended", False
    error = life.exception()
    if error is None:
        return life.result(), True
    if isinstance(error, OSError):
        return f"could not be started: {error.strerror or error}", False
    return f"could not be used: {str(error) or type(error).__name__}", False


def _named(asked: Asked) -> str:
    """Say what it is about, as every error does."""
    if isinstance(asked, UploadPart):
        return f"upload part {asked.number} of {asked.upload.uri}"
    if isinstance(asked, PutObject):
        return f"upload {asked.uri}"
    return "read a part"
