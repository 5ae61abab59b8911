"""The two comparisons before the word `done`: nothing that differs may pass."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.checksums import RunningChecksums
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectHead,
    Part,
    Proof,
    Receipt,
)
from asyncup.core.plan import UploadPlan
from asyncup.core.proof import compare_parts, prove

CRC64NVME, SHA256, MD5 = (
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.SHA256,
    ChecksumAlgorithm.MD5,
)
PLAN = UploadPlan(25, 10)
DATA = bytes(range(25))


def checksums_of(data: bytes, *algorithms: ChecksumAlgorithm) -> Checksums:
    """Return what asyncup computes over these bytes; CRC64NVME is always among it."""
    running = RunningChecksums(algorithms)
    running.update(data)
    return running.result()


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def parts_mismatch(
    plan: UploadPlan, receipts: Mapping[int, Receipt], listed: Iterable[ListedPart]
) -> str | None:
    """Return in what S3's list differs, None if in nothing."""
    compared = compare_parts(plan, receipts, listed)
    return compared if isinstance(compared, str) else None


@dataclass
class Ledger:
    """What was acknowledged and what S3 lists of the plan's parts, by number; all in order."""

    receipts: dict[int, Receipt]
    listed: dict[int, ListedPart]

    def mismatch(self, plan: UploadPlan = PLAN) -> str | None:
        return parts_mismatch(plan, self.receipts, self.listed.values())


def ledger(plan: UploadPlan = PLAN) -> Ledger:
    """Return a ledger without a fault."""
    receipts, listed = {}, {}
    for part in plan.parts():
        checksums = checksums_of(bytes(part.size), MD5)
        etag = f"etag-{part.number}"
        receipts[part.number] = Receipt(part, etag, checksums)
        listed[part.number] = ListedPart(
            part.number, part.size, etag, {CRC64NVME: checksums[CRC64NVME]}
        )
    return Ledger(receipts, listed)


@pytest.mark.parametrize("size", [0, 1, 10, 11, 25, 30])
def test_parts_that_are_what_they_should_be_pass(size: int) -> None:
    """Where plan, receipts and S3's list agree, nothing stands in the way of completing."""
    plan = UploadPlan(size, 10)

    assert ledger(plan).mismatch(plan) is None


def test_the_order_of_the_list_is_no_matter() -> None:
    """A server may list parts in any order."""
    whole = ledger()

    assert parts_mismatch(PLAN, whole.receipts, [*whole.listed.values()][::-1]) is None


def drop_receipts(*numbers: int) -> Callable[[Ledger], None]:
    def change(book: Ledger) -> None:
        for number in numbers:
            del book.receipts[number]

    return change


def drop_listed(*numbers: int) -> Callable[[Ledger], None]:
    def change(book: Ledger) -> None:
        for number in numbers:
            del book.listed[number]

    return change


def add_listed(*numbers: int) -> Callable[[Ledger], None]:
    def change(book: Ledger) -> None:
        book.listed.update({number: ListedPart(number, 10, "etag") for number in numbers})

    return change


def add_receipt(number: int) -> Callable[[Ledger], None]:
    def change(book: Ledger) -> None:
        book.receipts[number] = Receipt(Part(number, 30, 10), "etag", checksums_of(bytes(10)))

    return change


def relist(
    number: int,
    *,
    size: int | None = None,
    etag: str | None = None,
    checksums: dict[ChecksumAlgorithm, bytes] | None = None,
) -> Callable[[Ledger], None]:
    """Let S3 list something else of a part."""

    def change(book: Ledger) -> None:
        part = book.listed[number]
        book.listed[number] = ListedPart(
            number,
            part.size if size is None else size,
            part.etag if etag is None else etag,
            part.checksums if checksums is None else checksums,
        )

    return change


def send_less(book: Ledger) -> None:
    """Let part 2 have been sent, acknowledged and listed with a byte too few."""
    short = checksums_of(bytes(9))
    book.receipts[2] = replace(book.receipts[2], checksums=short)
    book.listed[2] = ListedPart(2, 9, "etag-2", {CRC64NVME: short[CRC64NVME]})


