"""The parts of one upload, from their source to S3.

A part is begun when the window has a place for it, so there are never more tasks, chunk files or
blocks in memory than that. A part that S3 lists is compared with its local bytes and stays, or
goes again; every other one is staged, waits for a slot, and is sent. Window and slots are those
of the whole run.
"""

from asyncup.core import resume
from asyncup.core.errors import Interrupted, SourceUnsuitable
from asyncup.core.events import PartDiscarded, PartKept, PartUploaded
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part, Receipt, Upload
from asyncup.core.resume import ListedParts, Resumption, Verdict
from asyncup.core.sizes import format_size
from asyncup.edges.chunks import StagedPart
from asyncup.engine.groups import task_group
from asyncup.engine.runtime import Claim, Runtime
from asyncup.engine.send import send
from asyncup.engine.source import Source


class Transfer:
    """Carries the parts of one upload.

    Attributes:
        receipts: the parts that S3 has acknowledged, by number; those of earlier runs included.
        kept: how many of them were there before.
        attempts: requests made for parts.
        resent: bytes that travelled in vain.
    """

    def __init__(
        self,
        runtime: Runtime,
        source: Source,
        upload: Upload,
        resumption: Resumption,
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._upload = upload
        self._plan = resumption.plan
        self._listed = resumption.listed
        self._algorithm = upload.algorithm or ChecksumAlgorithm.MD5
        self._count = None if self._plan.size is None else self._plan.count
        self.receipts: dict[int, Receipt] = {}
        self.kept = 0
        self.attempts = 0
        self.resent = 0

    @property
    def acknowledged(self) -> int:
        """Bytes that S3 holds of the file."""
        return sum(receipt.checksums.size for receipt in self.receipts.values())

    @property
    def is_complete(self) -> bool:
        """Whether S3 has acknowledged every part that the source has."""
        return len(self.receipts) == self._count

    async def run(self, claim: Claim) -> None:
        """Carry parts until there are no more, or it is time to stop.

        Raises:
            AsyncupError: a part cannot be carried; all others are dropped.
        """
        window = self._runtime.window
        async with task_group() as group:
            for part in self._plan.parts():
                await window.acquire()
                if self._has_ended_before(part) or self._runtime.stopping.is_set():
                    window.release()
                    break
                claim.take()
                carrying = group.create_task(self._carry(part))
                carrying.add_done_callback(lambda _: window.release())

    async def _carry(self, part: Part) -> None:
        """Keep a part that is at S3 already, or send it."""
        listed = self._listed.get(part.number, ())
        wanted = {self._algorithm, *resume.algorithms_to_compare(listed)}
        if listed and self._source.is_rereadable:
            # What stays need not be copied to a chunk file first.
            if await self._keeps_unread(part, listed, wanted):
                return
            listed = ()
        staged = await self._source.stage(part, wanted)
        if staged is None:
            # What was read counts, not what has arrived: a part may have been dropped to stop.
            if self._count is None:
                self._count = part.number - 1
            return
        try:
            self._check_number(part)
            if not listed or not self._keeps(staged.part, listed, staged.checksums):
                await self._send(staged)
        except Interrupted:
            # It waited for a retry: the parts in flight are not to be dropped for that.
            return
        finally:
            staged.release()

    def _has_ended_before(self, part: Part) -> bool:
        return self._count is not None and part.number > self._count

    def _check_number(self, part: Part) -> None:
        """Refuse the part after the last one there can be; only a stream ever gets there."""
        most = self._runtime.options.limits.max_parts
        if part.number > most:
            size = format_size(part.size)
            raise SourceUnsuitable(
                f"upload {self._source.name}: it is longer than {most} parts of {size}",
                hint="begin again with a larger --part-size",
            )

    async def _keeps_unread(
        self, part: Part, listed: ListedParts, wanted: set[ChecksumAlgorithm]
    ) -> bool:
        """Judge a part that S3 lists; its bytes are read only if its size does not settle it."""
        if verdict := resume.compare_sizes(listed, part):
            self._announce_verdict(part, listed, verdict)
            return False
        return self._keeps(part, listed, await self._source.checksums(part, wanted))

    def _keeps(self, part: Part, listed: ListedParts, local: Checksums) -> bool:
        """Judge a part that S3 lists by its local bytes, announce the verdict and act on it."""
        verdict = resume.compare(listed, local)
        self._announce_verdict(part, listed, verdict)
        if verdict.kept is None:
            return False
        self.receipts[part.number] = Receipt(part, verdict.kept.etag, local)
        self.kept += 1
        return True

    def _announce_verdict(self, part: Part, listed: ListedParts, verdict: Verdict) -> None:
        happened = PartDiscarded if verdict.kept is None else PartKept
        size = listed[0].size if verdict.kept is None else verdict.kept.size
        self._runtime.announce(happened(self._upload.uri, part.number, size, verdict.reason))

    async def _send(self, staged: StagedPart) -> None:
        part, upload = staged.part, self._upload
        async with self._runtime.slots:
            if self._runtime.stopping.is_set():
                return
            delivery = await send(
                self._runtime,
                upload.uri,
                staged,
                lambda body: self._runtime.gateway.upload_part(
                    upload, part.number, body, staged.checksums
                ),
            )
        self.receipts[part.number] = Receipt(part, delivery.answer, staged.checksums)
        self.attempts += delivery.attempts
        self.resent += delivery.resent
        self._runtime.announce(
            PartUploaded(upload.uri, part.number, part.size, delivery.answer, delivery.attempts)
        )
