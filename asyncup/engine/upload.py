"""The story of one file, readable top to bottom."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from typing import TypeVar

from asyncup.core.errors import (
    AsyncupError,
    ChecksumUnsupported,
    Interrupted,
    ObjectMismatch,
    PartsMismatch,
    PreconditionFailed,
    RetriesExhausted,
    S3Error,
    SourceChanged,
    UploadMissing,
)
from asyncup.core.events import (
    AttributesDiffer,
    PendingUploadIgnored,
    UploadCompleting,
    UploadRestarted,
)
from asyncup.core.model import (
    JournalRecord,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Proof,
    Receipt,
    Upload,
    UploadResult,
)
from asyncup.core.options import OnChange
from asyncup.core.plan import UploadPlan, make_plan
from asyncup.core.resume import Resumption
from asyncup.core.selection import Stay
from asyncup.engine.abort import abort
from asyncup.engine.completion import check_parts, complete, result_of, settle, verify
from asyncup.engine.create import create
from asyncup.engine.pending import PendingUploads
from asyncup.engine.runtime import Claim, Runtime
from asyncup.engine.single import put_single
from asyncup.engine.source import Source
from asyncup.engine.transfer import Transfer

T = TypeVar("T")

ROUNDS = 5
"""How often a file is looked at anew: one that changes more often is not going to stand still."""


class FileUpload:
    """Takes one file to S3 and proves that it is there.

    Attributes:
        is_journalled: whether the journal may know of uploads to this key.
    """

    def __init__(
        self,
        runtime: Runtime,
        source: Source,
        uri: ObjectURI,
        plan: UploadPlan,
        attributes: ObjectAttributes,
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._uri = uri
        self._plan = plan
        self._attributes = attributes
        self._transfer: Transfer | None = None
        self._upload: Upload | None = None
        self._outdated: Upload | None = None
        self._acknowledged: Mapping[int, Receipt] = {}
        self._attempts = 0
        self._resent = 0
        self._owned: ExitStack | None = None
        self.is_journalled = True

    def own(self) -> None:
        """Be the one owner of the key until this is closed, as all that is done in parts needs it.

        Raises:
            JournalLocked: another run is at work on it.
        """
        if self._owned is None:
            with ExitStack() as taken:
                taken.enter_context(self._runtime.journal.claim(self._uri))
                self._owned = taken.pop_all()

    def close(self) -> None:
        """Let others work on the key."""
        if self._owned is not None:
            self._owned.close()

    @property
    def remaining(self) -> int | None:
        """Bytes that S3 has not acknowledged yet; None for a stream that has not ended."""
        done = 0 if self._transfer is None else self._transfer.acknowledged
        return None if self._plan.size is None else self._plan.size - done

    async def settle(self) -> UploadResult | None:
        """Return what came of an earlier run that was killed while S3 completed this file.

        None if it has to be uploaded, or what is missing of it.
        """
        digest = self._attributes.digest()
        settled = await settle(self._runtime, self._source, self._uri, self._plan, digest)
        if settled is not None:
            pending = PendingUploads(self._runtime, self._uri)
            pending.replaced()
            await pending.forget()
        return settled

    async def run(
        self, claim: Claim, why_it_is_there: Callable[[], Awaitable[Stay | None]]
    ) -> UploadResult:
        """Upload the file, or what is missing of it.

        If S3's side or the file's own changes on the way, it is looked at anew: what fits stays.

        Args:
            claim: this file's share of the backlog.
            why_it_is_there: asked where the upload is gone: another run, elsewhere, may have
                completed it. It says by what the object is shown to be the file, None if it is not.

        Raises:
            AsyncupError: it could not be done; whatever S3 holds by then stays there.
        """
        for number in count(1):
            try:
                return await self._round(claim)
            except Interrupted as error:
                # What waited for a retry does not know how much is left.
                raise self._interrupted() from error
            except (SourceChanged, UploadMissing, PartsMismatch) as error:
                is_gone = isinstance(error, UploadMissing)
                if is_gone and self._source.is_rereadable and (stay := await why_it_is_there()):
                    return unsent(self._uri, self._plan, stay)
                if is_gone and self._upload is not None:
                    # S3 may go on listing parts of it for a while.
                    PendingUploads(self._runtime, self._uri).gone(self._upload)
                if number == ROUNDS or not self._may_go_again(error):
                    raise
                await self._look_again(error)
        raise AssertionError("unreachable")

    async def _round(self, claim: Claim) -> UploadResult:
        if self._plan.is_single:
            return await self._in_one_request(claim)
        # It may have grown since it was looked at first.
        self.own()
        pending = PendingUploads(self._runtime, self._uri)
        found = await pending.choose(
            self._plan, self._source.fingerprint, self._attributes.digest(), self._acknowledged
        )
        if found is not None:
            return await self._in_parts(found.upload, found.resumption, claim)
        self._require_space()
        async with self._runtime.window:
            self._plan = await self._source.settle(self._plan)
        if self._plan.is_single:
            return await self._in_one_request(claim)
        if self._runtime.stopping.is_set():
            raise self._interrupted()
        upload = await create(self._runtime, self._uri, self._attributes)
        return await self._in_parts(upload, Resumption(self._plan), claim)

    async def _in_one_request(self, claim: Claim) -> UploadResult:
        """Send a small file as it is."""
        await self._adopt(None)
        most = self._require_space()
        with self._runtime.slots.at_most(most):
            result = await self._proven(Upload(self._uri, ""), self._put_single(claim))
        if self.is_journalled:
            await PendingUploads(self._runtime, self._uri).forget()
        return result

    async def _put_single(self, claim: Claim) -> UploadResult:
        async with self._runtime.window:
            claim.take()
            return await put_single(
                self._runtime, self._source, self._uri, self._plan, self._attributes
            )

    async def _proven(self, upload: Upload, sending: Awaitable[T]) -> T:
        """Return what comes of making the object; take note if it is not shown to be the file.

        An upload without an ID stands for one request.
        """
        journal = self._runtime.journal
        try:
            result = await sending
        except (ObjectMismatch, ChecksumUnsupported, SourceChanged):
            # The next run is not to take what is there for done, because it has the size.
            if not upload.upload_id:
                self._open_record(upload)
            journal.unproven(upload)
            raise
        if self.is_journalled:
            PendingUploads(self._runtime, self._uri).replaced()
        return result

    def _open_record(self, upload: Upload) -> None:
        self.is_journalled = True
        self._runtime.journal.opened(
            JournalRecord(
                upload=upload,
                source=self._source.name,
                fingerprint=self._source.fingerprint,
                part_size=self._plan.part_size,
                attributes=self._attributes.digest(),
            )
        )

    async def _in_parts(self, upload: Upload, resumption: Resumption, claim: Claim) -> UploadResult:
        """Send what S3 does not hold, compare its list with the plan, complete, prove."""
        runtime, source = self._runtime, self._source
        self._plan = resumption.plan
        self._open_record(upload)
        await self._adopt(upload)
        most = self._require_space()
        transfer = self._transfer = Transfer(runtime, source, upload, resumption)
        with runtime.slots.at_most(most):
            await transfer.run(claim)
        if not transfer.is_complete:
            raise self._interrupted()
        is_stream = self._plan.size is None
        if is_stream:
            self._plan = self._plan.closed_at(transfer.acknowledged)
        if not transfer.receipts:
            # A stream of no bytes, beside what is pending of a longer one.
            return await self._in_one_request(claim)

        receipts = await check_parts(
            runtime, upload, self._plan, transfer.receipts, is_stream=is_stream
        )
        source.check_unchanged()
        runtime.announce(UploadCompleting(self._uri, len(receipts)))
        try:
            stored = await complete(runtime, upload, receipts)
        except PreconditionFailed:
            told = "an object is there by now; asyncup abort deletes the parts"
            runtime.announce(PendingUploadIgnored(self._uri, upload.upload_id, told))
            raise
        parts = [each.checksums for each in receipts]
        verified = await self._proven(
            upload, verify(runtime, source, self._uri, stored, parts, receipts)
        )
        self._compare_attributes(verified[0])
        return replace(
            result_of(source, self._uri, self._plan, verified, parts),
            parts_kept=transfer.kept,
            attempts=self._attempts + transfer.attempts,
            resent=self._resent + transfer.resent,
        )

    def _compare_attributes(self, head: ObjectHead) -> None:
        """Say in what the object is not stored as asked for: its upload was begun otherwise."""
        names = [] if head.attributes is None else head.attributes.differing(self._attributes)
        # Nothing is said about access rules: no answer tells them.
        if names := [name for name in names if name != "acl"]:
            self._runtime.announce(AttributesDiffer(self._uri, names))

    def _require_space(self) -> int | None:
        """Make sure that the disk has room for this file's parts; return for how many slots.

        None is for all: of what needs no disk.
        """
        if self._plan.is_single and self._source.is_held:
            return None
        least, ahead = self._runtime.options.slots.least, self._runtime.options.ahead
        part_size, size = self._plan.part_size, self._plan.size
        window = (least + ahead) * part_size
        room = self._source.require_space(window if size is None else min(window, size))
        if room is None:
            return None
        largest = part_size if size is None else min(part_size, size)
        return max(least, room // max(1, largest) - ahead)

    def _may_go_again(self, error: AsyncupError) -> bool:
        if isinstance(error, SourceChanged):
            return self._runtime.options.on_change is not OnChange.FAIL
        # What was read of a stream is gone.
        return self._source.is_rereadable

    async def _look_again(self, error: AsyncupError) -> None:
        """Take the file as it is now, and its upload as it is, or not at all."""
        transfer, self._transfer = self._transfer, None
        options = self._runtime.options
        if transfer is not None:
            self._attempts += transfer.attempts
            self._resent += transfer.resent
            self._acknowledged = transfer.receipts
        if isinstance(error, SourceChanged):
            self._acknowledged = {}
            self._outdated, self._upload = self._upload, None
            self._plan = make_plan(self._source.refresh(), options.part_size, options.limits)
        plan = self._plan
        parts = None if plan.size is None else plan.count
        self._runtime.announce(
            UploadRestarted(self._source.name, self._uri, plan.size, parts, error)
        )
        if isinstance(error, SourceChanged) and options.on_change is OnChange.RESTART:
            await self._adopt(None)

    async def _adopt(self, upload: Upload | None) -> None:
        """Go on with an upload; that of a file which has changed meanwhile may be of no use."""
        outdated, self._outdated = self._outdated, None
        self._upload = upload
        if outdated is None or (upload is not None and upload.upload_id == outdated.upload_id):
            return
        try:
            await abort(self._runtime, outdated, "the file has changed")
        except (S3Error, RetriesExhausted) as error:
            # It costs money, and no more.
            told = f"it could not be aborted: {error}"
            self._runtime.announce(PendingUploadIgnored(self._uri, outdated.upload_id, told))

    def _interrupted(self) -> Interrupted:
        return Interrupted(f"upload {self._uri}: stopped", remaining=self.remaining)


def unsent(uri: ObjectURI, plan: UploadPlan, stay: Stay | None) -> UploadResult:
    """Return the result for a file of which nothing was sent, or nothing counts."""
    known = None if stay is None else stay.fingerprint
    return UploadResult(
        uri=uri,
        size=plan.size or 0,
        etag="",
        proof=Proof.SIZE if stay is None else stay.proof,
        part_size=plan.part_size,
        parts=0,
        mtime_ns=None if known is None else known.mtime_ns,
        device=None if known is None else known.device,
        inode=None if known is None else known.inode,
        skipped=None if stay is None else stay.reason,
    )
