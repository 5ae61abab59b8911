"""Notes beside the journal: one for each command, as long as it is not done."""

from pathlib import Path
from threading import Thread, current_thread

import pytest

from asyncup.edges.notes import change_note, open_note, read_notes, remove_note


def test_a_note_is_there_until_its_command_is_done(tmp_path: Path) -> None:
    """It says who is alive; an empty text is the end of it, and leaves nothing."""
    state = tmp_path / "state"
    note = open_note(state, "name")
    assert note is not None
    note.write("first")
    note.close()
    assert list(read_notes(state)) == [("name", "first", False)]
    again = open_note(state, "name")
    assert again is not None
    assert list(read_notes(state)) == [("name", "first", True)]
    again.write("")
    again.close()
    assert list(read_notes(state)) == []
    assert list((state / "commands").iterdir()) == []


def test_nobody_waits_for_a_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what lets go of the lock is left to the thread that writes."""
    asking: list[Thread] = []
    exists = Path.exists

    def remember(path: Path) -> bool:
        asking.append(current_thread())
        return exists(path)

    note = open_note(tmp_path, "name")
    assert note is not None
    monkeypatch.setattr(Path, "exists", remember)
    note.close()
    assert len(asking) == 1
    assert asking[0] is not current_thread()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """A command line tells where somebody keeps what."""
    note = open_note(tmp_path / "state", "name")
    assert note is not None
    note.close()
    assert (tmp_path / "state" / "commands").stat().st_mode & 0o777 == 0o700


def test_two_commands_of_a_name_have_one_note(tmp_path: Path) -> None:
    """That of the one which was there first."""
    first = open_note(tmp_path, "name")
    assert first is not None
    assert open_note(tmp_path, "name") is None
    other = open_note(tmp_path, "other")
    assert other is not None
    first.close()
    other.close()


def test_where_none_can_be_kept_there_is_none(tmp_path: Path) -> None:
    """And nothing fails because of it."""
    (tmp_path / "state").write_text("a file")
    assert open_note(tmp_path / "state", "name") is None
    assert list(read_notes(tmp_path / "state")) == []
    assert list(read_notes(tmp_path / "nothing")) == []


def test_forgetting(tmp_path: Path) -> None:
    """What is not running can be forgotten, and only by its whole name."""
    note = open_note(tmp_path, "name")
    assert note is not None
    note.write("text")
    assert not remove_note(tmp_path, "name")
    note.close()
    assert not remove_note(tmp_path, "../commands/name")
    assert remove_note(tmp_path, "name")
    assert not remove_note(tmp_path, "name")
    assert list((tmp_path / "commands").iterdir()) == []


def test_what_cannot_be_read_is_not_left_out(tmp_path: Path) -> None:
    """It is a note all the same, of which something has to be told."""
    (tmp_path / "commands" / "directory.json").mkdir(parents=True)
    (tmp_path / "commands" / "odd.json").write_bytes(b"\xff")
    assert list(read_notes(tmp_path)) == [("directory", "", False), ("odd", "\ufffd", False)]


def test_a_note_is_changed_while_its_command_does_not_run(tmp_path: Path) -> None:
    """No text is the end of it; what is the same is not written, and what is none is no error."""
    note = open_note(tmp_path, "name")
    assert note is not None
    note.write("first")
    change_note(tmp_path, "name", lambda _: "not yet")
    note.close()
    assert list(read_notes(tmp_path)) == [("name", "first", False)]
    before = (tmp_path / "commands" / "name.json").stat()
    change_note(tmp_path, "name", lambda text: text)
    assert (tmp_path / "commands" / "name.json").stat() == before
    change_note(tmp_path, "name", lambda text: f"{text}, then")
    assert list(read_notes(tmp_path)) == [("name", "first, then", False)]
    change_note(tmp_path, "name", lambda _: "")
    assert list(read_notes(tmp_path)) == []
    change_note(tmp_path, "name", lambda _: "too late")
    assert list(read_notes(tmp_path)) == []
