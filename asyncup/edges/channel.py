"""Messages over streams of bytes, and workers as processes of this machine."""

import asyncio
import os
import signal
import sys
from collections import deque
from contextlib import suppress
from typing import Protocol

from asyncup.core.messages import Message, decode, encode

LONGEST_LINE = 1 << 20
"""Bytes. A message has a key, a path, headers: some tens of KiB at most."""

_TAIL = 20
"""Lines of standard error that are kept of a worker."""


_SECRET = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


class Channel(Protocol):
    """One end of a way on which messages go both ways, in order."""

    def send(self, message: Message) -> None:
        """Tell the other end something; nobody may be there any more to hear it."""

    async def receive(self) -> Message | None:
        """Return what the other end tells next, None if it has gone, or has lost its senses."""


class WorkerChannel(Channel, Protocol):
    """The way to a worker."""

    def kill(self) -> None:
        """End the worker at once, whatever it does."""

    async def ended(self) -> str:
        """Wait until it has ended, after `receive` gave None or a `kill`, and say how."""


class StreamChannel:
    """A channel over an open pair of streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._is_garbled = False

    def send(self, message: Message) -> None:
        """Tell the other end something."""
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def receive(self) -> Message | None:
        """Return what the other end tells next, None if it has gone, or tells no message."""
        try:
            line = await self._reader.readline()
            # Without its end, it is what somebody was about to say when they were killed.
            return decode(line) if line.endswith(b"\n") else None
        except ConnectionError:
            return None
        except ValueError:  # also of a line that is too long
            self._is_garbled = True
            return None


class WorkerProcess(StreamChannel):
    """The way to a worker that is a process of its own, over its standard streams."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        errors: asyncio.StreamReader,
    ) -> None:
        super().__init__(reader, writer)
        self._process = process
        self._told: deque[str] = deque(maxlen=_TAIL)
        self._listening = asyncio.create_task(self._listen(errors))

    async def _listen(self, errors: asyncio.StreamReader) -> None:
        """Keep the end of what it writes to standard error, which is nothing for the user's."""
        while piece := await errors.read(LONGEST_LINE):
            self._told.extend(piece.decode(errors="replace").splitlines())

    def kill(self) -> None:
        """End the worker at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> str:
        """Wait until it has ended, and say how."""
        self._writer.close()
        if self._is_garbled:
            self.kill()
        code = await self._process.wait()
        await self._listening
        if self._is_garbled:
            return "was ended, because it wrote something else than messages"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        said = f": {self._told[-1]}" if self._told else ""
        return f"ended with status {code}{said}"


async def start_process() -> WorkerChannel:
    """Start a worker on this machine.

    It finds what it needs to know of S3 in what it is told, and in the environment, which it shares
    with this process but for the keys: those are told with each request. Nothing is on its command
    line. When this process ends, so does it.

    Raises:
        OSError: there is no room for another process.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        # What lies about in the working directory is not to be imported.
        *(sys.executable, "-P", "-m", "asyncup.worker"),
        env={name: value for name, value in os.environ.items() if name not in _SECRET},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        limit=LONGEST_LINE,
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("unreachable: they are pipes")
    return WorkerProcess(process, process.stdout, process.stdin, process.stderr)


async def standard_streams() -> StreamChannel:
    """Take over standard input and output as a channel: nothing else is read or written there."""
    loop = asyncio.get_running_loop()
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb", buffering=0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(outgoing, "wb", buffering=0)
    )
    return StreamChannel(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
