"""What a person sees of a run: scripted events in, numbers out, nothing counted twice."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from asyncup.core import aftercare, conditions, events
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import ConnectionLost, Fault
from asyncup.core.file_progress import FileProgress
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.part_map import PartState
from asyncup.core.progress import MOST_NAMED, Progress
from asyncup.core.speed import RATE_WINDOW

A, B = ObjectURI("bucket", "a.bin"), ObjectURI("bucket", "b.bin")
LOST = ConnectionLost(Fault(action="upload part", message="connection reset"))


def feed(progress: Progress, *happened: events.Event) -> None:
    """Let all these events happen."""
    for event in happened:
        progress.apply(event)


def found(uri: ObjectURI, size: int | None) -> events.Event:
    return events.FileFound(uri.key, uri, size)


def started(uri: ObjectURI, size: int | None, part_size: int = 10) -> events.Event:
    parts = None if size is None else max(1, -(-size // part_size))
    return events.FileStarted(uri.key, uri, size, part_size, parts)


def part_started(uri: ObjectURI, number: int, size: int = 10, attempt: int = 1) -> events.Event:
    return events.PartStarted(uri, number, size, attempt)


def sent(uri: ObjectURI, number: int, count: int) -> events.Event:
    return events.BytesSent(uri, number, count)


def uploaded(uri: ObjectURI, number: int, size: int = 10) -> events.Event:
    return events.PartUploaded(uri, number, size, "etag", 1)


def kept(uri: ObjectURI, number: int, size: int = 10) -> events.Event:
    return events.PartKept(uri, number, size, "CRC64NVME equal")


def retried(uri: ObjectURI | None, number: int | None) -> events.Event:
    return events.RetryScheduled(uri, number, 1, 5.0, LOST)


def completed(uri: ObjectURI, size: int) -> events.Event:
    result = UploadResult(
        uri=uri, size=size, etag="etag", proof=Proof.CRC64NVME, part_size=10, parts=1
    )
    return events.UploadCompleted(uri.key, uri, result)


def compared(uri: ObjectURI, count: int) -> events.Event:
    return aftercare.BytesRead(uri, count, may_be_sent=True)


def skipped(uri: ObjectURI | None, size: int | None = None) -> events.Event:
    return events.FileSkipped("a.bin", "the same size", uri, size, filtered=uri is None)


def failed(uri: ObjectURI | None) -> events.Event:
    return events.UploadFailed("a.bin", uri, LOST)


def interrupted(uri: ObjectURI) -> events.Event:
    return events.UploadInterrupted(uri.key, uri, 10)


def under_way(*happened: events.Event) -> Progress:
    """Return the progress of a file A of 30 bytes in three parts, after these events."""
    progress = Progress()
    feed(progress, found(A, 30), events.ScanFinished(), started(A, 30), *happened)
    return progress


@dataclass(frozen=True)
class Picture:
    """The numbers of bytes that are shown."""

    committed: int = 0
    in_flight: int = 0
    resent: int = 0
    kept: int = 0
    total: int = 30


def picture(progress: Progress) -> Picture:
    """Return what is shown now."""
    return Picture(
        progress.committed,
        progress.in_flight,
        progress.bytes_resent,
        progress.bytes_kept,
        progress.bytes_found,
    )


SCRIPT: list[tuple[events.Event, Picture]] = [
    (events.UploadCreated(A, "id"), Picture()),
    (part_started(A, 1), Picture()),
    (sent(A, 1, 4), Picture(in_flight=4)),
    (part_started(A, 2), Picture(in_flight=4)),
    (sent(A, 2, 10), Picture(in_flight=14)),
    (sent(A, 1, 3), Picture(in_flight=17)),
    # All was handed over, yet S3 has not said so: it may have to travel again, and does.
    (retried(A, 2), Picture(in_flight=7, resent=10)),
    (part_started(A, 2, attempt=2), Picture(in_flight=7, resent=10)),
    (sent(A, 2, 2), Picture(in_flight=9, resent=10)),
    # The last block of a part may be taken without word; its acknowledgement counts all.
    (uploaded(A, 1), Picture(committed=10, in_flight=2, resent=10)),
    # A redirect: from the start again, within one attempt.
    (sent(A, 2, -2), Picture(committed=10, resent=10)),
    (sent(A, 2, 10), Picture(committed=10, in_flight=10, resent=10)),
    (uploaded(A, 2), Picture(committed=20, resent=10)),
    (part_started(A, 3), Picture(committed=20, resent=10)),
    (sent(A, 3, 5), Picture(committed=20, in_flight=5, resent=10)),
    # An attempt that begins without a word about the one before.
    (part_started(A, 3, attempt=2), Picture(committed=20, resent=15)),
    (sent(A, 3, 10), Picture(committed=20, in_flight=10, resent=15)),
    (uploaded(A, 3), Picture(committed=30, resent=15)),
    (retried(A, None), Picture(committed=30, resent=15)),
    (events.UploadCompleting(A, 3), Picture(committed=30, resent=15)),
    (completed(A, 30), Picture(committed=30, resent=15)),
]


def test_every_byte_is_in_one_place() -> None:
    """Bytes go from in flight to acknowledged, a retry takes them back, and none counts twice."""
    progress = under_way()
    shown = []
    for event, _ in SCRIPT:
        progress.apply(event)
        shown.append((event, picture(progress)))

    assert shown == SCRIPT
    assert progress.retries == 2
    assert (progress.files_found, progress.files_done, progress.files_failed) == (1, 1, 0)


def test_a_part_holds_its_place_until_it_is_there_or_taken_back() -> None:
    """Parts in flight are those begun and neither acknowledged nor waiting to be tried again."""
    progress = under_way(part_started(A, 1), part_started(A, 2), part_started(A, 3))
    assert progress.parts_in_flight == 3

    feed(progress, uploaded(A, 1))
    assert progress.parts_in_flight == 2
    feed(progress, retried(A, 2))
    assert progress.parts_in_flight == 1
    feed(progress, part_started(A, 2, attempt=2))
    assert progress.parts_in_flight == 2


def test_a_file_knows_where_it_stands() -> None:
    """Of each file it is told what is there, what is on its way, and how many parts are done."""
    progress = under_way(
        kept(A, 1), part_started(A, 2), sent(A, 2, 4), part_started(A, 3), sent(A, 3, 1)
    )
    file = progress.files[A]

    assert file == FileProgress(
        *("a.bin", A, 30, 10, 3),
        committed=10,
        kept=10,
        parts_done=1,
        in_flight={2: 4, 3: 1},
        attempts={2: 1, 3: 1},
    )
    assert file.position == 15


def states(progress: Progress) -> list[PartState]:
    """Return what is told of the parts of A."""
    made = progress.files[A].map
    return [made[number] for number in range(1, len(made) + 1)]


def test_a_file_knows_its_parts() -> None:
    """Each is stored, acknowledged, in flight, waiting or to come, as it was told last."""
    progress = under_way(kept(A, 1), part_started(A, 2))
    assert states(progress) == [PartState.STORED, PartState.IN_FLIGHT, PartState.TO_COME]
    feed(progress, retried(A, 2), part_started(A, 3))
    assert states(progress) == [PartState.STORED, PartState.WAITING, PartState.IN_FLIGHT]
    feed(progress, part_started(A, 2, attempt=2), uploaded(A, 3))
    assert states(progress) == [PartState.STORED, PartState.IN_FLIGHT, PartState.ACKNOWLEDGED]
    assert progress.files[A].attempts == {2: 2}
    feed(progress, events.UploadRestarted("a.bin", A, 20, 2, LOST))
    assert states(progress) == [PartState.TO_COME] * 2
    feed(progress, events.UploadResumed(A, "id", 5, 4, 1, None))
    assert states(progress) == [PartState.TO_COME] * 4
    assert progress.files[A].part_size == 5


def test_what_s3_has_lost_is_sent_again() -> None:
    """Acknowledged parts that an upload no longer has are told as resent when they go again."""
    progress = under_way(kept(A, 1), part_started(A, 2), sent(A, 2, 10), uploaded(A, 2))
    feed(progress, part_started(A, 3), sent(A, 3, 3))
    feed(progress, events.UploadRestarted("a.bin", A, 30, 3, LOST))
    assert (progress.committed, progress.bytes_resent) == (0, 3)
    feed(progress, part_started(A, 1))
    assert progress.bytes_resent == 3
    feed(progress, part_started(A, 2), sent(A, 2, 10), retried(A, 2), part_started(A, 2, attempt=2))
    assert progress.bytes_resent == 3 + 10 + 10


def test_a_pause_is_no_time_of_the_run() -> None:
    """Nothing moves in it, and the end is told as if it had not been."""
    progress = under_way(part_started(A, 1))
    progress.sample(0.0)
    feed(progress, sent(A, 1, 5), conditions.SlotsChanged(0, SlotsReason.PAUSED))
    progress.sample(1.0)
    # What is in flight arrives, and that takes its time.
    assert (progress.is_paused, progress.is_at_rest) == (True, False)
    assert (progress.rate, progress.eta) == (5.0, None)
    feed(progress, sent(A, 1, 5), uploaded(A, 1))
    progress.sample(2.0)
    assert (progress.is_at_rest, progress.rate) == (True, 0.0)
    progress.sample(1002.0)
    feed(progress, conditions.SlotsChanged(3, SlotsReason.CONTINUED))
    assert (progress.is_paused, progress.rate, progress.eta) == (False, 10.0, 2.0)


def test_files_do_not_mix() -> None:
    """Part 1 of one file is not part 1 of another."""
    progress = under_way(found(B, 20), started(B, 20), part_started(A, 1), part_started(B, 1))
    feed(progress, sent(A, 1, 4), sent(B, 1, 6), uploaded(B, 1))

    assert (progress.files[A].position, progress.files[B].position) == (4, 10)
    assert not progress.has_streams
    assert picture(progress) == Picture(committed=10, in_flight=4, total=50)


def test_a_file_is_done_when_it_was_verified() -> None:
    """All bytes being there does not make a file done; its object being compared does."""
    progress = under_way(*(uploaded(A, number) for number in (1, 2, 3)))
    assert (progress.files_done, progress.files[A].completing) == (0, False)

    feed(progress, events.UploadCompleting(A, 3))
    assert (progress.files_done, progress.files[A].completing) == (0, True)

    feed(progress, completed(A, 30))
    assert (progress.files_done, progress.files) == (1, {})


def test_a_resumed_upload_has_its_own_number_of_parts() -> None:
    """The number of parts is that of the upload which goes on, not of today's part size."""
    progress = under_way(events.UploadResumed(A, "id", 5, 6, 2, None))

    assert progress.files[A].parts == 6


