"""The server of a simulation: FakeS3 with the habits of several real ones, and a long memory."""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    PartListing,
    Receipt,
    Upload,
)
from asyncup.edges.body import PartBody
from tests.fakes3 import FakeS3, StoredPart, StoredUpload

T = TypeVar("T")

BUCKET = "test-bucket"
ALL = tuple(ChecksumAlgorithm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a server differs from others.

    `completes_twice` says that a second request to complete is answered like the first one;
    `lists_older_parts` that parts which were replaced go on being listed, as SeaweedFS does;
    `is_sloppy` that parts may be lost, and an object is made of what there is of those named;
    `tells_parts` that HeadObject tells of one part; `aborts_in_two` that a part outlives the abort
    of its upload, as it may while it is on its way, and goes only with the next one.
    """

    algorithms: tuple[ChecksumAlgorithm, ...] = ALL
    lists_checksums: bool = True
    opaque_etags: bool = False
    completes_twice: bool = False
    lists_older_parts: bool = False
    is_sloppy: bool = False
    tells_parts: bool = True
    aborts_in_two: bool = False


KINDS: Mapping[str, Habits] = {
    "AWS-like": Habits(completes_twice=True),
    "strict": Habits(aborts_in_two=True),
    "lists no checksums": Habits(lists_checksums=False, lists_older_parts=True),
    "no checksums": Habits(algorithms=(), tells_parts=False),
    "ignores CRC64NVME": Habits(algorithms=(ChecksumAlgorithm.SHA1,), completes_twice=True),
    "KMS": Habits(opaque_etags=True, completes_twice=True),
    "opaque": Habits(opaque_etags=True, lists_checksums=False),
    "poorest": Habits(opaque_etags=True, algorithms=()),
    "sloppy": Habits(is_sloppy=True),
}


def drive(effect: Awaitable[T]) -> T:
    """Let the server do its work, in which it waits for nothing."""
    steps = effect.__await__()
    try:
        next(steps)
    except StopIteration as ended:
        return cast("T", ended.value)
    raise AssertionError("the server waits")


class SimulatedS3(FakeS3):
    """A server that remembers every object that it ever held.

    Attributes:
        history: the bytes of each object that ever was, by its key and ETag.
        versions: the bytes of each object that ever was, by its key, in order.
        leftovers: what is still there of uploads that were aborted.
        aborted: the IDs of uploads of which an abort has left something for a while.
        forgotten: parts that were acknowledged and are not kept, by upload and number.
    """

    def __init__(self, habits: Habits, *, min_part_size: int) -> None:
        super().__init__(
            BUCKET,
            min_part_size=min_part_size,
            algorithms=habits.algorithms,
            lists_checksums=habits.lists_checksums,
            opaque_etags=habits.opaque_etags,
        )
        self.habits = habits
        self.tells_parts = habits.tells_parts
        self.forgotten: set[tuple[str, int]] = set()
        self.history: dict[tuple[str, str], bytes] = {}
        self.versions: dict[str, list[bytes]] = defaultdict(list)
        self.leftovers: dict[str, StoredUpload] = {}
        self.aborted: set[str] = set()
        self._completed: dict[str, tuple[list[str], ObjectHead]] = {}
        self._older: dict[tuple[str, int], list[StoredPart]] = defaultdict(list)

    def _store(
        self,
        key: str,
        attributes: ObjectAttributes,
        etag: str,
        pieces: Sequence[bytes],
        known: Mapping[ChecksumAlgorithm, bytes],
    ) -> None:
        super()._store(key, attributes, etag, pieces, known)
        stored = self.objects[key]
        self.history[key, stored.head.etag] = stored.data
        self.versions[key].append(stored.data)

    @property
    def held(self) -> set[str]:
        """The IDs of all uploads of which there is anything."""
        return {*self.uploads, *self.leftovers}

    def store_strange(self, key: str, data: bytes) -> None:
        """Store an object that is nobody's file."""
        etag = self._etag(hashlib.md5(data).hexdigest())  # noqa: S324 - the ETag that S3 gives
        self._store(key, ObjectAttributes(), etag, [data], {})

    def leave_pending(self, key: str, data: bytes) -> None:
        """Begin an upload that is nobody's file, and never finish it."""
        uri = ObjectURI(BUCKET, key)
        upload = drive(self.create_multipart_upload(uri, None, ObjectAttributes()))
        md5 = hashlib.md5(data).hexdigest()  # noqa: S324 - the ETag that S3 gives
        self.uploads[upload.upload_id].parts[1] = StoredPart(data, self._etag(md5), {})

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        named = [receipt.etag for receipt in receipts]
        before = self._completed.get(upload.upload_id)
        if self.habits.completes_twice and before is not None and before[0] == named:
            return before[1]
        head = await super().complete_multipart_upload(
            upload, receipts, only_if_absent=only_if_absent
        )
        self._completed[upload.upload_id] = (named, head)
        return head

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        stored = self.uploads.get(upload.upload_id)
        before = stored.parts.get(number) if stored else None
        etag = await super().upload_part(upload, number, body, checksums)
        if self.habits.lists_older_parts and before is not None and before.etag != etag:
            self._older[upload.upload_id, number].append(before)
        return etag

    def forget_part(self, upload_id: str, number: int) -> None:
        """Lose a part that is about to be acknowledged."""
        self.forgotten.add((upload_id, number))
        del self.uploads[upload_id].parts[number]

    async def abort_multipart_upload(self, upload: Upload) -> None:
        stored = self.uploads.get(upload.upload_id)
        await super().abort_multipart_upload(upload)
        self.leftovers.pop(upload.upload_id, None)
        if self.habits.aborts_in_two and stored is not None and stored.parts:
            self.leftovers[upload.upload_id] = stored
            self.aborted.add(upload.upload_id)

    async def list_parts(self, upload: Upload) -> PartListing:
        if (stored := self.leftovers.get(upload.upload_id)) is not None:
            number, part = max(stored.parts.items())
            return PartListing([ListedPart(number, len(part.data), part.etag, part.checksums)])
        listing = await super().list_parts(upload)
        older = [
            ListedPart(
                number, len(part.data), part.etag, part.checksums if self.lists_checksums else {}
            )
            for (upload_id, number), parts in self._older.items()
            if upload_id == upload.upload_id
            for part in parts
        ]
        both = sorted([*older, *listing.parts], key=lambda part: part.number)
        return PartListing(both, listing.abort_date)

    def _chosen(self, stored: StoredUpload, receipts: Sequence[Receipt]) -> Iterator[StoredPart]:
        named = {receipt.part.number: receipt.etag for receipt in receipts}
        for (upload_id, number), parts in self._older.items():
            for part in parts:
                if upload_id == stored.upload.upload_id and part.etag == named.get(number):
                    stored.parts[number] = part
        if self.habits.is_sloppy:
            yield from (stored.parts[each] for each in named if each in stored.parts)
        else:
            yield from super()._chosen(stored, receipts)
