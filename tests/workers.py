"""Workers that are tasks of this process, on a virtual clock and over a gateway in memory.

What they and those who have hired them tell each other goes through the same lines as anywhere.
"""

import asyncio

from asyncup.core.messages import Message, OpenS3, decode, encode
from asyncup.edges.channel import WorkerChannel
from asyncup.edges.gateway import Gateway
from asyncup.edges.workbench import Workbench

Lines = asyncio.Queue[bytes]

GONE = b""


class MemoryChannel:
    """One end of a way through memory."""

    def __init__(self, incoming: Lines, outgoing: Lines) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.is_closed = False

    def send(self, message: Message) -> None:
        """Tell the other end something, unless this one is closed."""
        if not self.is_closed:
            self.outgoing.put_nowait(encode(message))

    async def receive(self) -> Message | None:
        """Return what the other end tells next."""
        line = await self.incoming.get()
        return decode(line) if line != GONE else None


class TaskWorker(MemoryChannel):
    """The way to a worker that is a task; it may be killed at any moment."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(asyncio.Queue(), asyncio.Queue())
        self._far_end = MemoryChannel(self.outgoing, self.incoming)
        self._gateway = gateway
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        assert isinstance(await self._far_end.receive(), OpenS3)
        await Workbench(self._far_end, self._gateway, lambda _: None).run()

    def kill(self) -> None:
        """End it: from now on it neither says nor does anything."""
        if not self._far_end.is_closed:
            self._far_end.is_closed = True
            self.incoming.put_nowait(GONE)
            self._task.cancel()

    async def ended(self) -> str:
        """Wait for its end."""
        await asyncio.wait([self._task])
        return "was ended by SIGKILL"


class TaskWorkers:
    """Starts workers over one gateway.

    Attributes:
        started: all that were ever started, the newest last.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.started: list[TaskWorker] = []

    async def start(self) -> WorkerChannel:
        """Start one."""
        self.started.append(TaskWorker(self._gateway))
        return self.started[-1]
