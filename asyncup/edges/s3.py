"""The S3 verbs over aioboto3: one attempt each, errors in our words, nothing else.

Every request has a clock. That of a request with a body starts again whenever bytes move, since
aiohttp's own begins only after the last byte: on a dead connection a body would hang for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from asyncup.core.checksums import combine_crc64nvme, to_base64
from asyncup.core.errors import ChecksumUnsupported, Fault, S3Error, Stalled, TimedOut
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
from asyncup.core.options import Options, S3Config
from asyncup.edges import s3_errors, s3_wire
from asyncup.edges.body import PartBody
from asyncup.edges.s3_client import open_client
from asyncup.edges.s3_wire import Answer

PAGE = 1000
"""Entries a list may have at most, by the S3 API; some servers break when asked for more."""

_FIRST_ANSWER = 2
"""Stall times that an answer may take after the last byte: the kernel still holds some of them."""

_REFUSES_CHECKSUMS = {"NotImplemented", "InvalidArgument", "InvalidRequest", "501"}


@asynccontextmanager
async def open_s3(config: S3Config, options: Options, *, agent: str) -> AsyncIterator["S3"]:
    """Open the gateway to one S3.

    Raises:
        UsageError: the configuration names things that are not there.
    """
    # Beside the parts in flight, as many files may be asked about, begun or completed.
    connections = 2 * options.concurrency + 2
    async with open_client(config, connections=connections, agent=agent) as client:
        yield S3(client, options)


class S3:
    """The gateway (`asyncup.edges.gateway.Gateway`) to a real S3.

    `page` is the number of entries to ask for at once in lists.
    """

    def __init__(self, client: Any, options: Options, *, page: int = PAGE) -> None:  # noqa: ANN401 - made at run time
        self._client = client
        self._stall_timeout = options.stall_timeout
        self._complete_timeout = options.complete_timeout
        self._page = page
        self._waits_for_continue = True
        client.meta.events.register("before-sign.s3", self._before_sign)

    async def head_object(self, uri: ObjectURI) -> ObjectHead | None:
        """Return what S3 holds under this key, None if nothing."""
        fault = _fault("HeadObject", f"look at {uri}")
        try:
            answer = await self._ask(fault, **s3_wire.place(uri), ChecksumMode="ENABLED")
        except S3Error as error:
            if error.fault.code in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
        if "ContentLength" not in answer:
            raise s3_errors.no_answer_of_s3(fault)
        return s3_wire.read_head(answer, size=int(answer["ContentLength"]))

    async def list_objects(
        self, prefix: ObjectURI, limit: int
    ) -> tuple[Mapping[str, ObjectHead], bool]:
        """Return the first `limit` objects by key, and whether these are all there are."""
        fault = _fault("ListObjectsV2", f"list {prefix}")
        found: dict[str, ObjectHead] = {}
        after: dict[str, str] = {}
        while True:
            answer = await self._ask(
                fault,
                Bucket=prefix.bucket,
                Prefix=prefix.key,
                MaxKeys=min(self._page, limit - len(found)),
                **after,
            )
            for item in answer.get("Contents", ()):
                found[item["Key"]] = s3_wire.read_head(item, size=int(item["Size"]))
            before, after = after, {"ContinuationToken": answer.get("NextContinuationToken", "")}
            if not answer.get("IsTruncated") or after in (before, {"ContinuationToken": ""}):
                return found, True
            if len(found) >= limit:
                return found, False

    @asynccontextmanager
    async def get_object(self, uri: ObjectURI) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an object and give its bytes, in blocks; not part of uploading, but of proving."""
        fault = _fault("GetObject", f"read {uri}")
        answer = await self._ask(fault, **s3_wire.place(uri))
        async with answer["Body"] as stream:
            yield stream.content.iter_any()

    async def put_object(
        self, uri: ObjectURI, body: PartBody, checksums: Checksums, attributes: ObjectAttributes
    ) -> ObjectHead:
        """Store an object in one request; `checksums` has the MD5.

        Content-MD5 is the one check that nearly every server makes (and AWS adds a CRC64NVME to
        the object by itself).
        """
        fault = _fault("PutObject", f"upload {uri}")
        answer = await self._send(
            fault,
            body,
            **s3_wire.place(uri),
            **s3_wire.checksum_headers(None, checksums),
            **s3_wire.attribute_headers(attributes),
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
        if algorithm is ChecksumAlgorithm.CRC64NVME:
            wish["ChecksumType"] = "FULL_OBJECT"
        try:
            answer = await self._ask(
                fault, **s3_wire.place(uri), **wish, **s3_wire.attribute_headers(attributes)
            )
        except S3Error as error:
            if wish and error.fault.code in _REFUSES_CHECKSUMS:
                raise ChecksumUnsupported(error.fault) from error
            raise
        return s3_wire.read_upload(uri, answer)

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        """Send a part and return its ETag; `checksums` has the upload's algorithm, or the MD5."""
        fault = _fault("UploadPart", f"upload part {number} of {upload.uri}")
        answer = await self._send(
            fault,
            body,
            **_of(upload),
            PartNumber=number,
            **s3_wire.checksum_headers(upload.algorithm, checksums),
        )
        return s3_wire.read_etag(answer)

    async def list_multipart_uploads(self, uri: ObjectURI) -> Sequence[Upload]:
        """Return the pending uploads for exactly this key, the newest first."""
        fault = _fault("ListMultipartUploads", f"list pending uploads of {uri}")
        found: list[Upload] = []
        markers: dict[str, str] = {}
        while True:
            answer = await self._ask(
                fault,
                Bucket=uri.bucket,
                Prefix=uri.key,
                MaxUploads=self._page,
                **s3_wire.encoding_for(uri.key),
                **markers,
            )
            # The prefix fits longer keys as well.
            found += [
                s3_wire.read_upload(uri, item)
                for item in answer.get("Uploads", ())
                if s3_wire.is_key(answer, item["Key"], uri.key)
            ]
            before, markers = markers, s3_wire.next_markers(answer)
            # Some servers repeat their last page for ever: stop when the markers stand still.
            if not answer.get("IsTruncated") or markers in ({}, before):
                break
        return sorted(found, key=lambda upload: str(upload.initiated), reverse=True)

    async def list_parts(self, upload: Upload) -> Sequence[ListedPart]:
        """Return all parts that S3 holds of an upload.

        Raises:
            UploadMissing: there is no such upload (any more).
        """
        fault = _fault("ListParts", f"list the parts of {upload.uri}")
        found: list[ListedPart] = []
        marker = 0
        while True:
            answer = await self._ask(
                fault, **_of(upload), MaxParts=self._page, PartNumberMarker=marker
            )
            found += [s3_wire.read_listed_part(item) for item in answer.get("Parts", ())]
            before, marker = marker, int(answer.get("NextPartNumberMarker") or 0)
            if not answer.get("IsTruncated") or marker <= before:
                return found

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt]
    ) -> ObjectHead:
        """Make the object of these parts; what it tells of the object may lack checksums.

        Raises:
            UploadMissing: there is no such upload (any more).
            PartsMismatch: S3 does not hold these parts.
        """
        checksums = [receipt.checksums for receipt in receipts]
        size = sum(part.size for part in checksums)
        whole = {}
        if upload.whole and upload.algorithm is ChecksumAlgorithm.CRC64NVME:
            whole["ChecksumType"] = "FULL_OBJECT"
            whole["ChecksumCRC64NVME"] = to_base64(combine_crc64nvme(checksums))
        answer = await self._request(
            _fault("CompleteMultipartUpload", f"complete {upload.uri}"),
            self._complete_timeout,
            {
                **_of(upload),
                "MultipartUpload": {
                    "Parts": [s3_wire.completed_part(upload, each) for each in receipts]
                },
                "MpuObjectSize": size,
                **whole,
            },
        )
        return s3_wire.read_head(answer, size=size)

    async def abort_multipart_upload(self, upload: Upload) -> None:
        """Delete an upload and its parts; fine if there is none."""
        try:
            await self._ask(
                _fault("AbortMultipartUpload", f"abort the upload of {upload.uri}"), **_of(upload)
            )
        except S3Error as error:
            if error.fault.code != "NoSuchUpload":
                raise

    async def _ask(self, fault: Fault, **params: object) -> Answer:
        """Make a request that carries no file's bytes."""
        return await self._request(fault, self._stall_timeout, params)

    async def _send(self, fault: Fault, body: PartBody, **params: object) -> Answer:
        """Make a request that carries a part's bytes."""
        waited = self._waits_for_continue
        try:
            return await self._request(fault, self._stall_timeout, params, body)
        except Stalled:
            # Not one byte was asked for: this server may not know `Expect: 100-continue`, and
            # aiohttp waits for that without end. It saves some bytes; it is not worth insisting.
            if waited and not body.sent:
                self._waits_for_continue = False
            raise

    async def _request(
        self,
        fault: Fault,
        within: float,
        params: Mapping[str, object],
        body: PartBody | None = None,
    ) -> Answer:
        """Make one request, `within` seconds or, with a body, while its bytes keep moving."""
        method = getattr(self._client, _METHODS[fault.operation])
        try:
            async with asyncio.timeout(within) as clock:
                if body is not None:
                    _keep_alive(clock, body, within)
                    params = {**params, "Body": body}
                answer: Answer = await method(**params)
        except TimeoutError as error:
            raise _late(fault, within, body) from error
        except ClientError as error:
            raise s3_errors.answered(error, fault) from error
        except ResponseParserError as error:
            raise s3_errors.no_answer_of_s3(fault) from error
        except BotoCoreError as error:
            if body is not None and body.failure is not None:
                raise body.failure from error
            raise s3_errors.unanswered(error, fault) from error
        if not s3_wire.is_answer_of_s3(fault.operation, answer):
            raise s3_errors.no_answer_of_s3(fault)
        return answer

    def _before_sign(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if not self._waits_for_continue and "Expect" in request.headers:
            del request.headers["Expect"]


_METHODS = {
    "GetObject": "get_object",
    "HeadObject": "head_object",
    "ListObjectsV2": "list_objects_v2",
    "PutObject": "put_object",
    "CreateMultipartUpload": "create_multipart_upload",
    "UploadPart": "upload_part",
    "ListMultipartUploads": "list_multipart_uploads",
    "ListParts": "list_parts",
    "CompleteMultipartUpload": "complete_multipart_upload",
    "AbortMultipartUpload": "abort_multipart_upload",
}


def _fault(operation: str, action: str) -> Fault:
    """Say what is being done, in case it fails."""
    return Fault(action=action, operation=operation)


def _of(upload: Upload) -> dict[str, object]:
    return {**s3_wire.place(upload.uri), "UploadId": upload.upload_id}


def _keep_alive(clock: asyncio.Timeout, body: PartBody, within: float) -> None:
    """Let a clock start again whenever bytes of a body move."""
    loop = asyncio.get_running_loop()

    def moved() -> None:
        patience = _FIRST_ANSWER if body.sent == len(body) else 1
        clock.reschedule(loop.time() + within * patience)

    body.on_progress = moved


def _late(fault: Fault, within: float, body: PartBody | None) -> S3Error:
    if body is None:
        return TimedOut(replace(fault, message=f"no answer within {within:g} s"))
    told = f"no byte moved for {within:g} s, after {body.sent} of {len(body)}"
    return Stalled(replace(fault, message=told))
