"""What S3 lists of a pending upload, against the file: which parts stay, which go again, and why.

S3 is the ledger: all here works without any local state. The part size belongs to the upload,
not to today's flags, so it is read off the listed parts; and no part stays because of its number
and size alone. What the journal says of an unchanged file spares reading it again; else its bytes
are read here once more, and compared with the checksum that S3 lists, or with its ETag where that
is an MD5.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    Fingerprint,
    JournalRecord,
    ListedPart,
    Part,
    Receipt,
    Upload,
)
from asyncup.core.options import Limits
from asyncup.core.plan import UploadPlan, make_plan
from asyncup.core.proof import is_md5_etag

ListedParts = Sequence[ListedPart]
"""What S3 lists under one part number: one part. But SeaweedFS goes on listing what was sent under
a number before; completing takes the one whose ETag is named.
"""


class Action(StrEnum):
    """What becomes of a part that S3 lists."""

    KEEP = "keep"
    READ = "read"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a listed part.

    `receipt` is the journal's, of a file that has not changed since; `local` was computed over
    the bytes as they are now, with all of `algorithms_to_compare`.
    """

    part: Part
    listed: ListedPart
    receipt: Receipt | None = None
    local: Checksums | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """If it applies, this is to be done, for this reason."""

    name: str
    applies: Callable[[Facts], bool]
    action: Action
    reason: str

    def because(self, facts: Facts) -> str:
        """Return the reason, with the numbers."""
        return self.reason.format(at_s3=facts.listed.size, here=facts.part.size)


RULES = (
    Rule(
        "other size",
        lambda facts: facts.listed.size != facts.part.size,
        Action.SEND,
        "size differs: {at_s3} at S3, {here} here",
    ),
    Rule(
        "stored checksum",
        lambda facts: _receipt_has(facts, _checksums_equal) and bool(facts.listed.checksums),
        Action.KEEP,
        "the checksum that S3 lists is the journal's, and the file has not changed",
    ),
    Rule(
        "journal",
        lambda facts: _receipt_has(facts, _etag_equal) and not facts.listed.checksums,
        Action.KEEP,
        "the ETag that S3 lists is the journal's, and the file has not changed",
    ),
    Rule(
        "nothing to compare",
        lambda facts: not facts.listed.checksums and not is_md5_etag(facts.listed.etag),
        Action.SEND,
        "S3 lists neither a checksum nor an MD5 for it",
    ),
    Rule("unread", lambda facts: facts.local is None, Action.READ, "to be compared"),
    Rule(
        "checksum equal",
        lambda facts: bool(facts.listed.checksums) and _checksums_equal(facts.listed, facts.local),
        Action.KEEP,
        "the checksum that S3 lists is that of the bytes here",
    ),
    Rule(
        "checksum differs",
        lambda facts: bool(facts.listed.checksums),
        Action.SEND,
        "the checksum that S3 lists is not that of the bytes here",
    ),
    Rule(
        "MD5 equal",
        lambda facts: _md5(facts.local) == facts.listed.etag,
        Action.KEEP,
        "the ETag is the MD5 of the bytes here",
    ),
    Rule("MD5 differs", lambda _: True, Action.SEND, "the ETag is not the MD5 of the bytes here"),
)
"""What becomes of a listed part: the first rule that applies says it."""


def _receipt_has(facts: Facts, equal: Callable[[ListedPart, Receipt], bool]) -> bool:
    receipt = facts.receipt
    return receipt is not None and receipt.part == facts.part and equal(facts.listed, receipt)


def _etag_equal(listed: ListedPart, receipt: Receipt) -> bool:
    return listed.etag == receipt.etag


def _checksums_equal(listed: ListedPart, known: Receipt | Checksums | None) -> bool:
    """Return whether every checksum that S3 lists is known here, and the same."""
    values = known.checksums.values if isinstance(known, Receipt) else known and known.values
    return all((values or {}).get(each) == value for each, value in listed.checksums.items())


def _md5(local: Checksums | None) -> str | None:
    return None if local is None else local[ChecksumAlgorithm.MD5].hex()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a part that S3 lists, by which rule, and why."""

    action: Action
    rule: str
    reason: str
    listed: ListedPart


def decide(
    part: Part,
    listed: ListedParts,
    receipt: Receipt | None = None,
    local: Checksums | None = None,
) -> Verdict:
    """Judge what S3 lists under a number; of several, one that stays is enough."""
    verdicts = [_decide_one(Facts(part, each, receipt, local)) for each in listed]
    return min(verdicts, key=lambda verdict: _PREFERENCE.index(verdict.action))


_PREFERENCE = [Action.KEEP, Action.READ, Action.SEND]


def _decide_one(facts: Facts) -> Verdict:
    rule = next(rule for rule in RULES if rule.applies(facts))
    return Verdict(rule.action, rule.name, rule.because(facts), facts.listed)


def algorithms_to_compare(listed: ListedParts) -> frozenset[ChecksumAlgorithm]:
    """Return what to compute over the local bytes so that `decide` can judge these parts."""
    wanted: set[ChecksumAlgorithm] = set()
    for part in listed:
        wanted |= part.checksums.keys()
        if not part.checksums and is_md5_etag(part.etag):
            wanted.add(ChecksumAlgorithm.MD5)
    return frozenset(wanted)


@dataclass(frozen=True, slots=True)
class Resumption:
    """A pending upload that can become the file: its plan, and what is known of its parts.

    `receipts` are the journal's where they can be trusted; `usable` counts the bytes at S3 that
    may well stay.
    """

    plan: UploadPlan
    listed: Mapping[int, ListedParts] = field(default_factory=dict)
    receipts: Mapping[int, Receipt] = field(default_factory=dict)
    usable: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A pending upload that cannot become this file, and why."""

    reason: str


