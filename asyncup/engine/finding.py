"""Finding what is to be done, ahead of those who do it, until it is time to stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

LOOK_AHEAD = 10_000
"""Files found before their turn, so that totals and time left are known early."""


async def unless_stopped(scan: Coroutine[Any, Any, None], stopping: asyncio.Event) -> bool:
    """Await a scan until all is found or it is time to stop: a list may come from a slow pipe.

    Returns whether all was found.
    """
    scanning = asyncio.create_task(scan)
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({scanning, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if scanning.done():
            scanning.result()
    finally:
        is_cut = scanning.cancel()
        waiting.cancel()
        await asyncio.gather(scanning, waiting, return_exceptions=True)
    return not is_cut
