"""How disks are measured: by a chunk file that is gone afterwards, and by reading what there is."""

import asyncio
import os
from itertools import count
from pathlib import Path

import pytest

from asyncup.core.errors import SourceMissing, SourceUnreadable, SourceUnsuitable, SplitDirUnusable
from asyncup.edges import yardstick
from asyncup.edges.yardstick import measure_source, measure_split_dir


def test_a_chunk_file_is_written_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rate is by the clock, and nothing of it stays."""
    monkeypatch.setattr(yardstick, "WRITTEN", 1 << 20)
    ticks = count()
    seen = asyncio.run(measure_split_dir(tmp_path / "chunks", lambda: float(next(ticks))))
    assert seen.rate == 1 << 20
    assert seen.room > 1 << 20
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_where_no_chunk_file_can_be(tmp_path: Path) -> None:
    """It is said, as an upload would."""
    (tmp_path / "file").touch()
    with pytest.raises(SplitDirUnusable):
        asyncio.run(measure_split_dir(tmp_path / "file", float))


def rate(*paths: Path) -> float:
    """Return the rate of sources by a clock that goes on by a second with each look at it."""
    ticks = count()
    return asyncio.run(measure_source(paths, lambda: float(next(ticks))))


def test_sources_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, and those below directories, one after the other, up to an amount or a time."""
    (tmp_path / "d" / "e").mkdir(parents=True)
    for name in ("one", "d/two", "d/e/three"):
        (tmp_path / name).write_bytes(bytes(1000))
    monkeypatch.setattr(yardstick, "READ_SECONDS", 1000.0)
    # A look at the clock for each of the three, and one in the end.
    assert rate(tmp_path / "one", tmp_path / "d") == 3000 / 4
    monkeypatch.setattr(yardstick, "READ", 2000)
    assert rate(tmp_path / "one", tmp_path / "d") == 2000 / 2
    monkeypatch.setattr(yardstick, "READ_SECONDS", 1.0)
    assert rate(tmp_path / "one", tmp_path / "d") == 1000 / 2


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, a directory without a byte, and one that may not be looked into."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "file").touch()
    for path in (tmp_path / "gone", tmp_path / "empty"):
        with pytest.raises(SourceMissing):
            rate(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceUnsuitable):
        rate(tmp_path / "pipe")
    with pytest.raises(SourceUnreadable):
        rate(Path("/proc/self/mem"))
