"""The parts of one upload, from their source to S3.

A part is begun when the window has a place for it, so there are never more tasks, chunk files or
blocks in memory than that. A part that S3 lists is judged by the journal or by its local bytes,
and stays or goes again; every other one is staged, waits for a slot, and is sent. Window and
slots are those of the whole run.
"""

from collections.abc import Coroutine
from typing import Any

from asyncup.core import resume
from asyncup.core.errors import Interrupted, SourceUnsuitable
from asyncup.core.events import PartDiscarded, PartKept, PartUploaded
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part, Receipt, Upload
from asyncup.core.resume import Action, ListedParts, Resumption, Verdict
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
        self._trusted = resumption.receipts
        self._wanted = (
            runtime.options.checksum.otherwise
            if upload.algorithm is None
            else frozenset({upload.algorithm})
        )
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
                carry = None if self._runtime.stopping.is_set() else await self._begin(part)
                if carry is None:
                    window.release()
                    break
                claim.take()
                carrying = group.create_task(carry)
                carrying.add_done_callback(lambda _: window.release())
            # Of a stream, nobody knew before how many there are.
            claim.close()

    async def _begin(self, part: Part) -> Coroutine[Any, Any, None] | None:
        """Return what is to be done with a part; None if a stream ended before it.

        A stream is read here, one part after the other: it may be slow, and would otherwise hold
        more than one place of the window while others have parts to send.
        """
        listed = self._listed.get(part.number, ())
        wanted = self._wanted | resume.algorithms_to_compare(listed)
        if self._source.is_rereadable:
            return self._carry(part, listed, wanted)
        try:
            staged = await self._source.stage(part, wanted)
        except BaseException:
            self._runtime.window.release()
            raise
        if staged is None:
            self._count = part.number - 1
            return None
        return self._deliver(staged, listed)

    async def _carry(
        self, part: Part, listed: ListedParts, wanted: frozenset[ChecksumAlgorithm]
    ) -> None:
        """Keep a part of a file that is at S3 already, or send it."""
        # What stays need not be copied to a chunk file first.
        if listed and await self._stays(part, listed, wanted):
            return
        staged = await self._source.stage(part, wanted)
        if staged is None:
            raise AssertionError("unreachable: files do not end between their parts")
        await self._deliver(staged, ())

    async def _deliver(self, staged: StagedPart, listed: ListedParts) -> None:
        """Send a part, unless it turns out to be the one that S3 lists."""
        try:
            self._check_number(staged.part)
            if not listed or not self._keeps(staged.part, listed, local=staged.checksums):
                await self._send(staged)
        except Interrupted:
            # It waited for its turn: the parts in flight are not to be dropped for that.
            return
        finally:
            staged.release()

    def _check_number(self, part: Part) -> None:
        """Refuse the part after the last one there can be; only a stream ever gets there."""
        most = self._runtime.options.limits.max_parts
        if part.number > most:
            size = format_size(part.size)
            raise SourceUnsuitable(
                f"upload {self._source.name}: it is longer than {most} parts of {size}",
                hint="begin again with a larger --part-size",
            )

    async def _stays(
        self, part: Part, listed: ListedParts, wanted: frozenset[ChecksumAlgorithm]
    ) -> bool:
        """Judge a part that S3 lists; its bytes are read only if nothing else settles it."""
        receipt = self._trusted.get(part.number)
        if receipt is not None and not self._wanted <= receipt.checksums.values.keys():
            receipt = None
        verdict = resume.decide(part, listed, receipt)
        if verdict.action is not Action.READ:
            known = None if receipt is None else receipt.checksums
            return self._judged(part, verdict, known)
        return self._keeps(part, listed, local=await self._source.checksums(part, wanted))

    def _keeps(self, part: Part, listed: ListedParts, *, local: Checksums) -> bool:
        """Judge a part that S3 lists by its local bytes."""
        return self._judged(part, resume.decide(part, listed, local=local), local)

    def _judged(self, part: Part, verdict: Verdict, known: Checksums | None) -> bool:
        """Announce what becomes of a listed part, and take note of one that stays."""
        uri, listed = self._upload.uri, verdict.listed
        if verdict.action is not Action.KEEP or known is None:
            self._runtime.announce(PartDiscarded(uri, part.number, listed.size, verdict.reason))
            return False
        self._acknowledge(Receipt(part, listed.etag, known))
        self.kept += 1
        self._runtime.announce(PartKept(uri, part.number, listed.size, verdict.reason))
        return True

    def _acknowledge(self, receipt: Receipt) -> None:
        self._runtime.journal.received(self._upload, receipt)
        self.receipts[receipt.part.number] = receipt

    async def _send(self, staged: StagedPart) -> None:
        part, upload = staged.part, self._upload
        delivery = await send(
            self._runtime,
            upload.uri,
            staged,
            lambda attempt: attempt.upload_part(upload, part.number),
        )
        if not staged.is_copy:
            # It came from the file itself, at a time when nobody computed anything over it.
            self._source.check_unchanged()
        self._acknowledge(Receipt(part, delivery.answer, staged.checksums))
        self.attempts += delivery.attempts
        self.resent += delivery.resent
        self._runtime.announce(
            PartUploaded(upload.uri, part.number, part.size, delivery.answer, delivery.attempts)
        )
