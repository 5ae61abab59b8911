"""The story of one file, readable top to bottom."""

from dataclasses import dataclass

from asyncup.core.errors import ChecksumUnsupported, Interrupted, UploadMissing
from asyncup.core.events import (
    PartUploaded,
    PendingUploadIgnored,
    UploadCompleting,
    UploadCreated,
    UploadResumed,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectURI,
    Proof,
    Upload,
    UploadResult,
)
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import prove
from asyncup.core.resume import Resumption, Unusable, known_algorithm, match_upload
from asyncup.edges.chunks import StagedPart
from asyncup.engine.completion import BY_CONTENT, check_parts, complete, verify
from asyncup.engine.runtime import Claim, Runtime
from asyncup.engine.send import send
from asyncup.engine.source import Source
from asyncup.engine.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Opened:
    """An upload at S3 that this file goes on with."""

    upload: Upload
    resumption: Resumption


class FileUpload:
    """Takes one file to S3 and proves that it is there."""

    def __init__(
        self,
        runtime: Runtime,
        source: Source,
        uri: ObjectURI,
        plan: UploadPlan,
        attributes: ObjectAttributes,
    ) -> None:
        self._runtime = runtime
        self._gateway = runtime.gateway
        self._source = source
        self._uri = uri
        self._plan = plan
        self._attributes = attributes
        self._transfer: Transfer | None = None

    @property
    def remaining(self) -> int | None:
        """Bytes that S3 has not acknowledged yet; None for a stream that has not ended."""
        done = 0 if self._transfer is None else self._transfer.acknowledged
        return None if self._plan.size is None else self._plan.size - done

    async def run(self, claim: Claim) -> UploadResult:
        """Upload the file, or what is missing of it.

        Raises:
            AsyncupError: it could not be done; whatever S3 holds by then stays there.
        """
        if self._plan.is_single:
            return await self._in_one_request(claim)
        opened = await self._find_pending()
        if opened is None:
            self._plan = await self._source.settle(self._plan)
            if self._plan.is_single:
                return await self._in_one_request(claim)
            self._stop_if_asked()
            opened = Opened(await self._create(), Resumption(self._plan, {}))
        return await self._in_parts(opened, claim)

    async def _in_one_request(self, claim: Claim) -> UploadResult:
        """Send a small file as it is."""
        async with self._runtime.window:
            claim.take()
            staged = await self._source.stage(self._plan.part(1), {ChecksumAlgorithm.MD5})
            if staged is None:
                raise AssertionError("unreachable: there is always a first part")
            try:
                return await self._put(staged)
            finally:
                staged.release()

    async def _put(self, staged: StagedPart) -> UploadResult:
        runtime, uri, checksums = self._runtime, self._uri, staged.checksums
        async with runtime.slots:
            self._stop_if_asked()
            delivery = await send(
                runtime,
                uri,
                staged,
                lambda body: self._gateway.put_object(uri, body, checksums, self._attributes),
            )
        stored = delivery.answer
        runtime.announce(PartUploaded(uri, 1, checksums.size, stored.etag, delivery.attempts))
        proof = prove(stored, [checksums])
        if not isinstance(proof, Proof) or proof not in BY_CONTENT:
            # The answer is about the bytes that arrived; if it does not settle it, ask for more.
            proof = await verify(runtime, uri, stored, [checksums])
        return UploadResult(
            uri=uri,
            size=checksums.size,
            etag=stored.etag,
            proof=proof,
            version_id=stored.version_id,
            part_size=self._plan.part_size,
            parts=1,
            attempts=delivery.attempts,
            resent=delivery.resent,
        )

    async def _find_pending(self) -> Opened | None:
        """Find the newest pending upload for this key that can become this file."""
        runtime = self._runtime
        pending = await runtime.retry(
            lambda _: self._gateway.list_multipart_uploads(self._uri), self._uri
        )
        found: Opened | None = None
        for upload in pending:
            if found is None:
                found = await self._match(upload)
            else:
                self._ignore(upload, "a newer one is resumed")
        return found

    async def _match(self, upload: Upload) -> Opened | None:
        """Take up a pending upload if its parts are parts of this file."""
        try:
            listed = await self._runtime.retry(
                lambda _: self._gateway.list_parts(upload), self._uri
            )
        except UploadMissing:
            return None
        match = match_upload(self._plan.size, listed, self._plan, self._runtime.options.limits)
        if isinstance(match, Unusable):
            self._ignore(upload, match.reason)
            return None
        self._plan = match.plan
        self._runtime.announce(
            UploadResumed(
                self._uri,
                upload.upload_id,
                match.plan.part_size,
                None if match.plan.size is None else match.plan.count,
                len(listed),
                upload.initiated,
            )
        )
        return Opened(known_algorithm(upload, listed), match)

    def _ignore(self, upload: Upload, reason: str) -> None:
        self._runtime.announce(PendingUploadIgnored(self._uri, upload.upload_id, reason))

    async def _create(self) -> Upload:
        """Open a new upload, with the checksum that proves the whole object if S3 takes it."""
        try:
            upload = await self._create_with(ChecksumAlgorithm.CRC64NVME)
        except ChecksumUnsupported:
            upload = await self._create_with(None)
        self._runtime.announce(UploadCreated(self._uri, upload.upload_id))
        return upload

    async def _create_with(self, algorithm: ChecksumAlgorithm | None) -> Upload:
        return await self._runtime.retry(
            lambda _: self._gateway.create_multipart_upload(self._uri, algorithm, self._attributes),
            self._uri,
        )

    async def _in_parts(self, opened: Opened, claim: Claim) -> UploadResult:
        """Send what S3 does not hold, compare its list with the plan, complete, prove."""
        runtime, uri, upload = self._runtime, self._uri, opened.upload
        transfer = Transfer(runtime, self._source, upload, opened.resumption)
        self._transfer = transfer
        await transfer.run(claim)
        if not transfer.is_complete:
            self._stop_if_asked()
        if self._plan.size is None:
            self._plan = self._plan.closed_at(transfer.acknowledged)
        receipts = [transfer.receipts[number] for number in sorted(transfer.receipts)]

        await check_parts(runtime, upload, self._plan, receipts)
        self._source.check_unchanged()
        runtime.announce(UploadCompleting(uri, len(receipts)))
        stored = await complete(runtime, upload, receipts)
        proof = await verify(runtime, uri, stored, [each.checksums for each in receipts])
        return UploadResult(
            uri=uri,
            size=transfer.acknowledged,
            etag=stored.etag,
            proof=proof,
            version_id=stored.version_id,
            part_size=self._plan.part_size,
            parts=len(receipts),
            parts_kept=transfer.kept,
            attempts=transfer.attempts,
            resent=transfer.resent,
        )

    def _stop_if_asked(self) -> None:
        if self._runtime.stopping.is_set():
            raise Interrupted(f"upload {self._uri}: stopped", remaining=self.remaining)
