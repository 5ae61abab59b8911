"""Local files: what a walk finds and leaves, what a file is known by, and how a range is read."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from itertools import count, islice
from pathlib import Path

import pytest

import asyncup
from asyncup.core.errors import (
    SourceChanged,
    SourceError,
    SourceMissing,
    SourceUnreadable,
    SourceUnsuitable,
)
from asyncup.edges import ranges
from asyncup.edges.blocks import BLOCK
from asyncup.edges.files import Found, Left, Walk, fingerprint, source_error
from asyncup.edges.media_types import content_type
from asyncup.edges.ranges import RangeReader
from tests.loop import run

FOLLOWING = Walk(follow=True)
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reads at once or not at all")
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


async def read_blocks(path: Path, offset: int, size: int) -> list[memoryview]:
    """Read a range to its end, block by block."""
    with RangeReader(path, offset, size) as reader:
        blocks = []
        while block := await reader.read():
            blocks.append(block)
        return blocks


DATA = bytes(range(251)) * (5 * BLOCK // 2 // 251 + 1)


@pytest.mark.parametrize(
    ("offset", "size", "lengths"),
    [
        (0, 2 * BLOCK + 9, [BLOCK, BLOCK, 9]),
        (0, 2 * BLOCK, [BLOCK, BLOCK]),
        (7, BLOCK + 1, [BLOCK, 1]),
        (BLOCK, 5, [5]),
        (3, 0, []),
        (0, 0, []),
    ],
)
def test_a_range_comes_in_blocks(tree: Path, offset: int, size: int, lengths: list[int]) -> None:
    """A range is read from its first to its last byte and not beyond, a block at a time."""
    path = write(tree / "file", DATA)
    blocks = run(read_blocks(path, offset, size))
    assert [len(block) for block in blocks] == lengths
    assert b"".join(blocks) == DATA[offset : offset + size]


@pytest.mark.parametrize("offset", [0, 11])
def test_a_range_can_be_read_again(tree: Path, offset: int) -> None:
    """Rewound in the middle, at its end, or twice, a range begins again at its first byte."""
    path = write(tree / "file", DATA)

    async def read() -> None:
        with RangeReader(path, offset, BLOCK + 5) as reader:
            first = await reader.read()
            reader.rewind()
            assert await reader.read() == first
            assert await reader.read() == DATA[offset + BLOCK : offset + BLOCK + 5]
            assert not await reader.read()
            reader.rewind()
            reader.rewind()
            assert await reader.read() == first

    run(read())


def test_a_file_that_is_too_short_is_told_with_the_place(tree: Path) -> None:
    """A range that the file ends in is an error that says at which byte, not fewer bytes."""
    path = write(tree / "file", b"0123456789")
    with pytest.raises(SourceChanged) as caught:
        run(read_blocks(path, 4, 10))
    expected = f"read {path}: the file ends at byte 10 now, 14 or more were there"
    assert str(caught.value) == expected


def test_a_file_that_shrinks_while_it_is_read_is_told(tree: Path) -> None:
    """A file that is cut off between two blocks is an error at the byte where it ends."""
    path = write(tree / "file", DATA)

    async def read() -> None:
        with RangeReader(path, 0, 2 * BLOCK) as reader:
            await reader.read()
            os.truncate(path, BLOCK)
            await reader.read()

    with pytest.raises(SourceChanged, match=f"ends at byte {BLOCK} now, {2 * BLOCK} or more"):
        run(read())


def test_what_is_kept_is_not_overwritten(tree: Path) -> None:
    """A block keeps its bytes as long as anybody has a view of a part of it."""
    path = write(tree / "file", DATA)

    async def read() -> None:
        with RangeReader(path, 0, 2 * BLOCK) as reader:
            kept = (await reader.read())[5:9]
            for _ in range(5):
                reader.rewind()
                while await reader.read():
                    pass
        assert kept == DATA[5:9]

    run(read())


def test_memory_is_used_again(tree: Path) -> None:
    """However many blocks are read one after the other, by however many readers, few are made."""
    path = write(tree / "file", DATA)

    async def read() -> int:
        seen: dict[int, object] = {}
        for _ in range(10):
            with RangeReader(path, 0, 2 * BLOCK) as reader:
                while block := await reader.read():
                    # What is remembered of it is the memory itself, which is no view of it.
                    seen[id(block.obj)] = block.obj
        return len(seen)

    # One is looked at while the next one is read.
    assert run(read()) <= 4


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let the system refuse to read at once, by an error; return where it was asked to."""

    def refuse(code: int) -> list[int]:
        asked: list[int] = []

        def preadv(_file: int, _room: object, where: int, _flags: int) -> int:
            asked.append(where)
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "preadv", preadv)
        return asked

    return refuse


