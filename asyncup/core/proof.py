"""The two comparisons that stand between parts at S3 and the word `done`.

Before completing: S3's list of parts against the plan and the receipts. After: the object
against the file, by the strongest means that this server offers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from asyncup.core.checksums import combine, composite, composite_md5_etag
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
_MD5_ETAG = re.compile(r"[0-9a-f]{32}")


def compare_parts(
    plan: UploadPlan,
    receipts: Mapping[int, Receipt],
    listed: Iterable[ListedPart],
    *,
    is_stream: bool = False,
) -> Sequence[Receipt] | str:
    """Return what to complete an upload with, or in what S3's list differs from what is to be.

    Compared are the count, and of each part the size, the checksums, and the ETag that S3
    acknowledged it with. An attempt that was given up may still arrive, and be given another
    ETag: if S3 lists a checksum that is ours, that one counts.

    Parts after the end of a stream that was longer once are left out: completing names the parts.
    """
    at_s3: dict[int, list[ListedPart]] = {}
    for part in listed:
        at_s3.setdefault(part.number, []).append(part)
    planned = set(range(1, plan.count + 1))
    if missing := sorted(planned - receipts.keys()):
        return f"{_numbers(missing)} not acknowledged"
    if missing := sorted(planned - at_s3.keys()):
        return f"{_numbers(missing)} not listed by S3"
    if not is_stream and (extra := sorted((at_s3.keys() | receipts.keys()) - planned)):
        return f"{_numbers(extra)} beyond the end of the file"
    named: list[Receipt] = []
    for number in sorted(planned):
        # Some servers list what was sent under a number before, too: one has to be right.
        compared = [_compare_part(plan, receipts[number], part) for part in at_s3[number]]
        right = [each for each in compared if isinstance(each, Receipt)]
        if not right:
            return f"part {number}: {compared[0]}"
        named.append(receipts[number] if receipts[number] in right else right[0])
    return named


def _compare_part(plan: UploadPlan, receipt: Receipt, listed: ListedPart) -> Receipt | str:
    """Return a part as it is to be named to S3, or in what it differs."""
    expected = plan.part(receipt.part.number).size
    if receipt.checksums.size != expected:
        return f"{receipt.checksums.size} bytes sent, {expected} planned"
    if listed.size != expected:
        return f"{listed.size} bytes at S3, {expected} planned"
    known = receipt.checksums.values.keys() & listed.checksums.keys()
    for algorithm in sorted(known):
        if receipt.checksums[algorithm] != listed.checksums[algorithm]:
            return f"{algorithm} differs"
    if listed.etag != receipt.etag and not known:
        return f"ETag {listed.etag} at S3, {receipt.etag} acknowledged"
    return replace(receipt, etag=listed.etag)


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_SHOWN])
    noun = "part" if len(numbers) == 1 else "parts"
    return f"{noun} {shown}{', ...' if len(numbers) > _SHOWN else ''}"


def prove(head: ObjectHead, parts: Sequence[Checksums]) -> Proof | str:
    """Compare an object with the parts of its file; return the proof, or what differs.

    A checksum settles it, that of the full object or that of these parts' checksums. Else the
    ETag does, if it equals what the parts' MD5s give; if not it may be no MD5 at all (KMS,
    customer keys, other servers), so it tells nothing. What is left is the size.
    """
    size = sum(part.size for part in parts)
    if head.size != size:
        return f"the object has {head.size} bytes, the file {size}"
    for algorithm, proof in _BY_CHECKSUM.items():
        for told, ours in (
            (head.checksums.get(algorithm), combine(algorithm, parts)),
            (head.composite.get(algorithm), composite(algorithm, parts)),
        ):
            if told is not None and ours is not None:
                return proof if told == ours else f"the object's {algorithm} is not the file's"
    return Proof.ETAG if head.etag in _md5_etags(parts) else Proof.SIZE


def is_by_content(head: ObjectHead, parts: Sequence[Checksums]) -> Proof | None:
    """Return the proof that an object has the content of these parts; None if there is none."""
    proof = prove(head, parts)
    return proof if isinstance(proof, Proof) and proof.is_by_content else None


_BY_CHECKSUM = {
    ChecksumAlgorithm.CRC64NVME: Proof.CRC64NVME,
    ChecksumAlgorithm.SHA256: Proof.SHA256,
    ChecksumAlgorithm.SHA1: Proof.SHA1,
    ChecksumAlgorithm.CRC32C: Proof.CRC32C,
    ChecksumAlgorithm.CRC32: Proof.CRC32,
}
"""The strongest first, but CRC64NVME before all: it is of the whole object, and always known."""


def strongest(told: Mapping[ChecksumAlgorithm, bytes]) -> ChecksumAlgorithm | None:
    """Return the algorithm that counts most of those that S3 tells, None if it tells none."""
    return next((algorithm for algorithm in _BY_CHECKSUM if algorithm in told), None)


def etag_of(receipts: Sequence[Receipt]) -> str | None:
    """Return the ETag of the object that is made of these parts, if theirs look like MD5s.

    It shows that S3 has made the object of just what it acknowledged, also where no MD5 was
    computed here.
    """
    if not receipts or not all(is_md5_etag(receipt.etag) for receipt in receipts):
        return None
    md5s = [bytes.fromhex(receipt.etag) for receipt in receipts]
    return composite_md5_etag([Checksums(0, {ChecksumAlgorithm.MD5: md5}) for md5 in md5s])


def is_md5_etag(etag: str) -> bool:
    """Return whether an ETag (without quotes) has the form of an MD5.

    The form proves nothing; only equality with a local MD5 does.
    """
    return _MD5_ETAG.fullmatch(etag) is not None


def _md5_etags(parts: Sequence[Checksums]) -> set[str | None]:
    """Return the ETags that a server which uses MD5s may give an object of these parts."""
    etags = {composite_md5_etag(parts)}
    if len(parts) == 1 and ChecksumAlgorithm.MD5 in parts[0].values:
        etags.add(parts[0][ChecksumAlgorithm.MD5].hex())
    return etags
