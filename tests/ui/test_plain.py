"""Plain lines for a log or a pipe: one whole run, to the letter."""

import io
from datetime import UTC, datetime
from pathlib import Path

from asyncup.core import events
from asyncup.core.errors import ConnectionLost, Fault, SourceMissing
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.ui.plain import Plain

MIB = 1 << 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BIG = ObjectURI("bucket", "big.bin")
SMALL = ObjectURI("bucket", "small.txt")
LOST = ConnectionLost(
    Fault(action=f"upload part 2 of {BIG}", message="\x1b[31mreset\x1b[0m\nby peer"),
    hint="check the cable",
)
FINISHED = events.RunFinished(uploaded=2, skipped=1, failed=1, interrupted=0, exit_code=1)

GOLDEN = r"""
error: read gone.bin: no such file or directory
skipped notes.txt: S3 already holds an object with this key
resuming s3://bucket/big.bin: S3 lists 1 of 3 parts of 16 MiB, begun 2024-02-29 12:30 UTC
0/2 files · 16 MiB of 41 MiB · 1.6 MiB/s · 11s left · 1 in flight
warning: attempt 1 failed, next in 5s: upload part 2 of s3://bucket/big.bin: \
\x1b[31mreset\x1b[0m\nby peer
hint: check the cable
warning: attempt 2 failed, next in 10s: upload part 2 of s3://bucket/big.bin: \
\x1b[31mreset\x1b[0m\nby peer
hint: check the cable
0/2 files · 16 MiB of 41 MiB · 0 B/s · 8 MiB sent again
s3://bucket/small.txt 1 MiB, verified by etag
s3://bucket/big.bin 40 MiB in 3 parts, 1 of them kept, verified by crc64nvme
2/2 files · 41 MiB of 41 MiB · 1.67 MiB/s · 0s left · 8 MiB sent again
warning: 2 files uploaded, 25 MiB sent in 15s (1.67 MiB/s), 16 MiB were at S3 already, \
2 retries sent 8 MiB again, 1 skipped, 1 failed
""".lstrip().replace("\\\n", "")