@linux
@pytest.mark.parametrize(
    ("code", "times"),
    [
        (errno.EAGAIN, [0, BLOCK]),
        *((code, [0]) for code in (errno.EOPNOTSUPP, errno.EPERM, errno.ENOSYS, errno.EIO)),
    ],
    ids=["now", "file-system", "sandbox", "kernel", "disk"],
)
def test_what_is_not_in_memory_is_read_in_a_thread(
    tree: Path, system: Callable[[int], list[int]], code: int, times: list[int]
) -> None:
    """The bytes are the same; a system that never reads at once is not asked again."""
    asked = system(code)
    path = write(tree / "file", DATA)
    assert b"".join(run(read_blocks(path, 0, BLOCK + 5))) == DATA[: BLOCK + 5]
    assert asked == times


@linux
def test_what_is_partly_in_memory(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other block, and half of each, is read at once; all come in order."""
    real, calls = os.preadv, count()

    def preadv(file: int, room: list[memoryview], where: int, flags: int) -> int:
        if next(calls) % 2:
            raise BlockingIOError
        return real(file, [room[0][: BLOCK // 2]], where, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    path = write(tree / "file", DATA)
    assert b"".join(run(read_blocks(path, 7, 2 * BLOCK))) == DATA[7 : 2 * BLOCK + 7]


@linux
def test_nothing_at_once_is_not_the_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that reads 0 bytes in the middle of a file, as Linux 5.9 may, shortens nothing."""
    real, calls = os.preadv, count()

    def preadv(file: int, room: list[memoryview], where: int, flags: int) -> int:
        return 0 if next(calls) % 2 else real(file, room, where, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    path = write(tree / "file", DATA)
    assert b"".join(run(read_blocks(path, 7, 2 * BLOCK))) == DATA[7 : 2 * BLOCK + 7]


@linux
def test_a_file_that_cannot_be_read_is_told() -> None:
    """What the system says while the bytes are read is an error of the file."""
    # proc(5): there is no memory at address 0.
    with pytest.raises(SourceUnreadable, match=os.strerror(errno.EIO)):
        run(read_blocks(Path("/proc/self/mem"), 0, 5))


def test_reading_lets_others_go_on(tree: Path) -> None:
    """A file that is in memory as a whole is read without waiting, but not without a pause."""
    path = write(tree / "file", DATA)

    async def read() -> int:
        turns, loop = 0, asyncio.get_running_loop()

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        turn()
        await read_blocks(path, 0, 2 * BLOCK)
        return turns

    assert run(read()) > 2


async def give_all(reader: RangeReader, *, is_quick: bool = False) -> tuple[bytes, set[int]]:
    """Return all that a reader gives, and the threads in which it did."""
    taken: list[bytes] = []
    threads: set[int] = set()

    def take(block: memoryview) -> None:
        taken.append(bytes(block))
        threads.add(threading.get_ident())

    while count := await reader.give(take, is_quick=is_quick):
        assert count > 0
    return b"".join(taken), threads


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize("offset", [0, 7])
@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3])
def test_a_range_is_given_whole(tree: Path, offset: int, size: int, is_quick: bool) -> None:
    """What is given is the range, from its first to its last byte and in order, and then nothing;
    what is quick with little needs no thread.
    """  # noqa: D205 - one sentence
    data = DATA * 3
    path = write(tree / "file", data)

    async def give() -> tuple[bytes, set[int]]:
        with RangeReader(path, offset, size) as reader:
            return await give_all(reader, is_quick=is_quick)

    taken, threads = run(give())
    assert taken == data[offset : offset + size]
    if size:
        assert (threading.get_ident() in threads) == (is_quick and size <= 4 * BLOCK)


