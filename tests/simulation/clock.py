"""Time in a simulation: an event loop without a system below it, which counts its own steps.

No timer is waited for, no thread is started, and what is to happen can happen between any two
steps: also the end of the world, which leaves every task where it stands.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_STEPS = 60_000
"""Of one run; the longest that ends by itself takes about a tenth of it."""


class Crash(BaseException):
    """The machine has lost its power: nobody may do anything any more."""


class Stuck(AssertionError):
    """Everybody waits for somebody else, or goes in circles."""


class _Steps:
    """Takes the place of a selector: there is nothing to select from but the next timer."""

    def __init__(self, step: Callable[[], None]) -> None:
        self.now = 0.0
        self.count = 0
        self._step = step

    def select(self, timeout: float | None) -> list[object]:
        self.count += 1
        if self.count > MOST_STEPS:
            # Those who go in circles take some more steps to be buried.
            self.count = 0
            raise Stuck(f"no end after {MOST_STEPS} steps")
        self._step()
        if timeout is None:
            raise Stuck("all wait, and nothing will ever happen")
        self.now += max(timeout, 0)
        return []


class SteppingLoop(asyncio.BaseEventLoop):
    """The loop of one run; `step` is called between any two of its steps.

    Args:
        step: may do anything that is done from outside of all tasks, and may raise Crash.
        nap: says how long a call of `run_in_executor` waits for its thread, in virtual seconds.
    """

    def __init__(self, step: Callable[[], None], nap: Callable[[], float]) -> None:
        super().__init__()
        self._selector = _Steps(step)
        self._nap = nap

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self._selector.count

    def time(self) -> float:
        """Return the virtual time, in seconds since the loop was made."""
        return self._selector.now

    def run_in_executor(
        self, _: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function a little later; like a thread, it is not stopped by cancelling."""
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self._nap(), _finish, future, lambda: func(*args))
        return future

    def _process_events(self, _: list[object]) -> None:
        """Do nothing: there are no files to watch."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps who would have to be woken."""


def _finish(future: "asyncio.Future[T]", func: Callable[[], T]) -> None:
    try:
        result = func()
    except Exception as error:  # noqa: BLE001 - it belongs to who waits for it
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
