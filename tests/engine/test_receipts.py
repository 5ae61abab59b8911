"""Receipts of uploads: one line each, on the disk, whatever becomes of the rest."""

import asyncio
import errno
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asyncup.core import events
from asyncup.core.errors import AsyncupError, Fault, ObjectTooLarge, UsageError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof
from asyncup.core.receipts import ObjectReceipt, read_receipt
from asyncup.edges.lines_file import LinesFile
from asyncup.edges.receipts import ReceiptFile, read_receipts
from asyncup.engine.receipts import ReceiptLog, receipts_to
from tests.engine.kit import URI, Ears, jobs, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")


class Clock:
    """A time of day that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def upload(
    directory: Path, files: list[Path], s3: FakeS3, file: ReceiptFile
) -> tuple[Ears, ReceiptLog]:
    """Upload files, each under its name, with receipts."""
    ears = Ears()

    async def main() -> ReceiptLog:
        async with receipts_to(file, ears, Clock()) as log:

            def tell(event: Event) -> None:
                ears(event)
                log(event)

            named = [(each, ObjectURI(URI.bucket, each.name)) for each in files]
            async with uploader(s3, directory, listener=tell) as up:
                await up.put_all(jobs(named))
        return log

    with file:
        return ears, run(main())


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line_for_each_object(tmp_path: Path) -> None:
    """What was uploaded has a receipt with all that is known; what was skipped or failed, none."""
    s3, path = FakeS3(), tmp_path / "receipts"
    large, small = make_file(tmp_path, 1050, "large"), make_file(tmp_path, 10, "small")
    refused = make_file(tmp_path, 20, "refused")
    s3.fail("upload_part", number=3)
    s3.fail("put_object", ObjectTooLarge(Fault(action="upload")))
    _, log = upload(tmp_path, [refused, large, small], s3, ReceiptFile(path))
    assert log.failures == []
    by_name = {each["source"]: each for each in lines(path)}
    assert by_name.keys() == {str(large), str(small)}
    told = by_name[str(large)]
    assert (told["uri"], told["size"], told["parts"]) == ("s3://test-bucket/large", 1050, 11)
    assert (told["part_size"], told["attempts"], told["proof"]) == (100, 12, "crc64nvme")
    assert told["started"] < told["completed"]
    assert told["mtime_ns"] == large.stat().st_mtime_ns
    upload(tmp_path, [large, small], s3, ReceiptFile(path))
    assert len(lines(path)) == 2


def test_receipts_are_appended(tmp_path: Path) -> None:
    """A later run adds to the file; the newest receipt of an object is the one that is read."""
    s3, path = FakeS3(), tmp_path / "receipts"
    upload(tmp_path, [make_file(tmp_path, 10, "a")], s3, ReceiptFile(path))
    upload(tmp_path, [make_file(tmp_path, 10, "b")], s3, ReceiptFile(path))
    upload(tmp_path, [make_file(tmp_path, 11, "a")], s3, ReceiptFile(path))
    found = [each for each in read_receipts(path) if isinstance(each, ObjectReceipt)]
    assert [(each.uri.key, each.size) for each in found] == [("b", 10), ("a", 11)]


def test_a_torn_line_is_told_and_the_next_one_is_whole(tmp_path: Path) -> None:
    """A run that died as it wrote spoils its own last line, and no other."""
    s3, path = FakeS3(), tmp_path / "receipts"
    upload(tmp_path, [make_file(tmp_path, 10, "a")], s3, ReceiptFile(path))
    path.write_bytes(path.read_bytes() + b'{"schema": 1, "uri": "s3://bu')
    upload(tmp_path, [make_file(tmp_path, 10, "b")], s3, ReceiptFile(path))
    told, a, b = read_receipts(path)
    assert told == f"read receipt 2 of {path}: it is not JSON"
    assert isinstance(a, ObjectReceipt)
    assert isinstance(b, ObjectReceipt)
    assert (a.uri.key, b.uri.key) == ("a", "b")


def test_each_line_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is written in one piece; those that are due at once are synced at once."""
    done: list[str] = []
    write, sync = os.write, os.fsync
    monkeypatch.setattr(os, "write", _noted(done, "write", write))
    monkeypatch.setattr(os, "fsync", _noted(done, "fsync", sync))
    with ReceiptFile(tmp_path / "receipts") as file:
        assert file.append("one") == [None]
        assert file.append("two", "three") == [None, None]
    assert done == ["write", "fsync", "write", "write", "fsync"]
    assert (tmp_path / "receipts").read_bytes() == b"one\ntwo\nthree\n"


