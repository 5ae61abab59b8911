"""The state of the way to S3 in one line, for as long as it is lost."""

from collections.abc import Callable
from datetime import datetime

from asyncup.core.conditions import WentOffline, WentOnline
from asyncup.core.errors import AsyncupError, ForeignAnswer, Throttled
from asyncup.core.events import Event
from asyncup.core.outage import IDENTITY
from asyncup.core.sizes import format_duration


class Offline:
    """Remembers since when S3 is out of reach, and when it is asked next.

    Args:
        clock: seconds, from any monotonic clock.
        now: the time of day.
    """

    def __init__(self, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._clock = clock
        self._now = now
        self._since: datetime | None = None
        self._next = 0.0
        self._error: AsyncupError | None = None

    def apply(self, event: Event) -> None:
        """Take in an event; most change nothing here."""
        if isinstance(event, WentOffline):
            self._since = self._since or self._now()
            self._next = self._clock() + event.next_probe
            self._error = event.error
        elif isinstance(event, WentOnline):
            self._since = self._error = None

    @property
    def line(self) -> str | None:
        """What is the matter, since when, and when it is tried again; None while all is well."""
        if self._since is None or self._error is None:
            return None
        since, now = self._since.astimezone(), self._now().astimezone()
        moment = f"{since:%H:%M}" if since.date() == now.date() else f"{since:%Y-%m-%d %H:%M}"
        left = max(0.0, self._next - self._clock())
        again = f"next try in {format_duration(left)}" if left else "trying"
        return f"{state_of(self._error)} since {moment}, {again}"

    @property
    def hint(self) -> str | None:
        """What a person can do about it."""
        return None if self._error is None else self._error.hint


def state_of(error: AsyncupError) -> str:
    """Name the state that an error of a probe stands for."""
    if isinstance(error, IDENTITY):
        return "waiting for credentials"
    if isinstance(error, Throttled):
        return "S3 asks for a pause"
    if isinstance(error, ForeignAnswer):
        return "no answer of S3"
    return "offline"
