"""What can go wrong, as one tree; a class knows its exit code and whether trying again can help.

    AsyncupError
    ├── UsageError              2   a bad flag, URI or configuration; all problems in one text
    ├── SourceError             3   SourceMissing, SourceUnreadable, SourceUnsuitable,
    │                               SourceChanged, SourceBusy, SplitDirUnusable, DiskFull
    ├── S3Error                 4   operation, bucket, key, code, request ID
    │   ├── Throttled*, ServerFault*, ConnectionLost*, Stalled*, TimedOut*    (* transient)
    │   ├── TooSlow*            a connection that lags behind the others
    │   ├── ForeignAnswer*      not S3 has answered: a proxy, a captive portal
    │   ├── ChecksumRejected*   the bytes did not arrive as they were sent
    │   ├── AccessDenied, CredentialsMissing, CredentialsRejected, CredentialsExpired
    │   ├── ClockSkewed, ClockCorrected*, CertificateRejected, BucketMissing, WrongRegion
    │   ├── PathStyleRefused    the bucket has to stand in the host name
    │   ├── UploadMissing, ObjectTooLarge, PartTooSmall, ChecksumUnsupported
    │   ├── PreconditionFailed, ConditionConflict*    somebody else wrote to the key
    │   ├── PartsMismatch, ObjectMismatch    S3 holds something else than the file
    │   └── ObjectMissing, ObjectUnproven    nothing there to compare, or nothing to compare by
    ├── JournalError            5   JournalLocked
    ├── RetriesExhausted        4   carries the last error and the number of attempts;
    │                               Unreachable if S3 was never there in this run
    ├── WorkerLost*             1   a process that carried parts has ended
    ├── GaveUp                 75   S3 was out of reach for too long; nothing is lost
    └── Interrupted           130   stopped by the user; running again resumes

An error's text is *verb + identity: cause*; its `hint` is what mends it.
"""

from dataclasses import dataclass
from typing import ClassVar


class AsyncupError(Exception):
    """The base of every error that asyncup raises on purpose.

    Attributes:
        exit_code: the exit status of a run that ended with this error.
        transient: whether the same call may succeed a little later.
        at_once: whether it is made again without a delay, and is not held against the request.
        stops_run: whether every other file would fail in the same way.
        hint: the command, setting or permission that mends it, or None.
    """

    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    stops_run: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AsyncupError):
    """A flag, URI, environment variable or configuration value is wrong."""

    exit_code = 2
    stops_run = True


class SourceError(AsyncupError):
    """The local file or disk stands in the way."""

    exit_code = 3


class SourceMissing(SourceError):
    """There is no such file."""


class SourceUnreadable(SourceError):
    """The file is there and cannot be read."""


class SourceUnsuitable(SourceError):
    """It is no file that can be an object: a device, a socket, a loop, a bad name, too large."""


class SourceChanged(SourceError):
    """The file is no longer what it was when its upload began."""


class SourceBusy(SourceError):
    """Somebody has the file open to write to it."""


class SplitDirUnusable(SourceError):
    """Chunk files cannot be kept where they should be."""

    stops_run = True


class DiskFull(SplitDirUnusable):
    """The disk that holds the chunk files has no room for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is known of a request that failed.

    `retry_after` is in seconds, as the server asked (RFC 9110, 10.2.3), or None.
    """

    action: str
    operation: str = ""
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        """Say verb and identity, then the cause: `upload part 7 of s3://b/k: SlowDown: ...`."""
        cause = ": ".join(part for part in (self.code, self.message) if part)
        told = f"{self.action}: {cause or 'failed'}"
        return f"{told} (request ID {self.request_id})" if self.request_id else told


class S3Error(AsyncupError):
    """S3 refused a request, or could not be reached."""

    exit_code = 4

    def __init__(self, fault: Fault, *, hint: str | None = None) -> None:
        super().__init__(str(fault), hint=hint)
        self.fault = fault


class Throttled(S3Error):
    """S3 asks for fewer requests: SlowDown, 503, 429."""

    transient = True


class ServerFault(S3Error):
    """S3 failed by itself: InternalError, 5xx, an answer that is no S3 answer."""

    transient = True


class ConnectionLost(S3Error):
    """No connection, or one that broke."""

    transient = True


class Stalled(ConnectionLost):
    """A connection on which no byte moved for the stall time."""


class TooSlow(S3Error):
    """A connection that was left because others are faster; nobody has failed."""

    transient = True
    at_once = True


class TimedOut(ServerFault):
    """No answer within the time for one."""


class ForeignAnswer(ServerFault):
    """An answer that is not one of S3: the page of a proxy or of a captive portal."""