class Scripted:
    """Plain lines of a run, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stream = io.StringIO()
        self.plain = Plain(self.stream, lambda: self.now, now=lambda: NOW)

    def happen(self, *happened: events.Event) -> None:
        for event in happened:
            self.plain(event)

    def tick_at(self, seconds: float) -> None:
        self.now = 100.0 + seconds
        self.plain.tick()


def completed(uri: ObjectURI, parts: int, kept: int, size: int, proof: Proof) -> events.Event:
    result = UploadResult(
        uri=uri,
        size=size,
        etag="e",
        proof=proof,
        part_size=16 * MIB,
        parts=parts,
        parts_kept=kept,
    )
    return events.UploadCompleted(uri.key, uri, result)


def test_a_whole_run_to_the_letter() -> None:
    """A run with everything in it: an error, a skip, a resumed upload, retries, ticks, the end."""
    run = Scripted()
    with run.plain:
        begun = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
        run.happen(
            events.FileFound("big.bin", BIG, 40 * MIB),
            events.FileFound("small.txt", SMALL, MIB),
            events.UploadFailed(
                "gone.bin", None, SourceMissing("read gone.bin: no such file or directory")
            ),
            events.FileSkipped("cache", "excluded by pattern", filtered=True),
            events.FileSkipped("notes.txt", "S3 already holds an object with this key"),
            events.ScanFinished(),
            events.FileStarted("big.bin", BIG, 40 * MIB, 16 * MIB, 3),
            events.UploadResumed(BIG, "id", 16 * MIB, 3, 1, begun),
            events.PartKept(BIG, 1, 16 * MIB, "its CRC64NVME is the same"),
            events.PartStarted(BIG, 2, 16 * MIB, 1),
            events.BytesSent(BIG, 2, 8 * MIB),
        )
        run.tick_at(5.0)
        run.happen(
            events.RetryScheduled(BIG, 2, 1, 5.0, LOST),
            events.RetryScheduled(BIG, 2, 2, 10.0, LOST),
        )
        run.tick_at(10.0)
        run.happen(
            events.PartStarted(BIG, 2, 16 * MIB, 3),
            events.PartUploaded(BIG, 2, 16 * MIB, "e", 3),
            events.FileStarted("small.txt", SMALL, MIB, 16 * MIB, 1),
            events.PartStarted(SMALL, 1, MIB, 1),
            events.PartUploaded(SMALL, 1, MIB, "e", 1),
            completed(SMALL, 1, 0, MIB, Proof.ETAG),
            events.PartStarted(BIG, 3, 8 * MIB, 1),
            events.PartUploaded(BIG, 3, 8 * MIB, "e", 1),
            events.UploadCompleting(BIG, 3),
            completed(BIG, 3, 1, 40 * MIB, Proof.CRC64NVME),
        )
        run.tick_at(15.0)
        run.happen(FINISHED)
    assert run.stream.getvalue() == GOLDEN


def test_a_tick_after_the_end_is_harmless() -> None:
    """A tick that comes late says how things stand, and nothing is said when it all goes away."""
    run = Scripted()
    with run.plain:
        run.happen(FINISHED)
        run.tick_at(1.0)
    assert run.stream.getvalue().splitlines()[1:] == ["0/0+ files · 0 B of 0 B · 0 B/s"]


def test_the_interval_is_the_users() -> None:
    """How often a tick is wanted is told to whoever ticks: every 5 seconds, or as asked for."""
    assert Plain(io.StringIO(), lambda: 0.0).interval == 5.0
    assert Plain(io.StringIO(), lambda: 0.0, 60.0).interval == 60.0


def test_a_line_is_there_at_once(tmp_path: Path) -> None:
    """Whoever follows the log sees a line when it is written, not when the run ends."""
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as stream, Plain(stream, lambda: 0.0) as plain:
        plain(events.Stopping(10.0))
        assert log.read_text(encoding="utf-8").startswith("warning: stopping: ")
        plain.tick()
        assert log.read_text(encoding="utf-8").endswith("0/0+ files · 0 B of 0 B · 0 B/s\n")


def test_there_are_no_escape_codes() -> None:
    """Whatever names and messages hold, a log is made of printable lines."""
    run = Scripted()
    odd = "a\x1b[2Jb\rc\x07"
    with run.plain:
        run.happen(
            events.FileSkipped(odd, odd),
            events.UploadFailed(odd, None, SourceMissing(odd, hint=odd)),
            events.PendingUploadIgnored(ObjectURI("bucket", odd), odd, odd),
        )
    assert all(line.isprintable() for line in run.stream.getvalue().split("\n"))
    assert run.stream.getvalue().count("\n") == 4


def test_an_upload_that_will_be_late_is_warned_of_once() -> None:
    """Who has days to change a lifecycle rule is told in time, and not every five seconds."""
    run = Scripted()
    with run.plain:
        run.happen(
            events.FileFound("big.bin", BIG, 41 * MIB),
            events.FileStarted("big.bin", BIG, 41 * MIB, 16 * MIB, 3),
            events.UploadCreated(BIG, "id"),
            events.UploadExpires(BIG, "id", datetime(2026, 1, 1, tzinfo=UTC)),
            events.PartUploaded(BIG, 1, MIB, "e", 1),
        )
        for seconds in (5.0, 10.0, 15.0, 20.0):
            run.tick_at(seconds)
    warned = [line for line in run.stream.getvalue().splitlines() if line.startswith("warning")]
    assert warned == [
        (
            "warning: s3://bucket/big.bin may not be done in time: its parts are deleted at "
            "2026-01-01 00:00 UTC by a lifecycle rule of the bucket, and at this rate it ends at "
            "2026-01-01 00:06 UTC"
        )
    ]


def test_where_nothing_happens_nothing_is_said() -> None:
    """A watch that waits for days fills no log with how far it is."""
    run = Scripted()
    for seconds in (5, 10, 15):
        run.tick_at(seconds)
    run.happen(events.FileFound("small.txt", SMALL, MIB))
    run.tick_at(20)
    said = run.stream.getvalue().splitlines()
    assert said == ["0/0+ files · 0 B of 0 B · 0 B/s", "0/1+ files · 0 B of 1 MiB · 0 B/s"]