class SlowDisk(ReceiptFile):
    """Takes its time for the first lines, until it may go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[tuple[str, ...]] = []
        self.may_go_on = threading.Event()

    def append(self, *lines: str) -> list[AsyncupError | None]:
        self.asked.append(lines)
        self.may_go_on.wait()
        return super().append(*lines)


def test_a_slow_disk_catches_up(tmp_path: Path) -> None:
    """What has come while it was busy is written at once, in order, to the very last."""
    file = SlowDisk(tmp_path / "receipts")
    source = make_file(tmp_path, 10)

    async def main() -> None:
        async with receipts_to(file, Ears(), Clock()) as log:
            async with uploader(FakeS3(), tmp_path) as up:
                result = await up.put(source, URI)
            for number in range(50):
                log(events.UploadCompleted(f"{number}", URI, result))
                # The first one is under way before the others come.
                await asyncio.sleep(0)
            file.may_go_on.set()

    with file:
        run(main())
    assert [len(asked) for asked in file.asked] == [1, 49]
    told = [each["source"] for each in lines(tmp_path / "receipts")]
    assert told == [f"{number}" for number in range(50)]


def _noted(done: list[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:  # noqa: ANN401 - of the system
        done.append(name)
        return function(*arguments)

    return call


class FullLines(LinesFile):
    """Lines on a disk that has room for half of one, and later for all."""

    full = True

    def _write(self, data: bytes) -> None:
        super()._write(data[:9] if self.full else data)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


class FullDisk(ReceiptFile):
    """A file of receipts on such a disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file.close()
        self._file = self.lines = FullLines(path)


def test_a_full_disk_is_told_and_the_uploads_go_on(tmp_path: Path) -> None:
    """Each receipt that is lost is told with its object; what can be written again is."""
    s3, path, file = FakeS3(), tmp_path / "receipts", FullDisk(tmp_path / "receipts")
    files = [make_file(tmp_path, 10, name) for name in ("a", "b")]
    ears, log = upload(tmp_path, files, s3, file)
    assert set(s3.objects) == {"a", "b"}
    assert len(log.failures) == len(ears.of(events.ReceiptLost)) == 2
    told = f"write a receipt to {path}: No space left on device"
    assert {str(error) for error in log.failures} == {told}
    with FullDisk(path) as again:
        again.lines.full = False
        again.append("whole")
    assert path.read_bytes().endswith(b"\nwhole\n")


def test_a_lost_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    """What was written of it stands on a line of its own."""
    with FullDisk(tmp_path / "receipts") as file:
        assert file.append("a line that is torn") != [None]
        file.lines.full = False
        file.append("whole")
    assert (tmp_path / "receipts").read_bytes() == b"a line th\nwhole\n"


def test_being_stopped_loses_no_receipt(tmp_path: Path) -> None:
    """What was done before a cancellation is written before the program ends."""
    s3, path = FakeS3(), tmp_path / "receipts"
    ears = Ears()

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        def tell(event: Event) -> None:
            log(event)
            if isinstance(event, events.UploadCompleted):
                task.cancel()

        async with (
            receipts_to(file, ears, Clock()) as log,
            uploader(s3, tmp_path, listener=tell) as up,
        ):
            await up.put(make_file(tmp_path, 10), URI)
            await up.put(make_file(tmp_path, 20), URI)

    with ReceiptFile(path) as file, suppress(asyncio.CancelledError):
        run(main())
    assert [each["size"] for each in lines(path)] == [10]


