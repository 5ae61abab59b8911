"""A worker as it looks from inside: what ends it."""

import asyncio
from pathlib import Path

import pytest

from asyncup.core.messages import Identity, Keys, Span, UploadPart
from asyncup.core.model import Checksums, ObjectAttributes, ObjectURI, Upload
from asyncup.edges.body import PartBody
from asyncup.edges.workbench import Workbench
from tests.bodies import checksums_of
from tests.fakes3 import FakeS3
from tests.loop import run
from tests.workers import MemoryChannel


class Broken(FakeS3):
    """A way to S3 with a bug."""

    async def upload_part(self, *_: Upload | int | PartBody | Checksums) -> str:
        raise ZeroDivisionError("a bug")


def test_a_bug_ends_a_worker_by_its_name(tmp_path: Path) -> None:
    """What comes out, and is told as the reason, is the bug, and not that there was one."""
    file = tmp_path / "file"
    file.write_bytes(b"123")

    async def main() -> None:
        s3 = Broken()
        upload = await s3.create_multipart_upload(
            ObjectURI("test-bucket", "key"), None, ObjectAttributes()
        )
        here, there = asyncio.Queue[bytes](), asyncio.Queue[bytes]()
        boss = MemoryChannel(here, there)
        boss.send(
            UploadPart(
                call=1,
                span=Span(file, 0, 3),
                checksums=checksums_of(b"123"),
                identity=Identity(Keys("AKIA", "secret", None), 0.0),
                is_limited=False,
                upload=upload,
                number=1,
            )
        )
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await Workbench(MemoryChannel(there, here), s3, lambda _: None).run()

    run(main())
