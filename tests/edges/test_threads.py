"""What writes behind a run tells what could not be written; what is called there, is over."""

import asyncio
from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from asyncup.edges.threads import Behind, in_thread
from tests.loop import run


class Disk:
    """Hangs until it is let go."""

    def __init__(self) -> None:
        self.begun = Event()
        self.may_end = Event()
        self.written: list[str] = []

    def write(self, texts: Sequence[str]) -> None:
        """Write, in time."""
        self.begun.set()
        self.may_end.wait()
        self.written += texts


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Return a disk that hangs until the test is over."""
    disk = Disk()
    yield disk
    disk.may_end.set()


def test_what_is_not_written_at_the_end_is_told(disk: Disk) -> None:
    """Few lines are lost as surely as many, if the disk does not take them."""
    behind = Behind(disk.write, most=10)
    behind.put("lost")
    disk.begun.wait()
    behind.close(0.0)
    assert behind.take_problem() == "it takes too long"


def test_a_text_that_stands_for_all_before_it(disk: Disk) -> None:
    """Where only the last one counts, those that it replaces are no loss."""
    behind = Behind(disk.write, most=1)
    behind.put("first")
    disk.begun.wait()
    behind.put("replaced")
    behind.put("last")
    disk.may_end.set()
    behind.close(60.0)
    assert disk.written == ["first", "last"]
    assert behind.take_problem() is None


def test_lines_that_are_dropped_are_told(disk: Disk) -> None:
    """The oldest, where too many wait."""
    behind = Behind(disk.write, most=2)
    behind.put("first")
    disk.begun.wait()
    for text in ("dropped", "kept", "last"):
        behind.put(text)
    disk.may_end.set()
    behind.close(60.0)
    assert disk.written == ["first", "kept", "last"]
    assert behind.take_problem() == "it takes too long"


def test_what_a_call_returns_or_raises_comes_back() -> None:
    """A call in a thread is as one here."""

    def fail() -> None:
        raise OSError("no disk")

    async def main() -> None:
        assert await in_thread(lambda: 5) == 5
        with pytest.raises(OSError, match="no disk"):
            await in_thread(fail)

    asyncio.run(main())


def test_a_call_that_is_cancelled_is_told_to_stop() -> None:
    """Nobody waits for it: a disk that hangs keeps no run from its end."""
    begun, stop, may_end = Event(), Event(), Event()

    def call() -> None:
        begun.set()
        may_end.wait(20)

    async def main() -> None:
        calling = asyncio.create_task(in_thread(call, stop.set))
        await asyncio.to_thread(begun.wait, 20)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert stop.is_set()
        may_end.set()

    asyncio.run(main())


def test_what_a_cancelled_call_raises_is_no_news() -> None:
    """Who is cancelled is told that; an error of the call that comes later bothers nobody."""
    begun, stop = Event(), Event()

    def fail() -> None:
        begun.set()
        stop.wait(20)
        raise OSError("no disk")

    async def main() -> None:
        calling = asyncio.create_task(in_thread(fail, stop.set))
        await asyncio.to_thread(begun.wait, 20)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    run(main())