def test_the_total_follows_a_file_that_changed_before_its_turn() -> None:
    """A file that grew or shrank since it was found counts as what it is when it starts."""
    progress = Progress()
    feed(progress, found(A, 30), found(B, 20))
    assert progress.bytes_found == 50

    feed(progress, started(A, 35), started(B, 5))
    assert progress.bytes_found == 40


def test_a_file_that_s3_turns_out_to_hold_leaves_the_totals() -> None:
    """A file that is found, started and then skipped counts as skipped and as nothing else."""
    progress = under_way(found(B, 20), skipped(A, 30))

    assert (progress.files_found, progress.files_skipped, progress.files_done) == (1, 1, 0)
    assert picture(progress) == Picture(total=20)
    assert progress.files == {}


def test_a_file_that_nobody_wants_never_enters_the_totals() -> None:
    """What filters leave out is counted as skipped and changes no sum."""
    progress = under_way(skipped(None, 1000))

    assert (progress.files_found, progress.files_skipped) == (1, 1)
    assert picture(progress) == Picture()


@pytest.mark.parametrize("ending", [failed(A), interrupted(A)], ids=["failed", "interrupted"])
def test_what_will_not_arrive_leaves_the_totals(ending: events.Event) -> None:
    """Of a file that ends early only what S3 has counts, so that 100 % can still be reached."""
    progress = under_way(found(B, 20), uploaded(A, 1), part_started(A, 2), sent(A, 2, 7), ending)
    assert picture(progress) == Picture(committed=10, total=30)
    assert progress.parts_in_flight == 0

    feed(progress, started(B, 20), uploaded(B, 1), uploaded(B, 2), completed(B, 20))
    assert picture(progress) == Picture(committed=30, total=30)


