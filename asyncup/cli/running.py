"""A command's coroutine, run to its end, and the signals that end it."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from asyncup.cli.signals import Signals, caught_signals
from asyncup.core.errors import Interrupted


def run_attended(
    main: Callable[[Signals], Coroutine[Any, Any, int]],
    *,
    if_cancelled: Callable[[], None] = lambda: None,
) -> int:
    """Run a command and return its exit status; it is given signals, to say what they stop.

    `if_cancelled` is called when the command was not left the time to end.
    """
    # They would warn on standard error, of each write to a connection that is lost, and with a
    # traceback of each time that keys are not refreshed: we tell of those.
    for name in ("asyncio", "botocore", "aiobotocore"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with caught_signals() as signals:
        try:
            return asyncio.run(_attend(main, signals))
        except asyncio.CancelledError:
            # A second Ctrl-C.
            if_cancelled()
            return Interrupted.exit_code


async def _attend(main: Callable[[Signals], Coroutine[Any, Any, int]], signals: Signals) -> int:
    # What is there by now stays, and is not looked through again and again.
    gc.freeze()
    # Little of what a run makes lies in circles: each look for it would find next to none.
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
    signals.attend()
    return await main(signals)
