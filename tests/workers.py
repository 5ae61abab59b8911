"""Workers that are tasks of this process, on a virtual clock and over a gateway in memory.

What they and those who have hired them tell each other goes through the same lines as anywhere.
"""

import asyncio
from collections import deque

from asyncup.core.identity import Identity
from asyncup.core.messages import Message, OpenS3, decode, encode
from asyncup.edges.channel import WorkerChannel
from asyncup.edges.gateway import Gateway
from asyncup.edges.workbench import Workbench

Lines = asyncio.Queue[bytes]

GONE = b""

REMEMBERED = 200
"""Messages; to keep all of them would look as if those who sent them did."""


class MemoryChannel:
    """One end of a way through memory.

    Attributes:
        said: what was sent from here last.
        is_cut: nothing goes out any more.
    """

    def __init__(self, incoming: Lines, outgoing: Lines) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.said: deque[Message] = deque(maxlen=REMEMBERED)
        self.is_cut = False

    def send(self, message: Message) -> None:
        """Tell the other end something."""
        if not self.is_cut:
            self.said.append(message)
            self.outgoing.put_nowait(encode(message))

    async def receive(self) -> Message | None:
        """Return what the other end tells next."""
        line = await self.incoming.get()
        return decode(line) if line != GONE else None


class TaskWorker(MemoryChannel):
    """The way to a worker that is a task.

    Attributes:
        adopted: what it was told to sign with last.
    """

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(asyncio.Queue(), asyncio.Queue())
        self.adopted: deque[Identity] = deque(maxlen=REMEMBERED)
        self._far_end = MemoryChannel(self.outgoing, self.incoming)
        self._bench = Workbench(self._far_end, gateway, self.adopted.append)
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        assert isinstance(await self._far_end.receive(), OpenS3)
        await self._bench.run()

    @property
    def flights(self) -> int:
        """How many parts it is sending."""
        return len(self._bench._flights)

    def told(self) -> list[Message]:
        """Return what it has said last."""
        return list(self._far_end.said)

    def hang(self) -> None:
        """Let it hear and say nothing any more, and not end."""
        self.is_cut = self._far_end.is_cut = True

    def kill(self) -> None:
        """End it: from now on it neither says nor does anything."""
        self._far_end.is_cut = True
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
