"""Upload with obstore."""

import asyncio
from pathlib import Path

from obstore.store import S3Store

from benchmarks.speed.libraries.asked import BUCKET, IN_FLIGHT, PART_SIZE, read


async def main() -> None:
    """Upload all files: eight parts of a single one at once, or eight of several files."""
    url, certificate, files = read()
    store = S3Store(
        BUCKET,
        endpoint=url,
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": True,
            "root_certificate": certificate.read_bytes(),
        },
    )
    at_once = asyncio.Semaphore(IN_FLIGHT)

    async def put(key: str, path: Path) -> None:
        parts = IN_FLIGHT if len(files) == 1 else 1
        async with at_once:
            await store.put_async(key, path, chunk_size=PART_SIZE, max_concurrency=parts)

    await asyncio.gather(*(put(key, path) for key, path in files.items()))


asyncio.run(main())
