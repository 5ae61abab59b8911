"""When an error casts doubt on the way to S3, and how patiently the way is looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core import outage
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    CertificateRejected,
    ChecksumRejected,
    ClockCorrected,
    ClockSkewed,
    ConditionConflict,
    ConnectionLost,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRejected,
    DiskFull,
    Fault,
    ForeignAnswer,
    PreconditionFailed,
    S3Error,
    ServerFault,
    Stalled,
    Throttled,
    TimedOut,
    TooSlow,
    UploadMissing,
    UsageError,
)

FAULT = Fault(action="x")


NEVER, ANSWERED, WORKED = (False, False), (True, False), (True, True)
"""Whether S3 has answered, and whether it has taken bytes."""


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        (ConnectionLost, [NEVER, ANSWERED, WORKED]),
        (Stalled, [NEVER, ANSWERED, WORKED]),
        (TimedOut, [NEVER, ANSWERED, WORKED]),
        (Throttled, [NEVER, ANSWERED, WORKED]),
        (ServerFault, [NEVER, ANSWERED, WORKED]),
        (ForeignAnswer, [NEVER, ANSWERED, WORKED]),
        # These have come from S3, about this one request.
        (ChecksumRejected, []),
        (ConditionConflict, []),
        (ClockCorrected, []),
        (TooSlow, []),
        (UploadMissing, []),
        (PreconditionFailed, []),
        # These say that it is not set up right, unless it was.
        (CredentialsExpired, [ANSWERED, WORKED]),
        (CredentialsRejected, [ANSWERED, WORKED]),
        (CredentialsMissing, [ANSWERED, WORKED]),
        (CertificateRejected, [ANSWERED, WORKED]),
        # The machine may have slept, or its clock have been set, since the request was signed.
        (ClockSkewed, [ANSWERED, WORKED]),
        # It may be allowed to list and not to write.
        (AccessDenied, [WORKED]),
    ],
)
def test_what_casts_doubt(kind: type[S3Error], when: list[tuple[bool, bool]]) -> None:
    """Each kind of error: never, always, or once S3 has answered, or has taken bytes."""
    doubtful = [
        (answered, worked)
        for answered, worked in (NEVER, ANSWERED, WORKED)
        if outage.is_doubtful(kind(FAULT), has_answered=answered, has_worked=worked)
    ]
    assert doubtful == when


@pytest.mark.parametrize(
    ("error", "is_doubtful"),
    [
        pytest.param(UsageError("no TLS at this port"), True, id="who is in between has no TLS"),
        pytest.param(
            S3Error(Fault(action="look", operation="HeadObject", code="400")), True, id="mute"
        ),
        pytest.param(
            S3Error(Fault(action="put", operation="PutObject", code="400")), False, id="refused"
        ),
    ],
)
def test_what_would_end_a_run_at_its_beginning(error: AsyncupError, *, is_doubtful: bool) -> None:
    """Once S3 has answered, it was set up right; what says otherwise may pass."""
    assert outage.is_doubtful(error, has_answered=True, has_worked=False) is is_doubtful
    assert not outage.is_doubtful(error, has_answered=False, has_worked=False)


def test_what_is_ours_says_nothing_of_the_way() -> None:
    """A full disk is no outage."""
    error: AsyncupError = DiskFull("split")
    assert not outage.is_doubtful(error, has_answered=True, has_worked=True)


@pytest.mark.parametrize(
    ("attempt", "has_worked", "passes"),
    [(1, True, True), (4, True, True), (5, True, False), (1, False, False)],
)
def test_what_was_refused_is_tried_a_few_times(
    attempt: int, *, has_worked: bool, passes: bool
) -> None:
    """Only where it worked before, and not for ever."""
    known = {"has_answered": True, "has_worked": has_worked}
    assert outage.may_pass(AccessDenied(FAULT), attempt, **known) is passes
    assert not outage.may_pass(UploadMissing(FAULT), attempt, **known)


@pytest.mark.parametrize(
    ("lost_for", "took", "asked", "chance", "delay"),
    [
        (0, 0, None, 0.0, 1),
        (5, 0, None, 0.0, 1),
        (90, 0, None, 0.0, 4.5),
        (90, 0, None, 1.0, 3.375),
        (600, 0, None, 0.0, 30),
        (1200, 0, None, 0.0, 60),
        (86_400, 0, None, 0.0, 60),
        (90, 0, 30.0, 0.0, 30),
        (90, 0, 2.0, 0.0, 4.5),
        # One that was not answered has waited itself; but S3 means from now on.
        (90, 2, None, 0.0, 2.5),
        (90, 5, None, 0.0, 0),
        (600, 5, None, 0.0, 25),
        (90, 2, 30.0, 0.0, 30),
    ],
)
def test_until_the_next_probe(
    lost_for: float, took: float, asked: float | None, chance: float, delay: float
) -> None:
    """A twentieth of the outage so far, from a second to a minute, or what the server asks for."""
    assert outage.until_probe(lost_for, took, asked, chance) == delay


@given(st.floats(0, 1e7), st.floats(0, 1))
def test_the_end_is_found_soon(lost_for: float, chance: float) -> None:
    """Looking never adds more than a twentieth of what an outage has taken, or a second."""
    delay = outage.until_probe(lost_for, 0, None, chance)
    assert 0.75 <= delay <= max(1.0, lost_for / 20)
    assert 0 <= outage.until_next_start(chance) <= 0.2


@pytest.mark.parametrize(
    ("lost_for", "is_over"),
    [(0, False), (19.9, False), (20 - 3.6e-15, True), (20, True), (21, True)],
)
def test_the_end_of_patience(lost_for: float, *, is_over: bool) -> None:
    """What is left of it and too little to be waited for is nothing: nobody asks without pause."""
    assert outage.is_over(lost_for, 20) is is_over
