"""What S3 lists of a pending upload, against the file: which parts stay, which go again, and why.

S3 is the ledger: all here works without any local state. The part size belongs to the upload,
not to today's flags, so it is read off the listed parts; and no part stays because of its number
and size alone: its bytes are read again here and compared with the checksum that S3 lists, or
with its ETag where that is an MD5.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.model import ChecksumAlgorithm, Checksums, ListedPart, Part, Upload
from asyncup.core.options import Limits
from asyncup.core.plan import UploadPlan, make_plan

_MD5_ETAG = re.compile(r"[0-9a-f]{32}")


ListedParts = Sequence[ListedPart]
"""What S3 lists under one part number: one part. But SeaweedFS goes on listing what was sent under
a number before; completing takes the one whose ETag is named.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of the parts listed under a number stays, None if it has to go again, and why."""

    kept: ListedPart | None
    reason: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """A pending upload that can become the file: its plan, and what S3 lists, by number."""

    plan: UploadPlan
    listed: Mapping[int, ListedParts]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A pending upload that cannot become this file, and why."""

    reason: str


def match_upload(
    size: int | None, listed: Sequence[ListedPart], wanted: UploadPlan, limits: Limits
) -> Resumption | Unusable:
    """Find the part size with which the most listed parts are parts of a file of `size` bytes.

    Parts that do not fit go again under their number: those at the end of a file that has grown.
    Parts beyond the end of a file that has shrunk cannot be taken back; such an upload is of no
    use. `size` is None for a stream; `wanted` is the plan of a new upload, taken where nothing is
    listed yet.
    """
    if not listed:
        return Resumption(wanted, {})
    by_number: dict[int, list[ListedPart]] = {}
    for part in sorted(listed, key=lambda part: part.number):
        by_number.setdefault(part.number, []).append(part)
    best, most = None, 0
    for part_size in _possible_part_sizes(size, listed, wanted):
        plan = _plan_with(size, part_size, max(by_number), limits)
        fitting = 0 if plan is None else sum(_fits(plan, parts) for parts in by_number.values())
        if plan is not None and fitting > most:
            best, most = Resumption(plan, by_number), fitting
    return best or Unusable("its parts are not parts of a file of this size")


def _possible_part_sizes(
    size: int | None, listed: Sequence[ListedPart], wanted: UploadPlan
) -> Iterator[int]:
    """Yield what the part size may be: today's, that of a listed part, or, if only the last part of
    the file is listed, the size that all before it would have.
    """  # noqa: D205
    sizes = sorted({part.size for part in listed}, reverse=True)
    last = max(listed, key=lambda part: part.number)
    if size is not None and last.number > 1:
        before, rest = divmod(size - last.size, last.number - 1)
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


def algorithms_to_compare(listed: ListedParts) -> frozenset[ChecksumAlgorithm]:
    """Return what to compute over the local bytes so that `compare` can judge these parts."""
    wanted: set[ChecksumAlgorithm] = set()
    for part in listed:
        wanted |= part.checksums.keys()
        if not part.checksums and is_md5_etag(part.etag):
            wanted.add(ChecksumAlgorithm.MD5)
    return frozenset(wanted)


def compare_sizes(listed: ListedParts, part: Part) -> Verdict | None:
    """Judge listed parts without reading a byte; None if only the bytes can tell."""
    if any(each.size == part.size for each in listed):
        return None
    return Verdict(None, f"size differs: {listed[0].size} at S3, {part.size} here")


def compare(listed: ListedParts, local: Checksums) -> Verdict:
    """Judge the parts listed under a number by what was computed over the local bytes."""
    reasons = []
    for part in listed:
        equal, reason = _compare_one(part, local)
        if equal:
            return Verdict(part, reason)
        reasons.append(reason)
    return Verdict(None, reasons[0])


def _compare_one(part: ListedPart, local: Checksums) -> tuple[bool, str]:
    if part.size != local.size:
        return False, f"size differs: {part.size} at S3, {local.size} here"
    for algorithm, value in part.checksums.items():
        if local[algorithm] != value:
            return False, f"{algorithm} differs"
    if part.checksums:
        return True, f"{', '.join(part.checksums)} equal"
    if not is_md5_etag(part.etag):
        return False, "S3 lists neither a checksum nor an MD5 for it"
    if local[ChecksumAlgorithm.MD5].hex() != part.etag:
        return False, "ETag differs from the MD5 of the local bytes"
    return True, "ETag equals the MD5 of the local bytes"


def is_md5_etag(etag: str) -> bool:
    """Return whether an ETag (without quotes) has the form of an MD5.

    The form proves nothing; only equality with a local MD5 does.
    """
    return _MD5_ETAG.fullmatch(etag) is not None