@pytest.mark.parametrize("name", ["", "no/such/directory/file"])
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """It is told before anything begins."""
    with pytest.raises(UsageError, match=r"write receipts to .*: (Is a|No such) ") as caught:
        ReceiptFile(tmp_path / name)
    assert caught.value.hint is not None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """So is one that is not there to be read."""
    with pytest.raises(UsageError, match=r"read receipts .*: No such file"):
        list(read_receipts(tmp_path / "missing"))


def test_receipts_that_can_be_read_once_are_refused(tmp_path: Path) -> None:
    """They are read twice: the second time, there would be none in a pipe, and all would be well.

    Nobody writes to this one, and nobody waits for that.
    """
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"read receipts .*pipe: it is no file") as caught:
        list(read_receipts(path))
    assert caught.value.hint == "write what comes from a pipe to a file first, and name that"


def test_a_pipe_as_standard_input_is_refused() -> None:
    """By whatever name it goes."""
    reading, writing = os.pipe()
    os.write(writing, b"{}")
    os.close(writing)
    with pytest.raises(UsageError, match="no file that can be read twice"):
        list(read_receipts(Path(f"/dev/fd/{reading}")))
    os.close(reading)


@pytest.mark.parametrize("content", [b"", b"\n \n"], ids=["empty", "blank"])
def test_no_receipts(tmp_path: Path, content: bytes) -> None:
    """Where there is nothing to compare, nothing was shown."""
    path = tmp_path / "receipts"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f"no receipts in {path}") as caught:
        list(read_receipts(path))
    assert caught.value.hint is not None


def test_a_file_that_changes_between_its_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each receipt that is gone is told; what has come instead is not taken for it."""
    s3, path = FakeS3(), tmp_path / "receipts"
    for name in ("a", "b", "c", "d"):
        upload(tmp_path, [make_file(tmp_path, 10, name)], s3, ReceiptFile(path))
    a, _, _, d = path.read_bytes().splitlines(keepends=True)
    read = read_receipt

    def changing(line: bytes) -> ObjectReceipt:
        if line == d:
            path.write_bytes(a + b"none\n" + d)
        return read(line)

    monkeypatch.setattr("asyncup.edges.receipts.read_receipt", changing)
    first, *told = read_receipts(path)
    assert first == read(a)
    assert told == [
        f"read receipt {number} of {path}: the file changed while it was read"
        for number in (2, 3, 4)
    ]


def test_a_pipe_takes_receipts(tmp_path: Path) -> None:
    """What has no disk needs no sync: a program may read them as they come."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with ReceiptFile(path) as file:
        file.append("one")
        assert os.read(reading, 100) == b"one\n"
    os.close(reading)


def test_nothing_is_kept_of_files_that_are_done(tmp_path: Path) -> None:
    """A run of a million files takes no memory for those that are behind it."""
    s3 = FakeS3()
    files = [make_file(tmp_path, 10, f"{number}") for number in range(5)]
    s3.fail("put_object", ObjectTooLarge(Fault(action="upload")))
    _, log = upload(tmp_path, files, s3, ReceiptFile(tmp_path / "receipts"))
    assert log._started == log._unwritten == {}
    assert Proof.ETAG in {each["proof"] for each in lines(tmp_path / "receipts")}


def test_who_asks_for_a_receipt_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on the disk then, or told as lost; of two in a row, the last one counts."""
    path, append = tmp_path / "receipts", LinesFile.append
    may_fail = [True, False, False]

    def appending(file: LinesFile, line: str) -> None:
        if may_fail.pop(0):
            raise OSError(errno.ENOSPC, "full")
        append(file, line)

    monkeypatch.setattr(LinesFile, "append", appending)
    (source,) = [make_file(tmp_path, 10)]

    async def main(file: ReceiptFile) -> list[tuple[bool, int]]:
        found = []
        async with receipts_to(file, Ears(), Clock()) as log, uploader(FakeS3(), tmp_path) as up:
            result = await up.put(source, URI)
            for times in (1, 2):
                for _ in range(times):
                    log(events.UploadCompleted(str(source), URI, result))
                has = await log.has(URI)
                found.append((has, len(path.read_bytes().splitlines())))
            assert await log.has(URI / "/other")
        return found

    with ReceiptFile(path) as file:
        assert run(main(file)) == [(False, 0), (True, 2)]
