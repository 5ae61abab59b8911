"""Uploads on trial: each request that an upload makes, once, and what the server does beside."""

from collections.abc import Awaitable, Callable

from asyncup.core.capabilities import Capabilities
from asyncup.core.diagnosis import TRIAL_PART, Finding, Verdict, fine, lacking, unknown
from asyncup.core.errors import (
    AccessDenied,
    ChecksumRejected,
    ChecksumUnsupported,
    Fault,
    ObjectMismatch,
    ObjectMissing,
    PartsMismatch,
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
    Part,
    Proof,
    Receipt,
    Upload,
)
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import compare_parts, prove
from asyncup.core.sizes import format_size
from asyncup.edges.inspection import InspectedGateway
from asyncup.edges.noise import Noise
from asyncup.engine.leavings import Asking, Leavings

_LITTLE = 1 << 10
_LAST_NUMBER = 10_000


class Trial:
    """Makes one upload as `asyncup put` would, then tries what servers do differently.

    A method that looks at something returns what it found; an error of a request that an upload
    needs goes through.
    """

    def __init__(
        self,
        gateway: InspectedGateway,
        leavings: Leavings,
        attributes: ObjectAttributes,
        ask: Asking,
    ) -> None:
        self._gateway = gateway
        self._leavings = leavings
        self._attributes = attributes
        self._ask = ask
        self._takes_checksums: bool | None = None
        self._receipts: list[Receipt] = []
        self._listed: list[ListedPart] = []
        self._head: ObjectHead | None = None

    @property
    def known(self) -> Capabilities:
        """What is worth to be remembered."""
        # Whether it answers is seen only by a body that is worth asking for.
        has_sent = bool(self._receipts)
        return Capabilities(
            takes_checksums=self._takes_checksums,
            answers_continue=self._gateway.waits_for_continue if has_sent else None,
        )

    # What an upload needs.

    async def create(self) -> Finding:
        """Create an upload."""
        try:
            self._upload = await self.begin(ChecksumAlgorithm.CRC64NVME)
            self._takes_checksums = True
        except ChecksumUnsupported:
            self._upload = await self.begin(None)
            self._takes_checksums = False
        sse = self._attributes.sse
        return fine(f"CreateMultipartUpload is allowed{f', with {sse}' if sse else ''}")

    async def begin(self, algorithm: ChecksumAlgorithm | None) -> Upload:
        """Create an upload that is removed in the end."""
        return await self._ask(lambda: self._begin_once(algorithm))

    async def _begin_once(self, algorithm: ChecksumAlgorithm | None) -> Upload:
        left = self._leavings
        was_unsure, left.is_unsure, left.is_written = left.is_unsure, True, True
        try:
            upload = await self._gateway.create_multipart_upload(
                left.uri, algorithm, self._attributes
            )
        except S3Error as error:
            left.is_unsure = was_unsure or error.transient
            raise
        left.is_unsure = was_unsure
        left.uploads[upload.upload_id] = upload
        return upload

    async def upload_part(self) -> Finding:
        """Send the two parts of the upload."""
        self._receipts = [
            await self._send(self._upload, 1, TRIAL_PART),
            await self._send(self._upload, 2, _LITTLE),
        ]
        return fine(f"UploadPart is allowed, {format_size(TRIAL_PART)} have arrived")

    async def list_parts(self) -> Finding:
        """Compare what is listed with what was sent."""
        listing = await self._ask(lambda: self._gateway.list_parts(self._upload))
        self._listed = list(listing.parts)
        plan = UploadPlan(TRIAL_PART + _LITTLE, TRIAL_PART)
        receipts = {each.part.number: each for each in self._receipts}
        compared = compare_parts(plan, receipts, self._listed)
        if isinstance(compared, str):
            fault = Fault(action=f"list the parts of {self._upload.uri}", message=compared)
            raise PartsMismatch(fault, hint="this server's list is not what was sent")
        return fine("ListParts is allowed, and lists what was sent")

    async def complete(self) -> Finding:
        """Make the object."""
        await self._complete(self._upload, self._receipts)
        return fine(f"CompleteMultipartUpload made an object of parts of {format_size(TRIAL_PART)}")

    async def head_object(self) -> Finding:
        """Compare the object with what was sent."""
        head = await self._look()
        self._head = head
        proof = prove(head, [each.checksums for each in self._receipts])
        if not isinstance(proof, Proof):
            raise ObjectMismatch(Fault(action=f"check {self._leavings.uri}", message=proof))
        sse = head.attributes.sse if head.attributes else None
        told = f"HeadObject is allowed{f'; encrypted by {sse}' if sse else ''}"
        if proof.is_by_content:
            return fine(f"{told}; it shows the object to be what was sent, by {proof}")
        told = f"{told}, but tells nothing that shows more than the size"
        hint = "to be sure of an object, read it back: asyncup verify --download"
        return Finding(verdict=Verdict.WARNING, told=told, hint=hint)

    async def put_object(self) -> Finding:
        """Store a small object under the same key."""
        await self._put()
        return fine("PutObject is allowed")

    async def abort(self) -> Finding:
        """Abort an upload."""
        upload = await self.begin(None)
        await self._ask(lambda: self._leavings.abort(upload))
        return fine("AbortMultipartUpload is allowed")

    async def delete_object(self) -> Finding:
        """Delete the object."""
        await self._ask(self._leavings.delete)
        return fine("DeleteObject is allowed; no upload needs it")

    # What servers do differently.

    async def checksum(self) -> Finding:
        """Say whether the upload was created with the checksum that was asked for."""
        if self._upload.algorithm is ChecksumAlgorithm.CRC64NVME:
            return fine("each part is checked by it")
        does = "does not know it" if self._takes_checksums else "refuses to hear of it"
        return lacking(f"the server {does}: each part is checked by its MD5 instead")

    async def checks(self) -> Finding:
        """Send bytes that are not what their checksum tells."""
        upload, noise = await self.begin(self._upload.algorithm), await Noise.of(_LITTLE)
        wrong = {name: _other(value) for name, value in noise.checksums.values.items()}
        lie = Checksums(_LITTLE, wrong)
        refusal = await self._refusal(
            lambda: self._gateway.upload_part(upload, 1, noise.body(), lie)
        )
        if isinstance(refusal, ChecksumRejected):
            return fine("a part that does not fit its checksum is refused")
        if refusal is not None:
            return unknown(f"a part that does not fit its checksum is refused, but: {refusal}")
        return Finding(
            verdict=Verdict.WARNING,
            told="a part is taken that does not fit its checksum",
            hint="what goes wrong on the way is not seen before the object is compared",
        )

    async def full_object(self) -> Finding:
        """Say what the server tells of an object of parts."""
        if self._head is None:
            raise AssertionError("unreachable: it was looked at")
        if self._head.checksums:
            return fine(f"HeadObject tells {', '.join(sorted(self._head.checksums))} of all of it")
        if self._head.composite:
            return lacking("HeadObject tells that of the parts' checksums only")
        return lacking("HeadObject tells none: objects are compared by their ETags")

    async def listed_checksums(self) -> Finding:
        """Say whether parts are listed with their checksums."""
        if all(each.checksums for each in self._listed):
            return fine("a resumed upload compares parts by them")
        return lacking(
            "none: another machine resumes by ETags where they are MD5s, this one by its journal"
        )

    async def object_size(self) -> Finding:
        """Complete an upload as one of another size."""
        upload = await self.begin(self._upload.algorithm)
        receipts = [await self._send(upload, 1, _LITTLE)]
        refusal = await self._refusal(
            lambda: self._gateway.complete_with_size(upload, receipts, _LITTLE + 1)
        )
        if refusal is None:
            return lacking("not compared by the server; asyncup compares the finished object")
        # Was it the size? Then it goes with the right one.
        await self._complete(upload, receipts)
        return fine("an object of another size is not made")

    async def if_none_match(self) -> Finding:
        """Store an object again on the condition that there is none."""
        await self._put()
        refusal = await self._refusal(lambda: self._put_once(only_if_absent=True))
        if isinstance(refusal, PreconditionFailed):
            return fine("--overwrite never holds against other writers")
        does = "not heeded" if refusal is None else f"refused ({refusal.fault.code or refusal})"
        return Finding(
            verdict=Verdict.WARNING,
            told=f"{does}: what others write meanwhile, --overwrite never does not see",
        )

    async def part_numbers(self) -> Finding:
        """Send a part with the highest number that there is."""
        upload = await self.begin(self._upload.algorithm)
        refusal = await self._refusal(lambda: self._send(upload, _LAST_NUMBER, _LITTLE))
        if refusal is None:
            return fine("taken: files may have as many parts as on AWS")
        return Finding(
            verdict=Verdict.WARNING,
            told=f"not taken: {refusal}",
            hint="for files of more parts than this server takes, choose a larger --part-size",
        )

    async def uneven_parts(self) -> Finding:
        """Make an object of parts of different sizes."""
        upload = await self.begin(self._upload.algorithm)
        sizes = (TRIAL_PART + _LITTLE, TRIAL_PART, _LITTLE)
        receipts = [await self._send(upload, n, size) for n, size in enumerate(sizes, 1)]
        if await self._refusal(lambda: self._complete(upload, receipts)) is None:
            return fine("parts of one object may differ in size")
        return lacking("parts have to be of one size, as asyncup makes them")

    async def answers_continue(self) -> Finding:
        """Say whether a body that asked first was answered."""
        if self._gateway.waits_for_continue:
            return fine("a part that is not welcome is refused before its bytes are sent")
        return lacking("the server does not answer: asyncup sends parts without asking")

    async def trailer(self) -> Finding:
        """Store an object with a checksum behind its bytes."""
        if not self._gateway.endpoint.startswith("https:"):
            return unknown("they are sent over TLS only; asyncup sends none")
        data = bytes(_LITTLE)
        uri, attributes = self._leavings.uri, self._attributes
        refusal = await self._refusal(lambda: self._gateway.put_with_trailer(uri, data, attributes))
        if refusal is None:
            return fine("taken; asyncup sends none")
        return lacking("refused, which stops other tools; asyncup sends none")

    # How all that is done.

    async def _refusal(self, request: Callable[[], Awaitable[object]]) -> S3Error | None:
        """Return with what S3 refuses a request, None if it does not.

        Raises:
            S3Error: it has not answered, or denies it: that says nothing of what it can do.
        """
        try:
            await request()
        except (AccessDenied, UploadMissing):
            raise
        except S3Error as error:
            if error.transient and not isinstance(error, ChecksumRejected):
                raise
            return error
        return None

    async def _send(self, upload: Upload, number: int, size: int) -> Receipt:
        noise = await Noise.of(size)
        etag = await self._ask(
            lambda: self._gateway.upload_part(upload, number, noise.body(), noise.checksums)
        )
        return Receipt(Part(number, 0, size), etag, noise.checksums)

    async def _complete(self, upload: Upload, receipts: list[Receipt]) -> ObjectHead:
        try:
            head = await self._ask(
                lambda: self._gateway.complete_multipart_upload(upload, receipts)
            )
        except UploadMissing:
            # The answer to an attempt before may have been lost: the object decides.
            head = await self._look()
        self._leavings.uploads.pop(upload.upload_id, None)
        return head

    async def _look(self) -> ObjectHead:
        head = await self._ask(lambda: self._gateway.head_object(self._leavings.uri))
        if head is None:
            raise ObjectMissing(Fault(action=f"look at {self._leavings.uri}", message="not there"))
        return head

    async def _put(self) -> None:
        await self._ask(lambda: self._put_once(only_if_absent=False))

    async def _put_once(self, *, only_if_absent: bool) -> None:
        self._leavings.is_written = True
        noise = await Noise.of(_LITTLE)
        await self._gateway.put_object(
            self._leavings.uri,
            noise.body(),
            noise.checksums,
            self._attributes,
            only_if_absent=only_if_absent,
        )


def _other(value: bytes) -> bytes:
    """Return a checksum that is none of the same bytes."""
    return bytes([value[0] ^ 1]) + value[1:]
