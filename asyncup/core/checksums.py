"""Bytes to checksums as S3 writes them; the only door to awscrt.

CRC64NVME is a CRC, so those of the parts combine into that of the whole object, in one read and
in any order of arrival. The algorithms and their base64 form:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from awscrt import checksums as crt

from asyncup.core.model import ChecksumAlgorithm, Checksums

Block = bytes | memoryview


class _Running(Protocol):
    """One algorithm over a stream of blocks, as hashlib has them."""

    def update(self, block: Block, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[Block, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, block: Block, /) -> None:
        self._value = self._function(block, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


_NEW: dict[ChecksumAlgorithm, Callable[[], _Running]] = {
    ChecksumAlgorithm.CRC64NVME: lambda: _Crc(crt.crc64nvme, 8),
    ChecksumAlgorithm.CRC32: lambda: _Crc(crt.crc32, 4),
    ChecksumAlgorithm.CRC32C: lambda: _Crc(crt.crc32c, 4),
    ChecksumAlgorithm.SHA1: lambda: hashlib.sha1(usedforsecurity=False),
    ChecksumAlgorithm.SHA256: hashlib.sha256,
    ChecksumAlgorithm.MD5: lambda: hashlib.md5(usedforsecurity=False),
}
_COMBINE: dict[ChecksumAlgorithm, tuple[Callable[[int, int, int], int], int]] = {
    ChecksumAlgorithm.CRC64NVME: (crt.combine_crc64nvme, 8),
    ChecksumAlgorithm.CRC32: (crt.combine_crc32, 4),
    ChecksumAlgorithm.CRC32C: (crt.combine_crc32c, 4),
}
_QUICK = {ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C}


class RunningChecksums:
    """Several checksums over one pass of bytes.

    CRC64NVME is always among them: it costs next to nothing and proves the whole object.
    """

    def __init__(self, algorithms: Iterable[ChecksumAlgorithm] = ()) -> None:
        wanted = {ChecksumAlgorithm.CRC64NVME, *algorithms}
        self._running = {algorithm: _NEW[algorithm]() for algorithm in wanted}
        self._size = 0

    @property
    def is_quick(self) -> bool:
        """Whether a block of 256 KiB takes microseconds, so that no thread is worth its hop."""
        return self._running.keys() <= _QUICK

    def update(self, block: Block) -> None:
        """Take the next block of bytes."""
        self._size += len(block)
        for running in self._running.values():
            running.update(block)

    def result(self) -> Checksums:
        """Return the checksums of all bytes so far."""
        values = {algorithm: running.digest() for algorithm, running in self._running.items()}
        return Checksums(self._size, values)


def combine(algorithm: ChecksumAlgorithm, parts: Sequence[Checksums]) -> bytes | None:
    """Return the checksum of the parts' bytes put together in this order.

    None where nobody can tell without reading them again: for more than one part, only those of
    CRCs combine.
    """
    if len(parts) == 1:
        return parts[0].values.get(algorithm)
    if algorithm not in _COMBINE or any(algorithm not in part.values for part in parts):
        return None
    function, width = _COMBINE[algorithm]
    whole = 0
    for part in parts:
        whole = function(whole, int.from_bytes(part[algorithm], "big"), part.size)
    return whole.to_bytes(width, "big")


def combine_crc64nvme(parts: Sequence[Checksums]) -> bytes:
    """Return the CRC64NVME of the parts' bytes put together in this order."""
    whole = combine(ChecksumAlgorithm.CRC64NVME, parts)
    if whole is None:
        raise AssertionError("unreachable: every part has one")
    return whole


def composite(algorithm: ChecksumAlgorithm, parts: Sequence[Checksums]) -> bytes | None:
    """Return the checksum of the parts' checksums, S3's `COMPOSITE`; None if one is unknown."""
    if any(algorithm not in part.values for part in parts):
        return None
    running = _NEW[algorithm]()
    for part in parts:
        running.update(part[algorithm])
    return running.digest()


def composite_md5_etag(parts: Sequence[Checksums]) -> str | None:
    """Return the ETag that S3 gives an object of parts whose own ETags are MD5s.

    It is the MD5 of the parts' MD5s, a hyphen and their number; AWS does so without encryption
    by KMS or customer keys, and most servers have copied it. None if an MD5 is unknown.
    """
    md5 = composite(ChecksumAlgorithm.MD5, parts)
    return None if md5 is None else f"{md5.hex()}-{len(parts)}"


def to_base64(value: bytes) -> str:
    """Write a checksum as S3 headers carry it."""
    return base64.b64encode(value).decode("ascii")


def from_base64(text: str) -> bytes | None:
    """Read a checksum of a single range; None for one of parts (`...-3`) or no checksum at all."""
    try:
        return base64.b64decode(text, validate=True) or None
    except ValueError:  # binascii.Error is one, too
        return None
