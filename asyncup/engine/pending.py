"""Pending uploads for one key: which of them a file goes on with."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from asyncup.core.errors import Interrupted, RetriesExhausted, S3Error, UploadMissing
from asyncup.core.events import PendingUploadIgnored, UploadExpires, UploadResumed
from asyncup.core.model import (
    Fingerprint,
    JournalRecord,
    ObjectURI,
    PartListing,
    Phase,
    Receipt,
    Upload,
)
from asyncup.core.plan import UploadPlan
from asyncup.core.resume import (
    Candidate,
    Unusable,
    best_of,
    known_algorithm,
    match_upload,
    trusted_receipts,
)
from asyncup.engine.runtime import Runtime


class PendingUploads:
    """Asks S3, and the journal, what is pending for a key."""

    def __init__(self, runtime: Runtime, uri: ObjectURI) -> None:
        self._runtime = runtime
        self._gateway = runtime.gateway
        self._uri = uri

    async def choose(
        self,
        wanted: UploadPlan,
        fingerprint: Fingerprint | None,
        attributes: str,
        acknowledged: Mapping[int, Receipt] | None = None,
    ) -> Candidate | None:
        """Return the pending upload with which the least is left to send; name the others.

        Args:
            wanted: the plan of a new upload.
            fingerprint: what the file is known by now.
            attributes: the digest of how the object is to be stored.
            acknowledged: what this run knows of the parts of the same file.
        """
        records = {each.upload.upload_id: each for each in self._runtime.journal.find(self._uri)}
        candidates: list[Candidate] = []
        for upload in await self._pending(list(records.values())):
            record = records.get(upload.upload_id)
            listing = await self._list(upload)
            if listing is None:
                continue
            if problem := _problem(upload, record, attributes):
                self._ignore(upload, problem)
                continue
            receipts = {**trusted_receipts(record, fingerprint), **(acknowledged or {})}
            match = match_upload(listing.parts, wanted, self._runtime.options.limits, receipts)
            if isinstance(match, Unusable):
                self._ignore(upload, match.reason)
                continue
            known = known_algorithm(upload, listing.parts)
            candidates.append(Candidate(known, match, record is not None))
        best = best_of(candidates)
        for each in candidates:
            if each is not best:
                self._ignore(each.upload, "another one is resumed, of which more can stay")
        if best is not None:
            self._announce(best)
        return best

    def replaced(self) -> None:
        """Forget what was not shown to be the file: what is there now has been."""
        for record in self._runtime.journal.find(self._uri):
            if record.phase is not Phase.SENDING:
                self._runtime.journal.closed(record.upload)

    def gone(self, upload: Upload) -> None:
        """Take note that S3 does not know an upload any more, even if it still lists its parts."""
        for record in self._runtime.journal.find(self._uri):
            if record.upload.upload_id != upload.upload_id:
                continue
            if record.phase is Phase.SENDING:
                self._runtime.journal.closed(upload)
            else:
                # S3 was asked to complete it, and what came of that was not shown to be the file.
                self._runtime.journal.unproven(upload)

    async def forget(self) -> None:
        """Forget what S3 does not hold any more, and name what it still holds.

        The file is at S3 by now; what cannot be found out does not change that.
        """
        for record in self._runtime.journal.find(self._uri):
            with suppress(S3Error, RetriesExhausted, Interrupted):
                if await self._list(record.upload) is not None:
                    self._ignore(record.upload, "the file is at S3 without it")

    async def _pending(self, records: Sequence[JournalRecord]) -> list[Upload]:
        """Return what S3 lists as pending, and what the journal knows besides."""
        listed = await self._runtime.retry(
            lambda _: self._gateway.list_multipart_uploads(self._uri), self._uri
        )
        ids = {upload.upload_id for upload in listed}
        known = {each.upload.upload_id: each.upload for each in records}
        # A list of uploads tells less than the answer to their creation did.
        return [known.get(each.upload_id, each) for each in listed] + [
            each.upload
            for each in records
            if each.upload.upload_id not in ids and each.phase is not Phase.UNPROVEN
        ]

    async def _list(self, upload: Upload) -> PartListing | None:
        try:
            listing = await self._runtime.retry(
                lambda _: self._gateway.list_parts(upload), self._uri
            )
        except UploadMissing:
            self.gone(upload)
            return None
        if listing.abort_date is not None:
            self._runtime.announce(UploadExpires(self._uri, upload.upload_id, listing.abort_date))
        return listing

    def _announce(self, best: Candidate) -> None:
        plan, upload = best.resumption.plan, best.upload
        self._runtime.announce(
            UploadResumed(
                self._uri,
                upload.upload_id,
                plan.part_size,
                None if plan.size is None else plan.count,
                sum(len(parts) for parts in best.resumption.listed.values()),
                upload.initiated,
            )
        )

    def _ignore(self, upload: Upload, reason: str) -> None:
        self._runtime.announce(PendingUploadIgnored(self._uri, upload.upload_id, reason))


def _problem(upload: Upload, record: JournalRecord | None, attributes: str) -> str | None:
    """Say why an upload cannot be gone on with whatever its parts are; None if it can."""
    if upload.is_foreign:
        return "it wants a checksum that asyncup cannot compute"
    if record is not None and record.attributes != attributes:
        return "it was begun with other attributes of the object"
    return None
