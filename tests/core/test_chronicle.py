"""What a report tells, from events and their times: all of it, in memory that does not grow."""

import gc
import weakref
from collections.abc import Iterable

import pytest

from asyncup.core import conditions, events
from asyncup.core.chronicle import Chronicle, FileStory, Outcome
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import AccessDenied, ConnectionLost, Fault, SourceMissing, Throttled
from asyncup.core.events import Event
from asyncup.core.lanes import LANES, Lane
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.timeline import BINS

URI = ObjectURI("bucket", "big.bin")
LOST = ConnectionLost(Fault(action="upload part 2", message="reset by peer"))
SLOW = Throttled(Fault(action="upload part 3"))
DENIED = AccessDenied(Fault(action="create"), hint="allow it")
FINISHED = events.RunFinished(uploaded=1, skipped=0, failed=0, interrupted=0, exit_code=0)


def named(name: str) -> ObjectURI:
    return ObjectURI("bucket", name)


def started(name: str, size: int | None = 30, parts: int | None = 3) -> list[Event]:
    uri = named(name)
    return [
        events.FileFound(name, uri, size),
        events.FileStarted(name, uri, size, 10, parts),
    ]


def completed(name: str, size: int = 30, parts: int = 3) -> Event:
    uri = named(name)
    result = UploadResult(
        uri=uri, size=size, etag="e", proof=Proof.CRC64NVME, part_size=10, parts=parts
    )
    return events.UploadCompleted(name, uri, result)


def told(*moments: Event | float, most: int = 9) -> Chronicle:
    """Return what events come to; a number is the time from then on."""
    chronicle = Chronicle(most)
    now = 0.0
    for moment in moments:
        if isinstance(moment, Event):
            chronicle.apply(moment, now)
        else:
            now = moment
    chronicle.close(now)
    return chronicle


STORY: list[Event | float] = [
    1.0,
    *started("big.bin"),
    conditions.SlotsChanged(2, SlotsReason.ASKED),
    2.0,
    events.PartKept(URI, 1, 10, "the same"),
    events.PartStarted(URI, 2, 10, 1),
    events.PartStarted(URI, 3, 10, 1),
    events.BytesSent(URI, 2, 7),
    events.BytesSent(URI, 3, 10),
    3.0,
    events.RetryScheduled(URI, 2, 1, 1.0, LOST),
    events.PartUploaded(URI, 3, 10, "e", 1),
    4.0,
    events.PartStarted(URI, 2, 10, 2),
    events.BytesSent(URI, 2, 10),
    5.0,
    events.PartUploaded(URI, 2, 10, "e", 2),
    events.UploadCompleting(URI, 3),
    6.0,
    completed("big.bin"),
    FINISHED,
]


def test_the_story_of_a_file() -> None:
    """Which parts travelled when and how often, what was in vain, and what it came to."""
    (story,) = told(*STORY).files
    assert (story.source, story.uri, story.size, story.parts) == ("big.bin", URI, 30, 3)
    assert (story.began, story.ended, story.outcome) == (1.0, 6.0, Outcome.UPLOADED)
    assert (story.attempts, story.resent, story.kept, story.proof) == (3, 7, 1, Proof.CRC64NVME)
    assert story.lanes.by_first_part == {
        1: Lane(ended=2.0, kept=1),
        2: Lane(began=2.0, ended=5.0, failed=3.0, uploaded=1, failures=1),
        3: Lane(began=2.0, ended=3.0, uploaded=1),
    }


def test_the_story_of_a_run() -> None:
    """What was sent when, in vain or not, and how many parts there were at once."""
    chronicle = told(*STORY)
    assert chronicle.proofs == {Proof.CRC64NVME: 1}
    by_second = [
        chronicle.timeline.bins[at : at + 4] for at in range(0, len(chronicle.timeline.bins), 4)
    ]
    assert [sum(b.sent for b in each) for each in by_second] == [0, 0, 17, 0, 10, 0, 0]
    assert [sum(b.in_vain for b in each) for each in by_second] == [0, 0, 0, 7, 0, 0, 0]
    assert [sum(b.retries for b in each) for each in by_second] == [0, 0, 0, 1, 0, 0, 0]
    assert [max(b.in_flight for b in each) for each in by_second] == [0, 0, 2, 2, 1, 1, 0]
    assert [each[-1].slots for each in by_second] == [None, 2, 2, 2, 2, 2, 2]