class ChecksumRejected(S3Error):
    """S3 received other bytes than the checksum tells: BadDigest and its kin."""

    transient = True


class AccessDenied(S3Error):
    """The credentials are good and do not allow this."""


class CredentialsMissing(S3Error):
    """No credentials were found anywhere in the chain."""

    stops_run = True


class CredentialsRejected(S3Error):
    """S3 does not know the access key, or the secret does not fit it."""

    stops_run = True


class CredentialsExpired(S3Error):
    """Temporary credentials have run out."""

    stops_run = True


class ClockSkewed(S3Error):
    """This machine's clock is too far from S3's (more than 15 minutes on AWS)."""

    stops_run = True


class ClockCorrected(ClockSkewed):
    """The same, for the first time: requests are signed by the server's clock from now on."""

    transient = True
    stops_run = False


class CertificateRejected(S3Error):
    """The server's TLS certificate is not one that is trusted here."""

    stops_run = True


class BucketMissing(S3Error):
    """There is no such bucket."""

    stops_run = True


class WrongRegion(S3Error):
    """The bucket lives elsewhere, and S3 did not say where in a way that can be followed."""

    stops_run = True


class PathStyleRefused(S3Error):
    """The server takes no bucket in the path, only in the host name."""

    stops_run = True


class UploadMissing(S3Error):
    """The multipart upload is gone: completed, aborted, or expired by a lifecycle rule."""


class ObjectTooLarge(S3Error):
    """S3 does not take an object or a part of this size."""


class PartTooSmall(S3Error):
    """S3 makes no object of parts this small: only the last one may be."""


class ChecksumUnsupported(S3Error):
    """The server does not take the checksum that was offered."""


class PartsMismatch(S3Error):
    """S3's list of parts is not what was sent: completing would make a wrong object."""


class ObjectMismatch(S3Error):
    """The finished object is not the file."""


class PreconditionFailed(S3Error):
    """There is an object under the key by now, and it was not to be replaced."""


class ConditionConflict(S3Error):
    """Another request about the same key was under way at the same time (409)."""

    transient = True


class ObjectMissing(S3Error):
    """There is no such object."""


class ObjectUnproven(S3Error):
    """The object has the file's size, and S3 tells nothing that its content could be shown by."""


class JournalError(AsyncupError):
    """The local record of unfinished uploads stands in the way."""

    exit_code = 5


class JournalLocked(JournalError):
    """Another run that is alive is at work on the same object."""


_OF_PARTS = {"UploadPart", "CompleteMultipartUpload"}


class RetriesExhausted(AsyncupError):
    """Every attempt failed with a transient error; the last one is the cause."""

    exit_code = 4

    def __init__(self, last: AsyncupError, *, attempts: int) -> None:
        hint = "run the same command again"
        # What compares or aborts sends nothing, so it is not told what need not be sent.
        if isinstance(last, S3Error) and last.fault.operation in _OF_PARTS:
            hint = f"{hint}: what S3 has acknowledged is not sent again"
        super().__init__(
            f"{last} (gave up after {attempts} attempt{'' if attempts == 1 else 's'})", hint=hint
        )
        self.last = last
        self.attempts = attempts


class Unreachable(RetriesExhausted):
    """Nothing was ever heard of S3 in this run: the endpoint may as well be wrong."""

    stops_run = True

    def __init__(self, last: AsyncupError, *, attempts: int) -> None:
        super().__init__(last, attempts=attempts)
        self.hint = (
            "check the network, --endpoint-url and --region; then run the same command again"
        )


class WorkerLost(AsyncupError):
    """A process that carried parts has ended, or was ended because it did not answer.

    Its parts go again, by another one: whoever has ended it, S3 had no part in it, nor had the
    request, unless that happens to it again and again.
    """

    transient = True
    at_once = True


class GaveUp(AsyncupError):
    """S3 was out of reach for as long as it was to be waited for; its parts stay at S3.

    `last` is what the last probe met.
    """

    exit_code = 75
    stops_run = True

    def __init__(self, last: AsyncupError, *, waited: str) -> None:
        hint = "run the same command again when the way is free: it goes on where it stopped"
        super().__init__(f"{last} (out of reach for {waited})", hint=last.hint or hint)
        self.last = last


class Interrupted(AsyncupError):
    """Stopped by the user before the object was complete; its parts stay at S3.

    `remaining` is the number of bytes that S3 has not acknowledged yet, None for a stream.
    """

    exit_code = 130

    def __init__(self, message: str, *, remaining: int | None = None) -> None:
        super().__init__(message, hint="run the same command again to resume")
        self.remaining = remaining