def test_what_is_left_is_named_up_to_a_number() -> None:
    """However many fail, their bytes are right; nobody is told half of the names."""
    progress = Progress()
    uris = [ObjectURI("b", f"{number}") for number in range(MOST_NAMED + 5)]
    for named, uri in enumerate(uris):
        assert progress.unfinished == (uris[:named] if named < MOST_NAMED else None)
        progress.apply(events.FileFound("f", uri, 10))
        progress.apply(events.UploadFailed("f", uri, LOST))
        assert (progress.bytes_found, progress.bytes_left) == (0, 10 * (named + 1))
    progress.apply(events.FileFound("f", uris[0], 30))
    assert (progress.bytes_found, progress.bytes_left) == (30, 10 * (MOST_NAMED + 4))


def test_files_that_fail_are_counted() -> None:
    """A failure counts once, also of a file that was refused before it had a key."""
    progress = under_way(failed(A), failed(None))

    assert progress.files_failed == 2
    assert picture(progress) == Picture(total=0)


def test_an_interrupted_file_is_no_failure() -> None:
    """Being stopped is not failing."""
    assert under_way(interrupted(A)).files_failed == 0


def test_a_stream_enters_the_totals_when_its_size_is_known() -> None:
    """Nobody knows the size of a stream before its end; then it counts like a file."""
    progress = Progress()
    feed(progress, found(A, None), events.ScanFinished(), started(A, None))
    assert (progress.bytes_found, progress.files_found) == (0, 1)
    assert (progress.files[A].size, progress.files[A].parts) == (None, None)
    assert progress.has_streams

    feed(progress, part_started(A, 1), sent(A, 1, 10), uploaded(A, 1), uploaded(A, 2, 7))
    assert progress.committed == 17

    feed(progress, completed(A, 17))
    assert picture(progress) == Picture(committed=17, total=17)
    assert not progress.has_streams


