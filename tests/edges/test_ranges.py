"""Ranges of files: how they are read, block by block, and given whole."""

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from asyncup.core.errors import SourceChanged, SourceMissing, SourceUnreadable
from asyncup.edges import ranges
from asyncup.edges.blocks import BLOCK, LARGE, Blocks
from asyncup.edges.ranges import RangeReader
from tests.loop import run

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reads at once or not at all")


def write(path: Path, data: bytes) -> Path:
    """Write a file."""
    path.write_bytes(data)
    return path


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
def test_a_range_comes_in_blocks(
    tmp_path: Path, offset: int, size: int, lengths: list[int]
) -> None:
    """A range is read from its first to its last byte and not beyond, a block at a time."""
    path = write(tmp_path / "file", DATA)
    blocks = run(read_blocks(path, offset, size))
    assert [len(block) for block in blocks] == lengths
    assert b"".join(blocks) == DATA[offset : offset + size]


@pytest.mark.parametrize("offset", [0, 11])
def test_a_range_can_be_read_again(tmp_path: Path, offset: int) -> None:
    """Rewound in the middle, at its end, or twice, a range begins again at its first byte."""
    path = write(tmp_path / "file", DATA)

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


def test_a_file_that_is_too_short_is_told_with_the_place(tmp_path: Path) -> None:
    """A range that the file ends in is an error that says at which byte, not fewer bytes."""
    path = write(tmp_path / "file", b"0123456789")
    with pytest.raises(SourceChanged) as caught:
        run(read_blocks(path, 4, 10))
    expected = f"read {path}: the file ends at byte 10 now, 14 or more were there"
    assert str(caught.value) == expected


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path) -> None:
    """A file that is cut off between two blocks is an error at the byte where it ends."""
    path = write(tmp_path / "file", DATA)

    async def read() -> None:
        with RangeReader(path, 0, 2 * BLOCK) as reader:
            await reader.read()
            os.truncate(path, BLOCK)
            await reader.read()

    with pytest.raises(SourceChanged, match=f"ends at byte {BLOCK} now, {2 * BLOCK} or more"):
        run(read())


def test_what_is_kept_is_not_overwritten(tmp_path: Path) -> None:
    """A block keeps its bytes as long as anybody has a view of a part of it."""
    path = write(tmp_path / "file", DATA)

    async def read() -> None:
        with RangeReader(path, 0, 2 * BLOCK) as reader:
            kept = (await reader.read())[5:9]
            for _ in range(5):
                reader.rewind()
                while await reader.read():
                    pass
        assert kept == DATA[5:9]

    run(read())


def test_memory_is_used_again(tmp_path: Path) -> None:
    """However many blocks are read one after the other, by however many readers, few are made."""
    path = write(tmp_path / "file", DATA)

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
    tmp_path: Path, system: Callable[[int], list[int]], code: int, times: list[int]
) -> None:
    """The bytes are the same; a system that never reads at once is not asked again."""
    asked = system(code)
    path = write(tmp_path / "file", DATA)
    assert b"".join(run(read_blocks(path, 0, BLOCK + 5))) == DATA[: BLOCK + 5]
    assert asked == times


@linux
@pytest.mark.parametrize(
    ("large", "lengths"),
    [(2, [BLOCK, LARGE, LARGE, 5]), (1, [BLOCK, LARGE, *[BLOCK] * 4, 5])],
    ids=["enough", "few"],
)
def test_where_each_block_needs_a_thread_they_are_larger(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: Callable[[int], list[int]],
    large: int,
    lengths: list[int],
) -> None:
    """As on file systems of a network; but there are few large ones, however many read at once."""
    system(errno.EOPNOTSUPP)
    few = Blocks(LARGE, large, beyond=Blocks(BLOCK, 1))
    monkeypatch.setattr("asyncup.edges.blocks._SPARE_LARGE", few)
    size, data = BLOCK + 2 * LARGE + 5, DATA * 4
    path = write(tmp_path / "file", data)
    blocks = run(read_blocks(path, 3, size))
    assert [len(block) for block in blocks] == lengths
    assert b"".join(blocks) == data[3 : 3 + size]


