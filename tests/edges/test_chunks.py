"""Chunk files: split in one pass, deleted in time, never mistaken for whole when they are not."""

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import asyncup
from asyncup.core.checksums import RunningChecksums
from asyncup.core.errors import DiskFull, SourceChanged, SplitDirUnusable
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part
from asyncup.edges.chunks import ChunkStore, StagedPart, compute, copy
from asyncup.edges.ranges import RangeReader, Take
from asyncup.edges.threads import in_thread
from tests.loop import run

MIB = 1 << 20
DATA = bytes(range(251)) * (3 * MIB // 251 + 1)
PART = Part(7, 0, 2 * MIB + 5)
BYTES = DATA[: PART.size]
MD5 = {ChecksumAlgorithm.MD5}


class Blocks:
    """Gives blocks that are already there."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = list(blocks)

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        block = memoryview(self._blocks.pop(0) if self._blocks else b"")
        if is_quick:
            take(block)
        else:
            await in_thread(partial(take, block))
        return len(block)


class Waiting:
    """Gives one block, and then waits for ever."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()

    async def give(self, take: Take, **_: bool) -> int:
        if self.waits.is_set():
            await asyncio.Event().wait()
        self.waits.set()
        take(memoryview(BYTES))
        return len(BYTES)


def checksums_of(data: bytes, *algorithms: ChecksumAlgorithm) -> Checksums:
    running = RunningChecksums(algorithms)
    running.update(data)
    return running.result()


DEAD = "asyncup-run-0123456789abcdef"
"""What a run that was killed may have left."""


def inside(directory: Path) -> list[str]:
    """Return the names of all there is below a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def chunks(directory: Path) -> list[str]:
    """Return the names of the chunk files below a directory."""
    return [path.name for path in sorted(directory.glob("asyncup-run-*/*"))]


def runs(directory: Path) -> list[str]:
    """Return the names of the directories of runs."""
    return sorted(path.name for path in directory.glob("asyncup-run-*") if path.is_dir())


async def stage(store: ChunkStore, data: bytes = BYTES, number: int = 7) -> StagedPart:
    return await store.split(Part(number, 0, len(data)), Blocks(data), MD5)


async def sent(staged: StagedPart) -> bytes:
    """Return the bytes of one attempt."""
    with staged.body(lambda _: None) as body:
        return b"".join([bytes(piece) async for piece in body])


def test_a_part_is_split_in_one_pass(tmp_path: Path) -> None:
    """One read of the source writes the chunk file and computes every checksum that is wanted."""

    async def split() -> StagedPart:
        wanted = [ChecksumAlgorithm.SHA256, ChecksumAlgorithm.MD5]
        # A reader of blocks can be read once only.
        return await store.split(PART, Blocks(BYTES[:MIB], BYTES[MIB:]), wanted)

    with ChunkStore(tmp_path / "chunks") as store:
        staged = run(split())
        expected = checksums_of(BYTES, ChecksumAlgorithm.SHA256, ChecksumAlgorithm.MD5)
        assert (staged.part, staged.checksums) == (PART, expected)
        assert set(staged.checksums.values) == {"CRC64NVME", "SHA256", "MD5"}
        assert staged.path.read_bytes() == BYTES


def test_a_part_travels_as_often_as_it_takes(tmp_path: Path) -> None:
    """Every attempt has all the bytes, from the chunk file; the source is not needed any more."""
    source = tmp_path / "source"
    source.write_bytes(DATA)

    async def split() -> None:
        with RangeReader(source, 3, PART.size) as reader:
            staged = await store.split(PART, reader, ())
        source.unlink()
        assert await sent(staged) == DATA[3 : 3 + PART.size]
        assert await sent(staged) == DATA[3 : 3 + PART.size]

    with ChunkStore(tmp_path / "chunks") as store:
        run(split())


def test_an_empty_part_can_be_split(tmp_path: Path) -> None:
    """A part of no bytes has a chunk file and checksums like any other."""

    async def split() -> None:
        staged = await stage(store, b"")
        assert staged.checksums == checksums_of(b"", *MD5)
        assert await sent(staged) == b""

    with ChunkStore(tmp_path / "chunks") as store:
        run(split())


def test_a_released_part_is_off_the_disk(tmp_path: Path) -> None:
    """To release a part deletes its chunk file, no other one, and can be done twice."""

    async def split() -> None:
        one, two = await stage(store, number=1), await stage(store, number=2)
        assert chunks(tmp_path) == ["000001-part00001", "000002-part00002"]
        one.release()
        one.release()
        assert chunks(tmp_path) == ["000002-part00002"]
        assert await sent(two) == BYTES

    with ChunkStore(tmp_path) as store:
        run(split())


def test_a_retired_part_is_written_over(tmp_path: Path) -> None:
    """The next part takes the file of one that is retired, and is read as if it were a new one.

    That holds for a part that is shorter, and for one that is longer.
    """

    async def split() -> None:
        kept = await stage(store, number=1)
        for number, data in enumerate([BYTES, BYTES[1:], BYTES[:5], b"", BYTES], start=2):
            staged = await stage(store, data, number)
            files = {path.stat().st_ino for path in staged.path.parent.iterdir()}
            assert len(files) == 2
            assert (staged.path.stat().st_ino in before) == (number > 2)
            assert await sent(staged) == staged.path.read_bytes() == data
            before.update(files)
            staged.retire()
            staged.release()
        assert await sent(kept) == BYTES

    before: set[int] = set()
    with ChunkStore(tmp_path) as store:
        run(split())


def test_no_spare_chunk_file_outlives_the_parts(tmp_path: Path) -> None:
    """When no part has a chunk file any more, no file is left; a run may go on for days."""

    async def split() -> None:
        one, two = await stage(store, number=1), await stage(store, number=2)
        one.retire()
        assert len(chunks(tmp_path)) == 2
        two.release()
        assert chunks(tmp_path) == []

    with ChunkStore(tmp_path) as store:
        run(split())


def test_no_chunk_file_is_opened_by_two(tmp_path: Path) -> None:
    """Who comes too late to copy a part, such as a worker that was given up, writes nowhere."""

    async def split() -> None:
        one, _ = await stage(store, number=1), await stage(store, number=2)
        one.retire()
        path = store.new_path(PART)
        await copy(path, Blocks(BYTES), ())
        with pytest.raises(SplitDirUnusable, match="exists"):
            await copy(path, Blocks(DATA), ())
        assert path.read_bytes() == BYTES

    with ChunkStore(tmp_path) as store:
        run(split())


def test_a_spare_chunk_file_goes_with_the_part_it_was_for(tmp_path: Path) -> None:
    """A part that is given up before anybody began to copy it leaves nothing, nor loses a file."""

    async def split() -> None:
        one, two = await stage(store, number=1), await stage(store, number=2)
        one.retire()
        store.delete(store.new_path(PART))
        assert chunks(tmp_path) == [two.path.name]

    with ChunkStore(tmp_path) as store:
        run(split())


def test_a_part_of_the_source_is_never_deleted(tmp_path: Path) -> None:
    """To retire or release a part that travels from the source leaves the user's file alone."""
    source = tmp_path / "source"
    source.write_bytes(DATA)
    staged = StagedPart(PART, checksums_of(BYTES), source, 0)
    staged.retire()
    staged.release()
    assert source.read_bytes() == DATA


def test_two_files_may_have_the_same_part(tmp_path: Path) -> None:
    """Parts of the same number, of different files, do not get into each other's way."""

    async def split() -> None:
        one, two = await asyncio.gather(stage(store, b"one"), stage(store, b"two"))
        assert (await sent(one), await sent(two)) == (b"one", b"two")

    with ChunkStore(tmp_path) as store:
        run(split())


def test_nothing_is_left_of_a_run(tmp_path: Path) -> None:
    """When a run ends, its chunk files, its directory and its lock are gone, whatever was left."""
    with ChunkStore(tmp_path / "a" / "chunks") as store:
        run(stage(store))
        assert len(chunks(tmp_path / "a" / "chunks")) == 1
    assert inside(tmp_path / "a") == ["chunks"]


def test_nothing_is_left_of_a_run_that_fails(tmp_path: Path) -> None:
    """A run that ends with an error leaves as little."""

    def fail() -> None:
        with ChunkStore(tmp_path / "chunks") as store:
            run(stage(store))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert inside(tmp_path / "chunks") == []


def test_two_runs_share_a_directory(tmp_path: Path) -> None:
    """A run that begins or ends beside another one leaves the other's chunk files alone."""
    with ChunkStore(tmp_path / "chunks") as first:
        staged = run(stage(first))
        with ChunkStore(tmp_path / "chunks") as second:
            run(stage(second))
            assert len(runs(tmp_path / "chunks")) == 2
        assert len(runs(tmp_path / "chunks")) == 1
        assert run(sent(staged)) == BYTES
    assert inside(tmp_path / "chunks") == []


_CHILD = """
import asyncio, sys
from pathlib import Path
from asyncup.core.model import Part
from asyncup.edges.chunks import ChunkStore

class One:
    block = b"left behind"
    async def give(self, take, **_):
        block, self.block = self.block, b""
        take(block)
        return len(block)

with ChunkStore(Path(sys.argv[1])) as store:
    asyncio.run(store.split(Part(1, 0, 11), One(), ()))
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_killed_run_is_cleaned_up_after(tmp_path: Path) -> None:
    """While a process lives, nobody touches its chunk files; once it is killed, the next start
    removes them.
    """  # noqa: D205 - one sentence
    directory = tmp_path / "chunks"
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(asyncup.__file__).parents[1])},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        (theirs,) = runs(directory)
        with ChunkStore(directory):
            assert theirs in runs(directory)
        assert runs(directory) == [theirs]
        assert chunks(directory) == ["000001-part00001"]
        child.kill()
        assert child.wait() == -signal.SIGKILL
    assert runs(directory) == [theirs]
    with ChunkStore(directory):
        assert theirs not in runs(directory)
        assert chunks(directory) == []
    assert inside(directory) == []


def test_what_is_not_a_run_is_left_alone(tmp_path: Path) -> None:
    """A start removes dead runs and nothing else that lies in the same directory."""
    place = tmp_path / "split"
    (place / DEAD).mkdir(parents=True)
    (place / DEAD / "000001-part00001").write_bytes(b"dead")
    (place / f"{DEAD}.lock").touch()
    dear = ["mine", "run-2", "run-3", "asyncup-run-0123456789abcde0", "asyncup-run-notes"]
    for name in dear:
        (place / name).mkdir()
        (place / name / "thesis").write_bytes(b"dear")
    files = ["run-3.lock", "run-notes.txt", "asyncup-run-notes.lock"]
    for name in files:
        (place / name).write_bytes(b"dear")
    with ChunkStore(place):
        pass
    kept = {*dear, *files, *(f"{name}/thesis" for name in dear)}
    assert set(inside(place)) == kept


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("{file}", "File exists"),
        ("{file}/below", "Not a directory"),
        ("{file}/far/below", "Not a directory"),
        ("/proc", ""),
        ("/proc/asyncup", "No such file or directory"),
    ],
)
def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path, place: str, cause: str) -> None:
    """Where no chunk file can be kept, the start fails: with the place, the cause, the way out."""
    file = tmp_path / "file"
    file.write_bytes(b"")
    directory = Path(place.format(file=file))
    with pytest.raises(SplitDirUnusable) as caught, ChunkStore(directory):
        pass
    assert str(caught.value).startswith(f"keep chunk files in {directory}: {cause}")
    assert caught.value.hint == (
        "name a directory that can be written with --split-dir, or use --direct"
    )
    assert not isinstance(caught.value, DiskFull)


@contextmanager
def tiny_disk(directory: Path) -> Iterator[type[SplitDirUnusable]]:
    """Let a directory hold no more than a MiB; gives the error that this is to end in.

    Where file systems cannot be mounted, the size of each file is limited instead.
    """
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0:
        try:
            yield DiskFull
        finally:
            subprocess.run(["umount", str(directory)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        yield SplitDirUnusable
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_runs_full_is_told(tmp_path: Path) -> None:
    """When a chunk file does not fit any more, that is an error, no half of it stays, and what fits
    is written as before.
    """  # noqa: D205 - one sentence
    directory = tmp_path / "tiny"
    with tiny_disk(directory) as expected, ChunkStore(directory) as store:
        small = run(stage(store, BYTES[: MIB // 4], 1))
        with pytest.raises(SplitDirUnusable) as caught:
            run(store.split(PART, Blocks(BYTES[: MIB // 2], BYTES[:MIB]), MD5))
        assert type(caught.value) is expected
        assert str(caught.value).startswith(f"write a chunk file in {directory}: ")
        assert chunks(directory) == [small.path.name]
        assert run(sent(small)) == BYTES[: MIB // 4]
        again = run(stage(store, BYTES[: MIB // 2], 3))
        assert run(sent(again)) == BYTES[: MIB // 2]


def test_what_chunk_files_hold_already_counts_as_room(tmp_path: Path) -> None:
    """The room for chunk files is what is free and what this run's own take: they make room."""
    directory = tmp_path / "tiny"
    with tiny_disk(directory), ChunkStore(directory) as store:
        store.require(MIB)
        run(stage(store, BYTES[: MIB // 2]))
        store.require(MIB)


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    """Where the chunk files of a run will not fit, the error names the place and both sizes."""
    with ChunkStore(tmp_path) as store, pytest.raises(DiskFull) as caught:
        store.require(1 << 60)
    message, free = str(caught.value).removesuffix(" free").split(" needed, ")
    assert message == f"keep chunk files in {tmp_path}: 1024 PiB"
    assert free.endswith("iB")
    assert caught.value.hint is not None
    for way_out in ("--split-dir", "--part-size", "--concurrency", "--direct"):
        assert way_out in caught.value.hint


class Hostile:
    """Makes the disk fail under the file that is being written.

    It puts a device in the place of the open chunk file; to write to that fails for everybody.
    """

    def __init__(self, directory: Path, device: Path) -> None:
        self._directory = directory
        self._device = device

    async def give(self, take: Take, **_: bool) -> int:
        self._replace()
        take(memoryview(BYTES))
        return len(BYTES)

    def _replace(self) -> None:
        (chunk,) = self._directory.glob("asyncup-run-*/*")
        with self._device.open("wb") as device:
            for each in Path("/proc/self/fd").iterdir():
                if each.is_symlink() and each.readlink() == chunk:
                    os.dup2(device.fileno(), int(each.name))


def test_a_full_disk_leaves_no_partial_chunk_file(tmp_path: Path) -> None:
    """The system's `No space left on device` is DiskFull, with a hint, and nothing is left over."""
    with ChunkStore(tmp_path) as store:
        with pytest.raises(DiskFull) as caught:
            run(store.split(PART, Hostile(tmp_path, Path("/dev/full")), ()))
        assert chunks(tmp_path) == []
    assert str(caught.value) == f"write a chunk file in {tmp_path}: {os.strerror(errno.ENOSPC)}"
    assert caught.value.hint == (
        "free some space, or name another disk with --split-dir, and run again"
    )


def test_another_error_of_the_disk_leaves_no_partial_chunk_file(tmp_path: Path) -> None:
    """A file that may not grow is SplitDirUnusable, not a full disk, and nothing is left over."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ChunkStore(tmp_path) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
        try:
            with pytest.raises(SplitDirUnusable) as caught:
                run(stage(store))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert chunks(tmp_path) == []
    assert type(caught.value) is SplitDirUnusable
    assert str(caught.value) == f"write a chunk file in {tmp_path}: {os.strerror(errno.EFBIG)}"


def test_a_source_that_fails_leaves_no_partial_chunk_file(tmp_path: Path) -> None:
    """An error of the source while it is split is told as it is, and nothing is left over."""
    source = tmp_path / "source"
    source.write_bytes(BYTES)

    async def split() -> None:
        with RangeReader(source, 0, PART.size + 1) as reader:
            await store.split(PART, reader, MD5)

    with ChunkStore(tmp_path / "chunks") as store:
        with pytest.raises(SourceChanged, match=f"ends at byte {PART.size} now"):
            run(split())
        assert chunks(tmp_path / "chunks") == []


def test_a_cancelled_split_leaves_no_partial_chunk_file(tmp_path: Path) -> None:
    """A split that is cancelled while the source keeps it waiting takes its chunk file with it."""

    async def cancel() -> None:
        reader = Waiting()
        task = asyncio.create_task(store.split(PART, reader, MD5))
        await reader.waits.wait()
        assert len(chunks(tmp_path)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert chunks(tmp_path) == []

    with ChunkStore(tmp_path) as store:
        run(cancel())


def test_a_split_can_be_cancelled_at_any_moment(tmp_path: Path) -> None:
    """After however many steps a split is cancelled, it is whole, or there is nothing of it."""

    async def cancel(steps: int) -> bool:
        blocks = Blocks(BYTES[:MIB], BYTES[MIB:])
        task = asyncio.create_task(store.split(PART, blocks, MD5))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(result, StagedPart):
            assert await sent(result) == BYTES
            result.release()
        assert chunks(tmp_path) == []
        return isinstance(result, asyncio.CancelledError)

    with ChunkStore(tmp_path) as store:
        cancelled = [run(cancel(steps)) for steps in range(30)]
    assert any(cancelled)


def test_whole_chunk_files_pass_the_check(tmp_path: Path) -> None:
    """A part whose bytes are those that were staged passes, as often as it is asked."""

    async def check() -> None:
        staged = await stage(store)
        await staged.check()
        await staged.check()

    with ChunkStore(tmp_path) as store:
        run(check())


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[MIB] ^= 1
    path.write_bytes(data)


def _cut(path: Path) -> None:
    os.truncate(path, MIB)


def _zero(path: Path) -> None:
    """Make a hole, as a crashed disk does: the size stays."""
    os.truncate(path, 0)
    os.truncate(path, PART.size)


@pytest.mark.parametrize("damage", [_flip, _cut, _zero])
def test_a_damaged_chunk_file_is_seen(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A chunk file with one bit changed, an end missing, or a hole in it does not pass."""

    async def check() -> None:
        staged = await stage(store)
        damage(staged.path)
        await staged.check()

    with ChunkStore(tmp_path) as store, pytest.raises(SourceChanged):
        run(check())


@pytest.mark.parametrize("owned", [True, False])
def test_changed_bytes_are_blamed_on_where_they_are(tmp_path: Path, owned: bool) -> None:
    """The hint tells a chunk file, which only a disk can change, from a file that others write."""
    path = tmp_path / "bytes"
    path.write_bytes(BYTES)
    store = ChunkStore(tmp_path) if owned else None
    staged = StagedPart(PART, checksums_of(BYTES, *MD5), path, 0, store)
    _flip(path)
    with pytest.raises(SourceChanged) as caught:
        run(staged.check())
    assert str(caught.value) == f"read {path} again: its bytes are not those of before"
    hints = {True: "look after the disk it is on", False: "nothing may write to it"}
    assert caught.value.hint == hints[owned]


@pytest.mark.parametrize("algorithms", [set(), MD5, set(ChecksumAlgorithm)])
def test_checksums_are_those_of_all_blocks(algorithms: set[ChecksumAlgorithm]) -> None:
    """However the blocks fall, quick checksums and slow ones are those of the bytes in a row."""
    blocks = Blocks(BYTES[:1], BYTES[1:MIB], BYTES[MIB:])
    assert run(compute(blocks, algorithms)) == checksums_of(BYTES, *algorithms)


def test_the_lock_of_a_killed_start_is_removed(tmp_path: Path) -> None:
    """A run that was killed between its lock and its directory leaves nothing for ever."""
    place = tmp_path / "split"
    place.mkdir()
    (place / f"{DEAD}.lock").touch()
    with ChunkStore(place):
        pass
    assert list(place.iterdir()) == []


def test_a_run_of_somebody_else_is_not_in_the_way(tmp_path: Path) -> None:
    """A run whose lock cannot be opened does not keep this one from starting."""
    place = tmp_path / "split"
    for name in (DEAD, f"{DEAD}.lock"):
        (place / name).mkdir(parents=True)
    with ChunkStore(place):
        pass
    assert sorted(path.name for path in place.iterdir()) == [DEAD, f"{DEAD}.lock"]
