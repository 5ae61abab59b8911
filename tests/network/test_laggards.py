"""A real server behind a network on which some connections crawl, or all of them."""

import os
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB
from asyncup.embedded import EmbeddedServer
from tests.cli.kit import Ended, asyncup
from tests.proxy import Crawl, Fate, Request, Script, proxy_to
from tests.s3 import Bucket


@pytest.fixture
def bucket(weed: EmbeddedServer, prefix: ObjectURI) -> Bucket:
    """Return a place of this test's own."""
    return Bucket(weed, prefix)


def through(
    bucket: Bucket, directory: Path, script: Script, *, sizes: tuple[int, int], more: str
) -> tuple[Ended, list[Request]]:
    """Let the command send a file through a proxy; return what it told, and its parts.

    `sizes` are those of the file and of its parts, in MiB.
    """
    file, (size, part_size) = directory / "file", sizes
    file.write_bytes(os.urandom(size * MIB))
    with proxy_to(bucket.server.endpoint_url, script) as proxy:
        ended = asyncup(
            *("put", file, str(bucket.place), "--json", f"--endpoint-url={proxy.url}"),
            *(f"--part-size={part_size}MiB", *more.split()),
            env=bucket.env,
        )
    assert ended.code == 0, ended.err
    assert bucket.objects() == {"file": file.read_bytes()}
    return ended, [each for each in proxy.requests if each.part_number]


def test_a_straggler_goes_again(bucket: Bucket, tmp_path: Path) -> None:
    """It alone is sent again, at once, and not on the connection on which it lagged."""
    crawling = [Crawl(128 << 10)]

    def script(request: Request) -> Fate | Crawl:
        return crawling.pop() if crawling and request.part_number == 5 else Fate.PASS

    ended, parts = through(bucket, tmp_path, script, sizes=(40, 8), more="--concurrency=2")
    (again,) = ended.events("retry_scheduled")
    assert (again["part_number"], again["delay"]) == (5, 0.0)
    assert "slower than others" in str(again["error"])
    assert sorted(each.part_number or 0 for each in parts) == [1, 2, 3, 4, 5, 5]
    first, second = [each for each in parts if each.part_number == 5]
    assert first.port != second.port


def test_a_link_that_is_slow_for_all(bucket: Bucket, tmp_path: Path) -> None:
    """Where all connections crawl, nothing is sent twice, whatever is asked for."""

    def script(request: Request) -> Fate | Crawl:
        return Crawl(3 * MIB) if request.part_number else Fate.PASS

    asked = "--concurrency=3 --stall-timeout=3s --min-rate=32MiB/s"
    ended, parts = through(bucket, tmp_path, script, sizes=(48, 16), more=asked)
    assert [each["error"] for each in ended.events("retry_scheduled")] == []
    assert sorted(each.part_number or 0 for each in parts) == [1, 2, 3]
