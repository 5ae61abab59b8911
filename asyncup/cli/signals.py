"""Ctrl-C, and the signals that mean the same: first stop so that it can go on, then at once.

SIGUSR1 and SIGUSR2, where there are such, slow uploads down and speed them up.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from asyncup.core.errors import Interrupted


def _named(*names: str) -> list[signal.Signals]:
    """Return those of the signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


_STOPPING = _named("SIGINT", "SIGTERM", "SIGHUP")
_PACING = _named("SIGUSR1", "SIGUSR2")


class Signals:
    """What is done about signals: each one is more urgent than the one before.

    The first one calls `stop`, the second one cancels the task, the third one ends the process.
    They are caught by Python, not by the event loop: while that is being closed, it may wait for
    a thread that never ends. The loop is only woken: the system may give a signal to any thread,
    and Python acts on it in the main one, which may be asleep (signal.set_wakeup_fd).

    Attributes:
        stop: None while there is nothing to stop: then the first signal cancels, too.
        at_last: is called before the process ends at once; it must not wait.
        slow_down, speed_up: what SIGUSR1 and SIGUSR2 call, with their name.
    """

    def __init__(self, woken: socket.socket) -> None:
        self.forget()
        self._woken = woken
        self._task: asyncio.Task[Any] | None = None
        self._received = 0

    def forget(self) -> None:
        """Let there be nothing to stop, or to slow down."""
        self.stop: Callable[[], None] | None = None
        self.slow_down: Callable[[str], None] = lambda _: None
        self.speed_up: Callable[[str], None] = lambda _: None
        self.at_last: Callable[[], None] = lambda: None

    def attend(self) -> None:
        """Take the current task for the one that signals are about."""
        self._task = asyncio.current_task()
        # Where a loop watches no sockets so, it looks after signals by itself.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_reader(self._woken, self._woken.recv, 1 << 10)

    def receive(self, *_: object) -> None:
        """Act on a signal; to be called in the main thread, whatever that is doing."""
        self._received += 1
        if self._task is None:
            raise KeyboardInterrupt
        over = self._task.done()
        if self._received > (1 if over else 2):
            # Whatever hangs now would hang for ever.
            self.at_last()
            os._exit(Interrupted.exit_code)
        if not over:
            # The loop may be asleep; this wakes it. If it was closed just now, all is done.
            with suppress(RuntimeError):
                self._task.get_loop().call_soon_threadsafe(self._act, self._received)

    def stop_by_hand(self) -> None:
        """Do what the first signal does, if there was none; the next one is the second then."""
        if not self._received:
            self.receive()

    def receive_pace(self, number: int, _: object) -> None:
        """Slow down, or speed up; to be called in the main thread, whatever that is doing."""
        if self._task is not None and not self._task.done():
            with suppress(RuntimeError):
                self._task.get_loop().call_soon_threadsafe(self._set_pace, signal.Signals(number))

    def _set_pace(self, number: signal.Signals) -> None:
        act = self.slow_down if number is _PACING[0] else self.speed_up
        act(number.name)

    def _act(self, received: int) -> None:
        if self._task is None:
            raise AssertionError("unreachable: there is a task, or nothing was called")
        if received == 1 and self.stop is not None:
            self.stop()
        else:
            self._task.cancel()


@contextmanager
def _wakeups() -> Iterator[socket.socket]:
    """Yield what can be read from after each signal."""
    woken, waker = socket.socketpair()
    with woken, waker:
        for end in (woken, waker):
            end.setblocking(False)
        # Whoever has a full buffer before it is awake, or will be.
        before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(before)


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Catch signals, but for those that are ignored: nohup asks for that."""
    with _wakeups() as woken:
        yield from _caught(Signals(woken))


def _caught(signals: Signals) -> Iterator[Signals]:
    receivers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
        **dict.fromkeys(_STOPPING, signals.receive),
        **dict.fromkeys(_PACING, signals.receive_pace),
    }
    before = {
        number: signal.signal(number, receiver)
        for number, receiver in receivers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
