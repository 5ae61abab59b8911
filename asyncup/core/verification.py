"""By what an object can be shown to equal a file, and what a comparison tells.

A checksum settles it both ways. An ETag that is made of MD5s can only show that they are equal:
one that differs may be no MD5 at all (KMS, customer keys, other servers), or one over other parts.
So may a checksum of parts' checksums, unless S3 has told the size of every part.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from asyncup.core.model import ChecksumAlgorithm, Checksums, ObjectHead, Part, Proof
from asyncup.core.options import Limits
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import is_md5_etag, prove, strongest
from asyncup.core.receipts import ObjectReceipt

Layout = Sequence[Part]
"""The parts that an object was made of, or may have been."""

_MD5_OF_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,4})")

_MOST_PARTS = Limits().max_parts


class Download(StrEnum):
    """When an object is read back: where nothing else shows what it is, or always, or never."""

    NEVER = "never"
    NEEDED = "needed"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Means:
    """What to compute of a file: checksums by `algorithms` over each part of `layout`.

    `is_decisive` says that the object is not the file if they differ.
    """

    algorithms: frozenset[ChecksumAlgorithm]
    layout: Layout
    is_decisive: bool


def depends_on_parts(head: ObjectHead) -> bool:
    """Return whether all that S3 tells of an object's content was made part by part."""
    if head.checksums:
        return False
    return bool(head.composite) or (_may_be_md5(head) and count_of_parts(head.etag) is not None)


def count_of_parts(etag: str) -> int | None:
    """Return how many parts an ETag tells of (`...-3`), None if it does not."""
    found = _MD5_OF_PARTS.fullmatch(etag)
    return None if found is None else int(found[1])


def _may_be_md5(head: ObjectHead) -> bool:
    """Return whether the ETag may be made of MD5s; KMS is told, customer keys are not."""
    sse = None if head.attributes is None else head.attributes.sse
    return not (sse or "").startswith("aws:kms")


def means_of_whole(head: ObjectHead) -> Means | None:
    """Return what to compute over the whole file; None if that shows nothing."""
    whole = (Part(1, 0, head.size),)
    if (algorithm := strongest(head.checksums)) is not None:
        return Means(frozenset({algorithm}), whole, is_decisive=True)
    if not head.composite and _may_be_md5(head) and is_md5_etag(head.etag):
        return Means(frozenset({ChecksumAlgorithm.MD5}), whole, is_decisive=False)
    return None


def means_of_parts(head: ObjectHead, layout: Layout, *, is_certain: bool) -> Means:
    """Return what to compute over parts; `is_certain` says that S3 has told all their sizes."""
    algorithm = strongest(head.composite)
    if algorithm is None:
        return Means(frozenset({ChecksumAlgorithm.MD5}), layout, is_decisive=False)
    return Means(frozenset({algorithm}), layout, is_decisive=is_certain)


def uniform(size: int, part_size: int, count: int | None) -> Layout | None:
    """Return the layout of parts of one size; None if they would not be `count` of them."""
    if part_size < 1 or -(-size // part_size) > _MOST_PARTS:
        return None
    plan = UploadPlan(size, part_size)
    return tuple(plan.parts()) if count in (None, plan.count) else None


def of_sizes(sizes: Iterable[int], size: int) -> Layout | None:
    """Return the layout of parts of these sizes; None if they do not make `size` bytes."""
    parts: list[Part] = []
    offset = 0
    for number, each in enumerate(sizes, 1):
        parts.append(Part(number, offset, each))
        offset += each
    return tuple(parts) if offset == size else None


def likely_layouts(head: ObjectHead, part_sizes: Iterable[int]) -> list[Layout]:
    """Return what the parts may have been where S3 does not tell, by part sizes to try."""
    count = count_of_parts(head.etag)
    layouts = (uniform(head.size, each, count) for each in dict.fromkeys(part_sizes))
    return [each for each in layouts if each is not None]


def judge(head: ObjectHead, means: Means, parts: Sequence[Checksums]) -> Proof | str | None:
    """Compare: return the proof, or in what object and file differ, or None if nobody can tell."""
    proof = prove(head, parts)
    if isinstance(proof, Proof):
        return proof if proof.is_by_content else None
    return proof if means.is_decisive or head.size != sum(part.size for part in parts) else None


def compare_with_receipt(head: ObjectHead, receipt: ObjectReceipt) -> Proof | str | None:
    """Compare an object with what was proven when it was uploaded; the outcome is as of `judge`.

    The same ETag and size are those of an object that nobody has replaced. That shows no more than
    was shown when it was uploaded: nothing, where only the size was compared.
    """
    if head.size != receipt.size:
        return f"the object has {head.size} bytes, the receipt says {receipt.size}"
    told = head.checksums.get(ChecksumAlgorithm.CRC64NVME)
    if told is not None and receipt.checksum is not None:
        if told == receipt.checksum:
            return Proof.CRC64NVME
        return "the object's CRC64NVME is not the receipt's"
    is_same = bool(head.etag) and head.etag == receipt.etag
    return Proof.ETAG if is_same and receipt.proof.is_by_content else None
