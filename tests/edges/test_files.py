"""Local files: what a walk finds and leaves, and what a file is known by."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest

import asyncup
from asyncup.core.errors import (
    SourceError,
    SourceMissing,
    SourceUnreadable,
    SourceUnsuitable,
)
from asyncup.edges.files import Found, Left, Walk, fingerprint, source_error
from asyncup.edges.media_types import content_type

FOLLOWING = Walk(follow=True)
BACK = "a symbolic link that leads back to a directory above it"
NOT_FOLLOWED = "a symbolic link to a directory (--follow goes there)"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return an empty directory to walk."""
    root = tmp_path / "tree"
    root.mkdir()
    return root


def write(path: Path, data: bytes = b"x") -> Path:
    """Write a file, and the directories it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def entry(path: Path, relative: str) -> Found:
    """Return a file as it is to be found."""
    status = path.stat()
    touched = max(status.st_mtime, status.st_ctime)
    return Found(path, relative, status.st_size, fingerprint(path), touched)


def found(walked: Iterable[Found | Left]) -> list[str]:
    """Return the relative paths of a walk that leaves nothing."""
    every = list(walked)
    assert [each for each in every if isinstance(each, Left)] == []
    return [each.relative for each in every if isinstance(each, Found)]


def told(walked: Iterable[Found | Left]) -> list[str]:
    """Return a line for each thing on the way: what was found, and what was left and why."""
    return [each.relative if isinstance(each, Found) else _left(each) for each in walked]


def _left(left: Left) -> str:
    error = "" if left.error is None else f" [{type(left.error).__name__}]"
    return f"{left.path.name}: {left.reason}{error}{' (filtered)' if left.filtered else ''}"


def test_a_walk_goes_by_name(tree: Path) -> None:
    """Files come in order of name, a directory's in its place, whatever the system's order is."""
    for name in ("c", "B", "a/z", "a/b/deep", "a.txt", "é", "10", "9"):
        write(tree / name)
    assert found(Walk().files(tree)) == ["10", "9", "B", "a/b/deep", "a/z", "a.txt", "c", "é"]


def test_a_found_file_knows_its_path_and_size(tree: Path) -> None:
    """What is found is told with its path on disk, its path below the source, and its bytes."""
    path = write(tree / "sub" / "file.bin", b"12345")
    assert list(Walk().files(tree)) == [entry(path, "sub/file.bin")]


def test_no_name_is_too_odd(tree: Path) -> None:
    """Hidden files, spaces, other scripts, emoji, quotes and line ends are names like any other."""
    names = sorted(
        [".hidden", ".dir/.x", " lead", "a b", "new\nline", '"q"', "[x]", "日本語", "🦊"]
    )
    for name in names:
        write(tree / name)
    assert found(Walk().files(tree)) == names


def test_names_that_are_not_utf8_are_found(tree: Path) -> None:
    """A name of bytes that are no UTF-8 arrives whole: it leads back to the file."""
    where = os.fsencode(tree) + b"/caf\xe9"
    os.mkdir(where)  # noqa: PTH102 - pathlib takes no bytes
    with open(where + b"/\xff\xfe.bin", "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(b"four")
    (only,) = Walk().files(tree)
    assert isinstance(only, Found)
    assert os.fsencode(only.relative) == b"caf\xe9/\xff\xfe.bin"
    assert only.path.read_bytes() == b"four"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("a/b", ["a/b/c", "a/b/d"]),
        ("a/b/c", ["a/b/c"]),
        ("a/skip/x", []),
        ("link/c", []),
        ("a/b/c/under", []),
        ("gone/x", []),
    ],
)
def test_a_walk_may_begin_further_down(tree: Path, at: str, expected: list[str]) -> None:
    """At a path below a source there is what a walk of all finds there: no more, no less."""
    for name in ("a/b/c", "a/b/d", "a/skip/x", "top"):
        write(tree / name)
    (tree / "link").symlink_to(tree / "a" / "b")
    walk = Walk(prunes=lambda relative: relative == "a/skip")
    assert found(walk.at(tree, at)) == expected


def test_what_is_gone_is_told_where_it_was(tree: Path) -> None:
    """A path at which there is nothing any more is an error, so that nobody waits for it."""
    (left,) = Walk().at(tree, "gone")
    assert isinstance(left, Left)
    assert isinstance(left.error, SourceMissing)


def test_an_empty_directory_has_nothing(tree: Path) -> None:
    """Directories without files, however deep, yield nothing and are no error."""
    (tree / "a" / "b").mkdir(parents=True)
    assert list(Walk().files(tree)) == []


def test_an_empty_file_is_a_file(tree: Path) -> None:
    """A file of no bytes is found like any other."""
    path = write(tree / "empty", b"")
    assert list(Walk().files(tree)) == [entry(path, "empty")]


def test_a_link_to_a_file_is_the_file(tree: Path, tmp_path: Path) -> None:
    """A symbolic link to a file is taken under its own name, with the file's size."""
    target = write(tmp_path / "elsewhere", b"123")
    (tree / "link").symlink_to(target)
    assert list(Walk().files(tree)) == [entry(tree / "link", "link")]


