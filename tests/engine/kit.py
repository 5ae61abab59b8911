"""What engine tests share: files of known bytes, an uploader with tiny parts, ears for events."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from asyncup.core.events import Event, Listener
from asyncup.core.model import ObjectAttributes, ObjectURI
from asyncup.core.options import Limits, Options
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.uploader import Uploader
from asyncup.ui.jsonl import UNTOLD, line_of
from tests.fakes3 import FakeS3
from tests.told import read_lines
from tests.workers import TaskWorkers

E = TypeVar("E", bound=Event)

LIMITS = Limits(min_part_size=10, max_part_size=10_000, max_parts=50, part_size_step=10)
OPTIONS = Options(part_size=100, concurrency=3, read_ahead=1, limits=LIMITS)
URI = ObjectURI("test-bucket", "some/key")
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)

processes = 1
"""Of every uploader that is opened; see `tests/engine/conftest.py`."""


class Ears:
    """A listener that remembers, and may act at an event; the schema has to have each of them."""

    def __init__(self, act: Callable[[int, Event], None] | None = None) -> None:
        self.heard: list[Event] = []
        self.act = act

    def __call__(self, event: Event, /) -> None:
        self.heard.append(event)
        if not isinstance(event, UNTOLD):
            read_lines([line_of(event, _SOME_TIME)])
        if self.act is not None:
            self.act(len(self.heard), event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.heard if isinstance(event, kind)]


def make_file(directory: Path, size: int, name: str = "file.bin", seed: int = 0) -> Path:
    """Make a file of noise that is the same in every run."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


@asynccontextmanager
async def uploader(
    gateway: FakeS3,
    directory: Path,
    *,
    listener: Listener | None = None,
    options: Options = OPTIONS,
    attributes: ObjectAttributes | None = None,
) -> AsyncIterator[Uploader]:
    """Open an uploader whose chunk files are below a directory; none are left when it closes."""
    split_dir = directory / "chunks"
    async with Uploader(
        options=replace(options, split_dir=split_dir, processes=processes),
        gateway=gateway,
        start_worker=TaskWorkers(gateway).start,
        listener=listener,
        attributes=attributes,
    ) as opened:
        yield opened
    assert chunk_files(directory) == []


def chunk_files(directory: Path) -> list[Path]:
    """Return the chunk files that are there."""
    return [path for path in (directory / "chunks").rglob("*-part*") if path.is_file()]


def jobs(files: Iterable[tuple[Path, ObjectURI]]) -> AsyncIterator[Selected]:
    """Return files as a run takes them."""

    async def each() -> AsyncIterator[Selected]:
        for path, uri in files:
            yield Job(path, str(path), uri, path.stat().st_size)

    return each()


class Stream:
    """An open stream over known bytes, which come in uneven blocks."""

    def __init__(self, data: bytes, seed: int = 0, most: int = 60) -> None:
        self._data = data
        self._most = most
        self._random = random.Random(seed)

    async def read(self, size: int, /) -> bytes:
        """Return some of the next bytes."""
        await asyncio.sleep(0)
        size = min(size, self._random.randint(1, self._most))
        block, self._data = self._data[:size], self._data[size:]
        return block


class Answers:
    """An open stream that gives just these answers, one a read; an error is raised."""

    def __init__(self, *answers: bytes | OSError) -> None:
        self._answers = iter(answers)

    async def read(self, _: int, /) -> bytes:
        """Return the next answer; after the last one, wait for ever."""
        answer = next(self._answers, None)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, OSError):
            raise answer
        return answer or b""


def no_task_is_left() -> bool:
    """Return whether the current task is alone."""
    return asyncio.all_tasks() == {asyncio.current_task()}
