"""How long to wait, and when to give up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.backoff import FREE_LOSSES, JITTER, RetryPolicy
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    ClockCorrected,
    ConnectionLost,
    DiskFull,
    Fault,
    TooSlow,
    WorkerLost,
)

POLICY = RetryPolicy(max_attempts=30, step=5.0, cap=60.0)


class Wobbly(AsyncupError):
    """A passing trouble that is not one of S3."""

    transient = True


def lost(retry_after: float | None = None) -> ConnectionLost:
    """Return a passing error, with what the server asked for."""
    return ConnectionLost(Fault(action="upload", retry_after=retry_after))


@pytest.mark.parametrize(
    ("attempt", "delay"), [(1, 5.0), (2, 10.0), (3, 15.0), (12, 60.0), (13, 60.0), (29, 60.0)]
)
def test_delays_grow_by_the_step_up_to_the_cap(attempt: int, delay: float) -> None:
    """Attempt n is followed by n steps of waiting, and never by more than the cap."""
    assert POLICY.delay(attempt, lost(), 0.0) == delay


@pytest.mark.parametrize(("attempt", "delay"), [(1, 3.75), (2, 7.5), (20, 45.0)])
def test_chance_shortens_a_delay_by_a_quarter_at_most(attempt: int, delay: float) -> None:
    """Parts that failed together do not all come back at the same moment."""
    assert POLICY.delay(attempt, lost(), 1.0) == delay


@pytest.mark.parametrize(("attempt", "delay"), [(1, 0.0), (2, 5.0), (13, 60.0), (29, 60.0)])
def test_an_attempt_that_is_spared_is_not_waited_for(attempt: int, delay: float) -> None:
    """The delays are those of one attempt fewer, but there are no more of them."""
    assert POLICY.delay(attempt, lost(), 0.0, spared=1) == delay
    assert POLICY.delay(30, lost(), 0.0, spared=1) is None


@pytest.mark.parametrize(("attempt", "goes_on"), [(29, True), (30, False), (31, False)])
def test_the_last_attempt_is_the_last(attempt: int, *, goes_on: bool) -> None:
    """After as many attempts as were allowed there is no other."""
    assert (POLICY.delay(attempt, lost(), 0.5) is not None) is goes_on


def test_what_is_mended_is_tried_again_at_once() -> None:
    """A request that was signed at a wrong time waits for nothing, but not without end either."""
    corrected = ClockCorrected(Fault(action="upload"))
    assert POLICY.delay(7, corrected, 0.0) == 0.0
    assert POLICY.delay(31, corrected, 0.0) is None


def test_a_single_attempt_is_never_repeated() -> None:
    """Who allows one attempt gets no retry."""
    assert RetryPolicy(max_attempts=1, step=5, cap=60).delay(1, lost(), 0.0) is None


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied(Fault(action="upload")),
        # Also when the server says when to come back: it would say no again.
        AccessDenied(Fault(action="upload", retry_after=1.0)),
        DiskFull("split"),
        AsyncupError("something"),
    ],
    ids=["refused", "refused-with-retry-after", "local", "unknown"],
)
def test_what_time_does_not_mend_is_not_tried_again(error: AsyncupError) -> None:
    """An error that is not transient ends it at the first attempt."""
    assert POLICY.delay(1, error, 0.0) is None


@pytest.mark.parametrize(
    ("asked", "delay"), [(None, 5.0), (0.0, 5.0), (3.0, 5.0), (5.5, 5.5), (120.0, 120.0)]
)
def test_the_server_is_never_asked_earlier_than_it_said(asked: float | None, delay: float) -> None:
    """A Retry-After counts in full, beyond the cap too; a shorter one shortens nothing."""
    assert POLICY.delay(1, lost(asked), 0.0) == delay


def test_retry_after_gives_no_further_attempt() -> None:
    """What the server asks for changes when, not how often."""
    assert POLICY.delay(30, lost(1.0), 0.0) is None


def test_any_transient_error_is_tried_again() -> None:
    """Transient is a matter of the error's class, not of S3."""
    assert POLICY.delay(2, Wobbly("wobble"), 0.0) == 10.0


@pytest.mark.parametrize("attempt", [0, 1, 29, 30, 99])
def test_what_nobody_failed_at_is_made_again_at_once(attempt: int) -> None:
    """Who leaves a slow connection for another one does not wait, and never gives up for it."""
    assert POLICY.delay(attempt, TooSlow(Fault(action="upload")), 0.0) == 0.0


@pytest.mark.parametrize("losses", [0, FREE_LOSSES - 1])
def test_a_lost_worker_is_not_held_against_the_request(losses: int) -> None:
    """The first few go again at once, however many attempts were made."""
    assert POLICY.delay(30, WorkerLost("ended"), 0.0, losses=losses) == 0.0


def test_who_ends_workers_again_and_again_waits_and_is_given_up() -> None:
    """From then on it is an error like others; a slow connection never is, whatever was lost."""
    assert POLICY.delay(2, WorkerLost("ended"), 0.0, losses=FREE_LOSSES) == 10.0
    assert POLICY.delay(30, WorkerLost("ended"), 0.0, losses=FREE_LOSSES) is None
    assert POLICY.delay(30, TooSlow(Fault(action="upload")), 0.0, losses=99) == 0.0


@given(
    attempt=st.integers(1, 98),
    step=st.floats(0, 1000),
    cap=st.floats(0, 10_000),
    chance=st.floats(0, 1),
    asked=st.none() | st.floats(0, 100_000),
)
def test_a_delay_keeps_within_its_bounds(
    attempt: int, step: float, cap: float, chance: float, asked: float | None
) -> None:
    """A delay is never negative, too short for the server, beyond the cap, or shorter next time."""
    policy = RetryPolicy(max_attempts=100, step=step, cap=cap)
    delay = policy.delay(attempt, lost(asked), chance)
    later = policy.delay(attempt + 1, lost(asked), chance)

    assert delay is not None
    assert later is not None
    assert (asked or 0) <= delay <= max(cap, asked or 0)
    assert min(attempt * step, cap) * (1 - JITTER) <= delay * (1 + 1e-12)
    assert delay <= later
