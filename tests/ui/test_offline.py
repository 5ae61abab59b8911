"""The line that tells that S3 is out of reach."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from asyncup.core.conditions import WentOffline, WentOnline
from asyncup.core.errors import (
    AsyncupError,
    ConnectionLost,
    CredentialsExpired,
    Fault,
    ForeignAnswer,
    Throttled,
)
from asyncup.ui.live import LivePanels
from asyncup.ui.offline import Offline, state_of
from asyncup.ui.plain import Plain

FAULT = Fault(action="x")
LOST = ConnectionLost(FAULT)
EXPIRED = CredentialsExpired(FAULT, hint="aws sso login")
NOON = datetime(2026, 1, 1, 12, 3).astimezone()


class Clocks:
    """Time, set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        """Return the seconds."""
        return self.seconds

    def now(self) -> datetime:
        """Return the time of day."""
        return (NOON + timedelta(seconds=self.seconds)).astimezone(UTC)


def test_it_counts_down_and_keeps_the_beginning() -> None:
    """Since when stays; when S3 is asked next goes by the last probe."""
    clocks = Clocks()
    offline = Offline(clocks.clock, clocks.now)
    assert offline.line is None
    offline.apply(WentOffline(LOST, 40, 1))
    assert offline.line == "offline since 12:03, next try in 40s"
    clocks.seconds = 30
    assert offline.line == "offline since 12:03, next try in 10s"
    clocks.seconds = 41
    assert offline.line == "offline since 12:03, trying"
    offline.apply(WentOffline(LOST, 60, 2))
    assert offline.line == "offline since 12:03, next try in 1m 00s"
    clocks.seconds = 86_400
    assert offline.line == "offline since 2026-01-01 12:03, trying"
    offline.apply(WentOnline(86_400))
    assert offline.line is None


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (LOST, "offline"),
        (CredentialsExpired(FAULT), "waiting for credentials"),
        (Throttled(FAULT), "S3 asks for a pause"),
        (ForeignAnswer(FAULT), "no answer of S3"),
    ],
)
def test_what_is_the_matter_is_named(error: AsyncupError, state: str) -> None:
    """Who has to get new keys is not told to look at the cable."""
    assert state_of(error) == state


def test_the_panels_and_the_plain_lines_tell_it() -> None:
    """Both show the state for as long as it lasts."""
    clocks, stream = Clocks(), io.StringIO()
    plain = Plain(stream, clocks.clock, now=clocks.now)
    console = Console(width=80, height=24, file=io.StringIO())
    panels = LivePanels(console, clocks.clock, clocks.now)
    for listener in (plain, panels):
        listener(WentOffline(EXPIRED, 40, 1))
    plain.tick()
    assert stream.getvalue().endswith("· waiting for credentials since 12:03, next try in 40s\n")
    with console.capture() as capture:
        console.print(panels.panels())
    assert "waiting for credentials since 12:03, next try in 40s" in capture.get()
    assert "hint: aws sso login" in capture.get()

    for listener in (plain, panels):
        listener(WentOnline(40))
    plain.tick()
    assert "waiting" not in stream.getvalue().splitlines()[-1]
    with console.capture() as capture:
        console.print(panels.panels())
    assert "since 12:03" not in capture.get()