def test_a_link_to_a_directory_is_told_not_entered(tree: Path, tmp_path: Path) -> None:
    """Without `follow`, a linked directory is left, and that is told, not kept in silence."""
    write(tmp_path / "elsewhere" / "file")
    (tree / "link").symlink_to(tmp_path / "elsewhere")
    write(tree / "own")
    assert told(Walk().files(tree)) == [f"link: {NOT_FOLLOWED}", "own"]


def test_a_link_to_a_directory_is_entered_on_request(tree: Path, tmp_path: Path) -> None:
    """With `follow`, what lies behind a link is found below the link's own name."""
    write(tmp_path / "elsewhere" / "file")
    (tree / "one").symlink_to(tmp_path / "elsewhere")
    (tree / "two").symlink_to(tmp_path / "elsewhere")
    assert found(FOLLOWING.files(tree)) == ["one/file", "two/file"]


def test_a_source_that_is_a_link_is_entered(tree: Path, tmp_path: Path) -> None:
    """A directory that the user named is walked, also if the name is that of a link to it."""
    write(tree / "file")
    link = tmp_path / "link"
    link.symlink_to(tree)
    assert found(Walk().files(link)) == ["file"]


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_loop_ends(tree: Path, target: str) -> None:
    """A link to a directory above itself is an error of its own, and the walk goes on."""
    write(tree / "a" / "b" / "file")
    (tree / "a" / "b" / "loop").symlink_to(target)
    write(tree / "z")
    expected = ["a/b/file", f"loop: {BACK} [SourceUnsuitable]", "z"]
    assert told(FOLLOWING.files(tree)) == expected


def test_two_links_that_lead_to_each_other_end(tree: Path) -> None:
    """A loop over two directories is seen as well, and each file is found on both ways once."""
    write(tree / "a" / "1")
    write(tree / "b" / "2")
    (tree / "a" / "to_b").symlink_to(tree / "b")
    (tree / "b" / "to_a").symlink_to(tree / "a")
    assert told(FOLLOWING.files(tree)) == [
        "a/1",
        "a/to_b/2",
        f"to_a: {BACK} [SourceUnsuitable]",
        "b/2",
        "b/to_a/1",
        f"to_b: {BACK} [SourceUnsuitable]",
    ]


def test_links_to_nothing_are_errors(tree: Path) -> None:
    """A broken link, and one to itself, are told as errors with their reason; the rest is found."""
    (tree / "broken").symlink_to("nowhere")
    (tree / "self").symlink_to("self")
    write(tree / "whole")
    lines = told(Walk().files(tree))
    assert lines == [
        "broken: No such file or directory [SourceMissing]",
        f"self: {os.strerror(errno.ELOOP)} [SourceUnreadable]",
        "whole",
    ]
    broken = next(iter(Walk().files(tree)))
    assert isinstance(broken, Left)
    assert str(broken.error) == f"read {tree / 'broken'}: a symbolic link to nothing"