def test_a_turn_that_begins_late_gives_something(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine on which a thread's time is over before it has read, no byte is left out."""
    monkeypatch.setattr(ranges, "monotonic", count().__next__)
    path = write(tree / "file", DATA)

    async def give() -> tuple[bytes, set[int]]:
        with RangeReader(path, 0, 2 * BLOCK + 1) as reader:
            return await give_all(reader)

    assert run(give())[0] == DATA[: 2 * BLOCK + 1]


def test_who_takes_too_long_lets_others_go_on(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn in a thread ends after some time, and the next one goes on where it ended."""
    monkeypatch.setattr(ranges, "monotonic", count().__next__)
    path = write(tree / "file", DATA)

    async def give() -> list[int]:
        with RangeReader(path, 0, 2 * BLOCK + 1) as reader:
            return [await reader.give(lambda _: None) for _ in range(4)]

    assert run(give()) == [BLOCK, BLOCK, 1, 0]


def test_a_turn_that_is_cancelled_ends_soon(tree: Path) -> None:
    """Who is cancelled waits for no thread, and the thread goes on no further than its block."""
    path = write(tree / "file", DATA)
    begun, may_end = threading.Event(), threading.Event()
    taken: list[int] = []

    def take(block: memoryview) -> None:
        begun.set()
        may_end.wait(20)
        taken.append(len(block))

    async def cancel() -> None:
        with RangeReader(path, 0, 2 * BLOCK) as reader:
            giving = asyncio.create_task(reader.give(take))
            await asyncio.to_thread(begun.wait, 20)
            giving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await giving
            assert taken == []
            may_end.set()

    # It is over when the threads are.
    asyncio.run(cancel())
    assert taken == [BLOCK]


def test_a_range_that_is_cut_off_is_not_given(tree: Path) -> None:
    """A file that ends before its range does is an error in a thread as well, at its last byte."""
    path = write(tree / "file", b"0123456")

    async def give() -> None:
        with RangeReader(path, 3, 9) as reader:
            await give_all(reader)

    with pytest.raises(SourceChanged, match="ends at byte 7 now, 12 or more were there"):
        run(give())


@linux
def test_a_disk_that_fails_in_a_thread_is_told() -> None:
    """What the system says there is an error of the file, too."""

    async def give() -> None:
        with RangeReader(Path("/proc/self/mem"), 0, 5) as reader:
            await give_all(reader)

    with pytest.raises(SourceUnreadable, match=os.strerror(errno.EIO)):
        run(give())


def test_a_missing_file_cannot_be_read(tree: Path) -> None:
    """A file that is gone, and a directory in its place, are errors before anything is read."""
    with pytest.raises(SourceMissing, match="no such file or directory"):
        RangeReader(tree / "gone", 0, 1)
    with pytest.raises(SourceUnreadable, match="Is a directory"):
        RangeReader(tree, 0, 1)


def test_a_disk_that_fails_is_told() -> None:
    """An error of the system in the middle of reading names the file and keeps its cause."""
    with pytest.raises(SourceUnreadable) as caught:
        run(read_blocks(Path("/proc/self/mem"), 0, 1))  # nothing is mapped at address 0
    assert str(caught.value) == f"read /proc/self/mem: {os.strerror(errno.EIO)}"


def test_nothing_is_left_open(tree: Path) -> None:
    """A reader gives its file handle back, also after an error."""
    path = write(tree / "file", b"0123")
    fds = Path("/proc/self/fd")

    def handles() -> list[str]:
        return [str(fd.readlink()) for fd in fds.iterdir() if fd.is_symlink()]

    async def read() -> None:
        with RangeReader(path, 0, 9) as reader:
            assert str(path) in handles()
            while await reader.read():
                pass

    with pytest.raises(SourceChanged):
        run(read())
    assert str(path) not in handles()


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
