"""What a dry run says: each file, what it would cost, and what it comes to in all."""

import io

from asyncup.core import events
from asyncup.core.errors import SourceMissing
from asyncup.core.model import ObjectURI
from asyncup.ui.plan import PlanLines

MIB = 1 << 20
BIG = ObjectURI("bucket", "dir/big.bin")
SMALL = ObjectURI("bucket", "small.txt")
ODD = ObjectURI("bucket", "a\x1b[31m\nb")


class Planned:
    """A dry run and its two streams."""

    def __init__(self, *happened: events.Event) -> None:
        stream, errors = io.StringIO(), io.StringIO()
        with PlanLines(stream, errors) as plan:
            for event in happened:
                plan(event)
            plan.tick()
        self.lines = stream.getvalue().splitlines()
        self.errors = errors.getvalue()


def finished(skipped: int = 0, failed: int = 0) -> events.RunFinished:
    return events.RunFinished(
        uploaded=0, skipped=skipped, failed=failed, interrupted=0, exit_code=0
    )


def test_a_plan_to_the_letter() -> None:
    """Files in parts, in one request, skipped for whatever reason and failed, and the sum."""
    plan = Planned(
        events.FileFound("big.bin", BIG, 40 * MIB),
        events.FilePlanned("big.bin", BIG, 40 * MIB, 16 * MIB, 3, 8),
        events.FileFound("small.txt", SMALL, 10),
        events.FilePlanned("small.txt", SMALL, 10, 16 * MIB, 1, 1),
        events.FileSkipped("cache", "excluded by pattern", filtered=True),
        events.FileSkipped("there", "S3 already holds an object with this key"),
        events.UploadFailed("gone", None, SourceMissing("read gone: no such file", hint="look")),
        events.ScanFinished(),
        finished(skipped=2, failed=1),
    )
    assert plan.lines == [
        "upload big.bin -> s3://bucket/dir/big.bin: 40 MiB, 3 parts of 16 MiB, 8 requests",
        "upload small.txt -> s3://bucket/small.txt: 10 B, 1 part, 1 request",
        "skip cache: excluded by pattern",
        "skip there: S3 already holds an object with this key",
        "dry run: 2 files, 40 MiB, 9 requests; 2 skipped, 1 failed",
    ]
    assert plan.errors == "error: read gone: no such file\nhint: look\n"


def test_a_plan_of_nothing_says_so() -> None:
    """Where there is nothing to upload, the sum says just that."""
    assert Planned(finished()).lines == ["dry run: 0 files, 0 B, 0 requests; 0 skipped, 0 failed"]


def test_odd_names_stay_on_their_line() -> None:
    """Line ends and escape codes in names are shown, not obeyed."""
    plan = Planned(
        events.FilePlanned("a\n\x1b[2J", ODD, 10, 16 * MIB, 1, 1),
        events.FileSkipped("b\r", "c\n"),
    )
    assert plan.lines == [
        r"upload a\n\x1b[2J -> s3://bucket/a\x1b[31m\nb: 10 B, 1 part, 1 request",
        r"skip b\r: c\n",
    ]


def test_warnings_are_no_part_of_a_plan() -> None:
    """Only errors go to the other stream; a warning is nothing that a dry run would do."""
    plan = Planned(events.PendingUploadIgnored(BIG, "id", "too old"), events.Stopping(1.0))
    assert (plan.lines, plan.errors) == ([], "")
