"""From parts at S3 to an object that was compared with its file.

Completing is asked for only when S3's own list of parts is what was planned and acknowledged,
and believed only when the object itself says so.
"""

from collections.abc import Sequence

from asyncup.core.errors import Fault, ObjectMismatch, PartsMismatch, ServerFault, UploadMissing
from asyncup.core.model import Checksums, ObjectHead, ObjectURI, Proof, Receipt, Upload
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import parts_mismatch, prove
from asyncup.engine.runtime import Runtime

BY_CONTENT = {Proof.CRC64NVME, Proof.ETAG}
"""The proofs that no other object of the same size would pass."""


async def check_parts(
    runtime: Runtime, upload: Upload, plan: UploadPlan, receipts: Sequence[Receipt]
) -> None:
    """List the parts once more and compare them with the plan.

    Raises:
        PartsMismatch: S3 holds something else; completing would make a wrong object.
    """

    async def list_parts(_: int) -> str | None:
        listed = await runtime.gateway.list_parts(upload)
        return parts_mismatch(plan, {each.part.number: each for each in receipts}, listed)

    if problem := await runtime.retry(list_parts, upload.uri):
        raise PartsMismatch(
            Fault(action=f"complete {upload.uri}", message=problem),
            hint=f"nothing was completed; upload {upload.upload_id} stays as it is. Run again: "
            "parts that do not fit go again",
        )


async def complete(runtime: Runtime, upload: Upload, receipts: Sequence[Receipt]) -> ObjectHead:
    """Ask S3 to make the object, and find out what became of it where the answer was lost.

    Raises:
        UploadMissing: the upload is gone and the object is not there, or not shown to be this one.
    """

    async def attempt(_: int) -> ObjectHead:
        return await runtime.gateway.complete_multipart_upload(upload, receipts)

    try:
        return await runtime.retry(attempt, upload.uri)
    except UploadMissing:
        # An attempt before may have succeeded without an answer. A size alone is no evidence:
        # an older object can have it, too.
        head = await _head(runtime, upload.uri)
        if head is not None and prove(head, [each.checksums for each in receipts]) in BY_CONTENT:
            return head
        raise


async def verify(
    runtime: Runtime, uri: ObjectURI, stored: ObjectHead, parts: Sequence[Checksums]
) -> Proof:
    """Compare the object with the parts of its file, by the best means this server offers.

    `stored` is what S3 answered when the object was made.

    Raises:
        ObjectMismatch: the object is not the file.
    """
    head = await _head(runtime, uri, must_exist=True)
    if head is None:
        raise AssertionError("unreachable")
    if stored.etag and head.etag != stored.etag:
        raise _mismatch(uri, f"another object took its place (ETag {head.etag})")
    proof = prove(head, parts)
    if not isinstance(proof, Proof):
        raise _mismatch(uri, proof)
    return proof


async def _head(runtime: Runtime, uri: ObjectURI, *, must_exist: bool = False) -> ObjectHead | None:
    async def attempt(_: int) -> ObjectHead | None:
        head = await runtime.gateway.head_object(uri)
        if head is None and must_exist:
            # Stores that are only eventually consistent show a new object a little later.
            raise ServerFault(Fault(action=f"look at {uri}", message="not there yet"))
        return head

    return await runtime.retry(attempt, uri)


def _mismatch(uri: ObjectURI, problem: str) -> ObjectMismatch:
    return ObjectMismatch(
        Fault(action=f"check {uri}", message=problem),
        hint="do not rely on this object; upload again with --overwrite always",
    )
