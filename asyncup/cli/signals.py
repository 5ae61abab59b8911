"""Ctrl-C, and the signals that mean the same: first stop so that it can go on, then at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from asyncup.core.errors import Interrupted

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Signals:
    """What is done about signals: each one is more urgent than the one before.

    The first one calls `stop`, the second one cancels the task, the third one ends the process.
    They are caught by Python, not by the event loop: while that is being closed, it may wait for
    a thread that never ends.

    Attributes:
        stop: None while there is nothing to stop: then the first signal cancels, too.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._received = 0

    def attend(self) -> None:
        """Take the current task for the one that signals are about."""
        self._task = asyncio.current_task()

    def receive(self, *_: object) -> None:
        """Act on a signal; to be called in the main thread, whatever that is doing."""
        self._received += 1
        if self._task is None:
            raise KeyboardInterrupt
        over = self._task.done()
        if self._received > (1 if over else 2):
            # Whatever hangs now would hang for ever.
            os._exit(Interrupted.exit_code)
        if not over:
            # The loop may be asleep; this wakes it. If it was closed just now, all is done.
            with suppress(RuntimeError):
                self._task.get_loop().call_soon_threadsafe(self._act, self._received)

    def _act(self, received: int) -> None:
        if self._task is None:
            raise AssertionError("unreachable: there is a task, or nothing was called")
        if received == 1 and self.stop is not None:
            self.stop()
        else:
            self._task.cancel()


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Catch signals, but for those that are ignored: nohup asks for that."""
    signals = Signals()
    before = {
        number: signal.signal(number, signals.receive)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
