"""A run that never was, always the same: a minute and a half of a link that loses a part or two."""

from collections.abc import Iterator

from asyncup.core import events
from asyncup.core.conditions import RateChanged, SlotsChanged, SlotsReason
from asyncup.core.errors import ConnectionLost, Fault, Throttled
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.options import MIB

PART = 16 * MIB
PARTS = (12, 57, 400, 10_000)
"""Of each file that is begun; there are five more."""

FILES = [ObjectURI("films", f"season 1/episode {number}.mov") for number in range(1, 10)]
STEP = 0.5
"""Seconds between two moments."""

MOMENTS = 176


def beginning() -> Iterator[Event]:
    """Yield what happens at once: all is found, four files are begun, two of them resumed."""
    yield RateChanged(40 * MIB, "as asked for")
    for uri, parts in zip(FILES, (*PARTS, *(80,) * 5), strict=True):
        yield events.FileFound(f"/data/{uri.key}", uri, parts * PART)
    yield events.FileSkipped("/data/notes.txt", "s3://films/notes.txt has its size")
    yield events.ScanFinished()
    for number, (uri, parts) in enumerate(zip(FILES, PARTS, strict=False)):
        yield events.FileStarted(f"/data/{uri.key}", uri, parts * PART, PART, parts)
        if number % 2:
            kept = parts // 3
            yield events.UploadResumed(uri, "upload-id", PART, parts, kept, None)
            for part in range(1, kept + 1):
                yield events.PartKept(uri, part, PART, "CRC64NVME equal")
        else:
            yield events.UploadCreated(uri, "upload-id")


def moment(index: int) -> Iterator[Event]:
    """Yield what happens at a moment: a part of each file goes out, now and then one is lost."""
    for number, (uri, parts) in enumerate(zip(FILES, PARTS, strict=False)):
        turn, phase = divmod(index, 9 + number)
        part = (parts // 3 if number % 2 else 0) + turn + 1
        if part > parts:
            continue
        if phase == 0:
            yield events.PartStarted(uri, part, PART, 1)
        yield events.BytesSent(uri, part, (1 + (index + number) % 3) * MIB // 2)
        if phase == 8 + number:
            yield from _end(uri, number, turn, part)
    if index == 100:
        yield SlotsChanged(6, SlotsReason.THROTTLED)
    if index == 120:
        yield _completed(FILES[0])


def _end(uri: ObjectURI, number: int, turn: int, part: int) -> Iterator[Event]:
    if (number, turn) in {(1, 12), (2, 3), (3, 9)}:
        fault = Fault(action=f"upload part {part} of {uri}", message="connection reset by peer")
        yield events.RetryScheduled(uri, part, 1, 5.0, ConnectionLost(fault))
    elif (number, turn) == (2, 9):
        fault = Fault(action=f"upload part {part} of {uri}", code="SlowDown")
        yield events.RetryScheduled(uri, part, 1, 20.0, Throttled(fault))
    else:
        yield events.PartUploaded(uri, part, PART, "etag", 1)


def _completed(uri: ObjectURI) -> Event:
    result = UploadResult(
        uri=uri, size=12 * PART, etag="e", proof=Proof.CRC64NVME, part_size=PART, parts=12
    )
    return events.UploadCompleted(f"/data/{uri.key}", uri, result)
