"""What the engine needs of S3: its verbs, under their own names, over asyncup's nouns."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Receipt,
    Upload,
)
from asyncup.edges.body import PartBody


class Gateway(Protocol):
    """The S3 verbs. Each is one attempt: it succeeds, or raises an S3Error that says what is up.

    ETags come without their quotes. Whoever implements this passes the contract tests.
    """

    async def head_object(self, uri: ObjectURI) -> ObjectHead | None:
        """Return what S3 holds under this key, None if nothing."""

    async def list_objects(
        self, prefix: ObjectURI, limit: int
    ) -> tuple[Mapping[str, ObjectHead], bool]:
        """Return the first `limit` objects by key, and whether these are all there are."""

    async def put_object(
        self, uri: ObjectURI, body: PartBody, checksums: Checksums, attributes: ObjectAttributes
    ) -> ObjectHead:
        """Store an object in one request; `checksums` has the MD5."""

    async def create_multipart_upload(
        self, uri: ObjectURI, algorithm: ChecksumAlgorithm | None, attributes: ObjectAttributes
    ) -> Upload:
        """Open an upload; its `algorithm` is the one asked for only if the server takes it.

        Raises:
            ChecksumUnsupported: the server refuses to hear of checksums.
        """

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        """Send a part and return its ETag; `checksums` has the upload's algorithm, or the MD5."""

    async def list_multipart_uploads(self, uri: ObjectURI) -> Sequence[Upload]:
        """Return the pending uploads for exactly this key, the newest first."""

    async def list_parts(self, upload: Upload) -> Sequence[ListedPart]:
        """Return all parts that S3 holds of an upload.

        Raises:
            UploadMissing: there is no such upload (any more).
        """

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt]
    ) -> ObjectHead:
        """Make the object of these parts; what it tells of the object may lack checksums.

        Raises:
            UploadMissing: there is no such upload (any more).
            PartsMismatch: S3 does not hold these parts.
        """

    async def abort_multipart_upload(self, upload: Upload) -> None:
        """Delete an upload and its parts; fine if there is none."""