def test_a_stream_that_is_skipped_takes_nothing_out_of_the_totals() -> None:
    """A stream whose key is taken was never in the totals, so leaving takes nothing away."""
    progress = under_way(found(B, None), started(B, None), skipped(B))

    assert picture(progress) == Picture(total=30)


def test_a_stream_that_fails_leaves_what_s3_has() -> None:
    """Of a stream that ends early, what was acknowledged is all there is."""
    progress = Progress()
    feed(progress, found(A, None), started(A, None), uploaded(A, 1), part_started(A, 2))
    feed(progress, sent(A, 2, 3), failed(A))

    assert picture(progress) == Picture(committed=10, total=10)


def test_what_is_announced_for_others_changes_nothing() -> None:
    """Events without bytes are passed over."""
    progress = under_way(part_started(A, 1), sent(A, 1, 4))
    before = (picture(progress), replace(progress.files[A]))
    feed(
        progress,
        events.PendingUploadIgnored(A, "id", "older"),
        events.PartDiscarded(A, 2, 10, "CRC64NVME differs"),
        events.FilePlanned("b.bin", B, 10, 10, 1, 1),
        events.RunFinished(1, 0, 0, 0, 0),
    )

    assert (picture(progress), progress.files[A]) == before


def test_stopping_is_seen() -> None:
    """That no further part is begun can be shown."""
    progress = under_way()
    assert not progress.stopping

    feed(progress, events.Stopping(10.0))
    assert progress.stopping


def test_the_rate_is_that_of_the_bytes_on_their_way() -> None:
    """Bytes count for the rate as they leave, so that it moves while a large part travels."""
    progress = under_way()
    assert progress.rate == 0
    progress.sample(100.0)
    assert progress.rate == 0

    feed(progress, part_started(A, 1), sent(A, 1, 4))
    progress.sample(102.0)
    assert progress.rate == 2.0

    feed(progress, sent(A, 1, 6), uploaded(A, 1))
    progress.sample(104.0)
    assert progress.rate == 2.5


