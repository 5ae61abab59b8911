"""`asyncup status --watch`: the same thing is shown again and again, and warned of once."""

import io
import sys
from pathlib import Path

import pytest

from asyncup.cli.audience import Audience
from asyncup.cli.status import _shower

WARNING = "warning: the note of command odd cannot be read; asyncup status --forget odd drops it"
PARAMS = {"watch": True, "json": False}


class Terminal(io.StringIO):
    """A terminal, as far as its writer can tell."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """Return a state directory with a note that is none."""
    note = tmp_path / "commands" / "odd.json"
    note.parent.mkdir()
    note.write_text("no note", encoding="utf-8")
    return tmp_path


def test_a_warning_is_told_once(state_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where lines are written, one after the other, they are not about the same for ever."""
    show = _shower(state_dir, PARAMS, Audience(PARAMS))
    assert show()
    assert show()
    assert capsys.readouterr() == ("", f"{WARNING}\n")


def test_a_warning_is_part_of_the_picture(
    state_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal it stands below the rest, in each picture, and nowhere else."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr(sys, "stdout", terminal)
    show = _shower(state_dir, PARAMS, Audience(PARAMS))
    assert not show()
    picture = terminal.getvalue()
    assert picture.startswith("\x1b[Hnothing is running, and nothing is unfinished\x1b[K\n")
    assert picture.endswith(f"{WARNING}\x1b[J\n")
    assert not show()
    assert (terminal.getvalue(), capsys.readouterr().err) == (2 * picture, "")
