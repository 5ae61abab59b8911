"""Many files, one after the other without a gap, until all are done or it is time to stop."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

from asyncup.core.errors import AsyncupError, Interrupted
from asyncup.core.events import FileFound, FileSkipped, ScanFinished, UploadFailed
from asyncup.core.model import UploadResult
from asyncup.core.options import Options
from asyncup.core.outcome import RunResult
from asyncup.core.plan import usual_part_size
from asyncup.engine.finding import LOOK_AHEAD, unless_stopped
from asyncup.engine.groups import task_group
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.runtime import Claim, Runtime

OPEN_FILES = 2
"""Files at once, times the slots: enough to be asked about and completed beside those whose parts
travel; more would wait for connections, while what they signed grows old.
"""


class Run:
    """Takes jobs to an `upload` function, as many at once as keeps the slots busy.

    A job that fails is counted and the others go on, unless they would fail in the same way:
    then `halt` is called, so that no other is begun.
    """

    def __init__(
        self,
        runtime: Runtime,
        upload: Callable[[Job, Claim], Awaitable[UploadResult]],
        halt: Callable[[], None],
    ) -> None:
        self._runtime = runtime
        self._upload = upload
        self._halt = halt
        self._queue: asyncio.Queue[Job | None] = asyncio.Queue(LOOK_AHEAD)
        self._result = RunResult()
        self._open = asyncio.Semaphore(OPEN_FILES * runtime.options.slots.most)
        self._is_cut = False

    async def all(self, selected: AsyncIterable[Selected]) -> RunResult:
        """Upload all that is selected and say how it went."""
        async with task_group() as group:
            group.create_task(self._find(selected))
            async for job in self._jobs():
                await self._open.acquire()
                if self._runtime.stopping.is_set():
                    self._result.interrupted += 1
                    self._open.release()
                else:
                    claim = self._runtime.backlog.open(parts_of(job, self._runtime.options))
                    group.create_task(self._one(job, claim))
        if self._is_cut and self._result.failures.stopping is None:
            # What was not even found is not finished either.
            self._result.interrupted = max(1, self._result.interrupted)
        self._runtime.announce(self._result.as_event())
        return self._result

    async def _jobs(self) -> AsyncIterator[Job]:
        """Yield a job when there is room for one."""
        while True:
            await self._runtime.backlog.room()
            job = await self._queue.get()
            if job is None:
                return
            yield job

    async def _find(self, selected: AsyncIterable[Selected]) -> None:
        scan = self._scan(selected)
        self._is_cut = not await unless_stopped(scan, self._runtime.stopping)
        self._runtime.announce(ScanFinished())
        await self._queue.put(None)

    async def _scan(self, selected: AsyncIterable[Selected]) -> None:
        """Run ahead of the uploads, telling what is found and what is left."""
        announce = self._runtime.announce
        async for each in selected:
            if isinstance(each, Job):
                announce(FileFound(each.name, each.uri, each.size))
                await self._put(each)
                continue
            announce(each)
            if isinstance(each, FileSkipped):
                self._result.skipped += 1
            elif isinstance(each, UploadFailed):
                self._result.failures.append(each.error)

    async def _put(self, job: Job) -> None:
        try:
            await self._queue.put(job)
        except asyncio.CancelledError:
            # It was told as found, and it will not come to its turn.
            self._result.interrupted += 1
            raise

    async def _one(self, job: Job, claim: Claim) -> None:
        """Upload one and count how it went."""
        try:
            result = await self._upload(job, claim)
        except Interrupted:
            self._result.interrupted += 1
        except AsyncupError as error:
            self._result.failures.append(error)
            if error.stops_run:
                self._halt()
        else:
            if result.skipped is None:
                self._result.done += 1
            else:
                self._result.skipped += 1
        finally:
            claim.close()
            self._open.release()


def parts_of(job: Job, options: Options) -> int:
    """Return about how many parts a job has; the plan that is made at its turn knows exactly."""
    if job.size is None:
        return options.limits.max_parts
    part_size = options.part_size or usual_part_size(job.size, options.limits)
    return min(options.limits.max_parts, max(1, -(-job.size // part_size)))
