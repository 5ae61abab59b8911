"""Many objects, compared with their files or their receipts, a few at a time."""

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from asyncup.core import aftercare, events
from asyncup.core.errors import AsyncupError, Interrupted, UsageError
from asyncup.core.events import Listener
from asyncup.core.model import ObjectURI, Proof
from asyncup.core.options import Options, S3Config
from asyncup.core.outcome import RunResult
from asyncup.core.plan import make_plan
from asyncup.core.receipts import ObjectReceipt
from asyncup.core.verification import Download
from asyncup.edges.files import fingerprint
from asyncup.edges.gateway import Gateway
from asyncup.engine.deadlines import Deadlines
from asyncup.engine.finding import LOOK_AHEAD, unless_stopped
from asyncup.engine.groups import task_group
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.opening import open_runtime
from asyncup.engine.proving import FileComparison, prove_receipt

Task = Job | ObjectReceipt
Selection = Selected | ObjectReceipt | aftercare.VerifyFailed
"""What is to be compared, and what is left, or cannot be, as events that say why."""


class Verifier:
    """Shows later, without download as far as S3 tells enough, that objects equal their files.

        async with Verifier() as verifier:
            proof = await verifier.verify("film.mov", "s3://bucket/films/film.mov")

    Args:
        options: `concurrency` files are compared at once, where it is no number, as many as it
            begins with; `part_size` is tried where S3 does not tell that of an object.
        s3: which S3, and as whom.
        download: when objects are read back.
        part_sizes: of objects, by URI, in bytes, for servers that do not tell them.
        listener: is told every event, synchronously.
        gateway: takes the place of a connection to S3.

    Raises:
        UsageError: on entering, if the configuration names things that are not there.
    """

    def __init__(
        self,
        *,
        options: Options | None = None,
        s3: S3Config | None = None,
        download: Download = Download.NEVER,
        part_sizes: Mapping[str, int] | None = None,
        listener: Listener | None = None,
        gateway: Gateway | None = None,
    ) -> None:
        options = options or Options()
        # Nothing is remembered here, so there is no journal; nothing is sent that could bring more.
        self._files_at_once = options.slots.start
        self._options = replace(options, state_dir=None, concurrency=self._files_at_once)
        self._s3 = s3 or S3Config()
        self._download = download
        self._part_sizes = part_sizes or {}
        self._announce: Listener = listener or (lambda _: None)
        self._given_gateway = gateway
        self._stack = AsyncExitStack()
        self._deadlines = Deadlines()
        self._result = RunResult()
        self._is_cut = False

    async def __aenter__(self) -> Self:
        self._runtime = await open_runtime(
            self._stack, self._options, self._announce, s3=self._s3, gateway=self._given_gateway
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def verify(self, source: str | Path, uri: str | ObjectURI) -> Proof:
        """Compare one object with one file and return by what they are shown to be equal.

        Raises:
            ObjectMissing, ObjectMismatch, ObjectUnproven: they are not.
            AsyncupError: it could not be done.
        """
        place = ObjectURI.parse(uri) if isinstance(uri, str) else uri
        path = Path(source)
        job = Job(path, str(path), place, fingerprint(path).size)
        self._announce(events.FileFound(job.name, job.uri, job.size))
        return await self._told(job)

    async def verify_all(self, selected: AsyncIterable[Selection]) -> RunResult:
        """Compare all that is selected, and go on past what is not equal.

        Args:
            selected: files (see `asyncup.engine.jobs.Selection`) or receipts.
        """
        queue: asyncio.Queue[Task | None] = asyncio.Queue(LOOK_AHEAD)
        async with task_group() as group:
            group.create_task(self._find(selected, queue))
            for _ in range(self._files_at_once):
                group.create_task(self._work(queue))
        result = self._result
        if self._is_cut and result.failures.stopping is None:
            # What was not even found is not shown to be equal either.
            result.interrupted = max(1, result.interrupted)
        self._announce(
            aftercare.VerifyFinished(
                verified=result.done,
                skipped=result.skipped,
                failed=len(result.failures),
                interrupted=result.interrupted,
                exit_code=result.exit_code,
            )
        )
        return result

    def stop(self) -> None:
        """Drop what is under way, and begin nothing more; to be called in the event loop."""
        if not self._runtime.stopping.is_set():
            self._announce(events.Stopping(0))
        self._halt()

    def _halt(self) -> None:
        self._runtime.stopping.set()
        # Nothing is lost by that.
        self._deadlines.stop(0)

    async def _find(
        self, selected: AsyncIterable[Selection], queue: asyncio.Queue[Task | None]
    ) -> None:
        scan = self._scan(selected, queue)
        self._is_cut = not await unless_stopped(scan, self._runtime.stopping)
        self._announce(events.ScanFinished())
        await queue.put(None)

    async def _scan(
        self, selected: AsyncIterable[Selection], queue: asyncio.Queue[Task | None]
    ) -> None:
        """Run ahead, telling what is found and what is left."""
        async for each in selected:
            if isinstance(each, Job | ObjectReceipt):
                self._announce(events.FileFound(_name(each), each.uri, each.size))
                await self._put(each, queue)
            else:
                self._leave(each)

    async def _put(self, task: Task, queue: asyncio.Queue[Task | None]) -> None:
        try:
            await queue.put(task)
        except asyncio.CancelledError:
            # It was told as found, and it will not come to its turn.
            self._result.interrupted += 1
            raise

    def _leave(
        self, left: events.FileSkipped | events.UploadFailed | aftercare.VerifyFailed
    ) -> None:
        if isinstance(left, events.FileSkipped):
            self._result.skipped += 1
            self._announce(left)
            return
        self._result.failures.append(left.error)
        self._announce(aftercare.VerifyFailed(left.source, left.uri, left.error))

    async def _work(self, queue: asyncio.Queue[Task | None]) -> None:
        """Take one task after the other; the end is left for the other workers to find."""
        while (task := await queue.get()) is not None:
            if self._runtime.stopping.is_set():
                self._result.interrupted += 1
                continue
            try:
                await self._told(task)
            except Interrupted:
                self._result.interrupted += 1
            except AsyncupError as error:
                self._result.failures.append(error)
                if error.stops_run:
                    self._halt()
            else:
                self._result.done += 1
        await queue.put(None)

    async def _told(self, task: Task) -> Proof:
        """Compare, and announce how it went."""
        name = _name(task)
        self._announce(events.FileStarted(name, task.uri, task.size, task.size or 0, 1))
        try:
            async with self._deadlines.until_stopped(f"verify {task.uri}"):
                proof = await self._prove(task)
        except Interrupted:
            self._announce(aftercare.VerifyInterrupted(name, task.uri))
            raise
        except AsyncupError as error:
            self._announce(aftercare.VerifyFailed(name, task.uri, error))
            raise
        by_receipt = isinstance(task, ObjectReceipt)
        self._announce(
            aftercare.ObjectVerified(name, task.uri, task.size or 0, proof, by_receipt=by_receipt)
        )
        return proof

    async def _prove(self, task: Task) -> Proof:
        moved = self._moved(task.uri)
        if isinstance(task, ObjectReceipt):
            return await prove_receipt(self._runtime, task, download=self._download, moved=moved)
        if not isinstance(task.source, Path):
            raise UsageError(
                f"verify {task.uri}: a stream cannot be read again",
                hint="compare with its receipt: --receipts",
            )
        ours = make_plan(task.size, self._options.part_size, self._options.limits).part_size
        known = self._part_sizes.get(str(task.uri))
        likely = [each for each in (known, ours) if each is not None]
        comparison = FileComparison(
            self._runtime, task.source, task.uri, likely=likely, moved=moved
        )
        return await comparison.prove(self._download)

    def _moved(self, uri: ObjectURI) -> Callable[[int], None]:
        return lambda count: self._announce(aftercare.BytesRead(uri, count))


def _name(task: Task) -> str:
    return task.source if isinstance(task, ObjectReceipt) else task.name