WRONG_CRC = {CRC64NVME: bytes(8)}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(drop_receipts(2), "part 2 not acknowledged", id="receipt-missing"),
        pytest.param(drop_receipts(3, 1), "parts 1, 3 not acknowledged", id="receipts-missing"),
        pytest.param(drop_listed(3), "part 3 not listed by S3", id="part-missing"),
        pytest.param(drop_listed(1, 2, 3), "parts 1, 2, 3 not listed by S3", id="all-missing"),
        pytest.param(add_listed(4), "part 4 beyond the end of the file", id="part-too-many"),
        pytest.param(
            add_listed(4, 10_000), "parts 4, 10000 beyond the end of the file", id="parts-too-many"
        ),
        pytest.param(add_receipt(4), "part 4 beyond the end of the file", id="receipt-too-many"),
        pytest.param(relist(2, size=9), "part 2: 9 bytes at S3, 10 planned", id="too-short"),
        pytest.param(relist(1, size=11), "part 1: 11 bytes at S3, 10 planned", id="too-long"),
        pytest.param(relist(3, size=10), "part 3: 10 bytes at S3, 5 planned", id="last-too-long"),
        pytest.param(relist(3, size=0), "part 3: 0 bytes at S3, 5 planned", id="last-empty"),
        pytest.param(send_less, "part 2: 9 bytes sent, 10 planned", id="sent-too-short"),
        pytest.param(
            relist(2, etag="other", checksums={}),
            "part 2: ETag other at S3, etag-2 acknowledged",
            id="etag",
        ),
        pytest.param(
            relist(2, etag="", checksums={}),
            "part 2: ETag  at S3, etag-2 acknowledged",
            id="etag-missing",
        ),
        pytest.param(relist(3, checksums=WRONG_CRC), "part 3: CRC64NVME differs", id="checksum"),
        pytest.param(
            relist(1, checksums={MD5: md5(b"other")}), "part 1: MD5 differs", id="other-checksum"
        ),
        pytest.param(
            relist(1, checksums={SHA256: bytes(32), **WRONG_CRC}),
            "part 1: CRC64NVME differs",
            id="checksum-beside-an-unknown-one",
        ),
    ],
)
def test_nothing_that_differs_passes(change: Callable[[Ledger], None], problem: str) -> None:
    """Whatever is missing, too much or other than acknowledged is told by the part's number."""
    book = ledger()
    change(book)

    assert book.mismatch() == problem


def test_a_receipt_of_another_size_does_not_pass() -> None:
    """What was computed over fewer bytes than the part has proves nothing about the part."""
    book = ledger()
    book.receipts[2] = replace(book.receipts[2], checksums=checksums_of(bytes(9)))
    relist(2, checksums={})(book)

    assert (book.mismatch() or "").startswith("part 2: ")


@pytest.mark.parametrize(
    "checksums", [{}, {SHA256: bytes(32)}, {SHA256: bytes(32), MD5: md5(bytes(10))}]
)
def test_checksums_that_nobody_computed_are_not_compared(
    checksums: dict[ChecksumAlgorithm, bytes],
) -> None:
    """A checksum that S3 lists and asyncup has not computed is no mismatch, nor is none at all."""
    book = ledger()
    relist(2, checksums=checksums)(book)

    assert book.mismatch() is None


def test_a_long_list_of_numbers_is_cut() -> None:
    """A message about 10,000 parts names the first five."""
    few, many = UploadPlan(5, 1), UploadPlan(100, 1)

    assert parts_mismatch(few, {}, []) == "parts 1, 2, 3, 4, 5 not acknowledged"
    assert parts_mismatch(many, {}, []) == "parts 1, 2, 3, 4, 5, ... not acknowledged"


def test_what_was_sent_before_under_a_number_is_no_mismatch() -> None:
    """A server may go on listing an older part of a number beside the acknowledged one."""
    book = ledger()
    older = ListedPart(2, 10, "older", WRONG_CRC)
    parts = list(book.listed.values())

    assert parts_mismatch(PLAN, book.receipts, [older, *parts]) is None
    assert parts_mismatch(PLAN, book.receipts, [*parts, older]) is None
    del book.listed[2]
    assert (
        parts_mismatch(PLAN, book.receipts, [older, *book.listed.values()])
        == "part 2: CRC64NVME differs"
    )


def test_a_late_attempt_counts_if_its_checksum_is_ours() -> None:
    """A part that arrived again after it was acknowledged is completed under its new ETag."""
    book = ledger()
    relist(2, etag="late")(book)

    named = compare_parts(PLAN, book.receipts, book.listed.values())

    assert [each.etag for each in named if isinstance(each, Receipt)] == [
        "etag-1",
        "late",
        "etag-3",
    ]


def test_what_a_longer_stream_left_is_not_in_the_way_of_a_stream() -> None:
    """Parts after a stream's end cannot be taken back, and need not: completing names parts."""
    book = ledger()
    add_listed(4)(book)

    assert isinstance(book.mismatch(), str)
    named = compare_parts(PLAN, book.receipts, book.listed.values(), is_stream=True)
    assert named == [*book.receipts.values()]


@given(st.sets(st.integers(1, 6)), st.sets(st.integers(1, 6)), st.integers(1, 4))
def test_only_the_planned_numbers_pass(acknowledged: set[int], at_s3: set[int], count: int) -> None:
    """The parts of the plan have to be there, and no other, in receipts and list alike."""
    plan, book = UploadPlan(10 * count, 10), ledger(UploadPlan(60, 10))
    receipts = {number: book.receipts[number] for number in acknowledged}
    planned = set(range(1, count + 1))

    problem = parts_mismatch(plan, receipts, [book.listed[number] for number in at_s3])

    assert (problem is None) is (acknowledged == at_s3 == planned)


