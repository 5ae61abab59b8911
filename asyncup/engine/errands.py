"""What is done about one job: it is planned or uploaded, or left, and how it went is told."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from asyncup.core import events
from asyncup.core.aftercare import BytesRead
from asyncup.core.errors import (
    AsyncupError,
    Interrupted,
    ObjectMismatch,
    ObjectMissing,
    ObjectUnproven,
    SourceChanged,
)
from asyncup.core.model import (
    JournalRecord,
    ObjectAttributes,
    ObjectURI,
    Phase,
    UploadResult,
)
from asyncup.core.options import Overwrite
from asyncup.core.plan import UploadPlan, make_plan, request_count
from asyncup.core.selection import Stay, reason_to_leave
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.media_types import content_type
from asyncup.engine.deadlines import Deadlines
from asyncup.engine.existing import Existing
from asyncup.engine.jobs import Job
from asyncup.engine.pending import PendingUploads
from asyncup.engine.proving import FileComparison
from asyncup.engine.runtime import Claim, Runtime
from asyncup.engine.source import Source
from asyncup.engine.stream import StreamSource
from asyncup.engine.upload import FileUpload, unsent


class Errands:
    """Runs jobs, one a call, with what all of them share.

    Args:
        attributes: how the objects are to be stored.
        chunks: opens the chunk files when the first job needs them.
        deadlines: when jobs have to end.
    """

    def __init__(
        self,
        runtime: Runtime,
        attributes: ObjectAttributes,
        chunks: Callable[[], ChunkStore],
        deadlines: Deadlines,
    ) -> None:
        self._runtime = runtime
        self._options = runtime.options
        self._announce = runtime.announce
        self._attributes = attributes
        self._chunks = chunks
        self._existing = Existing(runtime)
        self._uploads: WeakValueDictionary[ObjectURI, FileUpload] = WeakValueDictionary()
        self._deadlines = deadlines
        self._of_kind: dict[str, ObjectAttributes] = {}

    async def look_below(self, prefix: ObjectURI) -> None:
        """List what is below a prefix, to save a request a key.

        Raises:
            Interrupted: it was time to stop.
        """
        if self._options.overwrite is not Overwrite.ALWAYS:
            async with self._deadlines.until_stopped(f"list {prefix}"):
                await self._existing.index(prefix)

    async def plan(self, job: Job, _: Claim) -> UploadResult:
        """Announce how a file would be cut, or why it would be left."""
        return await self._told(job, self._plan(job))

    async def upload(self, job: Job, claim: Claim) -> UploadResult:
        """Upload one file, or leave it, and announce how it went."""
        result = await self._told(job, self._upload(job, claim))
        if result.skipped is None:
            self._announce(events.UploadCompleted(job.name, job.uri, result))
        return result

    async def _told(self, job: Job, doing: Coroutine[Any, Any, UploadResult]) -> UploadResult:
        """Do it, and announce how it went unless it was done."""
        try:
            async with self._deadlines.until_stopped(
                f"upload {job.uri}", lambda: self._remaining(job)
            ):
                result = await doing
        except Interrupted as error:
            self._announce(events.UploadInterrupted(job.name, job.uri, error.remaining))
            raise
        except AsyncupError as error:
            self._announce(events.UploadFailed(job.name, job.uri, error))
            raise
        if result.skipped is not None:
            self._announce(events.FileSkipped(job.name, result.skipped, job.uri, job.size))
        return result

    def _remaining(self, job: Job) -> int | None:
        upload = self._uploads.get(job.uri)
        return job.size if upload is None else upload.remaining

    async def _plan(self, job: Job) -> UploadResult:
        source, size = self._source(job)
        plan = make_plan(size, self._options.part_size, self._options.limits)
        is_begun = _is_begun(self._runtime.journal.find(job.uri), plan)
        may_stay = not is_begun or self._options.overwrite is Overwrite.NEVER
        if may_stay and (stay := await self._reason_to_leave(job, size)):
            return unsent(job.uri, plan, stay)
        if size is not None and not plan.is_single:
            # The part size belongs to the upload.
            pending = PendingUploads(self._runtime, job.uri)
            attributes = self._attributes_of(job).digest()
            found = await pending.choose(plan, source.fingerprint, attributes)
            plan = plan if found is None else found.resumption.plan
        parts, requests = (None, None) if size is None else (plan.count, request_count(plan))
        self._announce(events.FilePlanned(job.name, job.uri, size, plan.part_size, parts, requests))
        return unsent(job.uri, plan, None)

    async def _upload(self, job: Job, claim: Claim) -> UploadResult:
        source, size = self._source(job)
        plan = make_plan(size, self._options.part_size, self._options.limits)
        parts = None if size is None else plan.count
        self._announce(events.FileStarted(job.name, job.uri, size, plan.part_size, parts))
        upload = FileUpload(self._runtime, source, job.uri, plan, self._attributes_of(job))
        with closing(upload), closing(source):
            # A file that goes in one request leaves nothing that two runs could get in a muddle.
            if not plan.is_single:
                upload.own()
            # What was begun is gone on with, also if an object of this size is there: it may be
            # what an earlier run could not show to be the file.
            records = self._runtime.journal.find(job.uri)
            upload.is_journalled = bool(records)
            is_begun = _is_begun(records, plan)
            if is_begun and (settled := await upload.settle()) is not None:
                return settled
            may_stay = not is_begun or self._options.overwrite is Overwrite.NEVER
            if may_stay and (stay := await self._reason_to_leave(job, size)):
                return unsent(job.uri, plan, stay)
            self._uploads[job.uri] = upload
            return await upload.run(claim, lambda: self._why_it_is_there(job))

    async def _why_it_is_there(self, job: Job) -> Stay | None:
        """Say by what an object is the file that another run has put there; None if it is not."""
        policy = self._options.overwrite
        if policy is Overwrite.ALWAYS:
            return None
        if policy is Overwrite.NEVER:
            head = await self._runtime.retry(
                lambda _: self._runtime.gateway.head_object(job.uri), job.uri
            )
            reason = reason_to_leave(job.size, head, policy)
            return Stay(reason) if reason else None
        return await self._reason_by_content(job)

    def _source(self, job: Job) -> tuple[Source, int | None]:
        if isinstance(job.source, Path):
            chunks = None if self._options.direct else self._chunks()
            file = self._runtime.open_file(job.source, chunks)
            return file, file.fingerprint.size
        return StreamSource(job.source, job.name, self._chunks()), None

    def _attributes_of(self, job: Job) -> ObjectAttributes:
        if self._attributes.content_type is not None:
            return self._attributes
        kind = content_type(job.uri.key)
        # Files of the same kind share theirs: to make others for each is slow.
        if kind not in self._of_kind:
            self._of_kind[kind] = replace(self._attributes, content_type=kind)
        return self._of_kind[kind]

    async def _reason_to_leave(self, job: Job, size: int | None) -> Stay | None:
        policy = self._options.overwrite
        if policy is Overwrite.ALWAYS or (policy is not Overwrite.NEVER and size is None):
            return None
        head = await self._existing.head(job.uri, anew=job.is_changed)
        reason = reason_to_leave(size, head, policy)
        is_by_content = policy is Overwrite.CHECKSUM or (
            policy is Overwrite.SIZE and job.is_changed
        )
        if reason is None or not is_by_content:
            return Stay(reason) if reason else None
        return await self._reason_by_content(job)

    async def _reason_by_content(self, job: Job) -> Stay | None:
        """Say by what an object of the same size is shown to be the file; None if it is not.

        A file that changes meanwhile is not: what becomes of it, its upload decides.
        """
        if not isinstance(job.source, Path):
            return None
        read = 0

        def moved(count: int) -> None:
            nonlocal read
            read += count
            self._announce(BytesRead(job.uri, count, may_be_sent=True))

        likely = [make_plan(job.size, self._options.part_size, self._options.limits).part_size]
        comparison = FileComparison(self._runtime, job.source, job.uri, likely=likely, moved=moved)
        try:
            proof = await comparison.prove()
        except (ObjectMissing, ObjectMismatch, ObjectUnproven, SourceChanged):
            return None
        finally:
            moved(-read)
        return Stay(f"S3 already holds it, proven by {proof}", proof, comparison.fingerprint)


def _is_begun(records: Sequence[JournalRecord], plan: UploadPlan) -> bool:
    """Return whether an earlier run has left something that is not known to be the file."""
    phases = {record.phase for record in records}
    return Phase.UNPROVEN in phases or (bool(phases) and not plan.is_single)
