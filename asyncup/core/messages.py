"""What a process that plans an upload and the workers that carry its parts tell each other.

One line of JSON a message, over any stream of bytes: a worker may as well be on another machine,
if it finds the same files there. Sizes are in bytes, times in seconds; `call` is the number of what
was asked for, which every answer to it carries.

A worker is told first which S3 it is about (`OpenS3`), then what to do: to read a part's bytes
(`ReadSpan`), or to make one attempt to send them (`UploadPart`, `PutObject`). Meanwhile it tells
how far it is (`Moved`), asks for bytes where the rate is limited (`Want`, `Grant`), and whether to
wait for what has ceased to move (`Stuck`, `Persevere`). In the end it gives one answer: `SpanRead`,
`PartTaken`, `ObjectTaken`, `Failed`, or `CalledOff` where it was told to leave off (`CallOff`).
Every few seconds it says that it is `Alive`. It decides nothing: no retry, no delay, no order.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from asyncup.core.errors import AsyncupError
from asyncup.core.identity import Identity
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Upload,
)
from asyncup.core.options import S3Config
from asyncup.core.plain import from_plain, to_plain


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a file."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """The base of all messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenS3(Message):
    """Which S3 all that follows is about; `concurrency` is how many parts may be in flight.

    `asks_first` says whether a body waits until the server says that it is welcome. `s3` has no
    keys in it: what to sign a request with is told with each of them.
    """

    s3: S3Config
    concurrency: int
    stall_timeout: float
    asks_first: bool
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpan(Message):
    """Compute checksums of a span, and copy it to a new file if one is named.

    `is_end` asks whether the file goes on after it.
    """

    call: int
    span: Span
    algorithms: frozenset[ChecksumAlgorithm]
    into: Path | None
    is_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Message):
    """Make one attempt to send a span; if the rate `is_limited`, bytes have to be asked for."""

    call: int
    span: Span
    checksums: Checksums
    identity: Identity
    is_limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPart(Send):
    """As a part of an upload."""

    upload: Upload
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutObject(Send):
    """As an object."""

    uri: ObjectURI
    attributes: ObjectAttributes
    algorithm: ChecksumAlgorithm | None
    only_if_absent: bool


@dataclass(frozen=True, slots=True)
class CallOff(Message):
    """Leave off; an answer comes all the same."""

    call: int


@dataclass(frozen=True, slots=True)
class Grant(Message):
    """Let so many bytes go; None is as many as there are, until `Ration`."""

    call: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Ration(Message):
    """From now on, bytes have to be asked for."""


@dataclass(frozen=True, slots=True)
class Alive(Message):
    """A worker that says nothing else has nothing to say, and has not come to a stop."""


@dataclass(frozen=True, slots=True)
class Moved(Message):
    """So much of an attempt was sent by now; the network was kept waiting for `held` seconds.

    Its connection `loses` packets, and the link is not full.
    """

    call: int
    sent: int
    held: float
    loses: bool


@dataclass(frozen=True, slots=True)
class Want(Message):
    """Nothing of what was granted is left; up to `most` bytes could go."""

    call: int
    most: int


@dataclass(frozen=True, slots=True)
class Stuck(Message):
    """No byte of an attempt has moved for so many seconds, as many as it is given or more."""

    call: int
    stood_for: float


@dataclass(frozen=True, slots=True)
class Persevere(Message):
    """Go on for so many seconds more, even if nothing moves; 0 ends the attempt."""

    call: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """The base of what ends a call."""

    call: int


@dataclass(frozen=True, slots=True)
class SpanRead(Answer):
    """What was computed, and whether the file has more bytes than it should."""

    checksums: Checksums
    has_more: bool


@dataclass(frozen=True, slots=True)
class PartTaken(Answer):
    """S3 has acknowledged a part."""

    etag: str


@dataclass(frozen=True, slots=True)
class ObjectTaken(Answer):
    """S3 has acknowledged an object."""

    head: ObjectHead


@dataclass(frozen=True, slots=True)
class Failed(Answer):
    """It cannot be done, or not now."""

    error: AsyncupError


@dataclass(frozen=True, slots=True)
class CalledOff(Answer):
    """It was left off."""


_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        *(OpenS3, ReadSpan, UploadPart, PutObject, CallOff, Grant, Ration, Persevere),
        *(Alive, Moved, Want, Stuck, SpanRead, PartTaken, ObjectTaken, Failed, CalledOff),
    )
}


def encode(message: Message) -> bytes:
    """Write a message as a line."""
    plain = {"type": type(message).__name__, **to_plain(message)}
    return json.dumps(plain, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Read a line.

    Raises:
        ValueError: it is no message.
    """
    try:
        plain = json.loads(line)
        return from_plain(_KINDS[plain["type"]], plain)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no message: {error!r}") from error
