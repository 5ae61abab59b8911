"""A gateway under contract: what a check gets, and what is to be expected of the server behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Receipt,
    Upload,
)
from asyncup.core.options import MIB, Options
from asyncup.edges.gateway import Gateway
from asyncup.edges.s3 import S3
from asyncup.edges.s3_client import open_client
from tests.bodies import body_of, checksums_of, receipt
from tests.conftest import BUCKET
from tests.contract.expected import Expected
from tests.fakes3 import FakeS3
from tests.s3 import S3Server, config_of

CRC = ChecksumAlgorithm.CRC64NVME
STALL_SECONDS = 5.0
"""Enough on loopback; rclone lets a request stand for as long as this."""

FIRST, LAST = b"\x5a" * (5 * MIB), b"the end"


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway, a key of its own in its bucket, where to put bodies, and what to expect."""

    gateway: Gateway
    uri: ObjectURI
    directory: Path
    expected: Expected

    async def put(self, uri: ObjectURI, data: bytes) -> ObjectHead:
        """Store a small object."""
        with body_of(data, self.directory) as body:
            return await self.gateway.put_object(uri, body, checksums_of(data), ObjectAttributes())

    async def create(self, algorithm: ChecksumAlgorithm | None = CRC) -> Upload:
        """Open an upload."""
        return await self.gateway.create_multipart_upload(self.uri, algorithm, ObjectAttributes())

    async def send(self, upload: Upload, number: int, data: bytes) -> str:
        """Send a part."""
        with body_of(data, self.directory) as body:
            return await self.gateway.upload_part(upload, number, body, checksums_of(data))

    def holds(self, head: ObjectHead, data: bytes) -> bool:
        """Return whether an object's checksum is that of some bytes, or rightly absent."""
        value = checksums_of(data)[CRC] if self.expected.echoes_crc64nvme else None
        return head.size == len(data) and head.checksums.get(CRC) == value

    async def send_both(self, upload: Upload) -> list[Receipt]:
        """Send the two parts of a small upload."""
        return [
            receipt(1, 0, FIRST, await self.send(upload, 1, FIRST)),
            receipt(2, len(FIRST), LAST, await self.send(upload, 2, LAST)),
        ]


@asynccontextmanager
async def open_gateway(server: S3Server | None) -> AsyncIterator[Gateway]:
    """Open the gateway to a server, or that in memory; the real one lists in small pages."""
    if server is None:
        yield FakeS3(BUCKET, min_part_size=5 * MIB)
        return
    async with open_client(config_of(server), connections=4, agent="test") as client:
        yield S3(client, Options(stall_timeout=STALL_SECONDS), page=2)
