"""Uploads that a lifecycle rule deletes before they are done: told in time, once, and no others."""

from datetime import UTC, datetime, timedelta

import pytest

from asyncup.core import events
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.progress import Late, Progress

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B = ObjectURI("bucket", "a"), ObjectURI("bucket", "b")


def begun(progress: Progress, uri: ObjectURI, size: int | None, hours: float | None) -> None:
    """Begin an upload that is deleted so many hours from now."""
    progress.apply(events.FileFound("file", uri, size))
    progress.apply(events.FileStarted("file", uri, size, 100, None))
    progress.apply(events.UploadCreated(uri, f"id-{uri.key}"))
    if hours is not None:
        progress.apply(events.UploadExpires(uri, f"id-{uri.key}", NOW + timedelta(hours=hours)))


def sent(progress: Progress, uri: ObjectURI, size: int, seconds: float, start: float = 0.0) -> None:
    """Let a part be acknowledged at the end of a span of time."""
    progress.sample(start)
    progress.apply(events.PartStarted(uri, 1, size, 1))
    progress.apply(events.PartUploaded(uri, 1, size, "etag", 1))
    progress.sample(start + seconds)


@pytest.mark.parametrize(
    ("size", "hours", "is_late"),
    [
        # 10 bytes a second: 100 bytes are sent, and an hour takes 36,000 more.
        (36_100, 1.0, False),
        (36_110, 1.0, True),
        (36_100, 0.99, True),
        (72_100, 2.0, False),
        (100, -1.0, True),
        (36_100, None, False),
        (None, 0.5, False),
    ],
)
def test_the_estimated_end_is_compared_with_the_date(
    size: int | None, hours: float | None, *, is_late: bool
) -> None:
    """Later than the date: told. In time, without a date, or of a stream: not."""
    progress = Progress()
    begun(progress, A, size, hours)
    sent(progress, A, 100, 10.0)
    assert bool(progress.late(NOW)) is is_late


def test_what_is_told() -> None:
    """The upload, when it is deleted, and when it would be done; and that only once."""
    progress = Progress()
    begun(progress, A, 72_100, 1.0)
    sent(progress, A, 100, 10.0)
    late = Late(A, "id-a", NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert progress.late(NOW) == [late]
    assert progress.late(NOW + timedelta(hours=5)) == []


def test_each_upload_is_told_for_itself() -> None:
    """Files wait for those before them, not for those behind them."""
    progress = Progress()
    begun(progress, A, 36_100, 1.5)
    begun(progress, B, 36_000, 1.5)
    sent(progress, A, 100, 10.0)
    (late,) = progress.late(NOW)
    assert (late.uri, late.end) == (B, NOW + timedelta(hours=2))


@pytest.mark.parametrize("seconds", [0.0, 1.0, 9.0])
def test_nothing_is_predicted_from_a_rate_of_moments(seconds: float) -> None:
    """The first seconds of a run tell nothing about its end."""
    progress = Progress()
    begun(progress, A, 1 << 40, 1.0)
    assert progress.late(NOW) == []
    sent(progress, A, 100, seconds)
    assert progress.late(NOW) == []


def test_a_stalled_upload_is_not_predicted() -> None:
    """Where nothing moves there is no end; when it moves again it is told."""
    progress = Progress()
    begun(progress, A, 1 << 40, 1.0)
    progress.sample(0.0)
    progress.sample(12.0)
    assert progress.late(NOW) == []
    sent(progress, A, 100, 10.0, start=14.0)
    assert len(progress.late(NOW)) == 1


def test_an_end_beyond_all_calendars() -> None:
    """A rate of nearly nothing is no reason to fail."""
    progress = Progress()
    begun(progress, A, 1 << 60, 1.0)
    sent(progress, A, 1, 14.0)
    (late,) = progress.late(NOW)
    assert late.end > NOW + timedelta(days=365_000)


def test_the_date_of_an_upload_that_is_not_gone_on_with_does_not_count() -> None:
    """Several are pending, one is resumed: only its own date matters."""
    progress = Progress()
    progress.apply(events.FileFound("file", A, 1 << 40))
    progress.apply(events.FileStarted("file", A, 1 << 40, 100, 9))
    progress.apply(events.UploadExpires(A, "other", NOW + timedelta(hours=1)))
    progress.apply(events.UploadResumed(A, "this", 100, 9, 1, None))
    sent(progress, A, 100, 10.0)
    assert progress.late(NOW) == []


def test_of_several_the_date_of_the_resumed_one_is_known() -> None:
    """The lists of all pending uploads are read before one of them is chosen."""
    progress = Progress()
    progress.apply(events.FileFound("file", A, 1 << 40))
    progress.apply(events.FileStarted("file", A, 1 << 40, 100, 9))
    progress.apply(events.UploadExpires(A, "this", NOW + timedelta(hours=1)))
    progress.apply(events.UploadExpires(A, "other", NOW + timedelta(days=9999)))
    progress.apply(events.UploadResumed(A, "this", 100, 9, 1, None))
    sent(progress, A, 100, 10.0)
    assert [late.upload_id for late in progress.late(NOW)] == ["this"]


def test_an_upload_that_is_done_is_not_late() -> None:
    """What has become an object is out of reach of the rule."""
    progress = Progress()
    begun(progress, A, 100, -1.0)
    sent(progress, A, 100, 10.0)
    result = UploadResult(uri=A, size=100, etag="e", proof=Proof.ETAG, part_size=100, parts=1)
    progress.apply(events.UploadCompleted("file", A, result))
    assert progress.late(NOW) == []
