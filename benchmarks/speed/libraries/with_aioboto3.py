"""Upload with aioboto3's upload_fileobj."""

import asyncio
from pathlib import Path

import aioboto3
import aiofiles
from boto3.s3.transfer import TransferConfig

from benchmarks.speed.libraries.asked import BUCKET, IN_FLIGHT, PART_SIZE, read


async def main() -> None:
    """Upload all files: eight parts of a single one at once, or eight of several files."""
    url, certificate, files = read()
    at_once = asyncio.Semaphore(IN_FLIGHT)
    config = TransferConfig(
        multipart_threshold=PART_SIZE,
        multipart_chunksize=PART_SIZE,
        max_concurrency=IN_FLIGHT if len(files) == 1 else 1,
    )
    async with aioboto3.Session().client("s3", endpoint_url=url, verify=str(certificate)) as client:

        async def put(key: str, path: Path) -> None:
            async with at_once, aiofiles.open(path, "rb") as file:
                await client.upload_fileobj(file, BUCKET, key, Config=config)

        await asyncio.gather(*(put(key, path) for key, path in files.items()))


asyncio.run(main())
