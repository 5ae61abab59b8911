"""Files are let go only if they are exactly what is at S3, and nothing else ever goes."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncup.core.errors import SourceBusy, SourceChanged, SourceUnsuitable, UsageError
from asyncup.edges.files import fingerprint
from asyncup.edges.letting_go import LetGo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory with a file in a directory below it."""
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(b"proven")
    return root


def everything(directory: Path) -> dict[str, bytes]:
    """Return all files below a directory, with what is in them."""
    files = [each for each in directory.rglob("*") if each.is_file() and not each.is_symlink()]
    return {each.relative_to(directory).as_posix(): each.read_bytes() for each in files}


def touched(directory: Path) -> list[int]:
    """Return when each entry of a directory was changed, or renamed, last."""
    return [os.lstat(each).st_ctime_ns for each in sorted(directory.iterdir())]


def test_a_proven_file_is_deleted(root: Path) -> None:
    """It goes, its marker as well, and the directory that it was in stays."""
    (root / "sub" / "file.done").touch()
    let_go = LetGo(root, None, lambda name: f"{name}.done")
    assert let_go("sub/file", fingerprint(root / "sub" / "file")) is None
    assert everything(root) == {}
    assert (root / "sub").is_dir()


def test_a_proven_file_is_moved(root: Path, tmp_path: Path) -> None:
    """It lies at the same path below the other directory, which takes the place of no file."""
    done = tmp_path / "done"
    done.mkdir()
    let_go = LetGo(root, done)
    assert let_go("sub/file", fingerprint(root / "sub" / "file")) == done / "sub" / "file"
    (root / "sub" / "file").write_bytes(b"next")
    assert let_go("sub/file", fingerprint(root / "sub" / "file")) == done / "sub" / "file.1"
    assert everything(tmp_path) == {"done/sub/file": b"proven", "done/sub/file.1": b"next"}


def grown(path: Path) -> None:
    """Write to a file."""
    path.write_bytes(path.read_bytes() + b" and more")


def replaced(path: Path) -> None:
    """Put another file in its place, of the same size and time."""
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"PROVEN")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def linked(path: Path) -> None:
    """Put a link in its place."""
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def gone(path: Path) -> None:
    """Delete it."""
    path.unlink()


@pytest.mark.parametrize("change", [grown, replaced, linked, gone])
@pytest.mark.parametrize("to", [None, "done"])
def test_what_is_no_longer_that_file_stays(
    root: Path, tmp_path: Path, change: Callable[[Path], None], to: str | None
) -> None:
    """Whatever is under the name by now is left as it is, and not even taken aside for a moment."""
    (tmp_path / "done").mkdir()
    let_go = LetGo(root, None if to is None else tmp_path / to)
    proven = fingerprint(root / "sub" / "file")
    change(root / "sub" / "file")
    before = everything(tmp_path), touched(root / "sub")
    with pytest.raises((SourceChanged, SourceUnsuitable)):
        let_go("sub/file", proven)
    assert (everything(tmp_path), touched(root / "sub")) == before


@pytest.mark.parametrize("to", [None, "done"])
def test_what_comes_in_the_last_moment_stays(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str | None
) -> None:
    """A file that takes the proven one's place after the last look is put back, and told."""
    (tmp_path / "done").mkdir()
    let_go = LetGo(root, None if to is None else tmp_path / to)
    path, rename, late = root / "sub" / "file", os.rename, [replaced]

    def be_late(one: str, other: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if late:
            # The lease is no obstacle to that.
            late.pop()(path)
        rename(one, other, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    proven = fingerprint(path)
    monkeypatch.setattr(os, "rename", be_late)
    with pytest.raises(SourceChanged, match="another file by now"):
        let_go("sub/file", proven)
    assert everything(tmp_path) == {"in/sub/file": b"PROVEN"}


def test_a_file_that_somebody_writes_to_stays(root: Path) -> None:
    """Who has it open to write to it may go on: on Linux, that is seen."""
    path = root / "sub" / "file"
    proven = fingerprint(path)
    if not hasattr(fcntl, "F_SETLEASE"):
        return
    with path.open("ab"), pytest.raises(SourceBusy, match="open to write"):
        LetGo(root, None)("sub/file", proven)
    with path.open("rb"):
        LetGo(root, None)("sub/file", proven)
    assert everything(root) == {}


def test_no_link_on_the_way_is_followed(root: Path, tmp_path: Path) -> None:
    """What lies behind a link to a directory is somebody else's."""
    (root / "link").symlink_to(root / "sub")
    with pytest.raises(SourceUnsuitable, match="symbolic link"):
        LetGo(root, None)("link/file", fingerprint(root / "sub" / "file"))
    assert everything(tmp_path) == {"in/sub/file": b"proven"}


def test_another_file_system_is_refused(root: Path, tmp_path: Path) -> None:
    """Files are renamed, never copied: where that cannot be, nothing is begun."""
    with pytest.raises(UsageError, match="another file system"):
        LetGo(root, Path("/proc"))
    with pytest.raises(UsageError, match="No such file"):
        LetGo(root, tmp_path / "no-such")
    with pytest.raises(UsageError, match="no directory"):
        LetGo(root, root / "sub" / "file")
