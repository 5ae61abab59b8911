"""S3 in memory, for engine tests: as strict as the real one, and it fails on demand.

The contract tests hold it to what real servers do.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from asyncup.core.checksums import RunningChecksums
from asyncup.core.errors import (
    AccessDenied,
    BucketMissing,
    ChecksumRejected,
    ChecksumUnsupported,
    ConnectionLost,
    Fault,
    ObjectMissing,
    PartsMismatch,
    PartTooSmall,
    PreconditionFailed,
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
from asyncup.edges.body import PartBody


@dataclass(slots=True)
class StoredPart:
    """A part as the server keeps it."""

    data: bytes
    etag: str
    checksums: dict[ChecksumAlgorithm, bytes]


@dataclass(slots=True)
class StoredUpload:
    """A pending upload as the server keeps it."""

    upload: Upload
    attributes: ObjectAttributes
    parts: dict[int, StoredPart] = field(default_factory=dict)


@dataclass(slots=True)
class StoredObject:
    """An object as the server keeps it."""

    data: bytes
    head: ObjectHead
    attributes: ObjectAttributes
    part_sizes: list[int]


@dataclass(slots=True)
class Trouble:
    """One thing that is to go wrong.

    `after` says that the server has done its work when it happens: only the answer is lost.
    """

    verb: str
    error: S3Error
    number: int | None = None
    after: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """A request that arrived; `number` is a part's."""

    verb: str
    number: int | None = None
    size: int = 0


def lost(verb: str = "request") -> ConnectionLost:
    """Return what a broken connection looks like."""
    return ConnectionLost(Fault(action=verb, message="connection reset"))