def test_the_rate_forgets_what_was_long_ago() -> None:
    """When nothing moves any more, the rate falls to zero within about a window."""
    progress = under_way(part_started(A, 1))
    progress.sample(0.0)
    feed(progress, sent(A, 1, 10))
    rates: list[float] = []
    for _ in range(round(RATE_WINDOW) + 2):
        progress.sample(len(rates) + 1.0)
        rates.append(progress.rate)

    assert all(rate > 0 for rate in rates[: round(RATE_WINDOW)])
    assert rates[-1] == 0


def test_samples_far_apart_make_a_rate_of_the_last_two() -> None:
    """After a long silence the rate is that since the sample before, however old that is."""
    progress = under_way(part_started(A, 1))
    progress.sample(0.0)
    feed(progress, sent(A, 1, 10))
    progress.sample(10 * RATE_WINDOW)
    assert progress.rate == 10 / (10 * RATE_WINDOW)

    progress.sample(20 * RATE_WINDOW)
    assert progress.rate == 0


def test_parts_that_were_there_before_do_not_count_into_the_rate() -> None:
    """Comparing a part is much faster than sending it, and says nothing about the network."""
    progress = under_way()
    progress.sample(0.0)
    feed(progress, kept(A, 1), kept(A, 2))
    progress.sample(1.0)
    assert progress.rate == 0

    feed(progress, part_started(A, 3), sent(A, 3, 10), uploaded(A, 3), completed(A, 30))
    progress.sample(2.0)
    assert progress.rate == 5.0
    assert picture(progress) == Picture(committed=30, kept=20)


def test_the_rate_is_never_negative() -> None:
    """A retry takes bytes back; the rate falls to zero then, and not below."""
    progress = under_way(part_started(A, 1), sent(A, 1, 10))
    progress.sample(0.0)
    feed(progress, retried(A, 1))
    progress.sample(1.0)

    assert progress.rate == 0
    assert progress.eta is None


def test_two_samples_of_one_moment_make_no_rate() -> None:
    """A clock that does not move divides nothing by zero."""
    progress = under_way(part_started(A, 1))
    progress.sample(5.0)
    feed(progress, sent(A, 1, 10))
    progress.sample(5.0)

    assert progress.rate == 0


def test_the_time_left_is_told_when_the_total_is_known() -> None:
    """As long as files are still being found, nobody knows how long it takes."""
    progress = Progress()
    feed(progress, found(A, 30), started(A, 30), part_started(A, 1))
    progress.sample(0.0)
    feed(progress, sent(A, 1, 10))
    progress.sample(2.0)
    assert progress.rate == 5.0
    assert progress.eta is None

    feed(progress, events.ScanFinished())
    # Nothing is acknowledged yet: what has left has to do.
    assert progress.eta == 4.0
    feed(progress, uploaded(A, 1))
    progress.sample(4.0)
    assert progress.eta == 20 / (10 / 4)
    feed(progress, kept(A, 2))
    assert progress.eta == 10 / (10 / 4)
    feed(progress, part_started(A, 3), sent(A, 3, 10))
    progress.sample(5.0)
    assert progress.eta == 10 / (10 / 5)
    feed(progress, uploaded(A, 3))
    assert progress.eta == 0.0


def test_without_a_rate_there_is_no_time_left() -> None:
    """Nothing moving is no reason to promise an end, nor to divide by zero."""
    progress = under_way()
    assert progress.eta is None

    progress.sample(0.0)
    progress.sample(1.0)
    assert progress.eta is None


@dataclass
class ModelPart:
    """A part as the test knows it; `moving` None if it is not in flight."""

    size: int
    moving: int | None = None
    held: bool = False
    kept: bool = False


@dataclass
class ModelFile:
    """A file as the test knows it, and whether it is found, started or over."""

    uri: ObjectURI
    size: int
    state: str = "found"
    parts: dict[int, ModelPart] = field(default_factory=dict)
    compared: int = 0

    def held(self) -> int:
        return sum(part.size for part in self.parts.values() if part.held)

    def moving(self) -> int:
        return sum(part.moving or 0 for part in self.parts.values())

    def idle_parts(self) -> list[int]:
        return [n for n, part in self.parts.items() if part.moving is None and not part.held]

    def moving_parts(self) -> list[int]:
        return [n for n, part in self.parts.items() if part.moving is not None]


