"""The engine, broken on purpose: what a simulation has to notice to be worth anything."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asyncup.core import resume
from asyncup.core.arbiter import Outcome
from asyncup.core.errors import ObjectMismatch
from asyncup.core.events import UploadAborted
from asyncup.core.model import (
    Checksums,
    JournalRecord,
    ListedPart,
    ObjectHead,
    ObjectURI,
    Part,
    Proof,
    Receipt,
    Upload,
)
from asyncup.core.options import Limits
from asyncup.core.outcome import RunResult
from asyncup.core.plan import UploadPlan
from asyncup.core.resume import Action, ListedParts, Resumption, Unusable, Verdict
from asyncup.core.selection import Stay
from asyncup.edges.body import Pace, PartBody
from asyncup.edges.chunks import ChunkStore, StagedPart
from asyncup.edges.journal import Journal
from asyncup.edges.ranges import RangeReader
from asyncup.engine import cleanup, completion, pending, proving, single, upload
from asyncup.engine.abort import abort
from asyncup.engine.cleanup import Cleanup, Pending
from asyncup.engine.errands import Errands
from asyncup.engine.pending import PendingUploads
from asyncup.engine.proving import FileComparison, mismatch
from asyncup.engine.runtime import Claim, Runtime
from asyncup.engine.source import FileSource
from asyncup.engine.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way in which a promise is not kept any more: what is put into whose place.

    It is noticed `within` so many histories.
    """

    name: str
    breaks: str
    swaps: tuple[tuple[object, str, object], ...]
    within: int = 300

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Break the engine for as long as the context lasts."""
        before = [(owner, name, vars(owner)[name]) for owner, name, _ in self.swaps]
        for owner, name, value in self.swaps:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)


def _keep_by_size(
    part: Part, listed: ListedParts, receipt: Receipt | None = None, local: Checksums | None = None
) -> Verdict:
    action = Action.READ if local is None and receipt is None else Action.KEEP
    action = action if listed[0].size == part.size else Action.SEND
    return Verdict(action, "size", "it has the size", listed[0])


async def _believe_receipts(
    _: object, __: Upload, ___: UploadPlan, receipts: Mapping[int, Receipt], **____: object
) -> Sequence[Receipt]:
    return [receipts[number] for number in sorted(receipts)]


async def _whatever_is_there(
    runtime: Any,  # noqa: ANN401 - it does not matter
    upload: Upload,
    *_: object,
) -> ObjectHead | None:
    head: ObjectHead | None = await runtime.gateway.head_object(upload.uri)
    return head


def _has_size(head: ObjectHead, parts: Sequence[Checksums]) -> Proof | None:
    return Proof.SIZE if head.size == sum(part.size for part in parts) else None


def _arbitrate_by_size(
    _: Upload, receipts: Sequence[Receipt], head: ObjectHead | None, **__: object
) -> Outcome:
    parts = [receipt.checksums for receipt in receipts]
    return Outcome.DONE if head and _has_size(head, parts) else Outcome.START_OVER


def _receipts_of_any_file(record: JournalRecord | None, _: object) -> Mapping[int, Receipt]:
    return {} if record is None else record.receipts


def _body_without_rewind(self: StagedPart, moved: Callable[[int], None], _: Pace) -> PartBody:
    before = self.part.number in _SENT.setdefault(self.path, set())
    _SENT[self.path].add(self.part.number)
    size = self.checksums.size
    read = size if before else 0
    return PartBody(RangeReader(self.path, self.offset + read, size - read), size, moved)


_SENT: dict[Path, set[int]] = {}


async def _send_noted_first(self: Transfer, staged: StagedPart) -> None:
    noted = Receipt(staged.part, "not known yet", staged.checksums)
    self._runtime.journal.received(self._upload, noted)
    await _SEND(self, staged)


_SEND = Transfer._send


def _match_with_journal(
    listed: Sequence[ListedPart],
    wanted: UploadPlan,
    limits: Limits,
    receipts: Mapping[int, Receipt] | None = None,
) -> Resumption | Unusable:
    there = {part.number for part in listed}
    more = [each for number, each in (receipts or {}).items() if number not in there]
    believed = [ListedPart(each.part.number, each.part.size, each.etag) for each in more]
    return resume.match_upload([*listed, *believed], wanted, limits, receipts)


def _match_today(
    listed: Sequence[ListedPart],
    wanted: UploadPlan,
    _: Limits,
    receipts: Any = None,  # noqa: ANN401
) -> Resumption:
    return Resumption(wanted, {part.number: [part] for part in listed}, receipts or {}, 1)


def _whole_parts_only(self: UploadPlan) -> Iterator[Part]:
    return (part for part in _PARTS(self) if part.size == self.part_size)


_PARTS = UploadPlan.parts


def _complete_enough(self: Transfer) -> bool:
    return self._count is None or len(self.receipts) >= self._count - 1


def _complete_when_stopped(self: Transfer) -> bool:
    return self._count is None or len(self.receipts) == self._count


async def _split_into_another(self: ChunkStore, part: Part, *rest: Any) -> StagedPart:  # noqa: ANN401
    staged = await _SPLIT(self, part, *rest)
    others = [each for each in sorted(self._directory.iterdir()) if each != staged.path]
    same = [each for each in others if each.stat().st_size == staged.checksums.size]
    if same:
        staged.path.unlink()
    return replace(staged, path=same[0]) if same else staged


_SPLIT = ChunkStore.split


async def _nothing_pending(*_: object) -> None:
    return None


def _nobody_is_kept_off(_: Journal, __: ObjectURI) -> AbstractContextManager[None]:
    return nullcontext()


async def _abort_what_is_at_work(self: Cleanup, chosen: Sequence[Pending]) -> RunResult:
    for each in chosen:
        await abort(self._runtime, each.upload, "whoever is at work on it")
    return RunResult(done=len(chosen))


async def _abort_once(runtime: Runtime, upload: Upload, reason: str) -> None:
    await _abort_at_s3_alone(runtime, upload, reason)
    runtime.journal.closed(upload)


async def _abort_at_s3_alone(runtime: Runtime, upload: Upload, reason: str) -> None:
    await runtime.gateway.abort_multipart_upload(upload)
    runtime.announce(UploadAborted(upload.uri, upload.upload_id, reason))


async def _list_all_but_one(
    self: Cleanup,
    *args: Any,  # noqa: ANN401
    **more: Any,  # noqa: ANN401
) -> AsyncIterator[Pending]:
    held_back: list[Pending] = []
    async for each in _LIST(self, *args, **more):
        for before in held_back:
            yield before
        held_back = [each]


_LIST = Cleanup.list


def _begins_alike(uri: ObjectURI, place: ObjectURI) -> bool:
    return uri.key.startswith(place.key)


def _judge_by_size(*_: object) -> Proof:
    return Proof.SIZE


def _differs(uri: ObjectURI, _: ObjectHead) -> ObjectMismatch:
    return mismatch(uri, "nothing shows that they are equal")


async def _believe_the_download(*_: object) -> Proof:
    return Proof.DOWNLOAD


async def _believe_the_size(*_: object) -> Stay:
    return Stay("S3 already holds it, proven by nothing")


def _nothing(*_: object) -> None:
    return None


MUTANTS = [
    Mutant(
        "kept by size",
        "a part that S3 lists stays because of its number and size alone",
        ((resume, "decide", _keep_by_size),),
    ),
    Mutant(
        "no second list",
        "completing is asked for without looking at S3's list of parts once more",
        ((upload, "check_parts", _believe_receipts),),
    ),
    Mutant(
        "gone is done",
        "an upload that is gone is taken for one that was completed",
        (
            (completion, "find_out", _whatever_is_there),
            (completion, "is_by_content", _has_size),
        ),
        within=1000,
    ),
    Mutant(
        "any object of the size",
        "after a lost answer, an object of the right size is taken for the one that was to be made",
        (
            (completion, "arbitrate", _arbitrate_by_size),
            (completion, "is_by_content", _has_size),
            (single, "is_by_content", _has_size),
        ),
        within=1000,
    ),
    Mutant(
        "fingerprint ignored",
        "nobody looks whether the file has changed since its upload began",
        ((FileSource, "check_unchanged", _nothing),),
        within=1000,
    ),
    Mutant(
        "receipts of any file",
        "the journal's receipts are trusted although the file has changed since",
        (
            (pending, "trusted_receipts", _receipts_of_any_file),
            (completion, "trusted_receipts", _receipts_of_any_file),
        ),
    ),
    Mutant(
        "no rewind",
        "a second attempt goes on reading where the first one ended",
        ((StagedPart, "body", _body_without_rewind),),
    ),
    Mutant(
        "noted before sent",
        "a part is in the journal before it is sent, and the journal is believed",
        (
            (Transfer, "_send", _send_noted_first),
            (pending, "match_upload", _match_with_journal),
        ),
    ),
    Mutant(
        "today's part size",
        "an upload goes on with the part size of today, not with its own",
        ((pending, "match_upload", _match_today),),
    ),
    Mutant(
        "last part forgotten",
        "a last part that is shorter than the others is left out",
        (
            (UploadPlan, "parts", _whole_parts_only),
            (Transfer, "is_complete", property(_complete_enough)),
            (upload, "check_parts", _believe_receipts),
        ),
    ),
    Mutant(
        "stopped is complete",
        "a stream that was stopped is completed with what was sent of it",
        ((Transfer, "is_complete", property(_complete_when_stopped)),),
        # All that is in flight has to arrive within the moment that a stop leaves it.
        within=1500,
    ),
    Mutant(
        "another's chunk file",
        "a part is sent from the chunk file of another one that has the same size",
        ((ChunkStore, "split", _split_into_another),),
    ),
    Mutant(
        "chunk files stay",
        "chunk files are not deleted when their part is at S3",
        ((StagedPart, "release", _nothing), (StagedPart, "retire", _nothing)),
    ),
    Mutant(
        "record stays",
        "the journal goes on knowing an upload that was completed",
        ((Journal, "closed", _nothing),),
    ),
    Mutant(
        "nothing is resumed",
        "every run begins an upload of its own",
        ((PendingUploads, "choose", _nothing_pending),),
    ),
    Mutant(
        "two at work",
        "a second process is not kept off a key that another one of the same journal works on",
        ((Journal, "claim", _nobody_is_kept_off),),
        within=1000,
    ),
    Mutant(
        "backlog never empties",
        "files that are done go on being counted as to be done",
        ((Claim, "close", _nothing), (Claim, "take", _nothing)),
    ),
    Mutant(
        "abort at work",
        "an upload is aborted while another run of the same journal is at work on it",
        ((Cleanup, "abort_all", _abort_what_is_at_work),),
        within=1000,
    ),
    Mutant(
        "abort at S3 alone",
        "the journal goes on knowing an upload that was aborted",
        ((cleanup, "abort", _abort_at_s3_alone),),
    ),
    Mutant(
        "abort once",
        "nobody looks whether all parts of an upload that was aborted are gone",
        ((cleanup, "abort", _abort_once),),
    ),
    Mutant(
        "one is not told",
        "the last pending upload is not listed",
        ((Cleanup, "list", _list_all_but_one),),
    ),
    Mutant(
        "others are told",
        "what is pending beside a prefix is listed as below it",
        ((cleanup, "_is_in", _begins_alike),),
    ),
    Mutant(
        "equal by size",
        "verify takes an object of the right size for the file",
        ((proving, "judge", _judge_by_size),),
    ),
    Mutant(
        "differs by silence",
        "verify says that an object differs of which S3 does not tell enough",
        ((proving, "unproven", _differs),),
    ),
    Mutant(
        "download believed",
        "verify reads an object back, and does not look at what it has read",
        ((FileComparison, "_by_download", _believe_the_download),),
    ),
    Mutant(
        "skipped by size",
        "an object of the right size is taken for proven to be the file",
        ((Errands, "_reason_by_content", _believe_the_size),),
    ),
]