class FakeS3:
    """A stateful gateway to no network at all.

    Args:
        bucket: the one bucket there is.
        min_part_size: bytes that every part but the last must have.
        algorithms: checksums it takes; with none, it knows only Content-MD5.
        lists_checksums: whether ListParts tells them.
        opaque_etags: give ETags that are no MD5s, as with KMS.

    `abort_after` is when a lifecycle rule says that it aborts an upload, after its creation;
    `pace` is how many seconds each slice of a request's body takes; `tells_parts` is whether
    HeadObject tells of one part; `computes` is whether an object that goes in one request gets a
    CRC64NVME that nobody told, as on AWS; `renews` says whether there are other credentials by now.
    """

    def __init__(
        self,
        bucket: str = "test-bucket",
        *,
        min_part_size: int = 1,
        algorithms: Sequence[ChecksumAlgorithm] = tuple(ChecksumAlgorithm),
        lists_checksums: bool = True,
        opaque_etags: bool = False,
    ) -> None:
        self.bucket = bucket
        self.min_part_size = min_part_size
        self.algorithms = algorithms
        self.lists_checksums = lists_checksums
        self.opaque_etags = opaque_etags
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, StoredUpload] = {}
        self.requests: list[Request] = []
        self.troubles: list[Trouble] = []
        self.endpoint = "https://fake.example"
        self.abort_after: timedelta | None = None
        self.version_id: str | None = None
        self.tells_parts = True
        self.computes = False
        self.in_flight = 0
        self.most_in_flight = 0
        self.delay = 0.0
        self.pace: Callable[[Request], float] = lambda _: 0.0
        self.watch: Callable[[Request], None] = lambda _: None
        self.renewals = 0
        self.renews: Callable[[], bool] = lambda: False
        self._ids = count(1)

    def fail(
        self,
        verb: str,
        error: S3Error | None = None,
        *,
        number: int | None = None,
        after: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next such requests fail; see `Trouble`."""
        self.troubles.append(Trouble(verb, error or lost(verb), number, after, times))

    def sent_parts(self) -> list[int]:
        """Return the numbers of the parts that arrived, in order of arrival."""
        return [each.number for each in self.requests if each.verb == "upload_part" and each.number]

    def count(self, verb: str) -> int:
        """Return how many such requests arrived."""
        return sum(1 for each in self.requests if each.verb == verb)

    # The verbs.

    async def probe(self, _: ObjectURI) -> None:
        self._arrive("probe")

    async def renew_credentials(self) -> bool:
        self.renewals += 1
        return self.renews()

    async def head_object(
        self, uri: ObjectURI, *, part_number: int | None = None, version_id: str | None = None
    ) -> ObjectHead | None:
        self._arrive("head_object")
        if version_id is not None:
            raise AccessDenied(Fault(action=f"look at {uri}", code="AccessDenied"))
        stored = self.objects.get(uri.key) if uri.bucket == self.bucket else None
        self._answer("head_object")
        if stored is None or part_number is None or not self.tells_parts:
            return stored.head if stored else None
        if part_number > len(stored.part_sizes):
            raise S3Error(Fault(action=f"look at {uri}", code="416"))
        return replace(
            stored.head, size=stored.part_sizes[part_number - 1], parts=len(stored.part_sizes)
        )

    @asynccontextmanager
    async def get_object(self, uri: ObjectURI) -> AsyncIterator[AsyncIterator[bytes]]:
        self._arrive("get_object")
        if uri.key not in self.objects:
            raise ObjectMissing(Fault(action=f"read {uri}", code="NoSuchKey"))
        data = self.objects[uri.key].data

        async def blocks() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 64):
                yield data[start : start + 64]
            self._answer("get_object")

        yield blocks()

    async def list_objects(self, prefix: ObjectURI, limit: int) -> ObjectListing:
        self._arrive("list_objects")
        self._need_bucket(prefix, "list")
        keys = sorted(key for key in self.objects if key.startswith(prefix.key))
        self._answer("list_objects")
        found = {key: _without_checksums(self.objects[key].head) for key in keys[:limit]}
        return ObjectListing(found, is_whole=len(keys) <= limit)

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
        request = self._arrive("put_object", size=checksums.size)
        self._need_bucket(uri, "upload")
        if self.delay:
            await asyncio.sleep(self.delay)
        data = await self._receive(request, body, checksums, algorithm)
        self._need_absence(uri, only_if_absent=only_if_absent)
        taken = ChecksumAlgorithm.CRC64NVME if self.computes else algorithm
        known = {} if taken is None else {taken: _checksum(taken, data)}
        self._store(uri.key, attributes, self._etag(_md5(data)), [data], known)
        self._answer("put_object")
        return replace(_without_checksums(self.objects[uri.key].head), checksums=known)

    async def create_multipart_upload(
        self, uri: ObjectURI, algorithm: ChecksumAlgorithm | None, attributes: ObjectAttributes
    ) -> Upload:
        self._arrive("create_multipart_upload")
        self._need_bucket(uri, "create a multipart upload")
        if algorithm is not None and not self.algorithms:
            raise ChecksumUnsupported(Fault(action="create", code="NotImplemented"))
        number = next(self._ids)
        taken = algorithm if algorithm in self.algorithms else None
        upload = Upload(
            uri,
            f"upload-{number}",
            taken,
            whole=taken in {ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.CRC32C},
            initiated=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
            abort_date=self._abort_date(number),
        )
        self.uploads[upload.upload_id] = StoredUpload(upload, attributes)
        self._answer("create_multipart_upload")
        return upload

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        request = self._arrive("upload_part", number, checksums.size)
        action = f"upload part {number} of {upload.uri}"
        stored = self._pending(upload, action)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            data = await self._receive(request, body, checksums, stored.upload.algorithm)
        finally:
            self.in_flight -= 1
        self._pending(upload, action)
        etag = self._etag(_md5(data))
        algorithm = stored.upload.algorithm
        kept = {} if algorithm is None else {algorithm: checksums[algorithm]}
        stored.parts[number] = StoredPart(data, etag, kept)
        self._answer("upload_part", number)
        return etag

    async def list_multipart_uploads(
        self, uri: ObjectURI, *, below: bool = False
    ) -> Sequence[Upload]:
        self._arrive("list_multipart_uploads")
        self._need_bucket(uri, "list pending uploads")
        found = [
            each.upload
            for each in self.uploads.values()
            if each.upload.uri == uri or (below and each.upload.uri.key.startswith(uri.key))
        ]
        self._answer("list_multipart_uploads")
        return found[::-1]

    async def list_parts(self, upload: Upload) -> PartListing:
        self._arrive("list_parts")
        stored = self._pending(upload, "list parts")
        listed = [
            ListedPart(
                number, len(part.data), part.etag, part.checksums if self.lists_checksums else {}
            )
            for number, part in sorted(stored.parts.items())
        ]
        self._answer("list_parts")
        return PartListing(listed, stored.upload.abort_date)

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        self._arrive("complete_multipart_upload")
        stored = self._pending(upload, "complete")
        chosen = list(self._chosen(stored, receipts))
        self._need_absence(upload.uri, only_if_absent=only_if_absent)
        md5s = b"".join(hashlib.md5(part.data).digest() for part in chosen)  # noqa: S324
        etag = f"{hashlib.md5(md5s).hexdigest()}-{len(chosen)}"  # noqa: S324
        known = self._whole_or_composite(stored.upload, chosen)
        pieces = [part.data for part in chosen]
        self._store(upload.uri.key, stored.attributes, self._etag(etag), pieces, known)
        del self.uploads[upload.upload_id]
        self._answer("complete_multipart_upload")
        return _without_checksums(self.objects[upload.uri.key].head)

    async def abort_multipart_upload(self, upload: Upload) -> None:
        self._arrive("abort_multipart_upload")
        self.uploads.pop(upload.upload_id, None)
        self._answer("abort_multipart_upload")

    # What is behind them.

    def _chosen(self, stored: StoredUpload, receipts: Sequence[Receipt]) -> Iterator[StoredPart]:
        """Yield the parts that are named, if they are what they are said to be."""
        numbers = [receipt.part.number for receipt in receipts]
        if numbers != sorted(set(numbers)) or not numbers:
            raise PartsMismatch(Fault(action="complete", code="InvalidPartOrder"))
        for receipt in receipts:
            part = stored.parts.get(receipt.part.number)
            if part is None or part.etag != receipt.etag:
                raise PartsMismatch(Fault(action="complete", code="InvalidPart"))
            if receipt is not receipts[-1] and len(part.data) < self.min_part_size:
                raise PartTooSmall(Fault(action="complete", code="EntityTooSmall"))
            yield part

    async def _receive(
        self,
        request: Request,
        body: PartBody,
        checksums: Checksums,
        algorithm: ChecksumAlgorithm | None,
    ) -> bytes:
        pace, data = self.pace(request), b""
        async for piece in body:
            data += bytes(piece)
            if pace:
                await asyncio.sleep(pace)
        named = algorithm or ChecksumAlgorithm.MD5
        if algorithm is not None and algorithm not in self.algorithms:
            raise ChecksumUnsupported(Fault(action="upload", code="NotImplemented"))
        if named in checksums.values and _checksum(named, data) != checksums[named]:
            raise ChecksumRejected(Fault(action="upload", code="BadDigest"))
        return data

    def _whole_or_composite(
        self, upload: Upload, chosen: Sequence[StoredPart]
    ) -> dict[ChecksumAlgorithm, bytes]:
        if upload.algorithm is None:
            return {}
        if upload.whole:
            return {upload.algorithm: _checksum(upload.algorithm, b"".join(p.data for p in chosen))}
        values = b"".join(_checksum(upload.algorithm, part.data) for part in chosen)
        return {upload.algorithm: _checksum(upload.algorithm, values)}

    def _store(
        self,
        key: str,
        attributes: ObjectAttributes,
        etag: str,
        pieces: Sequence[bytes],
        known: Mapping[ChecksumAlgorithm, bytes],
    ) -> None:
        data = b"".join(pieces)
        is_composite = any(_checksum(each, data) != value for each, value in known.items())
        head = ObjectHead(
            len(data),
            etag,
            self.version_id,
            checksums={} if is_composite else known,
            composite=known if is_composite else {},
        )
        self.objects[key] = StoredObject(data, head, attributes, [len(piece) for piece in pieces])

    def _need_absence(self, uri: ObjectURI, *, only_if_absent: bool) -> None:
        if only_if_absent and uri.key in self.objects:
            raise PreconditionFailed(Fault(action=f"upload {uri}", code="PreconditionFailed"))

    def _abort_date(self, number: int) -> datetime | None:
        if self.abort_after is None:
            return None
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number) + self.abort_after

    def _pending(self, upload: Upload, action: str) -> StoredUpload:
        if upload.upload_id not in self.uploads:
            raise UploadMissing(Fault(action=action, code="NoSuchUpload"))
        return self.uploads[upload.upload_id]

    def _need_bucket(self, uri: ObjectURI, action: str) -> None:
        if uri.bucket != self.bucket:
            raise BucketMissing(Fault(action=f"{action} {uri}", code="NoSuchBucket"))

    def _etag(self, md5: str) -> str:
        return f"opaque-{md5[::-1]}" if self.opaque_etags else md5

    def _arrive(self, verb: str, number: int | None = None, size: int = 0) -> Request:
        self._trouble(verb, number, after=False)
        request = Request(verb, number, size)
        self.requests.append(request)
        self.watch(request)
        return request

    def _answer(self, verb: str, number: int | None = None) -> None:
        self._trouble(verb, number, after=True)

    def _trouble(self, verb: str, number: int | None, *, after: bool) -> None:
        for trouble in self.troubles:
            fits = trouble.verb == verb and trouble.after == after
            if fits and trouble.times and trouble.number in {None, number}:
                trouble.times -= 1
                raise trouble.error


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 - the ETag that S3 gives


def _checksum(algorithm: ChecksumAlgorithm, data: bytes) -> bytes:
    running = RunningChecksums([algorithm])
    running.update(data)
    return running.result()[algorithm]


def _without_checksums(head: ObjectHead) -> ObjectHead:
    return ObjectHead(head.size, head.etag, head.version_id)
