"""Threads that nobody waits for: a read that never ends must not keep the program from its end.

The threads of asyncio's own executor are joined when its loop is closed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from threading import Condition, Thread
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_TOO_LONG = "it takes too long"


class DaemonThreads(Executor):
    """Makes each call in a thread of its own, which is left behind when the program ends."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Begin a call and return its future."""
        future: Future[T] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                with _ErrorsTo(future):
                    future.set_result(fn(*args, **kwargs))

        Thread(target=call, daemon=True, name="asyncup").start()
        return future


class _ErrorsTo:
    """Hands whatever is raised to those who wait for a future."""

    def __init__(self, future: "Future[Any]") -> None:
        self._future = future

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True


async def in_thread(call: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
    """Make a call in a thread of asyncio's own, and return what it returns.

    If this is cancelled, `stop` is called, and nobody waits for the call to end: it may be about
    to use what is closed meanwhile, so that has to be able to refuse it, as Python's files do.
    """
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        stop()
        future.add_done_callback(_see_error)
        raise


def _see_error(future: "asyncio.Future[Any]") -> None:
    """Take note of an error that nobody wants to know any more: asyncio would complain of it."""
    if not future.cancelled():
        future.exception()


class Behind:
    """Writes texts in a thread of its own, in their order: who hands one over never waits.

    Args:
        write: is called in the thread with all texts that have come since; raises OSError if
            they cannot be written, and is called again with those that come next.
        most: texts that may wait; where there are more, the oldest is dropped. If that is 1,
            each stands for all before it, and none of those is missed.
        end: is called in the thread when all is written that ever will be.
    """

    def __init__(
        self,
        write: Callable[[Sequence[str]], None],
        most: int,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._write = write
        self._most = most
        self._end = end
        self._waiting: deque[str] = deque(maxlen=most)
        self._changed = Condition()
        self._ended = False
        self._problem: str | None = None
        self._thread = Thread(target=self._run, daemon=True, name="asyncup")
        self._thread.start()

    def put(self, text: str) -> None:
        """Hand over a text."""
        with self._changed:
            if len(self._waiting) == self._most > 1:
                self._problem = self._problem or _TOO_LONG
            self._waiting.append(text)
            self._changed.notify()

    def take_problem(self) -> str | None:
        """Return why something was not written, once."""
        with self._changed:
            problem, self._problem = self._problem, None
            return problem

    def close(self, patience: float) -> None:
        """Let what waits be written, but wait no longer than so many seconds for that."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(patience)
        with self._changed:
            if self._thread.is_alive():
                self._problem = self._problem or _TOO_LONG

    def _run(self) -> None:
        while due := self._next():
            try:
                self._write(due)
            except OSError as error:
                with self._changed:
                    self._problem = self._problem or error.strerror or str(error)
        self._end()

    def _next(self) -> list[str]:
        """Wait for texts; none are left when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            due = list(self._waiting)
            self._waiting.clear()
            return due
