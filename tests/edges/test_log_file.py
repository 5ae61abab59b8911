"""A log beside a run: nothing is lost that can be written, and nobody waits for it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asyncup.core.errors import UsageError
from asyncup.edges import log_file
from asyncup.edges.lines_file import LinesFile
from asyncup.edges.log_file import KEPT, LogFile

LINES = [f"line {number:03}\n" for number in range(100)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with nothing in it."""
    place = tmp_path / "place"
    place.mkdir()
    return place


@contextmanager
def log(path: Path, size: int = 0) -> Iterator[LogFile]:
    """Open a log; all of it is written on leaving."""
    opened = LogFile(path, size)
    try:
        yield opened
    finally:
        opened.close()


def write(path: Path, lines: list[str], size: int = 0) -> None:
    """Write lines to a log and close it."""
    with log(path, size) as opened:
        for line in lines:
            opened.write(line)
    assert opened.take_problem() is None


def test_lines_are_appended_in_their_order(place: Path) -> None:
    """One run after the other, nothing is lost or changed."""
    write(place / "log", LINES[:50])
    write(place / "log", LINES[50:])
    assert (place / "log").read_text() == "".join(LINES)


def test_a_line_that_a_dead_run_tore_spoils_no_other(place: Path) -> None:
    """The next line begins on its own."""
    (place / "log").write_text("torn")
    write(place / "log", ["whole\n"])
    assert (place / "log").read_text() == "torn\nwhole\n"


@pytest.mark.parametrize("size", [9, 10, 50, 99])
def test_no_file_is_larger_than_asked_for(place: Path, size: int) -> None:
    """Full files are numbered, the newest has 1; all lines are there as far as files are kept."""
    write(place / "log", LINES, size)
    names = ["log", *(f"log.{number}" for number in range(1, KEPT + 1))]
    assert sorted(found.name for found in place.iterdir()) == names
    texts = [(place / name).read_text() for name in reversed(names)]
    assert all(0 < len(text) <= size for text in texts)
    assert [*LINES[: -len("".join(texts)) // 9], *"".join(texts).splitlines(keepends=True)] == LINES


def test_without_a_size_it_grows(place: Path) -> None:
    """0 is no limit."""
    write(place / "log", LINES, 0)
    assert [found.name for found in place.iterdir()] == ["log"]


def test_a_line_that_is_longer_than_the_size_is_written_whole(place: Path) -> None:
    """A file has a line at least."""
    write(place / "log", ["a long line\n", "another line\n"], 5)
    assert (place / "log.1").read_text() == "a long line\n"
    assert (place / "log").read_text() == "another line\n"


@pytest.mark.parametrize("is_deleted", [False, True])
def test_who_renames_or_deletes_it_is_followed(place: Path, *, is_deleted: bool) -> None:
    """The next line goes to a new file of this name, as logrotate expects."""
    path = place / "log"
    with log(path) as opened:
        opened._append(LINES[0])
        if is_deleted:
            path.unlink()
        else:
            path.rename(place / "old")
        opened._append(LINES[1])
    assert path.read_text() == LINES[1]


def test_what_has_no_place_any_more_is_written_on(place: Path) -> None:
    """Where the directory is renamed, lines are in the file that was there, and then in the new."""
    with log(place / "log") as opened:
        opened._append(LINES[0])
        place.rename(place.with_name("old"))
        opened._append_all([LINES[1]])
        place.mkdir()
        opened._append_all([LINES[2]])
    assert (place.with_name("old") / "log").read_text() == "".join(LINES[:2])
    assert (place / "log").read_text() == LINES[2]


def test_what_is_deleted_for_good_is_told(place: Path) -> None:
    """Lines in a file that has no name are lost."""
    with log(place / "log") as opened:
        opened._append(LINES[0])
        (place / "log").unlink()
        place.rmdir()
        with pytest.raises(FileNotFoundError):
            opened._append_all([LINES[1]])


def test_what_a_link_leads_to_is_rotated(place: Path) -> None:
    """The link stays, and leads to the newest file."""
    (place / "real").mkdir()
    (place / "log").symlink_to("real/log")
    write(place / "log", LINES[:3], 9)
    assert (place / "log").is_symlink()
    assert sorted(found.name for found in place.iterdir()) == ["log", "real"]
    texts = [(place / "real" / name).read_text() for name in ("log.2", "log.1", "log")]
    assert texts == LINES[:3]


def test_who_may_not_read_may_append(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line begins on its own, also where nobody can see how the one before ended."""
    open_as_root = os.open

    def open_for_writing(path: Path, flags: int, mode: int) -> int:
        if flags & os.O_ACCMODE != os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_as_root(path, flags, mode)

    monkeypatch.setattr(os, "open", open_for_writing)
    write(place / "log", ["first\n", "torn"])
    write(place / "log", ["whole\n"])
    assert (place / "log").read_text().split() == ["first", "torn", "whole"]


def test_two_runs_fill_one_log(place: Path) -> None:
    """Each notices that the other one has begun a new file; no line is lost or written twice."""
    path = place / "log"
    with log(path, 99) as one, log(path, 99) as other:
        for number, line in enumerate(LINES[:60]):
            (one, other)[number % 2]._append(line)
    texts = [(place / f"log.{number}").read_text() for number in range(KEPT, 0, -1)]
    assert "".join([*texts, path.read_text()]) == "".join(LINES[:60])


def test_a_full_disk_is_told_and_tried_again() -> None:
    """A line that cannot be written is a problem, told once; the next one is tried all the same."""
    with log(Path("/dev/full"), 5) as opened:
        opened.write("lost\n")
    assert opened.take_problem() == "No space left on device"
    assert opened.take_problem() is None


def test_what_comes_after_a_lost_line_is_written(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what does not fit is missing, and begins no other line."""
    write_all = LinesFile._write

    def write_some(file: LinesFile, data: bytes) -> None:
        write_all(file, data.replace(b"lost\n", b"lo"))
        if b"lost" in data:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LinesFile, "_write", write_some)
    with log(place / "log") as opened, pytest.raises(OSError, match="No space left"):
        opened._append_all(["first\n", "lost\n", "there\n", "last\n"])
    assert (place / "log").read_text() == "first\nlo\nthere\nlast\n"


def test_nobody_waits_for_a_disk_that_hangs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than can wait, and the end: all of it goes on, and it is told."""
    monkeypatch.setattr(log_file, "_PATIENCE", 0.0)
    monkeypatch.setattr(log_file, "_MOST_WAITING", 10)
    path = place / "pipe"
    os.mkfifo(path)
    # A pipe that nobody reads from takes some lines, and then hangs.
    with log(path) as opened:
        for _ in range(100):
            opened.write(f"{'x' * 9999}\n")
    assert opened.take_problem() == "it takes too long"


def test_where_nothing_can_be_renamed_it_grows(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A larger file is better than a line lost."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    write(place / "log", LINES, 50)
    assert (place / "log").read_text() == "".join(LINES)


def test_a_log_that_cannot_be_is_refused(place: Path) -> None:
    """Before anything is begun."""
    with pytest.raises(UsageError, match=r"write the log to .*/no/log: No such file"):
        LogFile(place / "no" / "log", 0)
