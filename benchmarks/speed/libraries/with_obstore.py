"""Upload with obstore."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from obstore.store import S3Store

from benchmarks.speed.libraries.asked import BUCKET, IN_FLIGHT, PART_SIZE, read


def main() -> None:
    """Upload all files: eight parts of a single one at once, or eight of several files."""
    url, certificate, files = read()
    store = S3Store(
        BUCKET,
        endpoint=url,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "root_certificate": certificate.read_bytes()},
    )
    parts = IN_FLIGHT if len(files) == 1 else 1

    def put(key: str, path: Path) -> None:
        store.put(key, path, chunk_size=PART_SIZE, max_concurrency=parts)

    # Not put_async: that now and then ends in an abort when the interpreter does.
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        list(threads.map(put, files.keys(), files.values()))


main()
