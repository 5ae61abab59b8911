"""Events in words: every one that is worth a line, and nothing that could steer a terminal."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from asyncup.core import aftercare, conditions, events, watching
from asyncup.core.conditions import SlotsChanged, SlotsReason
from asyncup.core.diagnosis import RateMeasured
from asyncup.core.errors import (
    ConnectionLost,
    Fault,
    RetriesExhausted,
    SourceChanged,
    SourceMissing,
    Throttled,
    UsageError,
)
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.progress import Progress
from asyncup.ui.text import Level, Line, clean, describe, error_line, summary, totals
from tests.ui.diagnosis import DIAGNOSIS
from tests.ui.standing import COMMAND, UPLOAD

MIB = 1 << 20
URI = ObjectURI("bucket", "dir/big.bin")
OTHER = ObjectURI("bucket", "dir/other.bin")
SLOW = Throttled(
    Fault(action=f"upload part 7 of {URI}", code="SlowDown", message="Reduce your rate."),
    hint="lower --concurrency",
)
LOST = ConnectionLost(Fault(action=f"look at {URI}", message="reset by peer"))
RESULT = UploadResult(
    uri=URI,
    size=40 * MIB,
    etag="abc-3",
    proof=Proof.CRC64NVME,
    part_size=16 * MIB,
    parts=3,
    parts_kept=2,
    attempts=5,
    resent=100,
)
FINISHED = events.RunFinished(uploaded=2, skipped=0, failed=0, interrupted=0, exit_code=0)

LINES: list[tuple[Event, Line]] = [
    (
        events.FileSkipped("dir/big.bin", "the name is not UTF-8"),
        Line(Level.INFO, "skipped dir/big.bin: the name is not UTF-8"),
    ),
    (
        events.UploadResumed(URI, "id", 16 * MIB, 3, 2, datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        Line(
            Level.INFO,
            "resuming s3://bucket/dir/big.bin: "
            "S3 lists 2 of 3 parts of 16 MiB, begun 2024-02-29 12:30 UTC",
        ),
    ),
    (
        events.UploadResumed(URI, "id", 16 * MIB, None, 2, None),
        Line(Level.INFO, "resuming s3://bucket/dir/big.bin: S3 lists 2 parts of 16 MiB"),
    ),
    (
        events.PendingUploadIgnored(URI, "id", "its parts are not parts of a file of this size"),
        Line(
            Level.WARNING,
            "left a pending upload of s3://bucket/dir/big.bin alone (id): "
            "its parts are not parts of a file of this size",
        ),
    ),
    (
        events.UploadRestarted("dir/big.bin", URI, 40 * MIB, 3, LOST),
        Line(
            Level.WARNING,
            "looking at dir/big.bin again: look at s3://bucket/dir/big.bin: reset by peer",
        ),
    ),
    (
        events.UploadAborted(URI, "id", "the file has changed"),
        Line(
            Level.WARNING,
            "aborted a pending upload of s3://bucket/dir/big.bin (id): the file has changed",
        ),
    ),
    (
        events.AttributesDiffer(URI, ["metadata", "sse"]),
        Line(
            Level.WARNING,
            "s3://bucket/dir/big.bin is not stored as asked for: metadata, sse",
            "its upload was begun with others; upload it again with --overwrite always",
        ),
    ),
    (
        events.JournalUnavailable("keep the journal /x: no room"),
        Line(Level.WARNING, "keep the journal /x: no room"),
    ),
    (
        events.PartDiscarded(URI, 2, 16 * MIB, "its CRC32 differs"),
        Line(Level.WARNING, "part 2 of s3://bucket/dir/big.bin goes again: its CRC32 differs"),
    ),
    (
        events.RetryScheduled(URI, 7, 1, 5.0, SLOW),
        Line(
            Level.WARNING,
            "attempt 1 failed, next in 5s: "
            "upload part 7 of s3://bucket/dir/big.bin: SlowDown: Reduce your rate.",
            "lower --concurrency",
        ),
    ),
    (
        events.RetryScheduled(None, None, 2, 90.0, LOST),
        Line(
            Level.WARNING,
            "attempt 2 failed, next in 1m 30s: look at s3://bucket/dir/big.bin: reset by peer",
        ),
    ),
    (
        conditions.WentOffline(LOST, 4.5, 4),
        Line(
            Level.WARNING,
            "offline, next try in 4s: look at s3://bucket/dir/big.bin: reset by peer",
        ),
    ),
    (
        conditions.WentOffline(SLOW, 60, 1),
        Line(
            Level.WARNING,
            "S3 asks for a pause, next try in 1m 00s: "
            "upload part 7 of s3://bucket/dir/big.bin: SlowDown: Reduce your rate.",
            "lower --concurrency",
        ),
    ),
    (
        conditions.WentOnline(90.2),
        Line(Level.INFO, "S3 is there again, after 1m 30s"),
    ),
    (
        conditions.CredentialsRenewed(),
        Line(Level.INFO, "going on with other credentials: those before were refused"),
    ),
    (
        events.Stopping(10.0),
        Line(
            Level.WARNING,
            "stopping: parts in flight have 10s to arrive (again to stop at once)",
        ),
    ),
    (
        events.UploadCompleted("dir/big.bin", URI, RESULT),
        Line(
            Level.DONE,
            "s3://bucket/dir/big.bin 40 MiB in 3 parts, 2 of them kept, verified by crc64nvme",
        ),
    ),
    (
        events.UploadCompleted("dir/big.bin", URI, replace(RESULT, parts_kept=0, proof=Proof.ETAG)),
        Line(Level.DONE, "s3://bucket/dir/big.bin 40 MiB in 3 parts, verified by etag"),
    ),
    (
        events.UploadCompleted("x", URI, replace(RESULT, size=0, parts=1, parts_kept=0)),
        Line(Level.DONE, "s3://bucket/dir/big.bin 0 B, verified by crc64nvme"),
    ),
    (
        events.UploadFailed("dir/big.bin", URI, SLOW),
        Line(
            Level.ERROR,
            "upload part 7 of s3://bucket/dir/big.bin: SlowDown: Reduce your rate.",
            "lower --concurrency",
        ),
    ),
    (
        events.UploadFailed("gone", None, SourceMissing("read gone: no such file or directory")),
        Line(Level.ERROR, "read gone: no such file or directory"),
    ),
    (
        events.UploadInterrupted("dir/big.bin", URI, 24 * MIB),
        Line(Level.WARNING, "stopped s3://bucket/dir/big.bin, 24 MiB are not at S3 yet"),
    ),
    (
        events.UploadInterrupted("-", URI, None),
        Line(Level.WARNING, "stopped s3://bucket/dir/big.bin"),
    ),
    (events.Stopping(0.0), Line(Level.WARNING, "stopping")),
    (
        events.OutputLost("/var/log/asyncup", "No space left on device"),
        Line(
            Level.WARNING,
            "write /var/log/asyncup: No space left on device; the run goes on, and tries again "
            "with what comes",
        ),
    ),
    (
        events.ReceiptLost(URI, SourceMissing("write a receipt to x: no room")),
        Line(Level.ERROR, "write a receipt to x: no room"),
    ),
    (
        aftercare.ObjectVerified("big.bin", URI, 40 * MIB, Proof.SHA256),
        Line(Level.DONE, "s3://bucket/dir/big.bin 40 MiB equals big.bin, proven by sha256"),
    ),
    (
        aftercare.ObjectVerified("big.bin", URI, 40 * MIB, Proof.ETAG, by_receipt=True),
        Line(
            Level.DONE,
            "s3://bucket/dir/big.bin 40 MiB equals its receipt for big.bin, proven by etag",
        ),
    ),
    (aftercare.VerifyFailed("big.bin", URI, LOST), error_line(LOST)),
    (
        aftercare.VerifyInterrupted("big.bin", URI),
        Line(Level.WARNING, "stopped comparing s3://bucket/dir/big.bin"),
    ),
    (
        aftercare.VerifyFinished(2, 0, 0, 0, 0),
        Line(Level.DONE, "2 objects verified"),
    ),
    (
        aftercare.VerifyFinished(1, 2, 3, 4, 130),
        Line(Level.WARNING, "1 object verified, 2 skipped, 3 failed, 4 not compared"),
    ),
    (
        aftercare.VerifyFinished(0, 0, 0, 0, 0),
        Line(Level.WARNING, "nothing to verify: no files were found"),
    ),
    (aftercare.AbortFailed(URI, "id", SLOW), error_line(SLOW)),
    (
        conditions.RateChanged(20 * MIB, "timetable"),
        Line(Level.INFO, "timetable: at most 20 MiB/s from now on"),
    ),
    (
        conditions.RateChanged(None, "SIGUSR2"),
        Line(Level.INFO, "SIGUSR2: as fast as it goes from now on"),
    ),
    (
        conditions.RateRefused("a.toml: limit-rate = 'x': 'x' is not a rate"),
        Line(
            Level.WARNING,
            "the limit of the rate stays as it is: a.toml: limit-rate = 'x': 'x' is not a rate",
        ),
    ),
    (
        conditions.ProcessesAdded(4, 0.934),
        Line(Level.INFO, "one process was at work 93% of the time: 4 processes from now on"),
    ),
    (
        SlotsChanged(4, SlotsReason.THROTTLED),
        Line(Level.WARNING, "S3 asks for fewer requests: 4 parts in flight at once from now on"),
    ),
    (
        SlotsChanged(1, SlotsReason.LOST),
        Line(Level.WARNING, "connections are lost: 1 part in flight at once from now on"),
    ),
    (
        SlotsChanged(0, SlotsReason.PAUSED),
        Line(Level.WARNING, "paused: what is in flight arrives, and no other part is begun"),
    ),
    (
        SlotsChanged(8, SlotsReason.CONTINUED),
        Line(Level.INFO, "going on after a pause: 8 parts in flight at once from now on"),
    ),
    (
        SlotsChanged(9, SlotsReason.ASKED),
        Line(Level.INFO, "as asked for: 9 parts in flight at once from now on"),
    ),
    (
        SlotsChanged(9, SlotsReason.UNPINNED),
        Line(Level.INFO, "as many as bring most: 9 parts in flight at once from now on"),
    ),
    (
        watching.WatchStarted("/in"),
        Line(Level.INFO, "all of /in was looked at; watching what changes"),
    ),
    (
        watching.WatchLost("/in", "No such file or directory"),
        Line(Level.WARNING, "watch /in: No such file or directory; waiting for it"),
    ),
    (
        watching.WatchPolls("/in", "no watch is left", 30.0),
        Line(
            Level.WARNING,
            "the system does not tell what changes in /in: no watch is left; looking every 30s",
        ),
    ),
    (
        watching.FileDeferred("/in/big.bin", 2, 120.0),
        Line(Level.INFO, "/in/big.bin is tried again in 2m 00s, or when it changes"),
    ),
    (
        watching.SourceDeleted("/in/big.bin", URI),
        Line(Level.INFO, "deleted /in/big.bin: it is at S3, proven"),
    ),
    (
        watching.SourceMoved("/in/big.bin", URI, "/done/big.bin"),
        Line(Level.INFO, "moved /in/big.bin to /done/big.bin: it is at S3, proven"),
    ),
    (
        watching.SourceKept("/in/big.bin", URI, SourceChanged("let go of it", hint="wait")),
        Line(Level.WARNING, "let go of it", "wait"),
    ),
]

SILENT: list[Event] = [
    SlotsChanged(10, SlotsReason.TRIED),
    events.FileFound("dir/big.bin", URI, 40 * MIB),
    events.FileSkipped("dir/big.bin", "excluded by pattern", filtered=True),
    events.FilePlanned("dir/big.bin", URI, 40 * MIB, 16 * MIB, 3, 8),
    events.ScanFinished(),
    COMMAND,
    UPLOAD,
    *DIAGNOSIS,
    RateMeasured(concurrency=4, rate=1000),
    events.FileStarted("dir/big.bin", URI, 40 * MIB, 16 * MIB, 3),
    events.UploadCreated(URI, "id"),
    events.UploadExpires(URI, "id", datetime(2026, 1, 8, tzinfo=UTC)),
    events.PartKept(URI, 1, 16 * MIB, "its CRC64NVME is the same"),
    events.PartStarted(URI, 1, 16 * MIB, 1),
    events.BytesSent(URI, 1, 100),
    events.PartUploaded(URI, 1, 16 * MIB, "abc", 1),
    events.UploadCompleting(URI, 3),
    FINISHED,
    # What a day without S3 would fill a log with.
    conditions.WentOffline(LOST, 60, 1000),
    # Listings have lines of their own: see test_cleanup.
    aftercare.BytesRead(URI, 100),
    aftercare.PendingUploadFound(URI, "id", None, None, 0, 0, None, in_journal=False),
    aftercare.PendingListed(0, 0),
    aftercare.AbortFinished(0, 0, 0, 0, 0),
]


@pytest.mark.parametrize(("event", "expected"), LINES)
def test_what_is_worth_a_line_has_one(event: Event, expected: Line) -> None:
    """What a person has to know or can do something about is said, with its level and its hint."""
    assert describe(event) == expected


@pytest.mark.parametrize("event", SILENT, ids=lambda event: type(event).__name__)
def test_what_is_only_progress_has_no_line(event: Event) -> None:
    """What moves the totals, or is what the user asked to be left out, makes no line."""
    assert describe(event) is None


def test_every_event_is_accounted_for() -> None:
    """Nobody can add an event without saying here whether it is worth a line."""
    told = {type(event).__name__ for event in [*(event for event, _ in LINES), *SILENT]}
    assert told == {kind.__name__ for kind in Event.__subclasses__()}


def test_an_error_is_said_with_what_mends_it() -> None:
    """An error's text and its hint are kept apart: the hint goes on its own line."""
    expected = Line(Level.ERROR, "bad flag", "read the help")
    assert error_line(UsageError("bad flag", hint="read the help")) == expected


