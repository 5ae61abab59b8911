"""JSON lines for scripts: one object for each event, with the fields that scripts rely on."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from asyncup.core import aftercare, conditions, events, watching
from asyncup.core.conditions import SlotsChanged, SlotsReason
from asyncup.core.diagnosis import RateMeasured
from asyncup.core.errors import (
    AsyncupError,
    DiskFull,
    Fault,
    RetriesExhausted,
    Throttled,
    UsageError,
)
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.ui.jsonl import JsonLines
from tests.told import read_lines
from tests.ui import diagnosis
from tests.ui.standing import COMMAND, UPLOAD

URI = ObjectURI("bucket", "dir/big.bin")
NOW = datetime(2024, 2, 29, 13, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=1)))
SLOW = Throttled(
    Fault(action=f"upload part 2 of {URI}", code="SlowDown", message="Reduce your rate."),
    hint="lower --concurrency",
)
SLOW_TOLD = {
    "name": "Throttled",
    "message": "upload part 2 of s3://bucket/dir/big.bin: SlowDown: Reduce your rate.",
    "hint": "lower --concurrency",
    "exit_code": 4,
    "transient": True,
}
DENIED_TOLD = {
    "name": "AccessDenied",
    "message": "list s3://bucket/films/: AccessDenied",
    "hint": diagnosis.DENIED.hint,
    "exit_code": 4,
    "transient": False,
}
RESULT = UploadResult(
    uri=URI,
    size=50,
    etag="abc-3",
    proof=Proof.CRC64NVME,
    version_id="v1",
    part_size=20,
    parts=3,
    parts_kept=1,
    attempts=4,
    resent=7,
)
KEY = "s3://bucket/dir/big.bin"

TOLD: list[tuple[Event, str, dict[str, object]]] = [
    (
        events.FileFound("big.bin", URI, 50),
        "file_found",
        {"source": "big.bin", "uri": KEY, "size": 50},
    ),
    (
        events.FileSkipped("big.bin", "excluded by pattern", filtered=True),
        "file_skipped",
        {
            "source": "big.bin",
            "reason": "excluded by pattern",
            "uri": None,
            "size": None,
            "filtered": True,
        },
    ),
    (
        events.FilePlanned("big.bin", URI, 50, 20, 3, 8),
        "file_planned",
        {
            "source": "big.bin",
            "uri": KEY,
            "size": 50,
            "part_size": 20,
            "parts": 3,
            "requests": 8,
        },
    ),
    (events.ScanFinished(), "scan_finished", {}),
    (
        events.FileStarted("-", URI, None, 20, None),
        "file_started",
        {"source": "-", "uri": KEY, "size": None, "part_size": 20, "parts": None},
    ),
    (events.UploadCreated(URI, "id"), "upload_created", {"uri": KEY, "upload_id": "id"}),
    (
        events.UploadResumed(URI, "id", 20, 3, 2, datetime(2024, 2, 28, 1, 2, 3, tzinfo=UTC)),
        "upload_resumed",
        {
            "uri": KEY,
            "upload_id": "id",
            "part_size": 20,
            "parts": 3,
            "parts_listed": 2,
            "initiated": "2024-02-28T01:02:03.000Z",
        },
    ),
    (
        conditions.WentOffline(SLOW, 4.5, 3),
        "went_offline",
        {
            "error": {
                "name": "Throttled",
                "message": str(SLOW),
                "hint": SLOW.hint,
                "exit_code": 4,
                "transient": True,
            },
            "next_probe": 4.5,
            "probes": 3,
        },
    ),
    (conditions.WentOnline(90.5), "went_online", {"seconds": 90.5}),
    (conditions.CredentialsRenewed(), "credentials_renewed", {}),
    (
        events.PendingUploadIgnored(URI, "id", "too old"),
        "pending_upload_ignored",
        {"uri": KEY, "upload_id": "id", "reason": "too old"},
    ),
    (
        events.PartKept(URI, 1, 20, "its MD5 is the same"),
        "part_kept",
        {"uri": KEY, "part_number": 1, "size": 20, "reason": "its MD5 is the same"},
    ),
    (
        events.PartDiscarded(URI, 2, 20, "its MD5 differs"),
        "part_discarded",
        {"uri": KEY, "part_number": 2, "size": 20, "reason": "its MD5 differs"},
    ),
    (
        events.PartStarted(URI, 2, 20, 1),
        "part_started",
        {"uri": KEY, "part_number": 2, "size": 20, "attempt": 1},
    ),
    (
        events.PartUploaded(URI, 2, 20, "abc", 3),
        "part_uploaded",
        {"uri": KEY, "part_number": 2, "size": 20, "etag": "abc", "attempts": 3},
    ),
    (
        events.RetryScheduled(URI, 2, 1, 2.5, SLOW),
        "retry_scheduled",
        {"uri": KEY, "part_number": 2, "attempt": 1, "delay": 2.5, "error": SLOW_TOLD},
    ),
    (
        events.UploadRestarted("big.bin", URI, 60, 3, SLOW),
        "upload_restarted",
        {"source": "big.bin", "uri": KEY, "size": 60, "parts": 3, "error": SLOW_TOLD},
    ),
    (
        events.UploadAborted(URI, "id", "asked for"),
        "upload_aborted",
        {"uri": KEY, "upload_id": "id", "reason": "asked for"},
    ),
    (
        events.UploadExpires(URI, "id", datetime(2026, 1, 8, tzinfo=UTC)),
        "upload_expires",
        {"uri": KEY, "upload_id": "id", "abort_date": "2026-01-08T00:00:00.000Z"},
    ),
    (
        events.AttributesDiffer(URI, ["sse"]),
        "attributes_differ",
        {"uri": KEY, "names": ["sse"]},
    ),
    (events.JournalUnavailable("gone"), "journal_unavailable", {"reason": "gone"}),
    (events.UploadCompleting(URI, 3), "upload_completing", {"uri": KEY, "parts": 3}),
    (
        events.UploadCompleted("big.bin", URI, RESULT),
        "upload_completed",
        {
            "source": "big.bin",
            "uri": KEY,
            "result": {
                "uri": KEY,
                "size": 50,
                "etag": "abc-3",
                "proof": "crc64nvme",
                "version_id": "v1",
                "part_size": 20,
                "parts": 3,
                "parts_kept": 1,
                "attempts": 4,
                "resent": 7,
                "checksum": "",
                "mtime_ns": None,
                "device": None,
                "inode": None,
                "skipped": None,
            },
        },
    ),
    (
        events.UploadFailed("big.bin", None, SLOW),
        "upload_failed",
        {"source": "big.bin", "uri": None, "error": SLOW_TOLD},
    ),
    (
        events.UploadInterrupted("big.bin", URI, 30),
        "upload_interrupted",
        {"source": "big.bin", "uri": KEY, "remaining": 30},
    ),
    (events.Stopping(10.0), "stopping", {"grace": 10.0}),
    (
        events.RunFinished(uploaded=1, skipped=2, failed=3, interrupted=4, exit_code=130),
        "run_finished",
        {"uploaded": 1, "skipped": 2, "failed": 3, "interrupted": 4, "exit_code": 130},
    ),
    (
        conditions.ProcessesAdded(4, 0.93),
        "processes_added",
        {"processes": 4, "share": 0.93},
    ),
    (
        conditions.RateChanged(20 << 20, "timetable"),
        "rate_changed",
        {"rate": 20 << 20, "reason": "timetable"},
    ),
    (
        conditions.RateChanged(None, "SIGUSR2"),
        "rate_changed",
        {"rate": None, "reason": "SIGUSR2"},
    ),
    (conditions.RateRefused("no rate"), "rate_refused", {"reason": "no rate"}),
    (
        SlotsChanged(4, SlotsReason.THROTTLED),
        "slots_changed",
        {"slots": 4, "reason": "S3 asks for fewer requests"},
    ),
    (
        events.OutputLost("/var/log/asyncup", "No space left on device"),
        "output_lost",
        {"path": "/var/log/asyncup", "reason": "No space left on device"},
    ),
    (events.ReceiptLost(URI, SLOW), "receipt_lost", {"uri": KEY, "error": SLOW_TOLD}),
    (
        aftercare.ObjectVerified("big.bin", URI, 50, Proof.SHA256),
        "object_verified",
        {"source": "big.bin", "uri": KEY, "size": 50, "proof": "sha256", "by_receipt": False},
    ),
    (
        aftercare.VerifyFailed("big.bin", URI, SLOW),
        "verify_failed",
        {"source": "big.bin", "uri": KEY, "error": SLOW_TOLD},
    ),
    (
        aftercare.VerifyInterrupted("big.bin", URI),
        "verify_interrupted",
        {"source": "big.bin", "uri": KEY},
    ),
    (
        aftercare.VerifyFinished(verified=1, skipped=2, failed=3, interrupted=4, exit_code=130),
        "verify_finished",
        {"verified": 1, "skipped": 2, "failed": 3, "interrupted": 4, "exit_code": 130},
    ),
    (
        aftercare.PendingUploadFound(URI, "id", NOW, 60.0, 3, 50, NOW, True, "big.bin"),
        "pending_upload_found",
        {
            "uri": KEY,
            "upload_id": "id",
            "initiated": "2024-02-29T12:30:00.123Z",
            "age": 60.0,
            "parts": 3,
            "size": 50,
            "abort_date": "2024-02-29T12:30:00.123Z",
            "in_journal": True,
            "source": "big.bin",
        },
    ),
    (
        COMMAND,
        "command_found",
        {
            "name": "1a2b3c4d",
            "state": "running",
            "arguments": ["put", r"caf\xe9", "s3://bucket/"],
            "directory": "/srv",
            "pid": 7,
            "started": "2026-01-02T03:04:05.000Z",
            "updated": "2026-01-02T03:04:05.000Z",
            "files_found": 2,
            "files_done": 1,
            "files_failed": 0,
            "bytes_found": 50 << 20,
            "bytes_committed": 20 << 20,
            "bytes_in_flight": 5 << 20,
            "rate": 8 << 20,
            "eta": 4,
            "last_error": None,
            "exit_code": None,
            "obstacle": None,
        },
    ),
    (
        UPLOAD,
        "unfinished_upload_found",
        {
            "uri": "s3://bucket/big.bin",
            "upload_id": "id",
            "endpoint": "http://server",
            "source": "big.bin",
            "size": 50 << 20,
            "part_size": 20 << 20,
            "parts_committed": 1,
            "bytes_committed": 20 << 20,
            "initiated": "2026-01-02T03:04:05.000Z",
            "is_running": True,
        },
    ),
    (aftercare.PendingListed(3, 50), "pending_listed", {"uploads": 3, "size": 50}),
    (
        aftercare.AbortFailed(URI, "id", SLOW),
        "abort_failed",
        {"uri": KEY, "upload_id": "id", "error": SLOW_TOLD},
    ),
    (
        aftercare.AbortFinished(aborted=1, size=50, failed=2, interrupted=3, exit_code=130),
        "abort_finished",
        {"aborted": 1, "size": 50, "failed": 2, "interrupted": 3, "exit_code": 130},
    ),
    (
        diagnosis.STARTED,
        "diagnosis_started",
        {"uri": "s3://bucket/films/", "most_bytes": 16 << 20},
    ),
    (
        diagnosis.FAILED,
        "check_made",
        {
            "check": "list_objects",
            "area": "permissions",
            "title": "list objects",
            "verdict": "failed",
            "told": "list s3://bucket/films/: AccessDenied",
            "hint": diagnosis.DENIED.hint,
            "policy": diagnosis.POLICY,
            "error": DENIED_TOLD,
            "blocked_by": None,
        },
    ),
    (
        RateMeasured(concurrency=4, rate=1000),
        "rate_measured",
        {"concurrency": 4, "rate": 1000},
    ),
    (
        diagnosis.LEFT,
        "left_behind",
        {
            "uri": "s3://bucket/films/x",
            "upload_id": "id",
            "hint": "asyncup abort it",
            "error": DENIED_TOLD,
        },
    ),
    (
        diagnosis.FINISHED,
        "diagnosis_finished",
        {
            "ok": 1,
            "lacking": 1,
            "warnings": 2,
            "failed": 1,
            "unknown": 3,
            "concurrency": 4,
            "exit_code": 4,
        },
    ),
    (watching.WatchStarted("/in"), "watch_started", {"directory": "/in"}),
    (
        watching.WatchLost("/in", "No such file or directory"),
        "watch_lost",
        {"directory": "/in", "reason": "No such file or directory"},
    ),
    (
        watching.WatchPolls("/in", "no watch is left", 30.0),
        "watch_polls",
        {"directory": "/in", "reason": "no watch is left", "interval": 30.0},
    ),
    (
        watching.FileDeferred("big.bin", 2, 120.0),
        "file_deferred",
        {"source": "big.bin", "failures": 2, "delay": 120.0},
    ),
    (
        watching.SourceDeleted("big.bin", URI),
        "source_deleted",
        {"source": "big.bin", "uri": KEY},
    ),
    (
        watching.SourceMoved("big.bin", URI, "/done/big.bin"),
        "source_moved",
        {"source": "big.bin", "uri": KEY, "destination": "/done/big.bin"},
    ),
    (
        watching.SourceKept("big.bin", URI, SLOW),
        "source_kept",
        {"source": "big.bin", "uri": KEY, "error": SLOW_TOLD},
    ),
]


class Scripted:
    """JSON lines of a run in which a file is on its way, and what they were parsed to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stream = io.StringIO()
        self.lines = JsonLines(self.stream, lambda: self.now, lambda: NOW)

    def begin(self) -> None:
        """Have a file in flight, and forget the lines of that."""
        self.lines(events.FileFound("big.bin", URI, 50))
        self.lines(events.FileStarted("big.bin", URI, 50, 20, 3))
        self.lines(events.PartStarted(URI, 2, 20, 1))
        self.stream.truncate(0)
        self.stream.seek(0)

    def parsed(self) -> list[Any]:
        """Return what each line holds; the schema of the package has to have it."""
        text = self.stream.getvalue()
        assert text == "" or text.endswith("\n")
        return read_lines(text.splitlines())


