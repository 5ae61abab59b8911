"""One run of the real engine in a simulated world, and how it ends."""

import asyncio
import shutil
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from asyncup.core.errors import AsyncupError, Interrupted, ObjectMismatch, PartsMismatch
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.uploader import Uploader
from tests.simulation.clock import Crash, SteppingLoop, Stuck
from tests.simulation.disk import Snapshot, open_files
from tests.simulation.line import Line, Weather
from tests.simulation.witness import Witness
from tests.simulation.world import Agenda, World


class End(StrEnum):
    """How a process ended."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    BROKEN = "broken"


class Process:
    """An Uploader with a line and a witness of its own.

    Args:
        together: upload the files by one call of `put_all`, else by `put`, one after the other.
    """

    def __init__(self, world: World, name: str, options: Options, weather: Weather) -> None:
        self.world = world
        self.name = name
        self.options = options
        self.witness = Witness(world, name, options.overwrite)
        self.line = Line(world.server, self.witness, weather, world.random)
        self.end: End | None = None
        self.error: BaseException | None = None
        self.uploader: Uploader | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self) -> "asyncio.Task[None]":
        """Begin to run, in the loop that is running."""
        self.task = asyncio.get_running_loop().create_task(self.main())
        return self.task

    async def main(self) -> None:
        """Upload all files, and take note of how that went."""
        try:
            self.end = await self._upload()
        except Interrupted:
            self.end = End.INTERRUPTED
        except AsyncupError as error:
            self.error, self.end = error, End.FAILED
        except asyncio.CancelledError:
            self.end = End.CANCELLED
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self.end = End.BROKEN
            self.world.violated(f"{self.name} broke: {''.join(traceback.format_exception(error))}")

    async def _upload(self) -> End:
        async with Uploader(
            options=self.options, gateway=self.line, listener=self.witness
        ) as self.uploader:
            if len(self.world.files) == 1 and self.world.random.random() < 0.5:
                ((uri, file),) = self.world.files.items()
                await self.uploader.put(file.path, uri)
                return End.DONE
            result = await self.uploader.put_all(self._jobs())
            self.error = next(iter(result.failures), None)
            if result.interrupted:
                return End.INTERRUPTED
            return End.FAILED if result.failures else End.DONE

    async def _jobs(self) -> AsyncIterator[Selected]:
        for uri, file in self.world.files.items():
            yield Job(file.path, file.path.name, uri, len(file.data))

    def cancel(self) -> None:
        """Do what a second Ctrl-C does."""
        if self.task is not None:
            self.world.show(f"  {self.name}: cancelled")
            self.task.cancel()

    def stop(self) -> None:
        """Do what a first Ctrl-C does."""
        if self.uploader is not None and self.end is None:
            with suppress(AttributeError):  # it is not open yet
                self.uploader.stop()

    def die(self) -> None:
        """Reach nobody any more."""
        self.line.cut()
        self.witness.end()

    @property
    def directories(self) -> list[Path]:
        """Where it keeps things."""
        return [each for each in (self.options.state_dir, self.options.split_dir) if each]


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
        before = open_files()
        loop = SteppingLoop(self._step(lambda: loop), self._nap)
        try:
            self._run(loop, self._main())
            ended = End.CRASHED if self.first.end is None else self.first.end
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
        if ended is not End.CRASHED:
            self._check_no_chunk_is_left()
        self._check_error(ended)
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
        await self.first.start()
        for other in self.others:
            if other.task is not None:
                await other.task

    def _run(self, loop: SteppingLoop, main: Coroutine[Any, Any, None]) -> None:
        loop.run_until_complete(loop.create_task(main))
        loop.run_until_complete(loop.shutdown_asyncgens())
        if left := asyncio.all_tasks(loop):
            self.world.violated(f"{self.first.name} has left tasks: {left}")

    def _bury(self, loop: SteppingLoop) -> None:
        """Keep the disks as they are, and let the dead let go of what they hold."""
        self.agenda.clear()
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

    def _check_nothing_is_open(self, before: set[str]) -> None:
        if left := open_files() - before:
            self.world.violated(f"{self.first.name} has left open: {sorted(left)}")

    def _check_no_chunk_is_left(self) -> None:
        for process in self.processes:
            split_dir = process.options.split_dir
            if split_dir is None or process.task is None or not split_dir.exists():
                continue
            if left := sorted(path.name for path in split_dir.iterdir()):
                self.world.violated(f"{process.name} has left in its split dir: {left}")

    def _check_error(self, ended: End) -> None:
        """Nobody finds other bytes at S3 where no one else wrote, and no request came late."""
        is_odd = isinstance(self.first.error, ObjectMismatch | PartsMismatch)
        if ended is End.FAILED and is_odd and not self.others and not self.world.has_strayed:
            self.world.violated(f"{self.first.name} was misled: {self.first.error}")