def test_a_last_retry_says_how_many_there_were() -> None:
    """When all attempts failed, the line says with what, how often, and what to do."""
    line = error_line(RetriesExhausted(LOST, attempts=30))
    assert line.text == "look at s3://bucket/dir/big.bin: reset by peer (gave up after 30 attempts)"
    assert line.hint == "run the same command again"


EVERY_CHARACTER = "".join(map(chr, range(0x110000)))


def test_nothing_can_steer_a_terminal() -> None:
    """Of all the characters there are, none comes through that is not printed as itself."""
    assert clean(EVERY_CHARACTER).isprintable()


def test_what_can_be_printed_stays() -> None:
    """All printable characters of all scripts come through as they are."""
    printable = "".join(filter(str.isprintable, EVERY_CHARACTER))
    assert clean(printable) == printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("big file, ü 日本 🦊.bin", "big file, ü 日本 🦊.bin"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\tand\r", r"two\nlines\tand\r"),
        ("bell\x07 back\x08 null\x00", r"bell\x07 back\x08 null\x00"),
        ("c1 \x9b2J", r"c1 \x9b2J"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("caf\udce9", r"caf\xe9"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_control_characters_are_shown(text: str, expected: str) -> None:
    """Colours, line ends, reversals and broken bytes are shown by their number, not obeyed."""
    assert clean(text) == expected


class Run:
    """A run, told event by event on a clock."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.progress.sample(0.0)

    def at(self, now: float, *happened: Event) -> None:
        for event in happened:
            self.progress.apply(event)
        self.progress.sample(now)


def two_files() -> Run:
    """Return a run that has begun the first of two files."""
    run = Run()
    run.at(
        0.0,
        events.FileFound("big.bin", URI, 40 * MIB),
        events.FileFound("other.bin", OTHER, 60 * MIB),
        events.FileStarted("big.bin", URI, 40 * MIB, 16 * MIB, 3),
    )
    return run


def test_totals_of_nothing() -> None:
    """Before anything is found, the totals say so; the `+` says that there may be more."""
    assert totals(Run().progress) == "0/0+ files · 0 B of 0 B · 0 B/s"


def test_totals_grow_with_what_is_found() -> None:
    """While the scan goes on the totals may grow, so no time is promised yet."""
    run = two_files()
    run.at(10.0, events.PartStarted(URI, 1, 16 * MIB, 1), events.BytesSent(URI, 1, 10 * MIB))
    assert totals(run.progress) == "0/2+ files · 0 B of 100 MiB · 1 MiB/s · 1 in flight"


def test_totals_tell_the_slots_once_they_have_changed() -> None:
    """How many parts may be in flight stands beside how many are; the newest number counts."""
    run = two_files()
    run.at(
        10.0,
        events.PartStarted(URI, 1, 16 * MIB, 1),
        SlotsChanged(10, SlotsReason.TRIED),
        SlotsChanged(8, SlotsReason.IN_VAIN),
    )
    assert totals(run.progress).endswith("· 1 in flight · 8 slots")


def test_totals_tell_a_pause() -> None:
    """Instead of a time that is left, and of slots, of which there are none."""
    run = two_files()
    run.at(
        10.0,
        events.ScanFinished(),
        events.PartUploaded(URI, 1, 16 * MIB, "e", 1),
        SlotsChanged(0, SlotsReason.PAUSED),
    )
    assert totals(run.progress) == "0/2 files · 16 MiB of 100 MiB · 0 B/s · paused"


def test_totals_when_all_is_found() -> None:
    """When all is found: what S3 has, of how much, how fast, how long still, how many parts."""
    run = two_files()
    run.at(
        10.0,
        events.ScanFinished(),
        events.PartStarted(URI, 1, 16 * MIB, 1),
        events.BytesSent(URI, 1, 16 * MIB),
        events.PartUploaded(URI, 1, 16 * MIB, "e", 1),
        events.PartStarted(URI, 2, 16 * MIB, 1),
        events.BytesSent(URI, 2, 4 * MIB),
        events.PartStarted(URI, 3, 8 * MIB, 1),
    )
    assert totals(run.progress) == (
        "0/2 files · 16 MiB of 100 MiB · 2 MiB/s · 52s left · 2 in flight"
    )


def test_totals_tell_what_was_read_to_be_compared() -> None:
    """Reading before it is known what has to be sent is neither done nor fast nor near the end."""
    run = two_files()
    run.at(10.0, events.ScanFinished(), aftercare.BytesRead(URI, 30 * MIB, may_be_sent=True))
    assert totals(run.progress) == "0/2 files · 0 B of 100 MiB · 0 B/s · 30 MiB compared"


def test_totals_tell_what_had_to_go_again() -> None:
    """What a failed attempt had sent is told apart, and counts neither as done nor as moving."""
    run = two_files()
    run.at(
        10.0,
        events.PartStarted(URI, 1, 16 * MIB, 1),
        events.BytesSent(URI, 1, 4 * MIB),
        events.RetryScheduled(URI, 1, 1, 5.0, LOST),
    )
    assert totals(run.progress) == "0/2+ files · 0 B of 100 MiB · 0 B/s · 4 MiB sent again"


def summed_up(run: Run, finished: events.RunFinished, elapsed: float = 20.0) -> Line:
    (line,) = summary(run.progress, finished, elapsed)
    return line


def whole_run() -> Run:
    """Return a run that has uploaded one file, resumed, with two retries."""
    run = two_files()
    run.at(
        20.0,
        events.PartKept(URI, 1, 16 * MIB, "same"),
        events.PartStarted(URI, 2, 16 * MIB, 1),
        events.BytesSent(URI, 2, 2 * MIB),
        events.RetryScheduled(URI, 2, 1, 5.0, LOST),
        events.RetryScheduled(URI, 2, 2, 10.0, LOST),
        events.PartStarted(URI, 2, 16 * MIB, 3),
        events.PartUploaded(URI, 2, 16 * MIB, "e", 3),
        events.PartStarted(URI, 3, 8 * MIB, 1),
        events.PartUploaded(URI, 3, 8 * MIB, "e", 1),
        events.UploadCompleted("big.bin", URI, RESULT),
    )
    return run


def test_a_plain_run_is_summed_up_plainly() -> None:
    """Of a run without incidents: how many files, how much, how long, how fast, and no more."""
    run = two_files()
    run.at(
        20.0,
        events.PartStarted(URI, 1, 40 * MIB, 1),
        events.PartUploaded(URI, 1, 40 * MIB, "e", 1),
        events.UploadCompleted("big.bin", URI, RESULT),
    )
    assert summed_up(run, replace(FINISHED, uploaded=1)) == Line(
        Level.DONE, "1 file uploaded, 40 MiB sent in 20s (2 MiB/s)"
    )


def test_the_summary_tells_kept_from_sent() -> None:
    """What was at S3 already counts neither as sent nor for the speed, and retries are told."""
    assert summed_up(whole_run(), FINISHED) == Line(
        Level.DONE,
        "2 files uploaded, 24 MiB sent in 20s (1.2 MiB/s), 16 MiB were at S3 already, "
        "2 retries sent 2 MiB again",
    )


@pytest.mark.parametrize(
    ("finished", "level", "end"),
    [
        (replace(FINISHED, skipped=3), Level.DONE, ", 3 skipped"),
        (replace(FINISHED, failed=2), Level.WARNING, ", 2 failed"),
        (replace(FINISHED, interrupted=1), Level.WARNING, ", 1 not finished"),
        (
            replace(FINISHED, skipped=1, failed=2, interrupted=3),
            Level.WARNING,
            ", 1 skipped, 2 failed, 3 not finished",
        ),
    ],
)
def test_the_summary_counts_what_did_not_go_up(
    finished: events.RunFinished, level: Level, end: str
) -> None:
    """Skipped files are fine; failed and unfinished ones make the summary a warning."""
    line = summed_up(Run(), finished)
    assert (line.level, line.text) == (level, f"2 files uploaded, 0 B sent in 20s (0 B/s){end}")


def test_the_summary_of_no_time_at_all() -> None:
    """A run that took no measurable time has no speed, and no division by zero."""
    line = summed_up(Run(), replace(FINISHED, uploaded=0, skipped=1), 0.0)
    assert line == Line(Level.DONE, "0 files uploaded, 0 B sent in 0s (0 B/s), 1 skipped")


def test_a_run_without_files_is_a_warning() -> None:
    """Where nothing was found at all, that is said: it is seldom what was meant."""
    line = summed_up(Run(), replace(FINISHED, uploaded=0))
    assert line == Line(Level.WARNING, "nothing to upload: no files were found")


def test_the_totals_of_a_stream_are_not_more_than_all() -> None:
    """Of a stream, nobody knows what it will come to, so nothing is said of that."""
    progress, uri = Progress(), ObjectURI("bucket", "key")
    for event in (
        events.FileFound("-", uri, None),
        events.ScanFinished(),
        events.FileStarted("-", uri, None, 10, None),
        events.PartUploaded(uri, 1, 5, "e", 1),
    ):
        progress.apply(event)
    assert totals(progress) == "0/1 files · 5 B · 0 B/s"


def test_one_retry_is_no_retries() -> None:
    """One retry is called so."""
    progress = Progress()
    progress.apply(events.RetryScheduled(None, None, 1, 1.0, UsageError("x")))
    finished = events.RunFinished(uploaded=1, skipped=0, failed=0, interrupted=0, exit_code=0)
    (line,) = summary(progress, finished, 1.0)
    assert "1 retry sent" in line.text