def test_what_is_no_file_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named pipe and a socket are errors with their kind, and nobody waits for them."""
    os.mkfifo(tree / "pipe")
    monkeypatch.chdir(tree)  # the path of a socket may be no longer than about 100 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("sock")
        lines = told(Walk().files(tree))
    assert lines == [
        "pipe: a named pipe, not a file [SourceUnsuitable]",
        "sock: a socket, not a file [SourceUnsuitable]",
    ]


def test_a_device_as_source_is_told() -> None:
    """A device that the user names is refused with its kind and its path."""
    (only,) = Walk().files(Path(os.devnull))
    assert isinstance(only, Left)
    assert str(only.error) == f"skip {os.devnull}: a character device, not a file"
    assert isinstance(only.error, SourceUnsuitable)


def test_without_recursion_directories_stay(tree: Path) -> None:
    """A walk that is not recursive takes the files beside each other and tells what it leaves."""
    write(tree / "a" / "inside")
    write(tree / "b")
    expected = ["a: a directory, not a file beside it (filtered)", "b"]
    assert told(Walk(recursive=False).files(tree)) == expected


def test_an_excluded_directory_is_not_read(tree: Path) -> None:
    """What an exclusion covers is not even looked into: what would be errors in there is none."""
    write(tree / "cache" / "file")
    (tree / "cache" / "self").symlink_to("self")
    (tree / "cache" / "loop").symlink_to("..")
    os.mkfifo(tree / "cache" / "pipe")
    write(tree / "kept")
    walk = Walk(follow=True, prunes=lambda relative: relative == "cache")
    assert told(walk.files(tree)) == ["cache: excluded by pattern (filtered)", "kept"]


def test_exclusions_are_asked_about_directories_only(tree: Path) -> None:
    """Whether to prune is asked once for each directory, by its path below the source."""
    write(tree / "a" / "b" / "file")
    write(tree / "c" / "file")
    (tree / "link").symlink_to("a")
    asked: list[str] = []

    def prunes(relative: str) -> bool:
        asked.append(relative)
        return False

    list(Walk(prunes=prunes).files(tree))
    assert asked == ["a", "a/b", "c", "link"]


def test_a_missing_source_is_told(tree: Path) -> None:
    """A source that is not there is one error that names it."""
    (only,) = Walk().files(tree / "nothing")
    assert isinstance(only, Left)
    assert isinstance(only.error, SourceMissing)
    assert str(only.error) == f"read {tree / 'nothing'}: no such file or directory"


def test_a_source_below_a_file_is_told(tree: Path) -> None:
    """A path that goes through a file is an error that says so."""
    write(tree / "file")
    (only,) = Walk().files(tree / "file" / "below")
    assert isinstance(only, Left)
    assert isinstance(only.error, SourceUnreadable)
    assert str(only.error) == f"read {tree / 'file' / 'below'}: {os.strerror(errno.ENOTDIR)}"


@pytest.mark.parametrize(("relative", "expected"), [(None, "file"), ("as/listed", "as/listed")])
def test_a_single_file_is_itself(tree: Path, relative: str | None, expected: str) -> None:
    """A file as source goes by its own name, or by the one it is given."""
    path = write(tree / "file", b"12")
    assert list(Walk().files(path, relative=relative)) == [entry(path, expected)]


def test_a_directory_has_its_files_below_it(tree: Path) -> None:
    """A directory as source adds nothing to its files' keys."""
    write(tree / "sub" / "file")
    assert found(Walk().files(tree)) == ["sub/file"]


def test_a_listed_directory_is_left(tree: Path) -> None:
    """Whoever lists names means these and no others: `find` lists directories, too."""
    write(tree / "sub" / "file")
    reason = "a directory; what is in it has to be listed itself"
    assert list(Walk().files(tree, relative="x/y")) == [Left(tree, reason)]


def test_what_goes_away_during_a_walk_is_told(tree: Path) -> None:
    """What is deleted while the walk is on is an error each; the rest is found."""
    for name in ("a", "b", "c/file", "d"):
        write(tree / name)
    walking = Walk().files(tree)
    first = list(islice(walking, 1))
    (tree / "b").unlink()
    (tree / "c" / "file").unlink()
    (tree / "c").rmdir()
    assert told([*first, *walking]) == [
        "a",
        "b: No such file or directory [SourceMissing]",
        "c: No such file or directory [SourceMissing]",
        "d",
    ]


_AS_NOBODY = """
import os
from pathlib import Path

from asyncup.core.errors import SourceError
from asyncup.edges.files import Found, Walk
from asyncup.edges.ranges import RangeReader

if os.geteuid() == 0:  # nothing is closed to root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for each in Walk(prunes=lambda relative: relative == "pruned").files(Path("tree")):
    print(each.relative if isinstance(each, Found) else f"{each.path.name}: {each.error}")
try:
    RangeReader(Path("tree/closed"), 0, 1)
except SourceError as error:
    print(f"{type(error).__name__}: {error}; {error.hint}")
"""


def test_closed_files_and_directories_are_told(tree: Path) -> None:
    """What this user may not read is an error each; a closed directory that is excluded is none."""
    write(tree / "closed").chmod(0)
    write(tree / "open").chmod(0o644)
    for name in ("pruned", "shut"):
        write(tree / name / "file")
        (tree / name).chmod(0)
    for directory in (tree, tree.parent):
        directory.chmod(0o755)
    package = str(Path(asyncup.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY],
        check=True,
        capture_output=True,
        text=True,
        cwd=tree.parent,
        env={**os.environ, "PYTHONPATH": package},
    )
    for name in ("pruned", "shut"):
        (tree / name).chmod(0o755)
    hint = "let this user read it, or exclude it"
    assert done.stdout.splitlines() == [
        "closed: read tree/closed: Permission denied",
        "open",
        "pruned: None",
        "shut: read tree/shut: Permission denied",
        f"SourceUnreadable: read tree/closed: Permission denied; {hint}",
    ]