class AnyRun(RuleBasedStateMachine):
    """A run as the engine may announce it, beside a plain account of where each byte is."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.files: list[ModelFile] = []
        self.now = 0.0
        self.resent = 0
        self.skipped = 0

    def _in(self, state: str) -> list[ModelFile]:
        return [file for file in self.files if file.state == state]

    def _whole(self) -> list[ModelFile]:
        return [
            file for file in self._in("started") if all(part.held for part in file.parts.values())
        ]

    def _untouched(self) -> list[ModelFile]:
        return [file for file in self._in("started") if len(file.idle_parts()) == len(file.parts)]

    def _with(self, *, moving: bool) -> list[tuple[ModelFile, int]]:
        return [
            (file, number)
            for file in self._in("started")
            for number in (file.moving_parts() if moving else file.idle_parts())
        ]

    @precondition(lambda self: not self._in("found"))
    @rule(size=st.integers(0, 45))
    def find(self, size: int) -> None:
        uri = ObjectURI("bucket", f"{len(self.files) + self.skipped}.bin")
        self.files.append(ModelFile(uri, size))
        self.progress.apply(found(uri, size))

    @precondition(lambda self: self._in("found"))
    @rule(data=st.data(), size=st.integers(0, 45), changed=st.booleans())
    def start(self, data: st.DataObject, size: int, *, changed: bool) -> None:
        file = data.draw(st.sampled_from(self._in("found")))
        file.size = size if changed else file.size
        file.state = "started"
        for number in range(1, max(1, -(-file.size // 20)) + 1):
            file.parts[number] = ModelPart(min(20, file.size - 20 * (number - 1)))
        self.progress.apply(started(file.uri, file.size, part_size=20))

    @precondition(lambda self: len(self._untouched()) > 1)
    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self._untouched()))
        self.files.remove(file)
        self.skipped += 1
        self.progress.apply(skipped(file.uri, file.size))

    @precondition(lambda self: self._with(moving=False))
    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        file, number = data.draw(st.sampled_from(self._with(moving=False)))
        part = file.parts[number]
        part.held = part.kept = True
        self.progress.apply(kept(file.uri, number, part.size))

    @precondition(lambda self: self._in("started"))
    @rule(data=st.data())
    def compare(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self._in("started")))
        before, file.compared = file.compared, data.draw(st.integers(0, file.size))
        self.progress.apply(compared(file.uri, file.compared - before))

    @precondition(lambda self: self._with(moving=False))
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        file, number = data.draw(st.sampled_from(self._with(moving=False)))
        file.parts[number].moving = 0
        self.progress.apply(part_started(file.uri, number, file.parts[number].size))

    @precondition(lambda self: self._with(moving=True))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        file, number = data.draw(st.sampled_from(self._with(moving=True)))
        part = file.parts[number]
        before = part.moving or 0
        part.moving = data.draw(st.just(0) | st.integers(before, part.size))
        self.progress.apply(sent(file.uri, number, part.moving - before))

    @precondition(lambda self: self._with(moving=True))
    @rule(data=st.data(), told=st.booleans())
    def lose(self, data: st.DataObject, *, told: bool) -> None:
        file, number = data.draw(st.sampled_from(self._with(moving=True)))
        part = file.parts[number]
        self.resent += part.moving or 0
        part.moving = None if told else 0
        again = part_started(file.uri, number, part.size, 2)
        self.progress.apply(retried(file.uri, number) if told else again)

    @precondition(lambda self: self._with(moving=True))
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        file, number = data.draw(st.sampled_from(self._with(moving=True)))
        part = file.parts[number]
        part.moving, part.held = None, True
        self.progress.apply(uploaded(file.uri, number, part.size))

    @precondition(lambda self: self._whole())
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self._whole()))
        file.state = "done"
        self.progress.apply(completed(file.uri, file.size))

    @precondition(lambda self: len(self._in("started")) > 1)
    @rule(data=st.data(), fails=st.booleans())
    def give_up(self, data: st.DataObject, *, fails: bool) -> None:
        file = data.draw(st.sampled_from(self._in("started")))
        file.state = "failed" if fails else "interrupted"
        for part in file.parts.values():
            part.moving = None
        self.progress.apply(failed(file.uri) if fails else interrupted(file.uri))

    @rule()
    def finish_scan(self) -> None:
        self.progress.apply(events.ScanFinished())

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 20.0]))
    def sample(self, seconds: float) -> None:
        self.now += seconds
        self.progress.sample(self.now)

    @invariant()
    def bytes_are_where_they_should_be(self) -> None:
        over = self._in("failed") + self._in("interrupted")
        ahead = self._in("found") + self._in("started") + self._in("done")
        parts = [part for file in self.files for part in file.parts.values()]

        assert picture(self.progress) == Picture(
            committed=sum(file.held() for file in self.files),
            in_flight=sum(file.moving() for file in self.files),
            resent=self.resent,
            kept=sum(part.size for part in parts if part.kept),
            total=sum(file.size for file in ahead) + sum(file.held() for file in over),
        )
        assert self.progress.compared == sum(file.compared for file in self._in("started"))
        assert self.progress.parts_in_flight == len(self._with(moving=True))

    @invariant()
    def nothing_exceeds_the_total(self) -> None:
        progress = self.progress
        assert progress.committed + progress.in_flight <= progress.bytes_found
        for file in progress.files.values():
            assert file.size is not None
            assert file.position <= file.size

    @invariant()
    def nothing_is_negative(self) -> None:
        progress = self.progress
        numbers = (*vars(picture(progress)).values(), progress.rate, progress.eta or 0)
        assert [number for number in numbers if number < 0] == []

    @invariant()
    def files_are_counted_once(self) -> None:
        progress = self.progress
        assert progress.files_found == len(self.files)
        assert progress.files_done == len(self._in("done"))
        assert progress.files_failed == len(self._in("failed"))
        assert progress.files_skipped == self.skipped
        assert progress.files.keys() == {file.uri for file in self._in("started")}


def test_any_run_counts_every_byte_once() -> None:
    """Whatever happens in whatever order, no byte counts twice, below zero or over the total."""
    run_state_machine_as_test(AnyRun, settings=settings(max_examples=150, stateful_step_count=60))


def test_what_is_read_to_be_compared_is_not_at_s3() -> None:
    """Neither the bytes done nor the rate know of it, also if the file is uploaded after all."""
    progress = under_way()
    for now, count in ((0.0, 20), (1.0, 10), (2.0, -30)):
        feed(progress, compared(A, count))
        progress.sample(now)
        assert (picture(progress), progress.rate) == (Picture(), 0.0)
    feed(progress, *(uploaded(A, number) for number in (1, 2, 3)), compared(A, 30))
    assert (picture(progress), progress.compared) == (Picture(committed=30), 30)
    feed(progress, compared(A, -30), completed(A, 30))
    assert (picture(progress), progress.files_done) == (Picture(committed=30), 1)


def test_what_is_left_after_comparing_was_not_sent() -> None:
    """A file that is skipped because it is at S3 leaves the totals, and nothing of it was done."""
    progress = under_way(compared(A, 30), compared(A, -30), skipped(A, 30))
    assert (picture(progress), progress.compared) == (Picture(total=0), 0)


def test_comparing_in_a_dry_run_changes_nothing() -> None:
    """There, no file is begun."""
    progress = Progress()
    feed(progress, found(A, 30), compared(A, 30), compared(A, -30))
    assert (picture(progress), progress.compared) == (Picture(), 0)


@pytest.mark.parametrize("ending", [skipped(A, 10), failed(A), interrupted(A)])
def test_what_ends_before_its_turn_leaves_the_totals(ending: events.Event) -> None:
    """A file that is found and then never begun is not waited for."""
    progress = Progress()
    feed(progress, found(A, 10), found(B, 5), ending)
    assert progress.bytes_found == 5
