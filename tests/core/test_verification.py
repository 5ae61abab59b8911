"""What an object can be shown to be by what S3 tells: tables, each outcome with its reason."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.checksums import RunningChecksums, composite
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Part,
    Proof,
)
from asyncup.core.receipts import ObjectReceipt
from asyncup.core.verification import (
    Means,
    compare_with_receipt,
    count_of_parts,
    depends_on_parts,
    judge,
    likely_layouts,
    means_of_parts,
    means_of_whole,
    of_sizes,
    uniform,
)

CRC64NVME, SHA256, SHA1, CRC32C, CRC32, MD5 = (
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.SHA256,
    ChecksumAlgorithm.SHA1,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.MD5,
)
DATA = bytes(range(25))
WHOLE = (Part(1, 0, 25),)
TENS = (Part(1, 0, 10), Part(2, 10, 10), Part(3, 20, 5))
KMS = ObjectAttributes(sse="aws:kms")


def computed(means: Means, data: bytes = DATA) -> list[Checksums]:
    """Return what is computed of a file's bytes as asked for."""
    found = []
    for part in means.layout:
        running = RunningChecksums(means.algorithms)
        running.update(data[part.offset : part.offset + part.size])
        found.append(running.result())
    return found


def of(*algorithms: ChecksumAlgorithm, data: bytes = DATA) -> dict[ChecksumAlgorithm, bytes]:
    """Return checksums of a whole object."""
    (whole,) = computed(Means(frozenset(algorithms), WHOLE, is_decisive=True), data)
    return {algorithm: whole[algorithm] for algorithm in algorithms}


def of_parts(
    algorithm: ChecksumAlgorithm, layout: Sequence[Part] = TENS, data: bytes = DATA
) -> dict[ChecksumAlgorithm, bytes]:
    """Return the checksum of parts' checksums."""
    parts = computed(Means(frozenset({algorithm}), layout, is_decisive=True), data)
    value = composite(algorithm, parts)
    assert value is not None
    return {algorithm: value}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def etag_of(layout: Sequence[Part] = TENS) -> str:
    """Return the ETag that S3 makes of parts."""
    return f"{of_parts(MD5, layout)[MD5].hex()}-{len(layout)}"


@pytest.mark.parametrize(
    ("head", "algorithm"),
    [
        pytest.param(ObjectHead(25, "x", checksums=of(each)), each, id=each)
        for each in (CRC64NVME, SHA256, SHA1, CRC32C, CRC32)
    ]
    + [
        pytest.param(ObjectHead(25, "x", checksums=of(CRC32, SHA256)), SHA256, id="the-strongest"),
        pytest.param(ObjectHead(25, etag_of(), checksums=of(CRC32)), CRC32, id="before-the-etag"),
    ],
)
def test_a_checksum_of_the_whole_object_settles_it(
    head: ObjectHead, algorithm: ChecksumAlgorithm
) -> None:
    """Equal is a proof by that algorithm, another one is a mismatch, whatever the ETag is."""
    assert not depends_on_parts(head)
    means = means_of_whole(head)
    assert means == Means(frozenset({algorithm}), WHOLE, is_decisive=True)
    assert judge(head, means, computed(means)) is Proof(algorithm.lower())
    other = judge(head, means, computed(means, DATA[::-1]))
    assert other == f"the object's {algorithm} is not the file's"
    assert not isinstance(other, Proof)


def test_the_md5_of_one_request_can_only_prove() -> None:
    """An ETag that is the file's MD5 proves it; one that is not says nothing: it may be no MD5."""
    head = ObjectHead(25, md5(DATA))
    means = means_of_whole(head)
    assert means == Means(frozenset({MD5}), WHOLE, is_decisive=False)
    assert judge(head, means, computed(means)) is Proof.ETAG
    assert judge(head, means, computed(means, DATA[::-1])) is None


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(ObjectHead(25, "opaque"), id="opaque"),
        pytest.param(ObjectHead(25, ""), id="no-etag"),
        pytest.param(ObjectHead(25, md5(DATA), attributes=KMS), id="kms"),
        pytest.param(ObjectHead(25, md5(DATA)[:-1] + "-1", attributes=KMS), id="kms-parts"),
    ],
)
def test_where_nothing_is_told_nothing_is_read(head: ObjectHead) -> None:
    """An ETag that cannot be an MD5 is no reason to read a file."""
    assert means_of_whole(head) is None
    assert not depends_on_parts(head)


