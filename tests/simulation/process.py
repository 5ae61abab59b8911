"""One run of the real engine in a simulated world, and how it ends."""

import asyncio
import shutil
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Protocol

from asyncup.core.errors import AsyncupError, Interrupted, ObjectMismatch, PartsMismatch
from asyncup.core.options import Options
from asyncup.core.outcome import RunResult
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.uploader import Uploader
from tests.simulation.clock import Crash, SteppingLoop, Stuck
from tests.simulation.disk import Snapshot, open_files
from tests.simulation.line import Line, Weather
from tests.simulation.witness import Witness
from tests.simulation.world import Agenda, World
from tests.workers import TaskWorkers


class End(StrEnum):
    """How a process ended."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    BROKEN = "broken"


class _Stream:
    """The bytes of a file as a stream, in uneven blocks."""

    def __init__(self, data: bytes, random: Random) -> None:
        self._data = data
        self._random = random

    async def read(self, size: int, /) -> bytes:
        """Return some of the next bytes."""
        await asyncio.sleep(0)
        size = min(size, self._random.randint(1, 200))
        block, self._data = self._data[:size], self._data[size:]
        return block


class Tool(Protocol):
    """A part of the engine that a process drives."""

    def stop(self) -> None:
        """Begin nothing more."""


class Process:
    """Somebody at work in the world, with a line and a witness of its own."""

    def __init__(self, world: World, name: str, options: Options, weather: Weather) -> None:
        self.world = world
        self.name = name
        self.options = options
        self.witness = Witness(world, name, options)
        self.line = Line(world.server, self.witness, weather, world.random)
        self.end: End | None = None
        self.error: BaseException | None = None
        self.tool: Tool | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self) -> "asyncio.Task[None]":
        """Begin to run, in the loop that is running."""
        self.task = asyncio.get_running_loop().create_task(self.main())
        return self.task

    async def work(self) -> End:
        """Do what it is there for, and say how that went."""
        raise NotImplementedError

    async def jobs(self) -> AsyncIterator[Selected]:
        """Yield all files of the world."""
        for uri, file in self.world.files.items():
            yield Job(file.path, file.path.name, uri, len(file.data))

    async def main(self) -> None:
        """Work, and take note of how that went."""
        try:
            self.end = await self.work()
        except Interrupted:
            self.end = End.INTERRUPTED
        except AsyncupError as error:
            self.error, self.end = error, End.FAILED
        except asyncio.CancelledError:
            self.end = End.CANCELLED
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self.end = End.BROKEN
            self.world.violated(f"{self.name} broke: {''.join(traceback.format_exception(error))}")
        finally:
            self.witness.end()

    def end_of(self, result: RunResult) -> End:
        """Say how it went."""
        self.error = next(iter(result.failures), None)
        if result.interrupted:
            return End.INTERRUPTED
        return End.FAILED if result.failures else End.DONE

    def cancel(self) -> None:
        """Do what a second Ctrl-C does."""
        if self.task is not None:
            self.world.show(f"  {self.name}: cancelled")
            # It lets go of its keys without a word; when it is at work on one again, it has it.
            self.witness.rests(None)
            self.task.cancel()

    def stop(self) -> None:
        """Do what a first Ctrl-C does."""
        if self.tool is not None and self.end is None:
            with suppress(AttributeError):  # it is not open yet
                self.tool.stop()

    def die(self) -> None:
        """Reach nobody any more, and tell nobody."""
        self.line.cut()
        self.witness.end()

    @property
    def directories(self) -> list[Path]:
        """Where it keeps things."""
        return [each for each in (self.options.state_dir, self.options.split_dir) if each]

    def check(self) -> None:
        """Look whether it has ended in a way that it must not."""


class Put(Process):
    """Uploads all files of the world.

    Args:
        streams: upload the files' bytes as streams that nobody can read again.
    """

    def __init__(
        self, world: World, name: str, options: Options, weather: Weather, *, streams: bool = False
    ) -> None:
        super().__init__(world, name, options, weather)
        self._streams = streams
        self._workers = TaskWorkers(self.line)

    async def work(self) -> End:
        """Upload, in one of the ways there are."""
        async with Uploader(
            options=self.options,
            gateway=self.line,
            listener=self.witness,
            start_worker=self._workers.start,
        ) as uploader:
            self.tool = uploader
            if self._streams:
                for uri, file in self.world.files.items():
                    await uploader.put(_Stream(file.data, self.world.random), uri)
                return End.DONE
            if len(self.world.files) == 1 and self.world.random.random() < 0.5:
                ((uri, file),) = self.world.files.items()
                await uploader.put(file.path, uri)
                return End.DONE
            return self.end_of(await uploader.put_all(self.jobs()))

    def lose_workers(self) -> None:
        """Let the workers that there are end."""
        self.world.show(f"  {self.name}: its workers are killed")
        for worker in self._workers.started:
            worker.kill()

    def check(self) -> None:
        """Nobody finds other bytes at S3 where no one else wrote, and no request came late."""
        is_odd = isinstance(self.error, ObjectMismatch) or (
            isinstance(self.error, PartsMismatch) and not self.world.server.forgotten
        )
        if self.end is End.FAILED and is_odd and not self.world.has_strayed:
            self.world.violated(f"{self.name} was misled: {self.error}")


@dataclass(slots=True)
class Run:
    """Processes side by side on one machine, until all have ended or it has lost its power."""

    world: World
    first: Process
    agenda: Agenda = field(default_factory=Agenda)
    others: list[Process] = field(default_factory=list)

    @property
    def processes(self) -> list[Process]:
        """All of them, those that were never begun, too."""
        return [self.first, *self.others]

    def go(self) -> End:
        """Run to the end and say how it was for the first one."""
        before, kept_before = open_files(), self._in_split_dirs()
        loop = SteppingLoop(self._step(lambda: loop), self._nap)
        loop.set_exception_handler(lambda _, context: self.world.violated(f"callback: {context}"))
        try:
            self._run(loop, self._main())
            ended = self.first.end or End.CANCELLED
        except Crash:
            self._bury(loop)
            ended = End.CRASHED
        except Stuck as error:
            self.world.violated(f"{self.first.name} is stuck: {error}")
            self._bury(loop)
            ended = End.BROKEN
        finally:
            loop.close()
        self.world.show(f"  {ended}: {self.first.error or ''}")
        self._check_nothing_is_open(before)
        # What a crash left behind is removed by the next run that needs the place.
        if ended is not End.CRASHED and (left := self._in_split_dirs() - kept_before):
            self.world.violated(f"{self.first.name} has left chunk files: {sorted(left)}")
        self.first.check()
        return ended

    def _step(self, loop: Callable[[], SteppingLoop]) -> Callable[[], None]:
        def step() -> None:
            self.world.step()
            self.agenda.reach(loop().steps)

        return step

    def _nap(self) -> float:
        random = self.world.random
        return random.random() if random.random() < 0.1 else 0.0

    async def _main(self) -> None:
        # Waited for, not awaited: one that is cancelled before its first step says nothing.
        self.first.start()
        while alive := [each.task for each in self.processes if each.task and not each.task.done()]:
            await asyncio.wait(alive)
        self.agenda.clear()

    def _run(self, loop: SteppingLoop, main: Coroutine[Any, Any, None]) -> None:
        loop.run_until_complete(loop.create_task(main))
        loop.run_until_complete(loop.shutdown_asyncgens())
        if left := asyncio.all_tasks(loop):
            self.world.violated(f"{self.first.name} has left tasks: {left}")

    def _bury(self, loop: SteppingLoop) -> None:
        """Keep the disks as they are, and let the dead let go of what they hold."""
        self.agenda.clear()
        loop.go_on()
        directories = sorted({each for process in self.processes for each in process.directories})
        kept = Snapshot.take(directories, self.world.root / "kept")
        for process in self.processes:
            process.die()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks)) if tasks else None
        for task in tasks:
            if not task.cancelled():
                task.exception()
        loop.run_until_complete(loop.shutdown_asyncgens())
        kept.restore(directories)
        shutil.rmtree(self.world.root / "kept", ignore_errors=True)

    def _check_nothing_is_open(self, before: frozenset[str]) -> None:
        if left := open_files() - before:
            self.world.violated(f"{self.first.name} has left open: {sorted(left)}")

    def _in_split_dirs(self) -> set[str]:
        """Return the names of all that lies where these processes keep chunk files."""
        places = {process.options.split_dir for process in self.processes}
        there = [place for place in places if place is not None and place.exists()]
        return {found.name for place in there for found in place.iterdir()}
