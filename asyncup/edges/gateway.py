"""What the engine needs of S3: its verbs, under their own names, over asyncup's nouns."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectListing,
    ObjectURI,
    PartListing,
    Receipt,
    Upload,
)
from asyncup.edges.body import PartBody


class Gateway(Protocol):
    """The S3 verbs. Each is one attempt: it succeeds, or raises an S3Error that says what is up.

    ETags come without their quotes. Whoever implements this passes the contract tests.
    """

    @property
    def endpoint(self) -> str:
        """The URL of the server, to tell one from another."""

    async def probe(self, uri: ObjectURI) -> None:
        """Ask S3 for next to nothing, to learn whether it can be reached: fine if it answers.

        That access is denied or there is no such bucket is an answer as well.

        Raises:
            S3Error: it does not answer, answers that it cannot now, or does not know (any more)
                who asks.
        """

    async def renew_credentials(self) -> bool:
        """Read the chain of credentials again; whether it gives other ones than it did."""

    async def head_object(
        self, uri: ObjectURI, *, part_number: int | None = None, version_id: str | None = None
    ) -> ObjectHead | None:
        """Return what S3 holds under this key, None if nothing; or one part or version of it."""

    def get_object(self, uri: ObjectURI) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open an object and give its bytes, in blocks.

        Raises:
            ObjectMissing: there is no such object.
        """

    async def list_objects(self, prefix: ObjectURI, limit: int) -> ObjectListing:
        """Return the first `limit` objects by key."""

    async def put_object(
        self,
        uri: ObjectURI,
        body: PartBody,
        checksums: Checksums,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        """Store an object in one request, checked by an algorithm, or the MD5 if it is known.

        Raises:
            PreconditionFailed: there is one already, and it was not to be replaced.
        """

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
        """Send a part and return its ETag; it is checked as in `put_object`."""

    async def list_multipart_uploads(
        self, uri: ObjectURI, *, below: bool = False
    ) -> Sequence[Upload]:
        """Return the pending uploads for exactly this key, or all `below` it; newest first."""

    async def list_parts(self, upload: Upload) -> PartListing:
        """Return all parts that S3 holds of an upload.

        Raises:
            UploadMissing: there is no such upload (any more).
        """

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        """Make the object of these parts; what it tells of the object may lack checksums.

        Raises:
            UploadMissing: there is no such upload (any more).
            PreconditionFailed: there is an object already, and it was not to be replaced.
            PartsMismatch: S3 does not hold these parts.
            PartTooSmall: this server makes no object of parts of this size.
        """

    async def abort_multipart_upload(self, upload: Upload) -> None:
        """Delete an upload and its parts; fine if there is none."""