def test_every_event_is_told_or_is_bytes() -> None:
    """Nobody can add an event without saying here what scripts are to see of it."""
    told = {type(event).__name__ for event, _, _ in TOLD}
    assert told | {"BytesSent", "BytesRead"} == {kind.__name__ for kind in Event.__subclasses__()}


@pytest.mark.parametrize(("event", "kind", "expected"), TOLD, ids=[kind for _, kind, _ in TOLD])
def test_an_event_is_one_object_on_one_line(
    event: Event, kind: str, expected: dict[str, object]
) -> None:
    """Each event is a line of schema, type, time and all its fields, under names that stay."""
    run = Scripted()
    with run.lines:
        run.begin()
        run.lines(event)
    envelope = {"schema": 1, "type": kind, "time": "2024-02-29T12:30:00.123Z"}
    assert run.parsed() == [envelope | expected]
    assert set(expected) == {field.name for field in fields(event)}


@pytest.mark.parametrize(("event", "kind", "expected"), TOLD, ids=[kind for _, kind, _ in TOLD])
def test_sizes_are_whole_numbers(event: Event, kind: str, expected: dict[str, object]) -> None:
    """What counts is an integer, and nothing that scripts compute with is a text."""
    run = Scripted()
    run.begin()
    run.lines(event)
    (line,) = run.parsed()
    values = line | (line["result"] if kind == "upload_completed" else {})
    for name in ("size", "part_size", "parts", "part_number", "remaining", "attempt", "resent"):
        assert type(values.get(name)) in {int, type(None)}
    assert type(line["schema"]) is int
    assert len(line) == len(expected) + 3