def test_errors_are_told_by_kind() -> None:
    """How often each was met, when first and last, and what it said then."""
    later = ConnectionLost(Fault(action="upload part 9"))
    chronicle = told(
        *started("big.bin"),
        1.0,
        events.RetryScheduled(URI, None, 1, 1.0, LOST),
        events.RetryScheduled(None, None, 1, 1.0, SLOW),
        7.0,
        events.RetryScheduled(URI, 2, 1, 1.0, later),
        events.UploadFailed("big.bin", URI, DENIED),
        events.ReceiptLost(URI, SourceMissing("no disk")),
    )
    assert {name: each.count for name, each in chronicle.errors.items()} == {
        "ConnectionLost": 2,
        "Throttled": 1,
        "AccessDenied": 1,
        "SourceMissing": 1,
    }
    lost = chronicle.errors["ConnectionLost"]
    assert (lost.first, lost.last, lost.said, lost.hint) == (1.0, 7.0, str(later), later.hint)


def test_no_error_is_held() -> None:
    """It would hold all that was at hand where it was raised, such as the bytes of a part."""
    errors = [ConnectionLost(Fault(action=f"upload part {n}")) for n in range(3)]
    gone = list(map(weakref.ref, errors))
    chronicle = told(
        *started("a"),
        events.RetryScheduled(named("a"), 1, 1, 1.0, errors[0]),
        conditions.WentOffline(errors[1], 1.0, 1),
        conditions.WentOnline(1.0),
        events.UploadFailed("a", named("a"), errors[2]),
    )
    errors.clear()
    gc.collect()
    assert [each() for each in gone] == [None, None, None]
    assert chronicle.errors["ConnectionLost"].count == 3


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (completed("a"), Outcome.UPLOADED),
        (events.FileSkipped("a", "it is there", named("a"), 30), Outcome.SKIPPED),
        (events.UploadFailed("a", named("a"), DENIED), Outcome.FAILED),
        (events.UploadInterrupted("a", named("a"), 10), Outcome.STOPPED),
        (None, Outcome.STOPPED),
    ],
)
@pytest.mark.parametrize("is_begun", [True, False])
def test_what_became_of_a_file(event: Event | None, outcome: Outcome, is_begun: bool) -> None:
    """Also of one whose turn never came, and of one at which a run was cut off."""
    begun = started("a")[: 2 if is_begun else 1]
    if event is None:
        expected = [("a", outcome)] if is_begun else []
        moments = begun
    elif is_begun or outcome is not Outcome.UPLOADED:
        expected, moments = [("a", outcome)], [*begun, event]
    else:
        return
    assert [(each.source, each.outcome) for each in told(*moments).files] == expected


def test_why_nothing_was_sent() -> None:
    """A reason, or an error; also of what had no key."""
    skipped, failed = (
        told(event).files[0]
        for event in (
            events.FileSkipped("a", "it is there", named("a"), 30),
            events.UploadFailed("b", None, DENIED),
        )
    )
    assert (skipped.reason, skipped.hint, skipped.size) == ("it is there", None, 30)
    assert (failed.reason, failed.hint, failed.uri) == (str(DENIED), DENIED.hint, None)


def test_what_the_user_left_out_is_counted() -> None:
    """Nobody needs to be told of each."""
    chronicle = told(*[events.FileSkipped(f"{n}", "excluded", filtered=True) for n in range(3)])
    assert (chronicle.files, chronicle.left_out) == ([], {Outcome.SKIPPED: 3})


def sources(stories: Iterable[FileStory]) -> list[str]:
    return [story.source for story in stories]


def test_of_too_many_files_those_that_matter_are_held() -> None:
    """What failed, then what was stopped, then the largest; the others are counted."""
    moments: list[Event] = []
    for number in range(10):
        moments += [*started(f"done {number}", number), completed(f"done {number}", number)]
    moments.append(events.FileSkipped("skipped", "it is there", named("skipped"), 1 << 40))
    moments += [*started("cut", 1), events.UploadInterrupted("cut", named("cut"), 1)]
    moments.append(events.UploadFailed("broken", None, DENIED))
    chronicle = told(*moments, most=4)
    assert sources(chronicle.files) == ["broken", "cut", "done 8", "done 9"]
    assert chronicle.left_out == {Outcome.UPLOADED: 8, Outcome.SKIPPED: 1}
    assert chronicle.proofs == {Proof.CRC64NVME: 10}


