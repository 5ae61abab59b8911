"""Lines about pending uploads: data on standard output, the rest beside it."""

import io
from datetime import UTC, datetime

import pytest

from asyncup.core import aftercare, events
from asyncup.core.aftercare import PendingUploadFound
from asyncup.core.errors import AccessDenied, Fault
from asyncup.core.model import ObjectURI
from asyncup.ui.cleanup import CleanupLines

URI = ObjectURI("bucket", "a\x1b[2J")
DAY = 86400.0
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            PendingUploadFound(URI, "id", BEGUN, 7 * DAY, 3, 3 << 20, None, in_journal=False),
            r"s3://bucket/a\x1b[2J: 3 parts, 3 MiB, 7d 0h old, not known here (upload ID id)",
        ),
        (
            PendingUploadFound(
                URI, "id", None, None, 1, 9, datetime(2026, 2, 1, tzinfo=UTC), True, "film.mov"
            ),
            (
                r"s3://bucket/a\x1b[2J: 1 part, 9 B, age unknown, known here, of film.mov, "
                "a lifecycle rule aborts it at 2026-02-01 00:00 UTC (upload ID id)"
            ),
        ),
        (
            # A clock that is behind S3's.
            PendingUploadFound(URI, "id", BEGUN, -5.0, 0, 0, None, in_journal=False),
            r"s3://bucket/a\x1b[2J: 0 parts, 0 B, 0s old, not known here (upload ID id)",
        ),
    ],
)
def test_a_pending_upload_is_one_line(found: PendingUploadFound, line: str) -> None:
    """All that is known of it, with nothing that could steer a terminal."""
    output = io.StringIO()
    CleanupLines(output, io.StringIO())(found)
    assert output.getvalue() == f"{line}\n"


@pytest.mark.parametrize("quiet", [False, True])
def test_what_became_of_aborting(*, quiet: bool) -> None:
    """What is gone is data; what failed is an error; the sum is for people, if they want it."""
    output, errors = io.StringIO(), io.StringIO()
    lines = CleanupLines(output, errors, quiet=quiet)
    lines(events.UploadAborted(URI, "id", "as asked for"))
    lines(aftercare.AbortFailed(URI, "id", AccessDenied(Fault(action="abort"), hint="allow it")))
    lines(events.JournalUnavailable("keep the journal"))
    lines(aftercare.AbortFinished(1, 3 << 20, 1, 2, 130))
    lines(aftercare.PendingListed(1, 3 << 20))
    assert output.getvalue() == "aborted s3://bucket/a\\x1b[2J (id)\n"
    told = "error: abort: failed\nhint: allow it\n"
    if not quiet:
        told += (
            "warning: keep the journal\n"
            "1 upload aborted, 3 MiB deleted at S3, 1 failed, 2 not looked at\n"
            "1 pending upload, 3 MiB held at S3\n"
        )
    assert errors.getvalue() == told
