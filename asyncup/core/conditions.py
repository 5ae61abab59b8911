"""What may be announced of the way to S3, which all files share: lost, found, slower, faster.

As with `asyncup.core.events`, times are in seconds, rates in bytes per second.
"""

from dataclasses import dataclass
from enum import StrEnum

from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event


@dataclass(frozen=True, slots=True)
class WentOffline(Event):
    """S3 cannot be reached, or not with these credentials: nothing new is begun until it can.

    Announced after every probe that failed. `error` is what it met, `next_probe` when the next one
    follows, `probes` how many there have been.
    """

    error: AsyncupError
    next_probe: float
    probes: int


@dataclass(frozen=True, slots=True)
class WentOnline(Event):
    """A probe was answered, `seconds` after the way was found to be lost."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CredentialsRenewed(Event):
    """The chain of credentials gave other ones than those that S3 refused."""


class SlotsReason(StrEnum):
    """Why another number of parts may be in flight."""

    TRIED = "more may bring more"
    LOSSY = "packets are lost, and the link is not full"
    IN_VAIN = "more brought no more"
    THROTTLED = "S3 asks for fewer requests"
    LOST = "connections are lost"
    RECOVERED = "nothing fails any more"
    OFFLINE = "S3 cannot be reached"
    RAMP = "S3 can be reached again"
    DISK = "as many chunk files as the disk has room for"
    ASKED = "as asked for"
    UNPINNED = "as many as bring most"
    PAUSED = "paused"
    CONTINUED = "going on after a pause"
    STOPPING = "stopping ends a pause"


@dataclass(frozen=True, slots=True)
class SlotsChanged(Event):
    """From now on, so many parts may be in flight at once; 0 is a pause."""

    slots: int
    reason: SlotsReason


@dataclass(frozen=True, slots=True)
class ProcessesAdded(Event):
    """From now on, so many processes read and send parts, as one did not keep up with the link.

    It was computing for `share` of the time, from 0 to 1.
    """

    processes: int
    share: float


@dataclass(frozen=True, slots=True)
class RateChanged(Event):
    """From now on, no more than `rate` is sent; None is as fast as it goes."""

    rate: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RateRefused(Event):
    """Another limit was to hold from now on, and cannot be taken: the one before stays."""

    reason: str
