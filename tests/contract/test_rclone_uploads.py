"""Whole uploads to the poorest server: the object is the file, and said by what it is shown."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI, Proof
from asyncup.core.options import MIB, Options, Overwrite
from asyncup.engine.uploader import Uploader
from tests.engine.kit import Stream, make_file
from tests.s3 import Bucket, config_of
from tests.servers import Server

OPTIONS = Options(
    part_size=5 * MIB, concurrency=2, retry_step=0, stall_timeout=5, overwrite=Overwrite.ALWAYS
)


@pytest.mark.parametrize("direct", [False, True], ids=["chunk files", "direct"])
def test_rclone_keeps_what_was_sent(
    rclone: Server, prefix: ObjectURI, tmp_path: Path, *, direct: bool
) -> None:
    """A server that gives an object another ETag afterwards: the file's own MD5 is its proof."""
    file = make_file(tmp_path, 11 * MIB)

    async def main() -> Proof:
        options = replace(OPTIONS, split_dir=tmp_path / "chunks", direct=direct)
        async with Uploader(s3=config_of(rclone), options=options) as up:
            return (await up.put(file, prefix / "file")).proof

    assert asyncio.run(main()) is Proof.ETAG
    assert Bucket(rclone, prefix).objects() == {"file": file.read_bytes()}


def test_rclone_keeps_a_stream(rclone: Server, prefix: ObjectURI, tmp_path: Path) -> None:
    """Where neither a checksum nor the file is there to compare with, the object is read back."""
    data = make_file(tmp_path, 6 * MIB).read_bytes()

    async def main() -> Proof:
        options = replace(OPTIONS, split_dir=tmp_path / "chunks")
        async with Uploader(s3=config_of(rclone), options=options) as up:
            return (await up.put(Stream(data, most=MIB), prefix / "stream")).proof

    assert asyncio.run(main()) is Proof.DOWNLOAD
    assert Bucket(rclone, prefix).objects() == {"stream": data}