PARTS = [checksums_of(DATA[start : start + 10], MD5) for start in (0, 10, 20)]
WHOLE = checksums_of(DATA, MD5)
CRC = {CRC64NVME: WHOLE[CRC64NVME]}
COMPOSITE = md5(md5(DATA[:10]) + md5(DATA[10:20]) + md5(DATA[20:])).hex() + "-3"
SINGLE = md5(DATA).hex()
OTHER_CRC = "the object's CRC64NVME is not the file's"


def without_md5(parts: Sequence[Checksums]) -> list[Checksums]:
    """Return what is computed where S3 takes a CRC64NVME."""
    return [Checksums(each.size, {CRC64NVME: each[CRC64NVME]}) for each in parts]


@pytest.mark.parametrize(
    ("head", "parts", "outcome"),
    [
        pytest.param(ObjectHead(25, "x", checksums=CRC), PARTS, Proof.CRC64NVME, id="crc"),
        pytest.param(
            ObjectHead(25, "x", checksums=CRC), without_md5(PARTS), Proof.CRC64NVME, id="crc-alone"
        ),
        pytest.param(
            ObjectHead(25, SINGLE, checksums=CRC), [WHOLE], Proof.CRC64NVME, id="crc-before-etag"
        ),
        pytest.param(ObjectHead(25, "x", checksums=WRONG_CRC), PARTS, OTHER_CRC, id="other-crc"),
        pytest.param(
            ObjectHead(25, COMPOSITE, checksums=WRONG_CRC), PARTS, OTHER_CRC, id="etag-saves-none"
        ),
        pytest.param(
            ObjectHead(25, "x", checksums=CRC), PARTS[::-1], OTHER_CRC, id="parts-in-other-order"
        ),
        pytest.param(ObjectHead(25, COMPOSITE), PARTS, Proof.ETAG, id="etag-of-parts"),
        pytest.param(ObjectHead(25, SINGLE), [WHOLE], Proof.ETAG, id="etag-of-one-request"),
        pytest.param(
            ObjectHead(25, f"{md5(md5(DATA)).hex()}-1"), [WHOLE], Proof.ETAG, id="etag-of-one-part"
        ),
        pytest.param(ObjectHead(25, SINGLE), PARTS, Proof.SIZE, id="md5-of-all-for-parts"),
        pytest.param(ObjectHead(25, f"{SINGLE}-1"), [WHOLE], Proof.SIZE, id="md5-dash-one"),
        pytest.param(ObjectHead(25, "opaque"), PARTS, Proof.SIZE, id="opaque-etag"),
        pytest.param(ObjectHead(25, ""), PARTS, Proof.SIZE, id="no-etag"),
        pytest.param(ObjectHead(25, COMPOSITE), without_md5(PARTS), Proof.SIZE, id="no-md5-here"),
        pytest.param(
            ObjectHead(25, COMPOSITE),
            [*PARTS[:2], *without_md5(PARTS[2:])],
            Proof.SIZE,
            id="one-md5-missing",
        ),
        pytest.param(
            ObjectHead(25, "x", checksums={SHA256: bytes(32)}), PARTS, Proof.SIZE, id="other-kind"
        ),
        pytest.param(
            ObjectHead(24, COMPOSITE, checksums=CRC),
            PARTS,
            "the object has 24 bytes, the file 25",
            id="too-short",
        ),
        pytest.param(
            ObjectHead(26, "x"), PARTS, "the object has 26 bytes, the file 25", id="too-long"
        ),
        pytest.param(
            ObjectHead(0, md5(b"").hex()), [checksums_of(b"", MD5)], Proof.ETAG, id="empty"
        ),
    ],
)
def test_an_object_is_proven_by_the_strongest_means(
    head: ObjectHead, parts: list[Checksums], outcome: Proof | str
) -> None:
    """A checksum of the object settles it, then its ETag if that is an MD5, then only its size."""
    proven = prove(head, parts)

    assert proven == outcome
    # An outcome is a string, too: what differs must not be taken for a proof.
    assert isinstance(proven, Proof) is isinstance(outcome, Proof)


@given(st.binary(min_size=1, max_size=60), st.integers(1, 20), st.data())
def test_an_object_with_a_wrong_byte_is_never_proven(
    data: bytes, part_size: int, draw: st.DataObject
) -> None:
    """One flipped bit anywhere is told by the checksum, and never proven by the ETag."""
    bit = draw.draw(st.integers(0, 8 * len(data) - 1), label="bit")
    there = bytearray(data)
    there[bit // 8] ^= 1 << bit % 8
    parts = [
        checksums_of(data[start : start + part_size], MD5)
        for start in range(0, len(data), part_size)
    ]
    stored = checksums_of(bytes(there), MD5)

    by_crc = prove(ObjectHead(len(data), "x", checksums=stored.values), parts)
    by_etag = prove(ObjectHead(len(data), stored[MD5].hex()), parts)

    assert by_crc == OTHER_CRC
    assert by_etag == Proof.SIZE
