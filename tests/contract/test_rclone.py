"""What only a server shows that has never had an upload: `rclone serve s3` calls that an error."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.edges.s3 import open_s3
from tests.s3 import config_of
from tests.servers import Server, serve_rclone


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Server]:
    """Run a server whose bucket has never had an upload."""
    directory = tmp_path / "server"
    directory.mkdir()
    with serve_rclone(directory, "bucket") as server:
        yield server


def test_nothing_was_ever_uploaded(untouched: Server) -> None:
    """Where there has never been an upload, none is pending: `NoSuchUpload` is no error here."""

    async def main() -> None:
        async with open_s3(config_of(untouched), Options(), agent="test") as s3:
            assert list(await s3.list_multipart_uploads(ObjectURI("bucket", "key"))) == []

    asyncio.run(main())