def test_bytes_on_their_way_make_no_lines() -> None:
    """There is no line for every slice: how far it is comes with the next tick."""
    run = Scripted()
    with run.lines:
        run.begin()
        for _ in range(10):
            run.lines(events.BytesSent(URI, 2, 1))
        assert run.parsed() == []
        run.lines.tick()
    (line,) = run.parsed()
    assert line["bytes_in_flight"] == 10


def test_a_tick_tells_how_far_it_is() -> None:
    """A tick is a `progress` object: files, bytes, the rate and the time left, in whole numbers."""
    run = Scripted()
    with run.lines:
        run.begin()
        for event in (
            events.ScanFinished(),
            events.BytesSent(URI, 2, 12),
            events.RetryScheduled(URI, 2, 1, 5.0, SLOW),
            events.PartStarted(URI, 2, 20, 2),
            events.PartUploaded(URI, 2, 20, "e", 2),
            events.PartStarted(URI, 1, 20, 1),
            events.BytesSent(URI, 1, 5),
            aftercare.BytesRead(URI, 7, may_be_sent=True),
        ):
            run.lines(event)
        run.now = 3.0
        run.lines.tick()
    assert run.parsed()[-1] == {
        "schema": 1,
        "type": "progress",
        "time": "2024-02-29T12:30:00.123Z",
        "files_done": 0,
        "files_found": 1,
        "bytes_found": 50,
        "bytes_committed": 20,
        "bytes_in_flight": 5,
        "bytes_compared": 7,
        "bytes_resent": 12,
        "rate": 8,
        "eta": 4,
    }
    assert {type(value) for value in run.parsed()[-1].values()} == {int, str}