@pytest.mark.parametrize(
    ("number", "kind", "cause"),
    [
        (errno.ENOENT, SourceMissing, "no such file or directory"),
        (errno.EACCES, SourceUnreadable, "Permission denied"),
        (errno.EPERM, SourceUnreadable, "Operation not permitted"),
        (errno.EIO, SourceUnreadable, "Input/output error"),
        (errno.ENAMETOOLONG, SourceUnreadable, "File name too long"),
        (errno.ESTALE, SourceUnreadable, os.strerror(errno.ESTALE)),
    ],
)
def test_what_the_system_says_becomes_an_error(
    number: int, kind: type[SourceError], cause: str
) -> None:
    """Errors of the system keep their cause, and name the file."""
    error = source_error(Path("some/file"), OSError(number, os.strerror(number)))
    assert (type(error), str(error)) == (kind, f"read some/file: {cause}")


def test_errors_about_odd_names_can_be_printed() -> None:
    """A name that is not UTF-8 is shown with its bytes escaped, so that no output fails on it."""
    error = source_error(Path(os.fsdecode(b"caf\xe9")), OSError(errno.EIO, "broken"))
    assert str(error) == r"read caf\xe9: broken"


def test_a_file_is_known_again(tree: Path) -> None:
    """An untouched file has the same fingerprint, also through a link or after it was renamed."""
    path = write(tree / "file", b"12")
    before = fingerprint(path)
    (tree / "link").symlink_to("file")
    assert before.size == 2
    assert fingerprint(path) == before
    assert fingerprint(tree / "link") == before
    path.rename(tree / "other")
    assert fingerprint(tree / "other") == before


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _shrink(path: Path) -> None:
    os.truncate(path, 1)


def _touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def _replace(path: Path) -> None:
    other = write(path.with_name("other"), path.read_bytes())
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_grow, _shrink, _touch, _replace])
def test_a_changed_file_is_not_known_again(tree: Path, change: Callable[[Path], None]) -> None:
    """A file that grew, shrank, was written to or replaced by a twin has another fingerprint."""
    path = write(tree / "file", b"12")
    os.utime(path, ns=(0, 1_700_000_000_000_000_000))
    before = fingerprint(path)
    change(path)
    assert fingerprint(path) != before


def test_a_missing_file_has_no_fingerprint(tree: Path) -> None:
    """A file that went away is an error, not a fingerprint."""
    with pytest.raises(SourceMissing, match="no such file or directory"):
        fingerprint(tree / "gone")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data.json", "application/json"),
        ("DATA.JSON", "application/json"),
        ("page.html", "text/html"),
        ("photo.jpeg", "image/jpeg"),
        ("archive.tar", "application/x-tar"),
        ("archive.tar.gz", "application/gzip"),
        ("archive.tgz", "application/gzip"),
        ("notes.txt.gz", "application/gzip"),
        ("dump.sql.bz2", "application/x-bzip2"),
        ("dump.sql.xz", "application/x-xz"),
        ("data.json.br", "application/x-brotli"),
        ("old.tar.Z", "application/x-compress"),
        ("dir.json/file", "application/octet-stream"),
        ("some/dir/data.json", "application/json"),
        ("image.unheard-of", "application/octet-stream"),
        ("no-extension", "application/octet-stream"),
        (".json", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_the_media_type_is_guessed(name: str, expected: str) -> None:
    """A name tells its media type; compressed is what it is, and what nobody knows is bytes."""
    assert content_type(name) == expected


def test_a_name_with_a_null_is_told() -> None:
    """A path that no system can have is an error of its own: a list read without --null."""
    (only,) = Walk().files(Path("a\0b"))
    assert isinstance(only, Left)
    assert isinstance(only.error, SourceUnsuitable)
    assert only.error.hint is not None


@pytest.mark.parametrize("name", ["data:,x.json", "http://[x.json", "backup:v1?.json", "a/b.json"])
def test_a_name_is_no_url(name: str) -> None:
    """A name is a name, also if it looks like a URL."""
    assert content_type(name) == "application/json"
