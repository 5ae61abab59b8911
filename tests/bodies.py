"""Parts to send in tests, made of bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncup.core.checksums import RunningChecksums
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part, Receipt
from asyncup.edges.body import PartBody
from asyncup.edges.ranges import RangeReader

ALL = frozenset(ChecksumAlgorithm)


def checksums_of(data: bytes) -> Checksums:
    """Return every checksum of some bytes."""
    running = RunningChecksums(ALL)
    running.update(data)
    return running.result()


@contextmanager
def body_of(data: bytes, directory: Path) -> Iterator[PartBody]:
    """Open some bytes as the body of a part."""
    path = directory / f"body-{len(data)}-{hash(data)}"
    path.write_bytes(data)
    with PartBody(RangeReader(path, 0, len(data)), len(data), lambda _: None) as body:
        yield body


def receipt(number: int, offset: int, data: bytes, etag: str) -> Receipt:
    """Return a receipt for some bytes."""
    return Receipt(Part(number, offset, len(data)), etag, checksums_of(data))
