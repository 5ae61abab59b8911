"""The S3 verbs over aioboto3: one attempt each, errors in our words, nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from asyncup.core.errors import (
    CertificateRejected,
    ChecksumUnsupported,
    ClockCorrected,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRejected,
    Fault,
    ObjectMissing,
    S3Error,
    UploadMissing,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectAttributes,
    ObjectHead,
    ObjectListing,
    ObjectURI,
    PartListing,
    Receipt,
    Upload,
)
from asyncup.core.options import Options, S3Config
from asyncup.edges import s3_wire
from asyncup.edges.body import PartBody
from asyncup.edges.s3_client import open_client
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_foreign import foreign_answer
from asyncup.edges.s3_request import Requests, readable
from asyncup.edges.s3_signatory import Signatory

PAGE = 1000
"""Entries a list may have at most, by the S3 API; some servers break when asked for more."""

PROBE_TIMEOUT = 5.0
"""Seconds to wait for the answer to a probe, at most: it is small, and another one follows.

Long enough for TCP to try twice more to connect (RFC 6298), too short for it to rest long.
"""

_UNREACHABLE = (CredentialsExpired, CredentialsMissing, CredentialsRejected, CertificateRejected)
"""What is no way to S3, beside what is transient."""

_MISSING = {"404", "NoSuchKey", "NotFound"}

_FULL_OBJECT = {ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.CRC32C, ChecksumAlgorithm.CRC32}
"""Checksums that S3 can keep of an object of parts as a whole."""

_REFUSES_CHECKSUMS = {"NotImplemented", "InvalidArgument", "InvalidRequest", "501"}


@asynccontextmanager
async def open_s3(
    config: S3Config, options: Options, *, agent: str, signatory: Signatory | None = None
) -> AsyncIterator["S3"]:
    """Open the gateway to one S3; `signatory` is what its requests are signed by.

    Raises:
        UsageError: the configuration names things that are not there.
        S3Error: the credentials are no good, or not to be had.
    """
    by, connections = signatory or Signatory(CredentialChain(config)), connections_for(options)
    async with open_client(config, connections=connections, agent=agent, chain=by.chain) as client:
        yield S3(client, options, chain=by.chain, clock=by.clock)


def connections_for(options: Options) -> int:
    """Return how many connections there may be.

    Beside the parts in flight, as many files may be asked about, begun or completed.
    """
    return 2 * options.slots.most + 2


class S3:
    """The gateway (`asyncup.edges.gateway.Gateway`) to a real S3.

    `page` is the number of entries to ask for at once in lists, `chain` what gives the client its
    credentials, `clock` the time to sign by.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - made at run time
        options: Options,
        *,
        page: int = PAGE,
        chain: CredentialChain | None = None,
        clock: SigningClock | None = None,
    ) -> None:
        self.endpoint = str(client.meta.endpoint_url)
        self._requests = Requests(
            client, options.stall_timeout, connections_for(options), clock or SigningClock(), chain
        )
        self._chain = chain
        self._probe_timeout = min(options.stall_timeout, PROBE_TIMEOUT)
        self._complete_timeout = options.complete_timeout
        self._page = page

    async def probe(self, uri: ObjectURI) -> None:
        """Ask S3 for next to nothing, to learn whether it can be reached: fine if it answers.

        Raises:
            S3Error: it does not answer, answers that it cannot now, or does not know (any more)
                who asks.
        """
        try:
            await self._probe(uri)
        except ClockCorrected:
            await self._probe(uri)

    async def _probe(self, uri: ObjectURI) -> None:
        # Not HeadObject: its errors have no body, so they do not say what is wrong.
        fault = _fault("ListObjectsV2", f"reach {uri}")
        try:
            await self._requests.ask_patiently(
                fault, self._probe_timeout, Bucket=uri.bucket, Prefix=uri.key, MaxKeys=1
            )
        except S3Error as error:
            if error.transient or isinstance(error, _UNREACHABLE):
                raise

    async def renew_credentials(self) -> bool:
        """Read the chain of credentials again; whether it gives other ones than it did.

        Keys that were given by name are no chain. What cannot be read changes nothing.
        """
        return self._chain is not None and await self._chain.renew()

    def send_at_once(self) -> None:
        """Send bodies without asking whether they are welcome: this server does not answer that."""
        self._requests.waits_for_continue = False

    async def head_object(
        self, uri: ObjectURI, *, part_number: int | None = None, version_id: str | None = None
    ) -> ObjectHead | None:
        """Return what S3 holds under this key, None if nothing; or one part or version of it."""
        fault = _fault("HeadObject", f"look at {uri}")
        of_it = {"PartNumber": part_number, "VersionId": version_id}
        which = {name: value for name, value in of_it.items() if value is not None}
        try:
            answer = await self._requests.ask(
                fault, **s3_wire.place(uri), **which, ChecksumMode="ENABLED"
            )
        except S3Error as error:
            if error.fault.code in _MISSING:
                return None
            raise
        if "ContentLength" not in answer:
            raise foreign_answer(fault)
        with readable(fault):
            return s3_wire.read_head(answer, size=int(answer["ContentLength"]))

    async def list_objects(self, prefix: ObjectURI, limit: int) -> ObjectListing:
        """Return the first `limit` objects by key."""
        fault = _fault("ListObjectsV2", f"list {prefix}")
        heads: list[tuple[str, ObjectHead]] = []
        after: dict[str, str] = {}
        while True:
            answer = await self._requests.ask(
                fault,
                Bucket=prefix.bucket,
                Prefix=prefix.key,
                MaxKeys=min(self._page, limit - len(heads)),
                # Asked for by us, so that it is not undone before we can see it.
                EncodingType="url",
                **after,
            )
            with readable(fault):
                heads += [
                    (item["Key"], s3_wire.read_head(item, size=int(item["Size"])))
                    for item in answer.get("Contents", ())
                ]
            before, after = after, {"ContinuationToken": answer.get("NextContinuationToken", "")}
            is_whole = not answer.get("IsTruncated")
            if is_whole or len(heads) >= limit or after in (before, {"ContinuationToken": ""}):
                return s3_wire.read_listing(answer, prefix.key, heads, is_whole=is_whole)

    @asynccontextmanager
    async def get_object(self, uri: ObjectURI) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an object and give its bytes, in blocks.

        Raises:
            ObjectMissing: there is no such object.
        """
        fault = _fault("GetObject", f"read {uri}")
        try:
            answer = await self._requests.ask(fault, **s3_wire.place(uri))
        except S3Error as error:
            if error.fault.code in _MISSING:
                raise ObjectMissing(error.fault) from error
            raise
        async with answer["Body"]:
            yield self._requests.blocks(fault, answer["Body"])

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

        Content-MD5 is the one check that nearly every server makes (and AWS adds a CRC64NVME to
        the object by itself).

        Raises:
            PreconditionFailed: there is one already, and it was not to be replaced.
        """
        fault = _fault("PutObject", f"upload {uri}")
        answer = await self._requests.send(
            fault,
            body,
            **s3_wire.place(uri),
            **s3_wire.checksum_headers(algorithm, checksums),
            **s3_wire.attribute_headers(attributes),
            **s3_wire.condition(only_if_absent=only_if_absent),
        )
        return s3_wire.read_head(answer, size=checksums.size)

    async def create_multipart_upload(
        self, uri: ObjectURI, algorithm: ChecksumAlgorithm | None, attributes: ObjectAttributes
    ) -> Upload:
        """Open an upload; its `algorithm` is the one asked for only if the server takes it.

        Raises:
            ChecksumUnsupported: the server refuses to hear of checksums.
        """
        fault = _fault("CreateMultipartUpload", f"create a multipart upload for {uri}")
        wish = {}
        if algorithm is not None:
            wish["ChecksumAlgorithm"] = algorithm.value
        if algorithm in _FULL_OBJECT:
            wish["ChecksumType"] = "FULL_OBJECT"
        try:
            answer = await self._requests.ask(
                fault, **s3_wire.place(uri), **wish, **s3_wire.attribute_headers(attributes)
            )
        except S3Error as error:
            if wish and error.fault.code in _REFUSES_CHECKSUMS:
                raise ChecksumUnsupported(error.fault) from error
            raise
        with readable(fault):
            return s3_wire.read_upload(uri, answer)

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        """Send a part and return its ETag; it is checked as in `put_object`."""
        fault = _fault("UploadPart", f"upload part {number} of {upload.uri}")
        answer = await self._requests.send(
            fault,
            body,
            **_of(upload),
            PartNumber=number,
            **s3_wire.checksum_headers(upload.algorithm, checksums),
        )
        return s3_wire.read_etag(answer)

    async def list_multipart_uploads(
        self, uri: ObjectURI, *, below: bool = False
    ) -> Sequence[Upload]:
        """Return the pending uploads for exactly this key, or all `below` it; newest first."""
        fault = _fault("ListMultipartUploads", f"list pending uploads of {uri}")
        where = {"Bucket": uri.bucket, "Prefix": uri.key, **s3_wire.encoding_for(uri.key)}
        found: list[Upload] = []
        markers: dict[str, str] = {}
        while True:
            try:
                answer = await self._requests.ask(fault, **where, MaxUploads=self._page, **markers)
            except UploadMissing:
                break  # rclone's word for a bucket that never had any
            with readable(fault):
                found += s3_wire.read_uploads(answer, uri, below=below)
            before, markers = markers, s3_wire.next_markers(answer)
            # Some servers repeat their last page for ever: stop when the markers stand still.
            if not answer.get("IsTruncated") or markers in ({}, before):
                break
        return sorted(found, key=lambda upload: str(upload.initiated), reverse=True)

    async def list_parts(self, upload: Upload) -> PartListing:
        """Return all parts that S3 holds of an upload.

        Raises:
            UploadMissing: there is no such upload (any more).
        """
        fault = _fault("ListParts", f"list the parts of {upload.uri}")
        found: list[ListedPart] = []
        marker = 0
        while True:
            answer = await self._requests.ask(
                fault, **_of(upload), MaxParts=self._page, PartNumberMarker=marker
            )
            with readable(fault):
                found += [s3_wire.read_listed_part(item) for item in answer.get("Parts", ())]
                before, marker = marker, int(answer.get("NextPartNumberMarker") or 0)
            if not answer.get("IsTruncated") or marker <= before:
                return PartListing(found, answer.get("AbortDate"))

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
        size = sum(receipt.checksums.size for receipt in receipts)
        answer = await self._requests.ask_patiently(
            _fault("CompleteMultipartUpload", f"complete {upload.uri}"),
            self._complete_timeout,
            **_of(upload),
            MultipartUpload={"Parts": [s3_wire.completed_part(upload, each) for each in receipts]},
            MpuObjectSize=size,
            **s3_wire.whole_checksum(upload, receipts),
            **s3_wire.condition(only_if_absent=only_if_absent),
        )
        return s3_wire.read_head(answer, size=size)

    async def abort_multipart_upload(self, upload: Upload) -> None:
        """Delete an upload and its parts; fine if there is none."""
        fault = _fault("AbortMultipartUpload", f"abort the upload of {upload.uri}")
        with suppress(UploadMissing):
            await self._requests.ask(fault, **_of(upload))


def _fault(operation: str, action: str) -> Fault:
    """Say what is being done, in case it fails."""
    return Fault(action=action, operation=operation)


def _of(upload: Upload) -> dict[str, object]:
    return {**s3_wire.place(upload.uri), "UploadId": upload.upload_id}