@pytest.mark.parametrize("algorithm", [SHA256, SHA1, CRC32C, CRC32])
def test_a_checksum_of_parts(algorithm: ChecksumAlgorithm) -> None:
    """It proves over the right parts, and settles it only if their sizes are certain."""
    head = ObjectHead(25, "x-3", composite=of_parts(algorithm))
    assert depends_on_parts(head)
    certain = means_of_parts(head, TENS, is_certain=True)
    guessed = means_of_parts(head, TENS, is_certain=False)
    assert certain.algorithms == {algorithm}
    assert judge(head, certain, computed(certain)) is Proof(algorithm.lower())
    assert judge(head, guessed, computed(guessed)) is Proof(algorithm.lower())
    other = judge(head, certain, computed(certain, DATA[::-1]))
    assert other == f"the object's {algorithm} is not the file's"
    assert judge(head, guessed, computed(guessed, DATA[::-1])) is None


def test_an_etag_of_parts_never_shows_a_difference() -> None:
    """Not even over certain parts: with KMS or customer keys it only looks like one of MD5s."""
    head = ObjectHead(25, etag_of())
    assert depends_on_parts(head)
    means = means_of_parts(head, TENS, is_certain=True)
    assert judge(head, means, computed(means)) is Proof.ETAG
    assert judge(head, means, computed(means, DATA[::-1])) is None


def test_a_file_that_ends_early_is_a_mismatch_by_any_means() -> None:
    """Bytes that are not there need no checksum."""
    head = ObjectHead(25, md5(DATA))
    means = means_of_whole(head)
    assert means is not None
    told = judge(head, means, computed(means, DATA[:24]))
    assert told == "the object has 25 bytes, the file 24"


@pytest.mark.parametrize(
    ("part_size", "count", "layout"),
    [
        (10, 3, TENS),
        (10, None, TENS),
        (25, 1, WHOLE),
        (10, 2, None),
        (0, None, None),
        (-1, None, None),
    ],
)
def test_uniform(part_size: int, count: int | None, layout: Sequence[Part] | None) -> None:
    """Parts of one size, as many as there are to be, or none at all."""
    assert uniform(25, part_size, count) == layout


def test_no_layout_has_more_parts_than_s3_takes() -> None:
    """A part size of a broken receipt does not take the memory of a million parts."""
    assert uniform(1 << 40, 1, None) is None
    assert uniform(10_000, 1, None) is not None
    assert uniform(10_001, 1, None) is None


def test_of_sizes() -> None:
    """Parts of any sizes, if they make the whole."""
    assert of_sizes([5, 20], 25) == (Part(1, 0, 5), Part(2, 5, 20))
    assert of_sizes([5, 19], 25) is None


@pytest.mark.parametrize(
    ("etag", "count"),
    [
        (etag_of(), 3),
        (md5(DATA), None),
        (f"{md5(DATA)}-0", None),
        (f"{md5(DATA)}-", None),
        ("opaque-3", None),
        (f"{md5(DATA)}-10000", 10_000),
        (f"{md5(DATA)}-100000", None),
    ],
)
def test_count_of_parts(etag: str, count: int | None) -> None:
    """The number behind the hyphen, if what stands before it looks like an MD5."""
    assert count_of_parts(etag) == count


