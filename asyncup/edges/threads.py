"""Threads that nobody waits for: a read that never ends must not keep the program from its end.

The threads of asyncio's own executor are joined when its loop is closed.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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
