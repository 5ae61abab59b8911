"""A file that is replaced as a whole: whoever reads it sees all of a text, or of the one before."""

import os
from pathlib import Path

import pytest

from asyncup.core.errors import UsageError
from asyncup.edges.metrics_file import MetricsFile

BEFORE = "# TYPE asyncup_info gauge\n"


def test_it_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A reader that has it open keeps the old text; nothing else is left in the directory."""
    (tmp_path / "place").mkdir()
    path = tmp_path / "place" / "asyncup.prom"
    path.write_text(BEFORE)
    metrics = MetricsFile(path)
    with path.open() as reader:
        metrics.write("after")
        metrics.close()
        assert reader.read() == BEFORE
    assert path.read_text() == "after"
    assert list(path.parent.iterdir()) == [path]


def test_the_last_text_counts(tmp_path: Path) -> None:
    """Whatever the disk has no time for, the end is there."""
    metrics = MetricsFile(tmp_path / "asyncup.prom")
    for number in range(1000):
        metrics.write(f"{number}")
    metrics.close()
    assert metrics.path.read_text() == "999"


def test_others_may_read_it(tmp_path: Path) -> None:
    """Who collects metrics is another user, mostly."""
    before = os.umask(0o022)
    metrics = MetricsFile(tmp_path / "asyncup.prom")
    metrics.write("text")
    metrics.close()
    os.umask(before)
    assert metrics.path.stat().st_mode & 0o777 == 0o644


def test_the_draft_is_not_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """node_exporter reads all files `*.prom`: what is being written has another ending."""
    written: list[str] = []
    monkeypatch.setattr(Path, "replace", lambda draft, _: written.append(draft.name))
    metrics = MetricsFile(tmp_path / "asyncup.prom")
    metrics.write("text")
    metrics.close()
    assert written == [f"asyncup.prom.{os.getpid()}.tmp"]


def test_no_link_is_written_through(tmp_path: Path) -> None:
    """Who may write in the directory may leave a link where a draft will be, at any time."""
    (tmp_path / "mine").write_text("mine")
    draft = tmp_path / f"asyncup.prom.{os.getpid()}.tmp"
    draft.symlink_to("mine")
    metrics = MetricsFile(tmp_path / "asyncup.prom")
    draft.symlink_to("mine")
    metrics.write("text")
    metrics.close()
    assert (tmp_path / "mine").read_text() == "mine"
    assert not metrics.path.is_symlink()
    assert metrics.path.read_text() == "text"


def test_it_is_on_the_disk_before_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power failure would leave an empty file in the place of a good one."""
    done: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: done.append("synced"))
    monkeypatch.setattr(Path, "replace", lambda _, to: done.append(to.name))
    metrics = MetricsFile(tmp_path / "asyncup.prom")
    metrics.write("text")
    metrics.close()
    assert done == ["synced", "asyncup.prom"]


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    """The link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/asyncup.prom")
    metrics = MetricsFile(tmp_path / "link")
    metrics.write("text")
    metrics.close()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "asyncup.prom").read_text() == "text"


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    """And what comes next is tried all the same."""
    place = tmp_path / "place"
    place.mkdir()
    metrics = MetricsFile(place / "asyncup.prom")
    place.rmdir()
    metrics.write("lost")
    metrics.close()
    assert metrics.take_problem() == "No such file or directory"


@pytest.mark.parametrize(
    ("place", "problem"),
    [("no/asyncup.prom", "No such file or directory"), ("/dev/null", "it is there, and no file")],
)
def test_what_cannot_be_is_refused(tmp_path: Path, place: str, problem: str) -> None:
    """Before anything is begun; above all, no device is replaced by a file."""
    with pytest.raises(UsageError, match=problem):
        MetricsFile(tmp_path / place)


def test_links_that_go_round_in_circles_are_refused(tmp_path: Path) -> None:
    """As is all that cannot be written."""
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    with pytest.raises(UsageError, match="Too many levels of symbolic links"):
        MetricsFile(tmp_path / "one")
    assert (tmp_path / "one").is_symlink()


@pytest.mark.parametrize("text", ["a film", "#", "# TYPE node_x gauge\n"])
def test_what_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    """A path that was mistaken costs nobody a file."""
    path = tmp_path / "film.mov"
    path.write_text(text)
    with pytest.raises(UsageError, match="it is there, and holds no metrics of asyncup"):
        MetricsFile(path)
    assert (path.read_text(), list(tmp_path.glob("film*"))) == (text, [path])


def test_an_empty_file_is_replaced(tmp_path: Path) -> None:
    """Whoever made it has made room."""
    path = tmp_path / "asyncup.prom"
    path.touch()
    metrics = MetricsFile(path)
    metrics.write(BEFORE)
    metrics.close()
    assert path.read_text() == BEFORE


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (None, None),
        ("", None),
        ("last 1.5\nother 2\n", 1.5),
        ("last many\n", None),
        ('last{a="b"} 1\nlast_other{a="b"} 2\n', 1.0),
    ],
)
def test_what_an_earlier_run_left_can_be_read(
    tmp_path: Path, text: str | None, number: float | None
) -> None:
    """The value of a metric, if there is one."""
    path = tmp_path / "asyncup.prom"
    if text is not None:
        path.write_text(BEFORE + text)
    metrics = MetricsFile(path)
    assert metrics.number_before("last") == number
    metrics.close()