def test_part_sizes_to_try_have_to_fit_the_count() -> None:
    """Where S3 does not tell, what it is known or likely to be is tried, each once."""
    head = ObjectHead(25, etag_of())
    assert likely_layouts(head, [10, 10, 9, 5, 0, 12]) == [
        TENS,
        uniform(25, 9, 3),
        uniform(25, 12, 3),
    ]
    opaque = ObjectHead(25, "opaque", composite=of_parts(SHA256))
    assert likely_layouts(opaque, [10, 5]) == [TENS, uniform(25, 5, 5)]


CRC = of(CRC64NVME)[CRC64NVME]
URI = ObjectURI("bucket", "key")


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        pytest.param(
            ObjectHead(25, "other", checksums={CRC64NVME: CRC}), Proof.CRC64NVME, id="crc"
        ),
        pytest.param(
            ObjectHead(25, "etag", checksums={CRC64NVME: bytes(8)}),
            "the object's CRC64NVME is not the receipt's",
            id="other-crc-same-etag",
        ),
        pytest.param(ObjectHead(25, "etag"), Proof.ETAG, id="etag"),
        pytest.param(ObjectHead(25, "etag", checksums=of(SHA256)), Proof.ETAG, id="other-kind"),
        pytest.param(ObjectHead(25, "other"), None, id="other-etag"),
        pytest.param(ObjectHead(25, ""), None, id="no-etag"),
        pytest.param(
            ObjectHead(24, "etag"), "the object has 24 bytes, the receipt says 25", id="size"
        ),
    ],
)
def test_an_object_against_its_receipt(head: ObjectHead, outcome: Proof | str | None) -> None:
    """The checksum settles it; else the same ETag and size show that nobody has replaced it."""
    receipt = ObjectReceipt(URI, "file", 25, "etag", CRC, 10, Proof.ETAG)
    found = compare_with_receipt(head, receipt)
    assert found == outcome
    assert isinstance(found, Proof) is isinstance(outcome, Proof)


def test_a_receipt_without_an_etag_proves_nothing_by_it() -> None:
    """Two empty ETags are not the same one."""
    receipt = ObjectReceipt(URI, "file", 25, "", None, 10, Proof.CRC64NVME)
    assert compare_with_receipt(ObjectHead(25, ""), receipt) is None


@pytest.mark.parametrize("proof", Proof)
def test_an_etag_shows_no_more_than_the_receipt_had(proof: Proof) -> None:
    """Where only the size was compared, the same object is no more proven than it was then."""
    receipt = ObjectReceipt(URI, "file", 25, "etag", CRC, 10, proof)
    expected = None if proof is Proof.SIZE else Proof.ETAG
    assert compare_with_receipt(ObjectHead(25, "etag"), receipt) is expected
    told = ObjectHead(25, "etag", checksums={CRC64NVME: CRC})
    assert compare_with_receipt(told, receipt) is Proof.CRC64NVME


@given(st.binary(min_size=1, max_size=60), st.integers(1, 20), st.data())
def test_a_flipped_bit_is_never_proven(data: bytes, part_size: int, draw: st.DataObject) -> None:
    """Whatever S3 tells of an object, one bit elsewhere and it is not proven."""
    bit = draw.draw(st.integers(0, 8 * len(data) - 1), label="bit")
    there = bytearray(data)
    there[bit // 8] ^= 1 << bit % 8
    layout = uniform(len(data), part_size, None)
    assert layout is not None
    parts = [there[each.offset : each.offset + each.size] for each in layout]
    md5s = b"".join(bytes.fromhex(md5(bytes(each))) for each in parts)
    sums = b"".join(hashlib.sha256(each).digest() for each in parts)
    for head in (
        ObjectHead(len(data), f"{md5(md5s)}-{len(parts)}"),
        ObjectHead(len(data), "x", composite={SHA256: hashlib.sha256(sums).digest()}),
    ):
        for is_certain in (False, True):
            means = means_of_parts(head, layout, is_certain=is_certain)
            assert not isinstance(judge(head, means, computed(means, data)), Proof)
