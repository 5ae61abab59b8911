"""A file that fits in one part: one request, and an answer that proves it."""

from dataclasses import replace

from asyncup.core.errors import PreconditionFailed
from asyncup.core.events import PartUploaded
from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    UploadResult,
)
from asyncup.core.object_check import ObjectCheck
from asyncup.core.options import Overwrite
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import is_by_content
from asyncup.edges.chunks import StagedPart
from asyncup.edges.hands import Attempt
from asyncup.engine.completion import result_of, verify
from asyncup.engine.create import unsupported
from asyncup.engine.runtime import Runtime
from asyncup.engine.send import Delivery, send
from asyncup.engine.source import Source


async def put_single(
    runtime: Runtime,
    source: Source,
    uri: ObjectURI,
    plan: UploadPlan,
    attributes: ObjectAttributes,
) -> UploadResult:
    """Send a file as it is and compare what S3 stored with it.

    Raises:
        AsyncupError: it could not be done.
    """
    policy = runtime.options.checksum
    # What was read of a stream cannot be sent once more.
    check = runtime.object_check if source.is_rereadable else ObjectCheck(policy)
    named = check.algorithm
    staged = await source.stage(plan.part(1), check.algorithms)
    if staged is None:
        raise AssertionError("unreachable: there is always a first part")
    try:
        delivery = await _put(runtime, uri, staged, attributes, named)
        if not staged.is_copy:
            source.check_unchanged()
    finally:
        staged.release()
    stored, parts = delivery.answer, [staged.checksums]
    if not check.hear(named, stored, staged.checksums):
        # Nobody has checked it on its way.
        if policy.algorithm is not None or runtime.options.overwrite is Overwrite.NEVER:
            raise unsupported(uri, named)
        return await put_single(runtime, source, uri, plan, attributes)
    runtime.announce(PartUploaded(uri, 1, parts[0].size, stored.etag, delivery.attempts))
    # The answer is about the bytes that arrived; if it does not settle it, more is asked for.
    proof = is_by_content(stored, parts)
    verified = (stored, proof) if proof else await verify(runtime, source, uri, stored, parts)
    result = result_of(source, uri, plan, verified, parts)
    return replace(result, attempts=delivery.attempts, resent=delivery.resent)


async def _put(
    runtime: Runtime,
    uri: ObjectURI,
    staged: StagedPart,
    attributes: ObjectAttributes,
    algorithm: ChecksumAlgorithm | None,
) -> Delivery[ObjectHead]:
    options, gateway = runtime.options, runtime.gateway
    attempts = 0

    async def deliver(attempt: Attempt) -> ObjectHead:
        nonlocal attempts
        attempts += 1
        try:
            return await attempt.put_object(
                uri,
                attributes,
                algorithm=algorithm,
                only_if_absent=options.overwrite is Overwrite.NEVER,
            )
        except PreconditionFailed:
            # An attempt before may have succeeded without an answer.
            head = None
            if attempts > 1:
                head = await runtime.retry(lambda _: gateway.head_object(uri), uri)
            if head is not None and is_by_content(head, [staged.checksums]):
                return head
            raise

    return await send(runtime, uri, staged, deliver)