def test_a_tick_without_anything_known_has_no_time_left() -> None:
    """Before anything has moved the rate is 0 and the time left is null, not a made-up number."""
    run = Scripted()
    with run.lines:
        run.lines.tick()
    (line,) = run.parsed()
    assert (line["rate"], line["eta"]) == (0, None)


def test_a_tick_is_wanted_every_second() -> None:
    """How often `progress` comes is part of what is promised to scripts."""
    assert Scripted().lines.interval == 1.0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            UsageError("bad flag", hint="read the help"),
            {
                "name": "UsageError",
                "message": "bad flag",
                "hint": "read the help",
                "exit_code": 2,
                "transient": False,
            },
        ),
        (
            DiskFull("no room"),
            {
                "name": "DiskFull",
                "message": "no room",
                "hint": None,
                "exit_code": 3,
                "transient": False,
            },
        ),
        (
            RetriesExhausted(SLOW, attempts=30),
            {
                "name": "RetriesExhausted",
                "message": f"{SLOW} (gave up after 30 attempts)",
                "hint": "run the same command again",
                "exit_code": 4,
                "transient": False,
            },
        ),
    ],
)
def test_an_error_that_belongs_to_no_file_is_told(
    error: AsyncupError, expected: dict[str, object]
) -> None:
    """An error that ends the run is an object with its class, text, hint and exit code."""
    run = Scripted()
    run.lines.error(error)
    (line,) = run.parsed()
    assert line == {
        "schema": 1,
        "type": "error",
        "time": "2024-02-29T12:30:00.123Z",
        "error": expected,
    }


