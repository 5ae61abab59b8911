"""What S3 lists of a pending upload, against the file: which parts stay, which go again, and why.

S3 is the ledger: all here works without any local state. The part size belongs to the upload,
not to today's flags, so it is read off the listed parts; and no part stays because of its number
and size alone: its bytes are read again here and compared with the checksum that S3 lists, or
with its ETag where that is an MD5.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.model import ChecksumAlgorithm, Checksums, ListedPart, Upload
from asyncup.core.options import Limits
from asyncup.core.plan import UploadPlan, make_plan

_MD5_ETAG = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a listed part stays, and why."""

    keep: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """A pending upload that fits the file: its plan, and the parts whose bytes to compare."""

    plan: UploadPlan
    candidates: Mapping[int, ListedPart]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A pending upload that cannot become this file, and why."""

    reason: str


def match_upload(
    size: int | None, listed: Sequence[ListedPart], wanted: UploadPlan, limits: Limits
) -> Resumption | Unusable:
    """Find the part size with which the listed parts are parts of a file of `size` bytes.

    `size` is None for a stream; `wanted` is the plan of a new upload, taken where nothing is
    listed yet.
    """
    if not listed:
        return Resumption(wanted, {})
    parts = sorted(listed, key=lambda part: part.number)
    for part_size in _possible_part_sizes(size, parts, wanted):
        plan = _fitting_plan(size, part_size, parts, limits)
        if plan is not None:
            return Resumption(plan, {part.number: part for part in parts})
    return Unusable("its parts are not parts of a file of this size")


def _possible_part_sizes(
    size: int | None, parts: Sequence[ListedPart], wanted: UploadPlan
) -> list[int]:
    """Return candidates in order of trust: the largest part listed, and, where only the last part
    of the file may be listed, the size that all before it would have.
    """  # noqa: D205
    largest = max(part.size for part in parts)
    last = parts[-1]
    candidates = [largest]
    if size is not None and last.number > 1:
        before, rest = divmod(size - last.size, last.number - 1)
        if rest == 0:
            candidates.append(before)
    if wanted.part_size in candidates:
        candidates.insert(0, wanted.part_size)
    return candidates


def _fitting_plan(
    size: int | None, part_size: int, parts: Sequence[ListedPart], limits: Limits
) -> UploadPlan | None:
    """Return the plan with this part size if every listed part is one of its parts."""
    if not limits.min_part_size <= part_size <= limits.max_part_size:
        return None
    try:
        plan = make_plan(size, part_size, limits)
    except SourceUnsuitable:
        return None
    if plan.part_size != part_size or plan.is_single:
        return None
    highest = limits.max_parts if size is None else plan.count
    for part in parts:
        if part.number > highest:
            return None
        expected = plan.part(part.number).size
        # The end of a stream is not known yet: its last part may be a short one.
        if part.size != expected and not (size is None and part is parts[-1]):
            return None
    return plan


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


def algorithms_to_compare(part: ListedPart) -> frozenset[ChecksumAlgorithm]:
    """Return what to compute over the local bytes so that `compare` can judge this part."""
    if part.checksums:
        return frozenset(part.checksums)
    return frozenset({ChecksumAlgorithm.MD5} if is_md5_etag(part.etag) else ())


def compare(part: ListedPart, local: Checksums) -> Verdict:
    """Judge a listed part by what was computed over the local bytes in its place."""
    if part.size != local.size:
        return Verdict(keep=False, reason=f"size differs: {part.size} at S3, {local.size} here")
    for algorithm, listed in part.checksums.items():
        if local[algorithm] != listed:
            return Verdict(keep=False, reason=f"{algorithm} differs")
    if part.checksums:
        return Verdict(keep=True, reason=f"{', '.join(part.checksums)} equal")
    if not is_md5_etag(part.etag):
        return Verdict(keep=False, reason="S3 lists neither a checksum nor an MD5 for it")
    if local[ChecksumAlgorithm.MD5].hex() != part.etag:
        return Verdict(keep=False, reason="ETag differs from the MD5 of the local bytes")
    return Verdict(keep=True, reason="ETag equals the MD5 of the local bytes")


def is_md5_etag(etag: str) -> bool:
    """Return whether an ETag (without quotes) has the form of an MD5.

    The form proves nothing; only equality with a local MD5 does.
    """
    return _MD5_ETAG.fullmatch(etag) is not None
