"""The public face: files in, objects at S3 out; slots, window and connections shared by all."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from asyncup import __version__
from asyncup.core import events
from asyncup.core.backoff import RetryPolicy
from asyncup.core.errors import AsyncupError, Interrupted, SourceUnsuitable, UsageError
from asyncup.core.events import Listener
from asyncup.core.model import ObjectAttributes, ObjectURI, Proof, UploadResult
from asyncup.core.options import Options, Overwrite, S3Config
from asyncup.core.outcome import RunResult
from asyncup.core.plan import UploadPlan, make_plan, request_count
from asyncup.core.selection import key_problem, printable, reason_to_leave
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.files import content_type
from asyncup.edges.gateway import Gateway
from asyncup.edges.places import default_split_dir
from asyncup.edges.s3 import open_s3
from asyncup.engine.existing import Existing
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.retry import Retrier
from asyncup.engine.run import Run, parts_of
from asyncup.engine.runtime import Backlog, Claim, Runtime
from asyncup.engine.source import AsyncReader, FileSource, Source, StreamSource
from asyncup.engine.upload import FileUpload


class Uploader:
    """Uploads files to S3, in parts, resuming what is pending there.

        async with Uploader(options=Options(concurrency=4)) as uploader:
            result = await uploader.put("film.mov", "s3://bucket/films/")
            print(result.uri, result.etag, result.proof)

    `put` may be called many times at once: all files share the slots. Cancelling a call leaves
    its parts at S3, and the next `put` of the same file goes on from there.

    Args:
        options: how to upload.
        s3: which S3, and as whom.
        attributes: how objects are to be stored.
        listener: is told every event, synchronously; see `asyncup.events`.
        gateway: takes the place of a connection to S3, for tests and stores of another kind.

    Raises:
        UsageError: on entering, if the configuration names things that are not there.
    """

    def __init__(
        self,
        *,
        options: Options | None = None,
        s3: S3Config | None = None,
        attributes: ObjectAttributes | None = None,
        listener: Listener | None = None,
        gateway: Gateway | None = None,
    ) -> None:
        self._options = options or Options()
        self._s3 = s3 or S3Config()
        self._attributes = attributes or ObjectAttributes()
        self._announce: Listener = listener or (lambda _: None)
        self._given_gateway = gateway
        self._stack = AsyncExitStack()
        self._chunks: ChunkStore | None = None
        self._deadlines: set[asyncio.Timeout] = set()
        self._stop_at: float | None = None

    async def __aenter__(self) -> Self:
        options = self._options
        gateway = self._given_gateway
        if gateway is None:
            s3 = open_s3(self._s3, options, agent=f"asyncup/{__version__}")
            gateway = await self._stack.enter_async_context(s3)
        policy = RetryPolicy(
            max_attempts=options.max_retry, step=options.retry_step, cap=options.retry_cap
        )
        stopping = asyncio.Event()
        self._runtime = Runtime(
            gateway=gateway,
            options=options,
            announce=self._announce,
            retry=Retrier(policy, self._announce, stopping),
            slots=asyncio.Semaphore(options.concurrency),
            window=asyncio.Semaphore(options.window),
            stopping=stopping,
            backlog=Backlog(options.concurrency),
        )
        self._existing = Existing(self._runtime)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def put(
        self, source: str | Path | AsyncReader, destination: str | ObjectURI
    ) -> UploadResult:
        """Upload one file, or a stream.

        Args:
            source: a path, or an open stream with `async read(size) -> bytes`.
            destination: the object's URI; one that ends in `/` gets the file's name added.

        Returns:
            What S3 holds now, and by what it was shown to equal the source. If `overwrite` says
            to leave an object that is there, `skipped` tells so.

        Raises:
            AsyncupError: it could not be done; the parts that S3 has acknowledged stay there.
        """
        job = self._job(source, destination)
        self._announce(events.FileFound(job.name, job.uri, job.size))
        claim = self._runtime.backlog.open(parts_of(job, self._options))
        try:
            return await self._upload(job, claim)
        finally:
            claim.close()

    async def put_all(
        self, selected: AsyncIterable[Selected], *, below: ObjectURI | None = None
    ) -> RunResult:
        """Upload many files and go on past those that fail.

        Args:
            selected: see `asyncup.engine.jobs.Selection`.
            below: the prefix that most keys share; it is listed once to see what is there.

        Raises:
            AsyncupError: S3 does not even list what is there.
        """
        await self._look_below(below)
        return await Run(self._runtime, self._upload, self._halt).all(selected)

    async def plan_all(
        self, selected: AsyncIterable[Selected], *, below: ObjectURI | None = None
    ) -> RunResult:
        """Announce what `put_all` would do, without sending a byte; arguments as there."""
        await self._look_below(below)
        return await Run(self._runtime, self._plan, self._halt).all(selected)

    def stop(self) -> None:
        """Begin no further part, give those in flight a moment, leave the rest for a next run.

        To be called in the event loop. Files that are not complete by then raise Interrupted.
        """
        if not self._runtime.stopping.is_set():
            self._announce(events.Stopping(self._options.stop_grace))
            self._halt()

    def _halt(self) -> None:
        """Begin no further part, and set a deadline for those in flight."""
        self._runtime.stopping.set()
        self._runtime.backlog.release()
        self._stop_at = asyncio.get_running_loop().time() + self._options.stop_grace
        for deadline in self._deadlines:
            deadline.reschedule(self._stop_at)

    async def _look_below(self, prefix: ObjectURI | None) -> None:
        if prefix is not None and self._options.overwrite is not Overwrite.ALWAYS:
            await self._existing.index(prefix)

    def _job(self, source: str | Path | AsyncReader, destination: str | ObjectURI) -> Job:
        uri = ObjectURI.parse(destination) if isinstance(destination, str) else destination
        if not isinstance(source, str | Path):
            if uri.is_prefix:
                raise UsageError(
                    f"{uri} names no object", hint="a stream has no name: give it a key"
                )
            return Job(source, "stream", uri, None)
        path = Path(source)
        if uri.is_prefix:
            uri /= path.name
        name = printable(str(path))
        if problem := key_problem(uri.key, self._options.limits):
            raise SourceUnsuitable(f"upload {name}: {problem}")
        return Job(path, name, uri, FileSource(path, None).fingerprint.size)

    async def _plan(self, job: Job, _: Claim) -> UploadResult:
        """Announce how a file would be cut, or why it would be left."""
        size = job.size or 0
        plan = make_plan(size, self._options.part_size, self._options.limits)
        reason = await self._reason_to_leave(job.uri, job.size)
        if reason is not None:
            self._announce(events.FileSkipped(job.name, reason, job.uri, size))
        else:
            requests = request_count(plan)
            self._announce(
                events.FilePlanned(job.name, job.uri, size, plan.part_size, plan.count, requests)
            )
        return _unsent(job.uri, size, plan, reason)

    async def _upload(self, job: Job, claim: Claim) -> UploadResult:
        """Upload one file and announce how it went."""
        try:
            result = await self._upload_unless_there(job, claim)
        except Interrupted as error:
            self._announce(events.UploadInterrupted(job.name, job.uri, error.remaining))
            raise
        except AsyncupError as error:
            self._announce(events.UploadFailed(job.name, job.uri, error))
            raise
        if result.skipped is None:
            self._announce(events.UploadCompleted(job.name, job.uri, result))
        else:
            self._announce(events.FileSkipped(job.name, result.skipped, job.uri, job.size))
        return result

    async def _upload_unless_there(self, job: Job, claim: Claim) -> UploadResult:
        source, size = self._source(job)
        plan = make_plan(size, self._options.part_size, self._options.limits)
        parts = None if size is None else plan.count
        self._announce(events.FileStarted(job.name, job.uri, size, plan.part_size, parts))
        if reason := await self._reason_to_leave(job.uri, size):
            return _unsent(job.uri, size or 0, plan, reason)
        self._require_disk(plan)
        upload = FileUpload(self._runtime, source, job.uri, plan, self._attributes_of(job))
        return await self._before_deadline(upload, job, claim)

    def _source(self, job: Job) -> tuple[Source, int | None]:
        if isinstance(job.source, Path):
            chunks = None if self._options.direct else self._chunk_store()
            file = FileSource(job.source, chunks)
            return file, file.fingerprint.size
        return StreamSource(job.source, job.name, self._chunk_store()), None

    def _chunk_store(self) -> ChunkStore:
        if self._chunks is None:
            directory = self._options.split_dir or default_split_dir()
            self._chunks = self._stack.enter_context(ChunkStore(directory))
        return self._chunks

    def _require_disk(self, plan: UploadPlan) -> None:
        """Make sure that the window of this file's parts fits on the disk."""
        if self._chunks is not None:
            window = self._options.window * plan.part_size
            self._chunks.require(window if plan.size is None else min(window, plan.size))

    def _attributes_of(self, job: Job) -> ObjectAttributes:
        if self._attributes.content_type is not None:
            return self._attributes
        return replace(self._attributes, content_type=content_type(job.uri.key))

    async def _reason_to_leave(self, uri: ObjectURI, size: int | None) -> str | None:
        policy = self._options.overwrite
        if policy is Overwrite.ALWAYS or (policy is Overwrite.SIZE and size is None):
            return None
        return reason_to_leave(size, await self._existing.head(uri), policy)

    async def _before_deadline(self, upload: FileUpload, job: Job, claim: Claim) -> UploadResult:
        """Run an upload; after `stop()` it has until the deadline that was set then."""
        deadline = asyncio.timeout_at(self._stop_at)
        self._deadlines.add(deadline)
        try:
            async with deadline:
                return await upload.run(claim)
        except TimeoutError:
            if not deadline.expired():
                raise
            told = f"upload {job.uri}: stopped with parts in flight"
            raise Interrupted(told, remaining=upload.remaining) from None
        finally:
            self._deadlines.discard(deadline)


def _unsent(uri: ObjectURI, size: int, plan: UploadPlan, reason: str | None) -> UploadResult:
    """Return the result for a file of which nothing was sent."""
    return UploadResult(
        uri=uri,
        size=size,
        etag="",
        proof=Proof.SIZE,
        part_size=plan.part_size,
        parts=0,
        skipped=reason,
    )