@pytest.mark.parametrize("name", ["ü 日本 🦊", 'quote " and \\', "two\nlines\x1b[31m", "\x00"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_come_back_as_they_were(name: str, encoding: str) -> None:
    """Any name survives the way through any stream, on one line."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, write_through=True) as stream:
        JsonLines(stream, lambda: 0.0)(events.FileSkipped(name, "told"))
        (line,) = raw.getvalue().splitlines()
    assert json.loads(line)["source"] == name


def test_the_time_is_that_of_the_clock() -> None:
    """Without another clock, times are those of now, in UTC, to the millisecond."""
    stream = io.StringIO()
    JsonLines(stream, lambda: 0.0)(events.ScanFinished())
    told = json.loads(stream.getvalue())["time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told)
    # No time zone is nearer to UTC than half an hour.
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told)) < timedelta(minutes=30)


def test_the_last_line_sums_up() -> None:
    """Counts, bytes, seconds and the exit status, as the run has told them."""
    run = Scripted()
    run.begin()
    run.lines(events.PartUploaded(URI, 2, 20, "abc", 1))
    run.lines(events.RetryScheduled(URI, 3, 1, 2.5, SLOW))
    run.lines(events.RunFinished(uploaded=1, skipped=2, failed=3, interrupted=4, exit_code=1))
    run.now = 12.34567
    run.lines.end(75)
    assert run.parsed()[-1] == {
        "schema": 1,
        "type": "summary",
        "time": "2024-02-29T12:30:00.123Z",
        "done": 1,
        "skipped": 2,
        "failed": 3,
        "interrupted": 4,
        "bytes_found": 50,
        "bytes_committed": 20,
        "bytes_kept": 0,
        "bytes_resent": 0,
        "retries": 1,
        "elapsed": 12.346,
        "exit_code": 75,
    }


def test_what_was_broken_off_is_summed_up() -> None:
    """Without the run's own end, what was found and has no end counts as interrupted."""
    run = Scripted()
    run.begin()
    run.lines.end(130)
    (line,) = run.parsed()
    assert (line["done"], line["interrupted"], line["exit_code"]) == (0, 1, 130)


def _tick(lines: JsonLines) -> None:
    lines.tick()


def _error(lines: JsonLines) -> None:
    lines.error(UsageError("bad"))


def _event(lines: JsonLines) -> None:
    lines(events.ScanFinished())


@pytest.mark.parametrize("write", [_tick, _error, _event])
def test_a_line_is_there_at_once(tmp_path: Path, write: Callable[[JsonLines], None]) -> None:
    """Whoever reads along gets each line when it is written, whole."""
    out = tmp_path / "out"
    with out.open("w") as stream, JsonLines(stream, lambda: 0.0) as lines:
        write(lines)
        assert out.read_text().endswith("}\n")


def test_an_upload_that_will_be_late_is_told_once() -> None:
    """Scripts learn of it as people do: which upload, when it is deleted, when it would be done."""
    run = Scripted()
    run.begin()
    run.lines(events.UploadCreated(URI, "id"))
    run.lines(events.UploadExpires(URI, "id", NOW))
    run.lines.tick()
    run.lines(events.PartUploaded(URI, 2, 20, "abc", 1))
    run.now = 20.0
    run.lines.tick()
    run.lines.tick()
    (late,) = [line for line in run.parsed() if line["type"] == "upload_late"]
    assert (late["uri"], late["upload_id"]) == (KEY, "id")
    assert late["abort_date"] == "2024-02-29T12:30:00.123Z"
    assert late["end"] == "2024-02-29T12:30:30.123Z"
