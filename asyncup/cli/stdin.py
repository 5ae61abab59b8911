"""Standard input as a stream of bytes."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from aiofiles.threadpool import wrap

from asyncup.edges.threads import DaemonThreads
from asyncup.engine.source import AsyncReader

_LIMIT = 1 << 20


def raw_stdin() -> BinaryIO:
    """Return standard input without a buffer: a read gives what is there.

    Python's own buffer is locked while a thread reads from it, and a program that ends at such a
    moment is killed for it.
    """
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


@asynccontextmanager
async def open_stdin() -> AsyncIterator[AsyncReader]:
    """Open standard input; a wait for it keeps nothing from its end."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield wrap(raw_stdin(), executor=DaemonThreads())
        return
    reader = asyncio.StreamReader(limit=_LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    try:
        yield reader
    finally:
        transport.close()
