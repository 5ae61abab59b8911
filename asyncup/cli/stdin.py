"""Standard input as a stream of bytes."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, TextIO

from aiofiles.threadpool import wrap

from asyncup.core.errors import UsageError
from asyncup.edges.threads import DaemonThreads
from asyncup.engine.stream import AsyncReader

_LIMIT = 1 << 20


def raw_stdin() -> BinaryIO:
    """Return standard input without a buffer: a read gives what is there.

    Python's own buffer is locked while a thread reads from it, and a program that ends at such a
    moment is killed for it.

    Raises:
        UsageError: it is closed.
    """
    return open(_stdin().fileno(), "rb", buffering=0, closefd=False)


def _stdin() -> TextIO:
    if sys.stdin is None:
        raise UsageError("read standard input: it is closed", hint="pipe something in, or < FILE")
    return sys.stdin


@asynccontextmanager
async def open_stdin() -> AsyncIterator[AsyncReader]:
    """Open standard input; a wait for it keeps nothing from its end.

    Raises:
        UsageError: it is closed.
    """
    mode = os.fstat(_stdin().fileno()).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield wrap(raw_stdin(), executor=DaemonThreads())
        return
    reader = asyncio.StreamReader(limit=_LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), _stdin().buffer
    )
    try:
        yield reader
    finally:
        transport.close()