@linux
def test_what_is_partly_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other block, and half of each, is read at once; all come in order."""
    real, calls = os.preadv, count()

    def preadv(file: int, room: list[memoryview], where: int, flags: int) -> int:
        if next(calls) % 2:
            raise BlockingIOError
        return real(file, [room[0][: BLOCK // 2]], where, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    path = write(tmp_path / "file", DATA)
    assert b"".join(run(read_blocks(path, 7, 2 * BLOCK))) == DATA[7 : 2 * BLOCK + 7]


@linux
def test_nothing_at_once_is_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that reads 0 bytes in the middle of a file, as Linux 5.9 may, shortens nothing."""
    real, calls = os.preadv, count()

    def preadv(file: int, room: list[memoryview], where: int, flags: int) -> int:
        return 0 if next(calls) % 2 else real(file, room, where, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    path = write(tmp_path / "file", DATA)
    assert b"".join(run(read_blocks(path, 7, 2 * BLOCK))) == DATA[7 : 2 * BLOCK + 7]


@linux
def test_a_file_that_cannot_be_read_is_told() -> None:
    """What the system says while the bytes are read is an error of the file."""
    # proc(5): there is no memory at address 0.
    with pytest.raises(SourceUnreadable, match=os.strerror(errno.EIO)):
        run(read_blocks(Path("/proc/self/mem"), 0, 5))


def test_reading_lets_others_go_on(tmp_path: Path) -> None:
    """A file that is in memory as a whole is read without waiting, but not without a pause."""
    path = write(tmp_path / "file", DATA)

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
def test_a_range_is_given_whole(tmp_path: Path, offset: int, size: int, is_quick: bool) -> None:
    """What is given is the range, from its first to its last byte and in order, and then nothing;
    what is quick with little needs no thread.
    """  # noqa: D205 - one sentence
    data = DATA * 3
    path = write(tmp_path / "file", data)

    async def give() -> tuple[bytes, set[int]]:
        with RangeReader(path, offset, size) as reader:
            return await give_all(reader, is_quick=is_quick)

    taken, threads = run(give())
    assert taken == data[offset : offset + size]
    if size:
        assert (threading.get_ident() in threads) == (is_quick and size <= 4 * BLOCK)


def test_a_turn_that_begins_late_gives_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine on which a thread's time is over before it has read, no byte is left out."""
    monkeypatch.setattr(ranges, "monotonic", count().__next__)
    path = write(tmp_path / "file", DATA)

    async def give() -> tuple[bytes, set[int]]:
        with RangeReader(path, 0, 2 * BLOCK + 1) as reader:
            return await give_all(reader)

    assert run(give())[0] == DATA[: 2 * BLOCK + 1]


def test_who_takes_too_long_lets_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn in a thread ends after some time, and the next one goes on where it ended."""
    monkeypatch.setattr(ranges, "monotonic", count().__next__)
    path = write(tmp_path / "file", DATA)

    async def give() -> list[int]:
        with RangeReader(path, 0, 2 * BLOCK + 1) as reader:
            return [await reader.give(lambda _: None) for _ in range(4)]

    assert run(give()) == [BLOCK, BLOCK, 1, 0]


def test_a_turn_that_is_cancelled_ends_soon(tmp_path: Path) -> None:
    """Who is cancelled waits for no thread, and the thread goes on no further than its block."""
    path = write(tmp_path / "file", DATA)
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


def test_a_range_that_is_cut_off_is_not_given(tmp_path: Path) -> None:
    """A file that ends before its range does is an error in a thread as well, at its last byte."""
    path = write(tmp_path / "file", b"0123456")

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


def test_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    """A file that is gone, and a directory in its place, are errors before anything is read."""
    with pytest.raises(SourceMissing, match="no such file or directory"):
        RangeReader(tmp_path / "gone", 0, 1)
    with pytest.raises(SourceUnreadable, match="Is a directory"):
        RangeReader(tmp_path, 0, 1)


def test_a_disk_that_fails_is_told() -> None:
    """An error of the system in the middle of reading names the file and keeps its cause."""
    with pytest.raises(SourceUnreadable) as caught:
        run(read_blocks(Path("/proc/self/mem"), 0, 1))  # nothing is mapped at address 0
    assert str(caught.value) == f"read /proc/self/mem: {os.strerror(errno.EIO)}"


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """A reader gives its file handle back, also after an error."""
    path = write(tmp_path / "file", b"0123")
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
