"""What `asyncup doctor` looks at, in which order, and what may be announced of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from asyncup.core.errors import AsyncupError, S3Error
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB


class Verdict(StrEnum):
    """What came of a check.

    `lacking` is what a server cannot do and an upload does without. `unknown` is what was not, or
    could not be, looked at: never taken for fine.
    """

    OK = "ok"
    LACKING = "lacking"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Area(StrEnum):
    """What a check is about."""

    WAY = "the way to S3"
    BUCKET = "the bucket"
    PERMISSIONS = "permissions"
    SERVER = "what the server can do"
    MACHINE = "this machine"
    SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    `needs` are checks without which it cannot be made, `otherwise` is what an error that it meets
    makes of it: `FAILED` where an upload would not work. `hint` is for an error that has none.
    """

    name: str
    title: str
    area: Area
    needs: tuple[str, ...] = ()
    otherwise: Verdict = Verdict.FAILED
    hint: str | None = None


_WARNS, _OPEN = Verdict.WARNING, Verdict.UNKNOWN

_WAY = "check the --endpoint-url, the --region, the name server, the proxy and the firewall"

CHECKS = (
    Check("settings", "profile, endpoint, certificates", Area.WAY),
    Check("credentials", "credentials", Area.WAY, ("settings",)),
    Check("proxy", "proxy", Area.WAY, ("settings",)),
    Check("tls", "TLS", Area.WAY, ("settings",)),
    Check("bucket", "S3 answers", Area.WAY, ("credentials", "tls"), hint=_WAY),
    Check("clock", "this machine's clock", Area.WAY, ("settings",), _OPEN),
    Check("bucket_name", "name", Area.BUCKET),
    Check("region", "region", Area.BUCKET, ("bucket",), _OPEN),
    Check("lifecycle", "unfinished uploads", Area.BUCKET, ("bucket",), _OPEN),
    Check("list_objects", "list objects", Area.PERMISSIONS, ("bucket",)),
    Check("list_uploads", "list pending uploads", Area.PERMISSIONS, ("bucket",)),
    Check("create", "create an upload", Area.PERMISSIONS, ("bucket",)),
    Check("upload_part", "upload a part", Area.PERMISSIONS, ("create",)),
    Check("list_parts", "list its parts", Area.PERMISSIONS, ("upload_part",)),
    Check("complete", "complete it", Area.PERMISSIONS, ("upload_part",)),
    Check("head_object", "look at the object", Area.PERMISSIONS, ("complete",)),
    Check("put_object", "put an object", Area.PERMISSIONS, ("bucket",)),
    Check("abort", "abort an upload", Area.PERMISSIONS, ("create",), _WARNS),
    Check("delete_object", "delete the object", Area.PERMISSIONS, ("put_object",), _WARNS),
    Check("checksum", "CRC64NVME", Area.SERVER, ("create",), _OPEN),
    Check("checks", "checks what arrives", Area.SERVER, ("upload_part",), _OPEN),
    Check("full_object", "checksum of the object", Area.SERVER, ("head_object",), _OPEN),
    Check("listed_checksums", "checksums in ListParts", Area.SERVER, ("list_parts",), _OPEN),
    Check("object_size", "MpuObjectSize", Area.SERVER, ("complete",), _OPEN),
    Check("if_none_match", "If-None-Match", Area.SERVER, ("put_object",), _OPEN),
    Check("part_numbers", "part 10,000", Area.SERVER, ("upload_part",), _OPEN),
    Check("uneven_parts", "parts of any size", Area.SERVER, ("complete", "delete_object"), _OPEN),
    Check("continue", "100 Continue", Area.SERVER, ("upload_part",), _OPEN),
    Check("trailer", "trailing checksums", Area.SERVER, ("put_object",), _OPEN),
    Check("split_dir", "split directory", Area.MACHINE),
    Check("source", "source", Area.MACHINE),
    Check("rate", "upload rate", Area.SPEED, ("upload_part",), _OPEN),
)
"""All that is looked at, in this order: what needs another one comes after it."""

PROBE_NAME = "asyncup-doctor-"
"""What the name of everything that is written begins with."""

TRIAL_PART = 5 * MIB
"""Bytes of a part of a trial: what S3 takes at least of one that is not the last."""

RATE_SLOTS = (1, 4, 16)
RATE_BYTES = 96 * MIB
RATE_SECONDS = 4.0
"""With how many parts in flight the rate is measured, how much is sent for each of these numbers
at most, and how long.
"""

