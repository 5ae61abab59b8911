"""How a command ended, from its events alone."""

import pytest

from asyncup.core import aftercare, events
from asyncup.core.errors import UsageError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.tally import Tally

A, B = ObjectURI("bucket", "a"), ObjectURI("bucket", "b")
ERROR = UsageError("bad")
RESULT = UploadResult(uri=A, size=1, etag="", proof=Proof.ETAG, part_size=1, parts=1)
FOUND = [events.FileFound("a", A, 1), events.FileFound("b", B, 1)]


def counts(*told: Event) -> tuple[int, int, int, int]:
    """Return what events come to: done, skipped, failed, interrupted."""
    tally = Tally()
    for event in told:
        tally.apply(event)
    return tally.done, tally.skipped, tally.failed, tally.interrupted


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (events.UploadCompleted("a", A, RESULT), (1, 0, 0, 1)),
        (events.FilePlanned("a", A, 1, 1, 1, 1), (1, 0, 0, 1)),
        (aftercare.ObjectVerified("a", A, 1, Proof.ETAG), (1, 0, 0, 1)),
        (events.FileSkipped("a", "there", A), (0, 1, 0, 1)),
        (events.FileSkipped("c", "excluded"), (0, 1, 0, 2)),
        (events.UploadFailed("a", A, ERROR), (0, 0, 1, 1)),
        (events.UploadFailed("c", None, ERROR), (0, 0, 1, 2)),
        (aftercare.VerifyFailed("a", A, ERROR), (0, 0, 1, 1)),
        (events.UploadInterrupted("a", A, 1), (0, 0, 0, 2)),
        (aftercare.VerifyInterrupted("a", A), (0, 0, 0, 2)),
        (events.ScanFinished(), (0, 0, 0, 2)),
    ],
)
def test_every_end_of_a_file_counts_once(event: Event, expected: tuple[int, int, int, int]) -> None:
    """A file is done, skipped, failed or stopped; one that was found and told no end, stopped."""
    assert counts(*FOUND, event) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (events.RunFinished(1, 2, 3, 4, 130), (1, 2, 3, 4)),
        (aftercare.VerifyFinished(1, 2, 3, 4, 130), (1, 2, 3, 4)),
        (aftercare.AbortFinished(1, 50, 2, 3, 130), (1, 0, 2, 3)),
    ],
)
def test_the_end_of_a_run_knows_better(event: Event, expected: tuple[int, int, int, int]) -> None:
    """What a run itself says at its end counts: also what it did not even find is in that."""
    assert counts(*FOUND, events.UploadFailed("a", A, ERROR), event) == expected


def test_pending_uploads_that_were_listed_are_done() -> None:
    """Of a list, what counts is what is in it."""
    found = aftercare.PendingUploadFound(A, "id", None, None, 1, 1, None, in_journal=False)
    assert counts(found, found, aftercare.PendingListed(2, 2)) == (2, 0, 0, 0)
