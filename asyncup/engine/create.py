"""Opening a multipart upload, and what S3 is to check it by."""

from dataclasses import replace

from asyncup.core.errors import ChecksumUnsupported, Fault
from asyncup.core.events import UploadCreated, UploadExpires
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectURI, Upload
from asyncup.core.options import ChecksumPolicy
from asyncup.engine.abort import abort
from asyncup.engine.runtime import Runtime


async def create(runtime: Runtime, uri: ObjectURI, attributes: ObjectAttributes) -> Upload:
    """Open a new upload, with the checksum that was asked for, or the best that S3 takes.

    Raises:
        ChecksumUnsupported: it does not take the one that was asked for.
    """
    policy = runtime.options.checksum
    upload = await _negotiate(runtime, uri, attributes)
    if policy.algorithm not in (None, upload.algorithm):
        await abort(runtime, upload, f"this server does not take {policy.algorithm}")
        raise unsupported(uri, policy.algorithm)
    runtime.announce(UploadCreated(uri, upload.upload_id))
    if upload.abort_date is not None:
        runtime.announce(UploadExpires(uri, upload.upload_id, upload.abort_date))
    return upload


async def _negotiate(runtime: Runtime, uri: ObjectURI, attributes: ObjectAttributes) -> Upload:
    async def create_with(algorithm: ChecksumAlgorithm | None) -> Upload:
        return await runtime.retry(
            lambda _: runtime.gateway.create_multipart_upload(uri, algorithm, attributes), uri
        )

    policy, known = runtime.options.checksum, runtime.hints.of(uri.bucket)
    if policy is ChecksumPolicy.AUTO and known.takes_checksums is False:
        # Asked in vain before. If it checks by one all the same, its answer says so.
        return await create_with(None)
    try:
        return await create_with(policy.for_parts)
    except ChecksumUnsupported as error:
        if policy.algorithm is not None:
            raise unsupported(uri, policy.algorithm, error.fault) from error
    upload = await create_with(None)
    runtime.hints.learn(uri.bucket, replace(known, takes_checksums=False))
    return upload


def unsupported(
    uri: ObjectURI, algorithm: ChecksumAlgorithm | None, fault: Fault | None = None
) -> ChecksumUnsupported:
    """Say that a server does not take the checksum that was asked for."""
    told = fault or Fault(action=f"upload {uri}", operation="CreateMultipartUpload")
    cause = f": {told.message}" if told.message else ""
    message = f"this server does not take {algorithm}{cause}"
    return ChecksumUnsupported(
        replace(told, message=message), hint="leave the choice to --checksum auto"
    )
