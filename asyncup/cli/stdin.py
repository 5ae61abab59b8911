"""Standard input as a stream of bytes."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiofiles.threadpool import wrap

from asyncup.engine.source import AsyncReader

_LIMIT = 1 << 20


@asynccontextmanager
async def open_stdin() -> AsyncIterator[AsyncReader]:
    """Open standard input; waiting for a pipe keeps no thread, which nothing could stop."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield wrap(sys.stdin.buffer)
        return
    reader = asyncio.StreamReader(limit=_LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    try:
        yield reader
    finally:
        transport.close()
