"""What a run notes of itself, and how that is shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from asyncup.core import events
from asyncup.core.errors import Fault, SourceMissing, SourceUnsuitable, Throttled
from asyncup.core.model import ObjectURI
from asyncup.core.standing import Command, CommandFound, State, read_note, without_aborted
from asyncup.ui.standing import Note, command_lines, upload_line
from tests.ui.standing import COMMAND, MOMENT, UPLOAD

URI = ObjectURI("bucket", "big.bin")
GIVEN = Command(name="1a2b3c4d", arguments=["put"], directory="/srv", environment={})
SLOW = Throttled(Fault(action="upload part 2"))


class Written:
    """Remembers all texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, text: str, /) -> None:
        self.texts.append(text)

    def flush(self) -> None:
        pass

    def last(self) -> CommandFound:
        """Return what was noted last."""
        read = read_note(self.texts[-1], is_running=False)
        assert read is not None
        return read[1]


def test_a_run_notes_how_it_stands() -> None:
    """From its beginning on: files, bytes, and what went wrong last."""
    written, times = Written(), iter(range(100))
    now = lambda: MOMENT + timedelta(seconds=next(times))  # noqa: E731 - shorter
    note = Note(written, GIVEN, lambda: 0.0, now, pid=7)
    with note:
        assert (written.last().files_found, written.last().last_error) == (0, None)
        note(events.FileFound("big.bin", URI, 50))
        note(events.FileStarted("big.bin", URI, 50, 20, 3))
        note(events.PartUploaded(URI, 1, 20, "e", 1))
        note(events.PartStarted(URI, 2, 20, 1))
        note(events.BytesSent(URI, 2, 7))
        note(events.RetryScheduled(None, None, 1, 1.0, SLOW))
        note.tick()
    told = written.last()
    assert (told.files_found, told.files_done, told.bytes_found) == (1, 0, 50)
    assert (told.bytes_committed, told.bytes_in_flight, told.pid) == (20, 7, 7)
    assert told.last_error == "upload part 2: failed"
    assert MOMENT == told.started < told.updated
    note.end(130)
    assert (written.last().exit_code, written.last().state) == (130, State.STOPPED)


@pytest.mark.parametrize(
    "end",
    [
        events.UploadInterrupted("big.bin", URI, 30),
        events.UploadFailed("big.bin", URI, SLOW),
    ],
)
def test_the_total_is_that_of_the_files(end: events.Event) -> None:
    """Also when a run has ended in which not all of them arrived, or were even begun."""
    written = Written()
    note = Note(written, GIVEN, lambda: 0.0, lambda: MOMENT, pid=7)
    for event in (
        events.FileFound("big.bin", URI, 50),
        events.FileFound("other", ObjectURI("bucket", "other"), 7),
        events.FileStarted("big.bin", URI, 50, 20, 3),
        events.PartUploaded(URI, 1, 20, "e", 1),
        end,
    ):
        note(event)
    note.end(130)
    assert (written.last().bytes_committed, written.last().bytes_found) == (20, 57)


def test_what_failed_and_is_found_again_counts_once() -> None:
    """A directory that is watched is as large as its files, however often one fails."""
    written = Written()
    note = Note(written, GIVEN, lambda: 0.0, lambda: MOMENT, pid=7)
    for _ in range(3):
        note(events.FileFound("big.bin", URI, 50))
        note(events.FileStarted("big.bin", URI, 50, 20, 3))
        note(events.UploadFailed("big.bin", URI, SLOW))
    note.end(1)
    assert written.last().bytes_found == 50


def test_there_is_no_note_of_what_is_done() -> None:
    """Status 0 removes it."""
    written = Written()
    Note(written, GIVEN, lambda: 0.0, lambda: MOMENT, pid=7).end(0)
    assert written.texts == [""]


def test_what_is_refused_leaves_what_was_there() -> None:
    """Status 2 is of a command that has begun nothing: the note of an earlier run counts."""
    for before in ("", "of an earlier run"):
        written = Written()
        with Note(written, GIVEN, lambda: 0.0, lambda: MOMENT, pid=7, before=before) as note:
            note.end(2)
        assert written.texts[-1] == before


