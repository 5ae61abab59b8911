"""When an error casts doubt on the way to S3 as a whole, and how patiently the way is looked for.

A request that fails says little: its part, its connection, or the whole link may be the cause. So
S3 is asked one small question, on behalf of all. If that is answered, the request alone has
failed; if not, nobody sends anything until it is.
"""

from asyncup.core.backoff import JITTER
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    CertificateRejected,
    ChecksumRejected,
    ClockCorrected,
    ClockSkewed,
    ConditionConflict,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRejected,
    S3Error,
    TooSlow,
    UsageError,
)

SOONEST, LATEST = 1.0, 60.0
"""Seconds between two probes, at least and at most."""

SHARE = 0.05
"""A probe begins this share of the time that the way has been lost for after the one before:
whatever an outage takes, looking for its end adds no more than a twentieth to it.
"""

_SAYS_NOTHING_OF_THE_WAY = (ChecksumRejected, ConditionConflict, ClockCorrected, TooSlow)

IDENTITY = (AccessDenied, CredentialsExpired, CredentialsRejected, CredentialsMissing)
"""What says that S3 does not know, or no longer lets do, who asks."""

_PASSING = (
    CredentialsExpired,
    CredentialsRejected,
    CredentialsMissing,
    CertificateRejected,
    ClockSkewed,
    UsageError,
)
"""What ends a run at its beginning, and is waited for once S3 has answered: keys run out and are
renewed, and a hotel's network has a certificate of its own, or no TLS at all, until somebody logs
in. Access that is denied may pass only if bytes were taken before: it may never have been granted.
"""

_MUTE = ("HeadObject", "400")
"""What S3 says to keys that have run out where its answer has no body to say so."""

REFUSED_ATTEMPTS = 5
"""How often a request is made that is refused though others like it were not, and S3 is there."""


def is_doubtful(error: AsyncupError, *, has_answered: bool, has_worked: bool) -> bool:
    """Return whether an error may mean that nobody gets through to S3.

    Args:
        error: what a request has failed with.
        has_answered: S3 has answered some other in this run.
        has_worked: it has taken bytes.
    """
    if isinstance(error, _SAYS_NOTHING_OF_THE_WAY):
        return False
    if isinstance(error, S3Error) and error.transient:
        return True
    return _is_passing(error, has_answered=has_answered, has_worked=has_worked)


def may_pass(error: AsyncupError, attempt: int, *, has_answered: bool, has_worked: bool) -> bool:
    """Return whether a request is made again that was refused `attempt` times for good."""
    is_passing = _is_passing(error, has_answered=has_answered, has_worked=has_worked)
    return is_passing and attempt < REFUSED_ATTEMPTS


def _is_passing(error: AsyncupError, *, has_answered: bool, has_worked: bool) -> bool:
    if isinstance(error, AccessDenied):
        return has_worked
    is_mute = isinstance(error, S3Error) and (error.fault.operation, error.fault.code) == _MUTE
    return has_answered and (is_mute or isinstance(error, _PASSING))


def until_probe(lost_for: float, took: float, asked: float | None, chance: float) -> float:
    """Return the seconds to wait for the next probe.

    Args:
        lost_for: seconds since the way was found to be lost.
        took: seconds from the begin of the last probe until it failed. Where nothing is answered,
            it has waited as long as it may, and the way may have come back meanwhile.
        asked: what the server said about when to come back, in seconds; it is honoured in full.
        chance: a random number from 0 to 1.
    """
    own = min(max(SOONEST, lost_for * SHARE), LATEST) * (1 - JITTER * chance)
    return max(own - took, asked or 0.0)


REVIVAL = 5.0
"""Seconds for which connections that have outlived an outage are waited for after it.

The kernel sends again what was not acknowledged, at pauses of its own (`asyncup.edges.tcp`).
"""

MOMENT = 0.001
"""Seconds that no one can wait for: added to a clock that has run for long, fewer are none."""


def is_over(lost_for: float, patience: float) -> bool:
    """Return whether the way has been looked for as long as it was to be; both in seconds."""
    return patience - lost_for < MOMENT


RAMP = 0.2
"""Seconds, at most, between two requests that waited for the way: they do not come all at once."""


def until_next_start(chance: float) -> float:
    """Return the seconds between two requests that waited; `chance` is a number from 0 to 1."""
    return RAMP * chance