def trusted_receipts(
    record: JournalRecord | None, fingerprint: Fingerprint | None
) -> Mapping[int, Receipt]:
    """Return what the journal knows of a file's parts if it is still the same file.

    A stream has no fingerprint, so nothing that was known of it can be trusted.
    """
    if record is None or fingerprint is None or record.fingerprint != fingerprint:
        return {}
    return record.receipts


def match_upload(
    listed: Sequence[ListedPart],
    wanted: UploadPlan,
    limits: Limits,
    receipts: Mapping[int, Receipt] | None = None,
) -> Resumption | Unusable:
    """Find the part size with which the most listed parts are parts of a file.

    Parts that do not fit go again under their number: those at the end of a file that has grown.
    Parts beyond the end of a file that has shrunk cannot be taken back; such an upload is of no
    use. `wanted` is the plan of a new upload of this file, taken where nothing is listed yet.
    """
    if not listed:
        return Resumption(wanted)
    is_full = max(part.number for part in listed) == limits.max_parts
    if wanted.size is None and is_full and wanted.part_size > max(part.size for part in listed):
        return Unusable("the stream may be longer than all its parts, and larger ones are wanted")
    by_number: dict[int, list[ListedPart]] = {}
    for part in sorted(listed, key=lambda part: part.number):
        by_number.setdefault(part.number, []).append(part)
    best, most = None, 0
    for part_size in _possible_part_sizes(listed, wanted):
        plan = _plan_with(wanted.size, part_size, max(by_number), limits)
        if plan is None:
            continue
        fitting = sum(_fits(plan, parts) for parts in by_number.values())
        if fitting > most:
            usable = sum(_usable(plan, parts, receipts or {}) for parts in by_number.values())
            best, most = Resumption(plan, by_number, receipts or {}, usable), fitting
    return best or Unusable("its parts are not parts of a file of this size")


def _possible_part_sizes(listed: Sequence[ListedPart], wanted: UploadPlan) -> Iterator[int]:
    """Yield what the part size may be: today's, that of a listed part, or, if only the last part of
    the file is listed, the size that all before it would have.
    """  # noqa: D205
    sizes = sorted({part.size for part in listed}, reverse=True)
    last = max(listed, key=lambda part: part.number)
    if wanted.size is not None and last.number > 1:
        before, rest = divmod(wanted.size - last.size, last.number - 1)
        sizes += [before] if rest == 0 else []
    if wanted.part_size in sizes:
        yield wanted.part_size
    yield from sizes


def _plan_with(size: int | None, part_size: int, highest: int, limits: Limits) -> UploadPlan | None:
    """Return the plan of exactly this part size if there is one with so many parts."""
    if not limits.min_part_size <= part_size <= limits.max_part_size:
        return None
    try:
        plan = make_plan(size, part_size, limits)
    except SourceUnsuitable:
        return None
    count = limits.max_parts if plan.size is None else plan.count
    return plan if plan.part_size == part_size and highest <= count else None


def _fits(plan: UploadPlan, listed: ListedParts) -> bool:
    """Return whether one of the parts under a number has the size that the plan has there."""
    expected = plan.part(listed[0].number).size
    # The end of a stream is not known yet: any part may turn out to be its short last one.
    return any(
        part.size == expected or (plan.size is None and part.size < expected) for part in listed
    )


def _usable(plan: UploadPlan, listed: ListedParts, receipts: Mapping[int, Receipt]) -> int:
    """Return the bytes that may stay of what is listed under a number."""
    if not _fits(plan, listed):
        return 0
    part = plan.part(listed[0].number)
    if plan.size is None:
        part = replace(part, size=listed[0].size)
    verdict = decide(part, listed, receipts.get(part.number))
    return 0 if verdict.action is Action.SEND else part.size


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pending upload that can become the file, and whether the journal knows it."""

    upload: Upload
    resumption: Resumption
    in_journal: bool


def best_of(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the upload that leaves the least to send; else the journal's; else the newest."""
    return max(
        candidates,
        key=lambda each: (each.resumption.usable, each.in_journal, str(each.upload.initiated)),
        default=None,
    )


def known_algorithm(upload: Upload, listed: Sequence[ListedPart]) -> Upload:
    """Return an upload with the algorithm that its parts show, where its listing did not tell.

    Parts of another algorithm would be refused, now or when all is sent.
    """
    shown = {algorithm for part in listed for algorithm in part.checksums}
    if upload.algorithm is not None or len(shown) != 1:
        return upload
    algorithm = shown.pop()
    # It has no other form than that of the full object.
    return replace(upload, algorithm=algorithm, whole=algorithm is ChecksumAlgorithm.CRC64NVME)