FOUND = events.FileFound("big.bin", URI, 50)
SKIPPED = events.FileSkipped("big.bin", "it is there")
MISSING = events.UploadFailed("misspelt", None, SourceMissing("read misspelt: no such file"))
REFUSED = events.UploadFailed("odd", None, SourceUnsuitable("read odd: a device"))


@pytest.mark.parametrize(
    ("told", "exit_code", "is_kept"),
    [
        ([MISSING, MISSING], 3, False),
        ([FOUND, MISSING], 1, True),
        # The others were there before: this one may be on a disk that comes back.
        ([SKIPPED, MISSING], 3, True),
        ([REFUSED, MISSING], 3, True),
        ([MISSING], 130, True),
    ],
)
@pytest.mark.parametrize("before", ["", "of an earlier run"])
def test_what_found_no_source_leaves_what_was_there(
    told: list[events.Event], exit_code: int, before: str, *, is_kept: bool
) -> None:
    """A name that was misspelt is nothing to go on with; one of several that are there is."""
    written = Written()
    with Note(written, GIVEN, lambda: 0.0, lambda: MOMENT, pid=7, before=before) as note:
        for event in [*told, events.ScanFinished()]:
            note(event)
        note.end(exit_code)
    assert (written.texts[-1] != before) is is_kept


def text_of(found: CommandFound) -> list[str]:
    """Return what is said of a command."""
    return [line.text for line in command_lines(found, "asyncup put a s3://b/")]


def test_a_running_command_in_words() -> None:
    """What, how far, how fast, until when, and where to send a signal."""
    assert text_of(COMMAND) == [
        "1a2b3c4d running: asyncup put a s3://b/",
        "  1/2 files · 20 MiB of 50 MiB · 8 MiB/s · 4s left · process 7",
    ]


def test_a_command_that_ended_in_words() -> None:
    """Since when, why, and how to go on."""
    found = replace(
        COMMAND, state=State.FAILED, exit_code=4, files_failed=1, last_error="upload: no answer"
    )
    assert text_of(found) == [
        "1a2b3c4d failed: asyncup put a s3://b/",
        "  1/2 files · 20 MiB of 50 MiB · 1 failed · since 2026-01-02 03:04 UTC",
        "  last error: upload: no answer",
        "  to go on: asyncup resume 1a2b3c4d",
    ]
    stream = replace(found, obstacle="it reads standard input")
    assert text_of(stream)[-1] == "  to go on: it reads standard input"


def test_an_upload_in_words() -> None:
    """What S3 has acknowledged, of what, and whether anybody is at work."""
    assert upload_line(UPLOAD).text == (
        "s3://bucket/big.bin: 1 part at S3, 20 MiB of 50 MiB, of big.bin, being sent (upload ID id)"
    )
    stream = replace(UPLOAD, size=None, is_running=False)
    assert "1 part at S3, 20 MiB, of big.bin, waiting to be resumed" in upload_line(stream).text


def test_what_is_given_up() -> None:
    """What was aborted at its server, together or one by one; with the last one, all of it."""
    other, server = ObjectURI("bucket", "other"), "http://server"
    begun = [
        events.FileFound("big.bin", URI, 50),
        events.FileFound("other", other, 7),
        events.FileStarted("big.bin", URI, 50, 20, 3),
        events.ScanFinished(),
        events.UploadInterrupted("big.bin", URI, 50),
    ]
    refused = events.UploadFailed("odd", None, SLOW)

    def text_of_run(told: list[events.Event], place: str = server) -> str:
        written = Written()
        note = Note(written, replace(GIVEN, endpoint=place), lambda: 0.0, lambda: MOMENT, pid=7)
        for event in told:
            note(event)
        note.end(130)
        return written.texts[-1]

    whole = text_of_run(begun)
    assert without_aborted(whole, [URI, other], server) == ""
    part = without_aborted(whole, [URI], server)
    # The other one was never begun: it is still wanted, and all that is.
    assert read_note(part, is_running=False) == read_note(whole, is_running=False)
    assert without_aborted(part, [URI], server) == part
    assert without_aborted(part, [other], server) == ""
    unclear = [
        text_of_run(begun, "http://elsewhere"),
        text_of_run([*begun, refused]),
        text_of_run(begun[:3]),  # what else there is to do, nobody knows yet
        "none",
    ]
    for text in unclear:
        assert without_aborted(text, [URI, other], server) == text
