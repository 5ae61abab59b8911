"""What may be announced while files travel: facts, in the past tense, without time or place.

A listener is called synchronously, in the event loop, at the moment the fact becomes true. It
must neither block nor raise. Sizes are in bytes, delays in seconds; `uri` names the upload that
an event belongs to, `source` is a path as Python has it (PEP 383: it need not be UTF-8).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from asyncup.core.errors import AsyncupError
from asyncup.core.model import ObjectURI, UploadResult


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""


class Listener(Protocol):
    """Receives every event."""

    def __call__(self, event: Event, /) -> None:
        """Take in a fact."""


@dataclass(frozen=True, slots=True)
class FileFound(Event):
    """A file is to be uploaded; `size` is None for a stream."""

    source: str
    uri: ObjectURI
    size: int | None


@dataclass(frozen=True, slots=True)
class FileSkipped(Event):
    """A file is not uploaded because that is what was asked for.

    `filtered` says that the user's own patterns or sizes left it out.
    """

    source: str
    reason: str
    uri: ObjectURI | None = None
    size: int | None = None
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class FilePlanned(Event):
    """A dry run found what it would upload, in how many parts, for how many requests to S3.

    Of a stream, nobody knows the size, and so neither the rest: None.
    """

    source: str
    uri: ObjectURI
    size: int | None
    part_size: int
    parts: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class ScanFinished(Event):
    """All sources were walked: the totals are final."""


@dataclass(frozen=True, slots=True)
class FileStarted(Event):
    """A file's turn has come; `size` and `parts` are None for a stream."""

    source: str
    uri: ObjectURI
    size: int | None
    part_size: int
    parts: int | None


@dataclass(frozen=True, slots=True)
class UploadCreated(Event):
    """S3 has opened a multipart upload."""

    uri: ObjectURI
    upload_id: str


@dataclass(frozen=True, slots=True)
class UploadResumed(Event):
    """A pending upload goes on, with its own part size; S3 lists `parts_listed` parts of it."""

    uri: ObjectURI
    upload_id: str
    part_size: int
    parts: int | None
    parts_listed: int
    initiated: datetime | None


@dataclass(frozen=True, slots=True)
class UploadRestarted(Event):
    """What was done of a file is looked at again from the beginning, because of an error.

    `size` and `parts` are those of the file as it is now.
    """

    source: str
    uri: ObjectURI
    size: int | None
    parts: int | None
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class AttributesDiffer(Event):
    """An object is not stored as asked for: the upload that it came of was begun otherwise."""

    uri: ObjectURI
    names: list[str]


@dataclass(frozen=True, slots=True)
class UploadAborted(Event):
    """A pending upload was deleted at S3, because it was asked for or can never be of use."""

    uri: ObjectURI
    upload_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class UploadExpires(Event):
    """A lifecycle rule of the bucket will delete a pending upload at `abort_date`."""

    uri: ObjectURI
    upload_id: str
    abort_date: datetime


@dataclass(frozen=True, slots=True)
class JournalUnavailable(Event):
    """The run goes on without its journal: what S3 lists has to be read again here."""

    reason: str


@dataclass(frozen=True, slots=True)
class PendingUploadIgnored(Event):
    """A pending upload for the same key is of no use and was left as it is."""

    uri: ObjectURI
    upload_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PartKept(Event):
    """A part that S3 already held was compared with the file and stays."""

    uri: ObjectURI
    part_number: int
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class PartDiscarded(Event):
    """A part that S3 already held is not the file's and goes again."""

    uri: ObjectURI
    part_number: int
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class PartStarted(Event):
    """A part, or a whole small file as part 1, begins to travel; attempt 1 is not a retry."""

    uri: ObjectURI
    part_number: int
    size: int
    attempt: int


@dataclass(frozen=True, slots=True)
class BytesSent(Event):
    """Some bytes of a part were handed to the network; a negative `count` takes them back.

    There are many of these: fold them, print none.
    """

    uri: ObjectURI
    part_number: int
    count: int


@dataclass(frozen=True, slots=True)
class PartUploaded(Event):
    """S3 has acknowledged a part."""

    uri: ObjectURI
    part_number: int
    size: int
    etag: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """An attempt failed and will be made again after `delay`; `part_number` None: not a part's."""

    uri: ObjectURI | None
    part_number: int | None
    attempt: int
    delay: float
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class UploadCompleting(Event):
    """All parts are at S3 and are what they should be; S3 is asked to make the object of them."""

    uri: ObjectURI
    parts: int


@dataclass(frozen=True, slots=True)
class UploadCompleted(Event):
    """The object is there and was compared with the file."""

    source: str
    uri: ObjectURI
    result: UploadResult


@dataclass(frozen=True, slots=True)
class UploadFailed(Event):
    """A file could not be uploaded; `uri` is None if it was refused before it had a key."""

    source: str
    uri: ObjectURI | None
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class UploadInterrupted(Event):
    """A file was stopped on request; `remaining` bytes of it are not at S3 (None: a stream)."""

    source: str
    uri: ObjectURI
    remaining: int | None


@dataclass(frozen=True, slots=True)
class Stopping(Event):
    """No further part is begun; those in flight have `grace` seconds to arrive."""

    grace: float


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """Nothing more will happen; `interrupted` counts files stopped or never begun."""

    uploaded: int
    skipped: int
    failed: int
    interrupted: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class ReceiptLost(Event):
    """An object is at S3 and proven, and its receipt could not be written."""

    uri: ObjectURI
    error: AsyncupError


@dataclass(frozen=True, slots=True)
class OutputLost(Event):
    """The log, metrics, a report or a note for `asyncup status` cannot be written; told once each.

    The run goes on, and tries again with what comes next.
    """

    path: str
    reason: str
