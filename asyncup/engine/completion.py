"""From parts at S3 to an object that was compared with its file.

Completing is asked for only when S3's own list of parts is what was planned and acknowledged,
and believed only when the object itself says so.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from asyncup.core.arbiter import Outcome, arbitrate
from asyncup.core.checksums import combine_crc64nvme, to_base64
from asyncup.core.errors import (
    AccessDenied,
    Fault,
    ObjectMismatch,
    PartsMismatch,
    PartTooSmall,
    PreconditionFailed,
    S3Error,
    ServerFault,
    UploadMissing,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    JournalRecord,
    ObjectHead,
    ObjectURI,
    Part,
    Phase,
    Proof,
    Receipt,
    Upload,
    UploadResult,
)
from asyncup.core.options import Overwrite
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import compare_parts, etag_of, is_by_content, prove
from asyncup.core.resume import trusted_receipts
from asyncup.core.sizes import format_size
from asyncup.engine.readback import read_back
from asyncup.engine.runtime import Runtime
from asyncup.engine.source import Source


async def check_parts(
    runtime: Runtime,
    upload: Upload,
    plan: UploadPlan,
    receipts: Mapping[int, Receipt],
    *,
    is_stream: bool,
) -> Sequence[Receipt]:
    """List the parts once more, compare them with the plan, and return what to complete with.

    Raises:
        PartsMismatch: S3 holds something else; completing would make a wrong object.
    """
    listing = await runtime.retry(lambda _: runtime.gateway.list_parts(upload), upload.uri)
    compared = compare_parts(plan, receipts, listing.parts, is_stream=is_stream)
    if not isinstance(compared, str):
        return compared
    raise PartsMismatch(
        Fault(action=f"complete {upload.uri}", message=compared),
        hint=f"nothing was completed; upload {upload.upload_id} stays as it is. Run again: "
        "parts that do not fit go again",
    )


async def complete(runtime: Runtime, upload: Upload, receipts: Sequence[Receipt]) -> ObjectHead:
    """Ask S3 to make the object, and find out what became of it where the answer was lost.

    Raises:
        UploadMissing: the upload is gone and the object is not there, or not shown to be this one.
        PreconditionFailed: another object is there, and was not to be replaced.
        PartTooSmall: this server makes no object of such parts, however often it is asked.
    """
    before = await _head(runtime, upload.uri)
    replaces = before.etag if before is not None else ""
    runtime.journal.completing(upload, replaces)
    parts = [receipt.checksums for receipt in receipts]
    may_be_done = False

    async def attempt(_: int) -> ObjectHead:
        nonlocal may_be_done
        try:
            # Asked twice, S3 makes the object once.
            return await runtime.gateway.complete_multipart_upload(
                upload, receipts, only_if_absent=runtime.options.overwrite is Overwrite.NEVER
            )
        except (UploadMissing, PreconditionFailed) as error:
            # An attempt before may have succeeded without an answer; and where the upload is gone,
            # another run may have completed it.
            if may_be_done or isinstance(error, UploadMissing):
                head = await _head(runtime, upload.uri)
                if head is not None and is_by_content(head, parts):
                    return head
            made = await find_out(runtime, upload, receipts, replaces) if may_be_done else None
            if made is not None:
                return made
            raise
        except S3Error as error:
            may_be_done = may_be_done or error.transient
            raise

    try:
        return await runtime.retry(attempt, upload.uri)
    except PartTooSmall as error:
        raise PartTooSmall(error.fault, hint=_larger(upload, receipts[0].part.size)) from error


def _larger(upload: Upload, part_size: int) -> str:
    """Say how to get away from parts that are too small: a pending upload keeps its part size."""
    abort = shlex.join(["asyncup", "abort", str(upload.uri), "--upload-id", upload.upload_id])
    return (
        f"this server wants larger parts than {format_size(part_size)}: delete these with "
        f"{abort}, then put the file with a larger --part-size"
    )


async def find_out(
    runtime: Runtime, upload: Upload, receipts: Sequence[Receipt], replaces: str
) -> ObjectHead | None:
    """Ask S3 what became of a request to complete; None if it is to be made again.

    Raises:
        UploadMissing: neither the upload nor the object is there.
    """
    gone: UploadMissing | None = None
    try:
        await runtime.retry(lambda _: runtime.gateway.list_parts(upload), upload.uri)
    except UploadMissing as error:
        gone = error
    head = await _head(runtime, upload.uri)
    outcome = arbitrate(upload, receipts, head, is_pending=gone is None, replaces=replaces)
    if outcome is Outcome.READ_BACK:
        whole = combine_crc64nvme([receipt.checksums for receipt in receipts])
        same = await read_back(runtime, upload.uri) == whole
        outcome = Outcome.DONE if same else Outcome.START_OVER
    if outcome is Outcome.DONE:
        return head
    if gone is not None:
        raise gone
    return None


async def settle(
    runtime: Runtime, source: Source, uri: ObjectURI, plan: UploadPlan, attributes: str
) -> UploadResult | None:
    """Find out what became of a request to complete that an earlier run was killed over.

    None if there was none, it did not succeed, or the file or the attributes that are wanted for
    its object (as their digest) are others by now.
    """
    for record in runtime.journal.find(uri):
        if record.phase is not Phase.COMPLETING:
            continue
        known = trusted_receipts(record, source.fingerprint)
        receipts = [known[number] for number in sorted(known)]
        parts = [each.checksums for each in receipts]
        is_the_same = record.attributes == attributes
        if is_the_same and sum(part.size for part in parts) == plan.size:
            verified = await _find_out_after_all(runtime, source, record, receipts)
            if verified is not None:
                runtime.journal.closed(record.upload)
                its_plan = UploadPlan(plan.size, record.part_size)
                result = result_of(source, uri, its_plan, verified, parts)
                return replace(result, parts_kept=len(parts))
    return None


async def _find_out_after_all(
    runtime: Runtime, source: Source, record: JournalRecord, receipts: Sequence[Receipt]
) -> tuple[ObjectHead, Proof] | None:
    upload, parts = record.upload, [each.checksums for each in receipts]
    try:
        head = await find_out(runtime, upload, receipts, record.replaces)
        if head is not None:
            return await verify(runtime, source, upload.uri, head, parts, receipts)
    except (UploadMissing, ObjectMismatch):
        runtime.journal.unproven(upload)
    return None


def result_of(
    source: Source,
    uri: ObjectURI,
    plan: UploadPlan,
    verified: tuple[ObjectHead, Proof],
    parts: Sequence[Checksums],
) -> UploadResult:
    """Say what S3 holds now."""
    fingerprint = source.fingerprint
    stored, proof = verified
    return UploadResult(
        uri=uri,
        size=sum(part.size for part in parts),
        etag=stored.etag,
        proof=proof,
        version_id=stored.version_id,
        part_size=plan.part_size,
        parts=len(parts),
        checksum=to_base64(combine_crc64nvme(parts)),
        mtime_ns=None if fingerprint is None else fingerprint.mtime_ns,
        device=None if fingerprint is None else fingerprint.device,
        inode=None if fingerprint is None else fingerprint.inode,
    )


async def _head(runtime: Runtime, uri: ObjectURI) -> ObjectHead | None:
    return await runtime.retry(lambda _: runtime.gateway.head_object(uri), uri)


async def verify(
    runtime: Runtime,
    source: Source,
    uri: ObjectURI,
    stored: ObjectHead,
    parts: Sequence[Checksums],
    receipts: Sequence[Receipt] = (),
) -> tuple[ObjectHead, Proof]:
    """Compare the object with the parts of its file, by the best means this server offers.

    Args:
        runtime: the tools.
        source: what was uploaded.
        uri: the object.
        stored: what S3 answered when it was made; of versions, its own is looked at.
        parts: what was computed over the source.
        receipts: what S3 acknowledged of it, if it went in parts.

    Raises:
        ObjectMismatch: the object is not the file.
    """
    head = await runtime.retry(lambda _: _look_at(runtime, uri, stored.version_id), uri)
    proof = prove(head, parts)
    if not isinstance(proof, Proof):
        raise _mismatch(uri, proof)
    if stored.etag in ("", head.etag) or proof.is_by_content:
        return head, proof
    # Either another object took its place, or this is one of the servers that name an object
    # otherwise ever after than in their answer to complete.
    if is_by_content(stored, parts) or stored.etag == etag_of(receipts):
        shown = await _by_reading(runtime, source, uri, head, parts)
        if shown is not None:
            return head, shown
    raise _mismatch(uri, f"another object took its place (ETag {head.etag})")


async def _look_at(runtime: Runtime, uri: ObjectURI, version_id: str | None) -> ObjectHead:
    try:
        head = await runtime.gateway.head_object(uri, version_id=version_id)
    except AccessDenied:
        if version_id is None:
            raise
        # That takes another permission; mostly, the version is the newest one all the same.
        head = await runtime.gateway.head_object(uri)
    if head is None:
        # Stores that are only eventually consistent show a new object a little later.
        raise ServerFault(Fault(action=f"look at {uri}", message="not there yet"))
    return head


async def _by_reading(
    runtime: Runtime,
    source: Source,
    uri: ObjectURI,
    head: ObjectHead,
    parts: Sequence[Checksums],
) -> Proof | None:
    """Show that an object is the file by reading one of them again; a file is nearer."""
    if source.is_rereadable:
        whole = Part(1, 0, sum(part.size for part in parts))
        return is_by_content(head, [await source.checksums(whole, {ChecksumAlgorithm.MD5})])
    same = await read_back(runtime, uri) == combine_crc64nvme(parts)
    return Proof.DOWNLOAD if same else None


def _mismatch(uri: ObjectURI, problem: str) -> ObjectMismatch:
    return ObjectMismatch(
        Fault(action=f"check {uri}", message=problem),
        hint="do not rely on this object; upload again with --overwrite always",
    )
