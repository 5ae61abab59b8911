"""Ctrl-C, and the signals that mean the same: first stop so that it can go on, then at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from asyncup.core.errors import Interrupted

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def stopping_by_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first signal, cancel the current task at the second, exit at the third.

    To be used in the event loop.
    """
    task = asyncio.current_task()
    received = 0

    def receive() -> None:
        nonlocal received
        received += 1
        if received == 1:
            stop()
        elif received == 2 and task is not None:  # noqa: PLR2004
            task.cancel()
        else:
            # Whatever hangs now would hang for ever.
            os._exit(Interrupted.exit_code)

    restore = [_install(number, receive) for number in _SIGNALS]
    try:
        yield
    finally:
        for undo in restore:
            undo()


def _install(number: signal.Signals, receive: Callable[[], None]) -> Callable[[], object]:
    loop = asyncio.get_running_loop()
    if signal.getsignal(number) is signal.SIG_IGN:
        # nohup and shells' background jobs ask not to be stopped by it.
        return lambda: None
    try:
        loop.add_signal_handler(number, receive)
    except NotImplementedError:  # Windows
        before = signal.signal(number, lambda *_: loop.call_soon_threadsafe(receive))
        return lambda: signal.signal(number, before)
    return lambda: loop.remove_signal_handler(number)
