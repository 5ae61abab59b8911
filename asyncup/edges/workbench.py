"""What a worker does: read and send parts as it is told, in the messages of `core.messages`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from asyncup.core.errors import AsyncupError
from asyncup.core.identity import Identity
from asyncup.core.messages import (
    Alive,
    Answer,
    CalledOff,
    CallOff,
    Failed,
    Grant,
    Message,
    Moved,
    ObjectTaken,
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
from asyncup.edges.body import PartBody
from asyncup.edges.channel import Channel
from asyncup.edges.chunks import compute, copy
from asyncup.edges.gateway import Gateway
from asyncup.edges.ranges import RangeReader

TICK = 0.05
"""Seconds between two reports of how far everything is."""

BEAT = 5.0
"""Seconds between two signs of life."""

MOMENT = 0.25
"""Seconds in which a question is answered."""


async def read(asked: ReadSpan) -> SpanRead:
    """Read a span.

    Raises:
        SourceError: it cannot be read, or not be copied.
    """
    span = asked.span
    with RangeReader(span.path, span.offset, span.size) as reader:
        if asked.into is None:
            found = await compute(reader, asked.algorithms)
        else:
            found = await copy(asked.into, reader, asked.algorithms)
        return SpanRead(asked.call, found, asked.is_end and await reader.has_more())


class Lease:
    """The bytes of one attempt that may go: `count`, None for all.

    `size` is how many it has, `want` is told how many could go when none may.
    """

    def __init__(self, size: int, count: int | None, want: Callable[[int], None]) -> None:
        self._left = size
        self._count = count
        self._want = want
        self._granted = asyncio.Event()

    def pace(self, most: int) -> int | Awaitable[int]:
        """Return how many bytes may go now, or what gives that when some may."""
        return self._spend(most) if self._count is None or self._count else self._wait(most)

    def _spend(self, most: int) -> int:
        spent = most
        if self._count is not None:
            spent = min(most, self._count)
            self._count -= spent
        self._left -= spent
        return spent

    async def _wait(self, most: int) -> int:
        while self._count == 0:
            self._granted.clear()
            # More than is left goes where S3 wants it from the beginning again.
            self._want(max(most, self._left))
            await self._granted.wait()
        return self._spend(most)

    def grant(self, count: int | None) -> None:
        """Let more bytes go."""
        self._count = count
        self._granted.set()

    def ration(self) -> None:
        """Let no more go than are asked for from now on."""
        if self._count is None:
            self._count = 0


class _Flight:
    """An attempt on its way, and what was told of it last."""

    def __init__(self, body: PartBody) -> None:
        self.body = body
        self.told = (0, 0.0, False)


class Patience:
    """How long one attempt is waited for that stands still; `ask` is told for how long it has."""

    def __init__(self, ask: Callable[[float], None]) -> None:
        self._ask = ask
        self._asked: float | None = None
        self._more: float | None = None

    def persist(self, stood_for: float) -> float:
        """Return what was answered; as long as nothing was, a moment.

        An answer about an earlier standstill is none about this one.
        """
        if self._asked is None or stood_for < self._asked:
            self._asked, self._more = stood_for, None
            self._ask(stood_for)
        if self._more is None:
            return MOMENT
        more, self._asked, self._more = self._more, None, None
        return more

    def answer(self, more: float) -> None:
        """Take in for how many seconds to go on."""
        self._more = more


class Workbench:
    """Does what it is told on a channel, until that ends.

    Args:
        gateway: takes parts to S3.
        adopt: is told what the request that follows is to be signed with.
    """

    def __init__(
        self, channel: Channel, gateway: Gateway, adopt: Callable[[Identity], None]
    ) -> None:
        self._channel = channel
        self._gateway = gateway
        self._adopt = adopt
        self._tasks: dict[int, asyncio.Task[Answer]] = {}
        self._leases: dict[int, Lease] = {}
        self._patience: dict[int, Patience] = {}
        self._flights: dict[int, _Flight] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Work; what is under way when the channel ends is dropped.

        A bug ends the worker.
        """
        try:
            await self._work()
        except BaseExceptionGroup as bugs:
            # The last line of a traceback is what is told of it; that of a group says nothing.
            raise bugs.exceptions[0] from None

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat())
            while (message := await self._channel.receive()) is not None:
                self._take(message, group)
            for task in (beating, *self._tasks.values()):
                task.cancel()

    async def _beat(self) -> None:
        while True:
            self._channel.send(Alive())
            await asyncio.sleep(BEAT)

    def _take(self, message: Message, group: asyncio.TaskGroup) -> None:
        match message:
            case ReadSpan(call=call):
                self._begin(group, call, read(message))
            case Send(call=call):
                self._adopt(message.identity)
                lease = self._leases[call] = self._lease(message)
                patience = self._patience[call] = Patience(partial(self._stuck, call))
                self._begin(group, call, self._send(message, lease, patience))
            case CallOff(call) if call in self._tasks:
                self._tasks[call].cancel()
            case Grant(call, count) if call in self._leases:
                self._leases[call].grant(count)
            case Persevere(call, seconds) if call in self._patience:
                self._patience[call].answer(seconds)
            case Ration():
                for lease in self._leases.values():
                    lease.ration()
            case _:
                pass  # about what has ended meanwhile

    def _lease(self, asked: Send) -> Lease:
        call, count = asked.call, 0 if asked.is_limited else None
        return Lease(asked.span.size, count, lambda most: self._channel.send(Want(call, most)))

    def _stuck(self, call: int, stood_for: float) -> None:
        self._channel.send(Stuck(call, stood_for))

    def _begin(
        self, group: asyncio.TaskGroup, call: int, doing: Coroutine[Any, Any, Answer]
    ) -> None:
        task = self._tasks[call] = group.create_task(_answer(call, doing))
        task.add_done_callback(partial(self._done, call, doing))

    def _done(
        self, call: int, doing: Coroutine[Any, Any, Answer], task: "asyncio.Task[Answer]"
    ) -> None:
        # One that was called off before it began has not been awaited.
        doing.close()
        del self._tasks[call]
        self._leases.pop(call, None)
        self._patience.pop(call, None)
        if task.cancelled():
            self._channel.send(CalledOff(call))
        elif task.exception() is None:
            self._channel.send(task.result())

    async def _send(self, asked: Send, lease: Lease, patience: Patience) -> Answer:
        span, call = asked.span, asked.call
        reader = RangeReader(span.path, span.offset, span.size)
        with PartBody(reader, span.size, lambda _: None, lease.pace, patience.persist) as body:
            self._flights[call] = _Flight(body)
            self._report_later()
            try:
                return await self._deliver(asked, body)
            finally:
                self._report(call, self._flights.pop(call))

    async def _deliver(self, asked: Send, body: PartBody) -> Answer:
        call, checksums, gateway = asked.call, asked.checksums, self._gateway
        match asked:
            case UploadPart(upload=upload, number=number):
                return PartTaken(call, await gateway.upload_part(upload, number, body, checksums))
            case PutObject(uri=uri, attributes=attributes):
                head = await gateway.put_object(
                    uri,
                    body,
                    checksums,
                    attributes,
                    algorithm=asked.algorithm,
                    only_if_absent=asked.only_if_absent,
                )
                return ObjectTaken(call, head)
            case _:
                raise AssertionError("unreachable: there are these two")

    def _report_later(self) -> None:
        if self._timer is None and self._flights:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for call, flight in self._flights.items():
            self._report(call, flight)
        self._report_later()

    def _report(self, call: int, flight: _Flight) -> None:
        """Tell how far an attempt is, unless it has been told."""
        now = asyncio.get_running_loop().time()
        told = (flight.body.sent, flight.body.held(now), flight.body.loses)
        if told != flight.told:
            flight.told = told
            self._channel.send(Moved(call, *told))


async def _answer(call: int, doing: Coroutine[Any, Any, Answer]) -> Answer:
    """Do something, and return also as an answer what goes wrong."""
    try:
        return await doing
    except AsyncupError as error:
        return Failed(call, error)
