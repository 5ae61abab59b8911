"""The two comparisons that stand between parts at S3 and the word `done`.

Before completing: S3's list of parts against the plan and the receipts. After: the object
against the file, by the strongest means that this server offers.
"""

from collections.abc import Iterable, Mapping, Sequence

from asyncup.core.checksums import combine_crc64nvme, composite_md5_etag
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectHead,
    Proof,
    Receipt,
)
from asyncup.core.plan import UploadPlan

_SHOWN = 5


def parts_mismatch(
    plan: UploadPlan, receipts: Mapping[int, Receipt], listed: Iterable[ListedPart]
) -> str | None:
    """Say in what S3's list of parts differs from what should be there; None if in nothing.

    Compared are the count, and of each part the size, the ETag that S3 acknowledged it with, and
    every checksum that S3 lists.
    """
    at_s3: dict[int, list[ListedPart]] = {}
    for part in listed:
        at_s3.setdefault(part.number, []).append(part)
    planned = set(range(1, plan.count + 1))
    if missing := sorted(planned - receipts.keys()):
        return f"{_numbers(missing)} not acknowledged"
    if missing := sorted(planned - at_s3.keys()):
        return f"{_numbers(missing)} not listed by S3"
    if extra := sorted((at_s3.keys() | receipts.keys()) - planned):
        return f"{_numbers(extra)} beyond the end of the file"
    for number in sorted(planned):
        # Some servers list what was sent under a number before, too: one has to be right.
        problems = [_part_mismatch(plan, receipts[number], part) for part in at_s3[number]]
        if all(problems):
            return f"part {number}: {problems[0]}"
    return None


def _part_mismatch(plan: UploadPlan, receipt: Receipt, listed: ListedPart) -> str | None:
    expected = plan.part(receipt.part.number).size
    if receipt.checksums.size != expected:
        return f"{receipt.checksums.size} bytes sent, {expected} planned"
    if listed.size != expected:
        return f"{listed.size} bytes at S3, {expected} planned"
    if listed.etag != receipt.etag:
        return f"ETag {listed.etag} at S3, {receipt.etag} acknowledged"
    for algorithm, value in listed.checksums.items():
        if receipt.checksums.values.get(algorithm, value) != value:
            return f"{algorithm} differs"
    return None


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_SHOWN])
    noun = "part" if len(numbers) == 1 else "parts"
    return f"{noun} {shown}{', ...' if len(numbers) > _SHOWN else ''}"


def prove(head: ObjectHead, parts: Sequence[Checksums]) -> Proof | str:
    """Compare an object with the parts of its file; return the proof, or what differs.

    A checksum of the full object settles it. Else the ETag does, if it equals what the parts'
    MD5s give; if not it may be no MD5 at all (KMS, customer keys, other servers), so it tells
    nothing. What is left is the size.
    """
    size = sum(part.size for part in parts)
    if head.size != size:
        return f"the object has {head.size} bytes, the file {size}"
    crc = head.checksums.get(ChecksumAlgorithm.CRC64NVME)
    if crc is not None:
        if crc != combine_crc64nvme(parts):
            return "the object's CRC64NVME is not the file's"
        return Proof.CRC64NVME
    if head.etag in _md5_etags(parts):
        return Proof.ETAG
    return Proof.SIZE


def _md5_etags(parts: Sequence[Checksums]) -> set[str]:
    """Return the ETags that a server which uses MD5s may give an object of these parts."""
    if not all(ChecksumAlgorithm.MD5 in part.values for part in parts):
        return set()
    etags = {composite_md5_etag(parts)}
    if len(parts) == 1:
        etags.add(parts[0][ChecksumAlgorithm.MD5].hex())
    return etags
