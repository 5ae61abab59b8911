"""Buckets in the host name, on a real server that takes them there."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import asyncup
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, AddressingStyle, Options
from asyncup.edges import s3_client
from asyncup.edges.s3_http import ThreadedResolver
from asyncup.embedded import EmbeddedServer
from tests.s3 import Bucket, config_of


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names that are looked up; all of them are this machine's.

    Not every system knows that names below `localhost` are (RFC 6761, 6.3).
    """
    names: set[str] = set()

    def lookup(host: str, *question: object, **more: Any) -> list[Any]:  # noqa: ANN401 - flags
        names.add(host)
        return socket.getaddrinfo("127.0.0.1", *question, **more)  # type: ignore[arg-type] # as it comes

    monkeypatch.setattr(
        s3_client, "ThreadedResolver", lambda within: ThreadedResolver(within, lookup)
    )
    return names


@pytest.mark.parametrize(
    ("style", "host"),
    [
        (AddressingStyle.VIRTUAL, "test-bucket.localhost"),
        (AddressingStyle.PATH, "localhost"),
        (None, "localhost"),
    ],
)
def test_an_upload(
    weed: EmbeddedServer,
    prefix: ObjectURI,
    tmp_path: Path,
    looked_up: set[str],
    style: AddressingStyle | None,
    host: str,
) -> None:
    """All of it goes to one host, which has the bucket in its name if that is asked for."""
    files = {"small": b"in one request", "large": bytes(range(256)) * (6 * MIB // 256)}
    url = f"http://localhost:{urlsplit(weed.endpoint_url).port}"
    s3 = replace(config_of(weed, url), addressing_style=style)

    async def main() -> None:
        async with asyncup.Uploader(options=Options(part_size=5 * MIB), s3=s3) as uploader:
            for name, data in files.items():
                (tmp_path / name).write_bytes(data)
                await uploader.put(tmp_path / name, prefix)

    asyncio.run(main())
    assert looked_up == {host}
    assert Bucket(weed, prefix).objects() == files
