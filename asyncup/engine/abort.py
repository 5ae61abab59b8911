"""Deleting a pending upload, until nothing of it is left."""

from asyncup.core.errors import Fault, ServerFault, UploadMissing
from asyncup.core.events import UploadAborted
from asyncup.core.model import Upload
from asyncup.engine.runtime import Runtime


async def abort(runtime: Runtime, upload: Upload, reason: str) -> None:
    """Abort an upload, and again if parts that were on their way then turn up afterwards.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html

    Raises:
        AsyncupError: parts of it are still there.
    """

    async def attempt(_: int) -> None:
        await runtime.gateway.abort_multipart_upload(upload)
        try:
            listing = await runtime.gateway.list_parts(upload)
        except UploadMissing:
            return
        if listing.parts:
            told = f"{len(listing.parts)} parts are still there"
            raise ServerFault(Fault(action=f"abort the upload of {upload.uri}", message=told))

    await runtime.retry(attempt, upload.uri)
    runtime.journal.closed(upload)
    runtime.announce(UploadAborted(upload.uri, upload.upload_id, reason))
