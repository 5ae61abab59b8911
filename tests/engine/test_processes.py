"""A run with workers: whatever becomes of them, the object is the file, and the rate is kept."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.conditions import ProcessesAdded
from asyncup.core.errors import SourceChanged, WorkerLost
from asyncup.core.events import BytesSent, Event, Listener
from asyncup.core.options import Limits, Options
from asyncup.core.rates import RateLimit
from asyncup.engine import hiring
from asyncup.engine.hiring import Need
from asyncup.engine.uploader import Uploader
from tests.engine.kit import OPTIONS, URI, Ears, Stream, chunk_files, make_file, no_task_is_left
from tests.fakes3 import FakeS3
from tests.loop import run
from tests.workers import TaskWorkers

MIB = 1 << 20


class Crewed:
    """Uploads with workers, and what is to be known of them."""

    def __init__(self, directory: Path, options: Options = OPTIONS, processes: int = 2) -> None:
        self.s3 = FakeS3()
        self.ears = Ears()
        self.workers = TaskWorkers(self.s3)
        self.directory = directory
        self._options = replace(options, processes=processes, split_dir=directory / "chunks")

    def put(self, source: Path | Stream) -> float:
        """Upload something to the end, and return the virtual time that it takes."""

        async def main() -> float:
            async with Uploader(
                options=self._options,
                gateway=self.s3,
                listener=self.ears,
                start_worker=self.workers.start,
            ) as up:
                await up.put(source, URI)
            assert no_task_is_left()
            return asyncio.get_running_loop().time()

        took = run(main())
        assert chunk_files(self.directory) == []
        return took


@pytest.mark.parametrize("direct", [False, True], ids=["chunk files", "direct"])
def test_a_worker_may_end_at_any_event(tmp_path: Path, *, direct: bool) -> None:
    """Whenever a worker ends, its parts go again, by another, and nothing is left over."""
    file = make_file(tmp_path, 1050)
    kill_at, killed = 0, True
    while killed:
        kill_at += 1
        killed = False
        crewed = Crewed(tmp_path, replace(OPTIONS, direct=direct, max_retry=1))

        def kill(count: int, _: Event, crewed: Crewed = crewed, at: int = kill_at) -> None:
            nonlocal killed
            if count == at:
                killed = True
                for worker in crewed.workers.started:
                    worker.kill()

        crewed.ears.act = kill
        crewed.put(file)
        assert crewed.s3.objects[URI.key].data == file.read_bytes()
        assert crewed.s3.uploads == {}
        retried = {type(event.error) for event in crewed.ears.of(events.RetryScheduled)}
        assert retried <= {WorkerLost}
    assert kill_at > 35


def test_a_stream_outlives_its_workers(tmp_path: Path) -> None:
    """What was read of a stream is in chunk files here: a worker takes nothing of it along."""
    crewed = Crewed(tmp_path, replace(OPTIONS, max_retry=1))
    data = bytes(range(250)) * 4

    def kill(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted) and event.attempt == 1 and event.part_number % 3:
            for worker in crewed.workers.started:
                worker.kill()

    crewed.ears.act = kill
    crewed.put(Stream(data))
    assert crewed.s3.objects[URI.key].data == data


LIMITS = Limits(min_part_size=10, max_part_size=10 * MIB, max_parts=50)


@pytest.mark.parametrize("rate", [MIB // 2, 4 * MIB, 64 * MIB])
def test_the_rate_is_kept_over_any_ten_seconds(tmp_path: Path, rate: int) -> None:
    """Two workers with all their parts send no more than the limit, and hardly less."""
    size = min(48 * MIB, 24 * rate)
    options = Options(
        part_size=2 * MIB,
        concurrency=8,
        limit_rate=RateLimit.parse(f"{rate}"),
        limits=LIMITS,
    )
    crewed = Crewed(tmp_path, options)
    sent: list[tuple[float, int]] = []

    def note(_: int, event: Event) -> None:
        if isinstance(event, BytesSent):
            sent.append((asyncio.get_running_loop().time(), event.count))

    crewed.ears.act = note
    took = crewed.put(make_file(tmp_path, size))
    assert took == pytest.approx(size / rate, rel=0.05, abs=0.2)
    span = min(10.0, took)
    for since, _ in sent:
        within = sum(count for when, count in sent if since <= when < since + span)
        assert within <= 1.05 * span * rate


def test_more_are_needed_when_one_process_has_no_time_left() -> None:
    """That one does not keep up is told once, and holds: what others do is off its hands."""
    now, computed, ears = 0.0, 0.0, Ears()
    need = Need(4, ears, lambda: now, lambda: computed)
    for share in (0.5, 0.75, 0.875, 0.25):
        assert need() is (share == 0.25)
        now, computed = now + 4, computed + 4 * share
        need()
    assert need()
    assert ears.heard == [ProcessesAdded(4, 0.88)]


@pytest.mark.parametrize(("cores", "most"), [(2, 2), (64, 3)])
def test_auto_adds_workers_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, most: int
) -> None:
    """Not before, and no more than there are cores, or parts in flight to send."""
    asked: list[int] = []
    crewed = Crewed(tmp_path, processes=0)

    def need(number: int, _: Listener) -> Callable[[], bool]:
        asked.append(number)
        return lambda: len(crewed.ears.of(events.PartUploaded)) >= 4

    monkeypatch.setattr(hiring, "cores", lambda: cores)
    monkeypatch.setattr(hiring, "Need", need)

    def check(_: int, __: Event) -> None:
        if len(crewed.ears.of(events.PartUploaded)) < 4:
            assert not crewed.workers.started

    crewed.ears.act = check
    crewed.put(make_file(tmp_path, 1050))
    assert asked == [most]
    assert 1 <= len(crewed.workers.started) <= most


def test_where_one_is_enough_there_is_nobody_else(tmp_path: Path) -> None:
    """One process is this one: no worker is started, whatever could start one."""
    crewed = Crewed(tmp_path, processes=1)
    crewed.put(make_file(tmp_path, 1050))
    assert crewed.workers.started == []


def test_a_change_is_seen_with_the_next_part_that_a_worker_reads(tmp_path: Path) -> None:
    """A file that is written to costs the part that is on its way, not all that follow."""
    crewed = Crewed(tmp_path, replace(OPTIONS, concurrency=1, read_ahead=0))
    file = make_file(tmp_path, 1050)

    def touch(_: int, event: Event) -> None:
        if isinstance(event, events.PartUploaded) and event.part_number == 1:
            os.utime(file, ns=(1, 1))

    crewed.ears.act = touch
    with pytest.raises(SourceChanged):
        crewed.put(file)
    assert len(crewed.s3.sent_parts()) == 1
    assert chunk_files(tmp_path) == []
