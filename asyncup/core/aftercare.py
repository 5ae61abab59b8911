"""What may be announced of objects and uploads that are there already: compared, listed, aborted.

As with `asyncup.core.events`, sizes are in bytes, ages in seconds.
"""

from dataclasses import dataclass
from datetime import datetime

from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof


@dataclass(frozen=True, slots=True)
class BytesRead(Event):
    """Some bytes of a file or an object were read to be compared; a negative `count` takes them
    back. There are many of these: fold them, print none.

    `may_be_sent` says that the file is uploaded unless they are equal.
    """  # noqa: D205

    uri: ObjectURI
    count: int
    may_be_sent: bool = False


@dataclass(frozen=True, slots=True)
class ObjectVerified(Event):
    """An object was shown to equal its file by `proof`; or its receipt, without the file."""

    source: str
    uri: ObjectURI
    size: int
    proof: Proof
    by_receipt: bool = False


@dataclass(frozen=True, slots=True)
class VerifyFailed(Event):
    """An object differs, is missing or could not be compared; `uri` None: it has no key."""

    source: str
    uri: ObjectURI | None
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class VerifyInterrupted(Event):
    """A comparison was stopped on request."""

    source: str
    uri: ObjectURI


@dataclass(frozen=True, slots=True)
class VerifyFinished(Event):
    """All was compared that is; `interrupted` counts what was stopped or never begun."""

    verified: int
    skipped: int
    failed: int
    interrupted: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class PendingUploadFound(Event):
    """S3 holds `size` bytes in `parts` parts of an upload that is neither completed nor aborted.

    `age` is in seconds; it and `initiated` are None where S3 does not tell. `abort_date` is when
    a lifecycle rule will delete it. `in_journal` says that this machine was at work on it, on
    `source`.
    """

    uri: ObjectURI
    upload_id: str
    initiated: datetime | None
    age: float | None
    parts: int
    size: int
    abort_date: datetime | None
    in_journal: bool
    source: str | None = None


@dataclass(frozen=True, slots=True)
class PendingListed(Event):
    """All pending uploads were found; `size` is the bytes that they hold."""

    uploads: int
    size: int


@dataclass(frozen=True, slots=True)
class AbortFailed(Event):
    """A pending upload, or some part of it, is still there."""

    uri: ObjectURI
    upload_id: str
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class AbortFinished(Event):
    """All was aborted that could be; `size` is the bytes that they held."""

    aborted: int
    size: int
    failed: int
    interrupted: int
    exit_code: int
