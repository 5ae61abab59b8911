"""The public face: files in, objects at S3 out; slots, window and connections shared by all."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from asyncup.core import events
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import Interrupted, SourceUnsuitable, UsageError
from asyncup.core.events import Listener
from asyncup.core.model import ObjectAttributes, ObjectURI, UploadResult
from asyncup.core.names import printable
from asyncup.core.options import Options, S3Config
from asyncup.core.outcome import RunResult
from asyncup.core.rates import RateLimit
from asyncup.core.selection import key_problem
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.gateway import Gateway
from asyncup.edges.places import default_split_dir
from asyncup.engine.deadlines import Deadlines
from asyncup.engine.errands import Errands
from asyncup.engine.jobs import Job, Selected
from asyncup.engine.opening import open_runtime
from asyncup.engine.run import Run, parts_of
from asyncup.engine.runtime import Claim
from asyncup.engine.source import FileSource
from asyncup.engine.stream import AsyncReader
from asyncup.engine.watch import Watch

if TYPE_CHECKING:
    from asyncup.edges.hired import StartWorker

_SIGNS_OF_LIFE = (
    events.PartStarted,
    events.BytesSent,
    events.PartUploaded,
    events.UploadCompleting,
)


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
        start_worker: starts a worker where `options` ask for several processes; None is a process
            on this machine.

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
        start_worker: "StartWorker | None" = None,
    ) -> None:
        self._options = options or Options()
        self._s3 = s3 or S3Config()
        self._attributes = attributes or ObjectAttributes()
        self._listener: Listener = listener or (lambda _: None)
        self._deadlines = Deadlines()
        self._given_gateway = gateway
        self._start_worker = start_worker
        self._stack = AsyncExitStack()
        self._chunks: ChunkStore | None = None

    async def __aenter__(self) -> Self:
        self._runtime = await open_runtime(
            self._stack,
            self._options,
            self._announce,
            s3=self._s3,
            gateway=self._given_gateway,
            start_worker=self._start_worker,
        )
        self._errands = Errands(self._runtime, self._attributes, self._chunk_store, self._deadlines)
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
            return await self._errands.upload(job, claim)
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
        return await self._run(self._errands.upload, selected, below)

    async def plan_all(
        self, selected: AsyncIterable[Selected], *, below: ObjectURI | None = None
    ) -> RunResult:
        """Announce what `put_all` would do, without sending a byte; arguments as there."""
        return await self._run(self._errands.plan, selected, below)

    async def watch(self, watch: Watch) -> RunResult:
        """Upload what comes into a directory until `stop`, and go on past files that fail.

        Raises:
            AsyncupError: S3 does not even list what is there.
        """
        async with watch:
            return await self._run(watch.around(self._errands.upload), watch, watch.prefix)

    async def _run(
        self,
        errand: Callable[[Job, Claim], Awaitable[UploadResult]],
        selected: AsyncIterable[Selected],
        below: ObjectURI | None,
    ) -> RunResult:
        try:
            if below is not None:
                await self._errands.look_below(below)
        except Interrupted:
            # Whatever there was to do, none of it was begun.
            result = RunResult(interrupted=1)
            self._announce(result.as_event())
            return result
        return await Run(self._runtime, errand, self._halt).all(selected)

    def limit_rate(self, limit: RateLimit | str, reason: str = "as asked for") -> None:
        """Let no more than this out from now on, as `Options.limit_rate` did before.

        To be called in the event loop, as the two below. Uploads that are under way are in it.

        Args:
            limit: such as `20MiB/s`, `off`, or a timetable; see `asyncup.RateLimit.parse`.
            reason: is announced with the change.

        Raises:
            UsageError: it is no limit.
        """
        parsed = RateLimit.parse(limit) if isinstance(limit, str) else limit
        self._runtime.rate.follow(parsed, reason)

    def halve_rate(self, reason: str = "halved") -> None:
        """Halve the limit; where there is none, half of what goes out just now is one."""
        self._runtime.rate.halve(reason)

    def double_rate(self, reason: str = "doubled") -> None:
        """Double the limit, if there is one."""
        self._runtime.rate.double(reason)

    def stop(self) -> None:
        """Begin no further part, give those in flight a moment, leave the rest for a next run.

        To be called in the event loop. Files that are not complete by then raise Interrupted.
        """
        if not self._runtime.stopping.is_set():
            self._announce(events.Stopping(self._options.stop_grace))
        self._halt()

    def set_slots(self, number: int) -> int:
        """Let so many parts be in flight at once from now on, and return how many they are.

        It is at least 1, at most twice what `options` allow, and no more than chunk files have
        room for. Those in flight already may arrive. To be called in the event loop.
        """
        return self._runtime.slots.pin(number)

    def free_slots(self) -> None:
        """Let their number be found again, as `options` have it, after `set_slots`.

        To be called in the event loop.
        """
        self._runtime.slots.unpin()

    @property
    def slots(self) -> int:
        """How many parts are to be in flight at once, whether S3 can be reached or not."""
        return self._runtime.slots.wanted

    @property
    def is_paused(self) -> bool:
        """Whether no part is begun until `go_on` is called."""
        return self._runtime.slots.is_paused

    def pause(self) -> None:
        """Begin no further part until `go_on` is called; those in flight arrive.

        Nothing is given up meanwhile: the time is not part of any outage. To be called in the
        event loop, as `go_on`.
        """
        if not self._runtime.stopping.is_set():
            self._runtime.slots.pause()
            self._runtime.link.pause()

    def go_on(self) -> None:
        """End a pause."""
        self._end_pause(SlotsReason.CONTINUED)

    def _end_pause(self, reason: SlotsReason) -> None:
        self._runtime.slots.go_on(reason)
        self._runtime.link.go_on()

    def _halt(self) -> None:
        """Begin no further part, and set a deadline for those in flight."""
        if self._runtime.stopping.is_set():
            return
        self._runtime.stopping.set()
        # Who waits for a slot is to hear of it.
        self._end_pause(SlotsReason.STOPPING)
        self._runtime.backlog.release()
        self._deadlines.stop(self._options.stop_grace)

    def _announce(self, event: events.Event) -> None:
        if isinstance(event, _SIGNS_OF_LIFE):
            self._deadlines.moved()
        self._listener(event)

    def _chunk_store(self) -> ChunkStore:
        if self._chunks is None:
            directory = self._options.split_dir or default_split_dir()
            self._chunks = self._stack.enter_context(ChunkStore(directory))
        return self._chunks

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
        if problem := key_problem(uri.key, self._options.limits):
            raise SourceUnsuitable(f"upload {printable(str(path))}: {problem}")
        return Job(path, str(path), uri, FileSource(path, None).fingerprint.size)