_TRIALS = 3 * TRIAL_PART + MIB
"""Bytes that all trials together send, and a little more."""

_NEARLY = 0.9
"""What is within so much of the best rate is as good."""


def most_bytes(*, with_rate: bool) -> int:
    """Return how much is sent at most, where nothing has to be sent again."""
    return _TRIALS + (len(RATE_SLOTS) * RATE_BYTES if with_rate else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a check.

    `error` is what it met, so what needs it cannot be looked at. Such a one was not tried:
    `blocked_by` is the check that is to blame.
    """

    verdict: Verdict
    told: str
    blocked_by: str | None = None
    hint: str | None = None
    policy: str | None = None
    error: AsyncupError | None = None


def fine(told: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(verdict=Verdict.OK, told=told)


def lacking(told: str) -> Finding:
    """Return that a server cannot do something, and what that means."""
    return Finding(verdict=Verdict.LACKING, told=told)


def unknown(told: str) -> Finding:
    """Return that something could not be looked at, and why."""
    return Finding(verdict=Verdict.UNKNOWN, told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisStarted(Event):
    """`asyncup doctor` begins: it writes below `uri` only, and sends at most `most_bytes`."""

    uri: ObjectURI
    most_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckMade(Event):
    """`asyncup doctor` has looked at something, or could not: `told` says what there is, or why.

    `hint` says what mends it, `policy` is an IAM policy, as JSON, that allows what was denied;
    `error` is what was met, None if nothing was. `blocked_by` is the check because of which this
    one was not tried, None if it was.
    """

    check: str
    area: Area
    title: str
    verdict: Verdict
    told: str
    hint: str | None
    policy: str | None
    error: AsyncupError | None
    blocked_by: str | None

    @classmethod
    def of(cls, check: Check, finding: Finding) -> Self:
        """Return what came of a check."""
        return cls(
            check=check.name,
            area=check.area,
            title=check.title,
            verdict=finding.verdict,
            told=finding.told,
            hint=finding.hint,
            policy=finding.policy,
            error=finding.error,
            blocked_by=finding.blocked_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMeasured(Event):
    """With `concurrency` parts in flight, `rate` bytes went to S3 per second."""

    concurrency: int
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind(Event):
    """What `asyncup doctor` could not remove: an object, or the upload of this ID.

    `hint` is the command that does.
    """

    uri: ObjectURI
    upload_id: str | None
    hint: str
    error: AsyncupError


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisFinished(Event):
    """`asyncup doctor` is done: how many checks came to what.

    `concurrency` is the least number of parts in flight that brings nearly the best rate, None if
    that was not measured. With `exit_code` 0, an upload would work.
    """

    ok: int
    lacking: int
    warnings: int
    failed: int
    unknown: int
    concurrency: int | None
    exit_code: int


def summed_up(found: Sequence[Finding], rates: Mapping[int, float]) -> DiagnosisFinished:
    """Return what findings come to; the first failure gives the exit status."""
    count = {verdict: [each.verdict for each in found].count(verdict) for verdict in Verdict}
    return DiagnosisFinished(
        ok=count[Verdict.OK],
        lacking=count[Verdict.LACKING],
        warnings=count[Verdict.WARNING],
        failed=count[Verdict.FAILED],
        unknown=count[Verdict.UNKNOWN],
        concurrency=recommended(rates),
        exit_code=_exit_code(found),
    )


def _exit_code(found: Iterable[Finding]) -> int:
    failed = (each for each in found if each.verdict is Verdict.FAILED)
    # A failure without an error, nobody makes.
    return next((each.error.exit_code if each.error else S3Error.exit_code for each in failed), 0)


def recommended(rates: Mapping[int, float]) -> int | None:
    """Return the least number of parts in flight with which nearly the best rate was seen."""
    best = max(rates.values(), default=0.0)
    return min((slots for slots, rate in rates.items() if rate >= _NEARLY * best), default=None)


def blocked(check: Check, to_blame: Mapping[str, str]) -> Finding | None:
    """Return that a check cannot be made, None if it can.

    `to_blame` has the checks that what needs them cannot do without, by the one that failed first.
    """
    name = next((to_blame[name] for name in check.needs if name in to_blame), None)
    return None if name is None else not_tried(name)


def not_tried(name: str) -> Finding:
    """Return that a check was not made, because of the one of this name."""
    title = next(each.title for each in CHECKS if each.name == name)
    return Finding(verdict=Verdict.UNKNOWN, told=f"not tried: first {title!r}", blocked_by=name)
