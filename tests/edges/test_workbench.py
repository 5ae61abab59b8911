"""A worker as it looks from inside: what ends it."""

import asyncio
from pathlib import Path

import pytest

from asyncup.core.identity import Identity, Keys
from asyncup.core.messages import Span, UploadPart
from asyncup.core.model import Checksums, ObjectAttributes, ObjectURI, Upload
from asyncup.edges.body import PartBody
from asyncup.edges.workbench import MOMENT, Patience, Workbench
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


def test_who_stands_still_asks_once_and_waits_for_the_answer() -> None:
    """However often it is looked at meanwhile; the next time, it asks again."""
    asked: list[float] = []
    patience = Patience(asked.append)
    assert [patience.persist(stood_for) for stood_for in (30.0, 30.25, 30.5)] == [MOMENT] * 3
    assert asked == [30.0]
    patience.answer(0.0)
    assert patience.persist(30.75) == 0.0
    assert patience.persist(31.0) == MOMENT
    patience.answer(5.0)
    assert patience.persist(31.25) == 5.0
    assert asked == [30.0, 31.0]


def test_an_answer_about_what_has_moved_since_is_none() -> None:
    """Another standstill is another question."""
    asked: list[float] = []
    patience = Patience(asked.append)
    patience.persist(60.0)
    patience.answer(0.0)
    assert patience.persist(30.0) == MOMENT
    assert asked == [60.0, 30.0]
