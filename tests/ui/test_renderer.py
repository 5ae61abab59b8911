"""Renderers without a screen, and streams that nobody reads any more."""

import io
import os

import pytest

from asyncup.core import events
from asyncup.core.errors import AccessDenied, Fault, SourceMissing
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.ui.renderer import Objects, Output, Quiet
from asyncup.ui.text import Level, Line

URI = ObjectURI("bucket", "dir/big file.bin")
DENIED = AccessDenied(Fault(action=f"upload part 1 of {URI}", code="AccessDenied"), hint="allow it")


def completed(uri: ObjectURI, etag: str = "abc-3") -> events.UploadCompleted:
    result = UploadResult(uri=uri, size=10, etag=etag, proof=Proof.ETAG, part_size=10, parts=1)
    return events.UploadCompleted("big file.bin", uri, result)


OTHERS: list[events.Event] = [
    events.FileFound("big", URI, 10),
    events.FileSkipped("big", "it is there"),
    events.FileStarted("big", URI, 10, 10, 1),
    events.PartStarted(URI, 1, 10, 1),
    events.BytesSent(URI, 1, 10),
    events.RetryScheduled(URI, 1, 1, 5.0, DENIED),
    events.PartUploaded(URI, 1, 10, "abc", 1),
    events.UploadInterrupted("big", URI, 5),
    events.Stopping(10.0),
    events.RunFinished(uploaded=1, skipped=1, failed=1, interrupted=1, exit_code=1),
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line(Level.INFO, "told"), "told\n"),
        (Line(Level.DONE, "told"), "told\n"),
        (Line(Level.WARNING, "told"), "warning: told\n"),
        (Line(Level.ERROR, "told"), "error: told\n"),
        (Line(Level.ERROR, "told", "mend it"), "error: told\nhint: mend it\n"),
        (Line(Level.ERROR, "a\nb", "c\x1bd"), "error: a\\nb\nhint: c\\x1bd\n"),
    ],
)
def test_a_line_has_its_level_and_its_hint(line: Line, expected: str) -> None:
    """A warning and an error are called so, and a hint is on its own line; nothing else is."""
    stream = io.StringIO()
    Output(stream).write_line(line)
    assert stream.getvalue() == expected


def test_a_reader_that_went_away_stops_nothing() -> None:
    """When the other end of the pipe is closed, lines are dropped without an error, for good."""
    reading, writing = os.pipe()
    os.close(reading)
    raw = os.fdopen(writing, "wb", buffering=0)
    with raw, io.TextIOWrapper(raw, write_through=True) as stream:
        output = Output(stream)
        output.write("one")
        output.write_line(Line(Level.ERROR, "two", "hint"))
        Objects(stream)(completed(URI))


def test_quiet_says_errors_only() -> None:
    """Quiet writes what failed, with its hint, and not a word about anything else."""
    stream = io.StringIO()
    with Quiet(stream) as quiet:
        for event in [*OTHERS, completed(URI)]:
            quiet(event)
        quiet.tick()
        assert stream.getvalue() == ""
        quiet(events.UploadFailed("big", URI, DENIED))
        quiet(events.UploadFailed("gone", None, SourceMissing("read gone: no such file")))
    assert stream.getvalue() == (
        "error: upload part 1 of s3://bucket/dir/big file.bin: AccessDenied\n"
        "hint: allow it\n"
        "error: read gone: no such file\n"
    )


def test_quiet_says_what_is_lost() -> None:
    """A log that is not written was asked for: who hears of it from nothing else must be told."""
    stream = io.StringIO()
    with Quiet(stream) as quiet:
        quiet(events.OutputLost("/var/log/asyncup", "No space left on device"))
    assert stream.getvalue().startswith("warning: write /var/log/asyncup: No space left on device;")


def test_objects_are_a_table_for_scripts() -> None:
    """Each finished object is one line: its URI, a tab, its ETag; nothing else is written."""
    stream = io.StringIO()
    objects = Objects(stream)
    for event in [*OTHERS, events.UploadFailed("big", URI, DENIED)]:
        objects(event)
    assert stream.getvalue() == ""
    objects(completed(URI))
    objects(completed(ObjectURI("bucket", "ü/日本"), "d41d8"))
    assert stream.getvalue() == ("s3://bucket/dir/big file.bin\tabc-3\ns3://bucket/ü/日本\td41d8\n")


def test_an_object_is_always_one_line() -> None:
    """A key with a tab or a line end in it makes neither another column nor another line."""
    stream = io.StringIO()
    Objects(stream)(completed(ObjectURI("bucket", "a\tb\nc"), "e"))
    assert stream.getvalue() == "s3://bucket/a\\tb\\nc\te\n"
