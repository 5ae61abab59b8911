"""Checksums: known values, and parts that combine into the whole."""

import hashlib
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.checksums import (
    RunningChecksums,
    combine_crc64nvme,
    composite_md5_etag,
    from_base64,
    to_base64,
)
from asyncup.core.model import ChecksumAlgorithm, Checksums

ALL = frozenset(ChecksumAlgorithm)
CRC64NVME, MD5 = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.MD5
CHECK = b"123456789"
POLY64, POLY32C = 0x9A6C9329AC4BC9B5, 0x82F63B78


def checksums_of(data: bytes, *more: bytes) -> Checksums:
    """Return all checksums over these blocks."""
    running = RunningChecksums(ALL)
    for block in (data, *more):
        running.update(block)
    return running.result()


def slow_crc(data: bytes, polynomial: int, width: int) -> bytes:
    """Return a CRC as its definition has it: bit by bit, reflected, inverted at both ends."""
    ones = (1 << 8 * width) - 1
    value = ones
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return (value ^ ones).to_bytes(width, "big")


REFERENCES: dict[ChecksumAlgorithm, Callable[[bytes], bytes]] = {
    CRC64NVME: lambda data: slow_crc(data, POLY64, 8),
    ChecksumAlgorithm.CRC32: lambda data: zlib.crc32(data).to_bytes(4, "big"),
    ChecksumAlgorithm.CRC32C: lambda data: slow_crc(data, POLY32C, 4),
    ChecksumAlgorithm.SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    ChecksumAlgorithm.SHA256: lambda data: hashlib.sha256(data).digest(),
    MD5: lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
}


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        (CRC64NVME, "ae8b14860a799888"),
        (ChecksumAlgorithm.CRC32, "cbf43926"),
        (ChecksumAlgorithm.CRC32C, "e3069283"),
        (ChecksumAlgorithm.SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (
            ChecksumAlgorithm.SHA256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        ),
        (MD5, "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_published_check_values(algorithm: ChecksumAlgorithm, value: str) -> None:
    """Over `123456789` every algorithm gives the value that its specification publishes."""
    assert checksums_of(CHECK)[algorithm].hex() == value


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
@given(blocks=st.lists(st.binary(max_size=100), max_size=5))
def test_blocks_give_what_the_whole_gives(
    algorithm: ChecksumAlgorithm, blocks: list[bytes]
) -> None:
    """However the bytes are cut into blocks, the checksum is that of an independent reference."""
    whole = b"".join(blocks)
    result = checksums_of(b"", *blocks)

    assert result[algorithm] == REFERENCES[algorithm](whole)
    assert result.size == len(whole)


def test_a_result_is_that_of_the_bytes_so_far() -> None:
    """Asking for the result neither ends nor disturbs the running."""
    running = RunningChecksums(ALL)
    running.update(b"12345")
    early = running.result()
    running.update(b"6789")

    assert early == checksums_of(b"12345")
    assert running.result() == checksums_of(CHECK)


@pytest.mark.parametrize("wanted", [set(), {MD5}, {CRC64NVME}, {MD5, ChecksumAlgorithm.SHA1}])
def test_the_checksum_of_the_whole_object_is_always_computed(
    wanted: set[ChecksumAlgorithm],
) -> None:
    """Beside what was asked for there is always a CRC64NVME, and nothing else."""
    assert RunningChecksums(wanted).result().values.keys() == {CRC64NVME, *wanted}


@pytest.mark.parametrize(
    ("wanted", "quick"),
    [
        (set(), True),
        ({ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C}, True),
        ({MD5}, False),
        ({ChecksumAlgorithm.SHA1}, False),
        ({ChecksumAlgorithm.CRC32, ChecksumAlgorithm.SHA256}, False),
    ],
)
def test_only_crcs_are_quick(wanted: set[ChecksumAlgorithm], *, quick: bool) -> None:
    """A hash is worth a thread of its own, a CRC is not."""
    assert RunningChecksums(wanted).is_quick is quick


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_checksums_of_parts_combine_into_that_of_the_whole(parts: list[bytes]) -> None:
    """The CRC64NVME of an object follows from those of its parts, however it was cut."""
    combined = combine_crc64nvme([checksums_of(part) for part in parts])

    assert combined == checksums_of(b"".join(parts))[CRC64NVME]


def test_the_order_of_parts_matters() -> None:
    """Parts in another order are another object."""
    first, second = checksums_of(b"first"), checksums_of(b"second")

    assert combine_crc64nvme([first, second]) != combine_crc64nvme([second, first])


def _times(one: int, other: int) -> int:
    """Multiply two polynomials modulo that of CRC64NVME, the highest power in the lowest bit."""
    product = 0
    for bit in range(63, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (POLY64 if other & 1 else 0)
    return product


def slow_combine(parts: Sequence[Checksums]) -> bytes:
    """Combine CRCs by their algebra: those before are multiplied by x to the bits that follow."""
    whole = 0
    for part in parts:
        power, square, bits = 1 << 63, 1 << 62, 8 * part.size
        while bits:
            power = _times(power, square) if bits & 1 else power
            square, bits = _times(square, square), bits >> 1
        whole = _times(power, whole) ^ int.from_bytes(part[CRC64NVME], "big")
    return whole.to_bytes(8, "big")


HUGE = st.builds(
    lambda size, value: Checksums(size, {CRC64NVME: value}),
    st.integers(1, 5 << 30),
    st.binary(min_size=8, max_size=8),
)


@given(st.lists(HUGE, min_size=1, max_size=4))
def test_parts_beyond_four_gib_combine_too(parts: list[Checksums]) -> None:
    """No size of a part, up to 5 GiB, is too large a number for combining."""
    assert combine_crc64nvme(parts) == slow_combine(parts)


@pytest.mark.parametrize(
    "parts", [[b"one"], [b"one", b"two"], [b""], [b"x"] * 12], ids=["1", "2", "empty", "12"]
)
def test_the_etag_of_an_object_of_parts(parts: list[bytes]) -> None:
    """It is the MD5 over the MD5s of the parts, a hyphen, and their number."""
    by_hand = hashlib.md5(usedforsecurity=False)
    for part in parts:
        by_hand.update(hashlib.md5(part, usedforsecurity=False).digest())

    etag = composite_md5_etag([checksums_of(part) for part in parts])

    assert etag == f"{by_hand.hexdigest()}-{len(parts)}"


@given(st.binary(min_size=1, max_size=64))
def test_a_checksum_survives_its_header(value: bytes) -> None:
    """What is written for S3 is read back as the same bytes."""
    assert from_base64(to_base64(value)) == value


def test_a_checksum_is_written_as_s3_shows_it() -> None:
    """The base64 is the standard one, padded, as in AWS's own examples."""
    assert to_base64(bytes.fromhex("ae8b14860a799888")) == "rosUhgp5mIg="


@pytest.mark.parametrize(
    "text",
    ["abc=-3", "rosUhgp5mIg=-2", "rosUhgp5mIg", "rosU hgp5mIg=", "rosUhgp5mIg=\n", "%%%%", "-1"],
)
def test_what_is_no_checksum_of_one_range_is_none(text: str) -> None:
    """A checksum of checksums, or no base64 at all, is not taken for a checksum of bytes."""
    assert from_base64(text) is None