def test_the_first_of_equals_is_held() -> None:
    """Where nothing else tells them apart."""
    moments = [each for n in range(9) for each in (*started(f"{n}"), completed(f"{n}"))]
    assert sources(told(*moments, most=3).files) == ["0", "1", "2"]


def test_it_does_not_grow() -> None:
    """Of a file with all the parts that S3 allows, over weeks, some lanes and bins are held."""
    chronicle = Chronicle()
    for event in started("big.bin", 100_000, 10_000):
        chronicle.apply(event, 0.0)
    for number in range(1, 10_001, 10):
        now = number * 300.0
        chronicle.apply(events.PartStarted(URI, number, 10, 1), now)
        chronicle.apply(events.BytesSent(URI, number, 10), now)
        chronicle.apply(events.RetryScheduled(URI, number, 1, 1.0, LOST), now)
        chronicle.apply(events.PartStarted(URI, number, 10, 2), now)
        chronicle.apply(events.PartUploaded(URI, number, 10, "e", 2), now)
    chronicle.close(3_000_000.0)
    (story,) = chronicle.files
    assert len(story.lanes.by_first_part) <= LANES
    assert len(chronicle.timeline.bins) <= BINS
    assert (story.attempts, story.resent) == (2000, 10_000)
    assert chronicle.errors["ConnectionLost"].count == 1000


def test_what_will_not_arrive_was_asked_for_all_the_same() -> None:
    """Of files that failed or were stopped, what S3 does not hold; what was skipped is no part."""
    chronicle = told(
        *started("done"),
        completed("done"),
        *started("big.bin"),
        events.PartStarted(URI, 1, 10, 1),
        events.PartUploaded(URI, 1, 10, "e", 1),
        events.UploadInterrupted("big.bin", URI, 20),
        *started("broken", 7),
        events.UploadFailed("broken", named("broken"), DENIED),
        events.FileFound("there", named("there"), 5),
        events.FileSkipped("there", "it is there", named("there"), 5),
        *started("cut", 3),
    )
    assert chronicle.progress.bytes_left == 20 + 7
    assert chronicle.progress.bytes_found + chronicle.progress.bytes_left == 30 + 30 + 7 + 3


def test_outages() -> None:
    """How many there were and how long, also the one in which the run ended; probes are errors."""
    chronicle = told(
        10.0,
        conditions.WentOffline(LOST, 1.0, 1),
        15.0,
        conditions.WentOffline(LOST, 1.0, 2),
        20.0,
        conditions.WentOnline(10.0),
        30.0,
        conditions.WentOffline(SLOW, 1.0, 1),
        35.0,
    )
    assert (chronicle.outages, chronicle.seconds_offline) == (2, 15.0)
    assert chronicle.errors["ConnectionLost"].count == 2
    shaded = [at for at, each in enumerate(chronicle.timeline.bins) if each.is_offline]
    assert shaded == [*range(40, 81), *range(120, 141)]


def test_a_file_that_is_looked_at_again() -> None:
    """What is told of it is what it is now; what travelled has travelled."""
    chronicle = told(
        *started("big.bin"),
        events.PartKept(URI, 1, 10, "the same"),
        events.PartStarted(URI, 2, 10, 1),
        events.BytesSent(URI, 2, 4),
        2.0,
        events.UploadRestarted("big.bin", URI, 20, 2, DENIED),
        5.0,
        events.UploadInterrupted("big.bin", URI, 20),
    )
    (story,) = chronicle.files
    assert (story.size, story.parts, story.kept, story.attempts, story.resent) == (20, 2, 0, 1, 4)
    assert story.lanes.by_first_part[2].ended == 2.0
    assert chronicle.errors["AccessDenied"].count == 1


def test_an_upload_that_is_resumed_has_its_own_parts() -> None:
    """Not those that the file would be cut into today."""
    resumed = events.UploadResumed(URI, "id", 5, 6, 2, None)
    (story,) = told(*started("big.bin"), resumed).files
    assert story.parts == 6
