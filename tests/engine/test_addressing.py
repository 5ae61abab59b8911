"""Buckets in the host name, on a real server that takes them there."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import asyncup
from asyncup.core.errors import CertificateRejected, PathStyleRefused
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, AddressingStyle, Options, S3Config
from asyncup.edges import s3_client
from asyncup.edges.s3_http import ThreadedResolver
from asyncup.embedded import EmbeddedServer
from tests.certificates import make_certificate
from tests.proxy import error_answer, proxy_to
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
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    url = f"http://localhost:{urlsplit(weed.endpoint_url).port}"
    s3 = replace(config_of(weed, url), addressing_style=style)
    put(s3, [tmp_path / name for name in files], prefix)
    assert looked_up == {host}
    assert Bucket(weed, prefix).objects() == files


def put(s3: S3Config, paths: Sequence[Path], place: ObjectURI) -> None:
    """Upload files."""

    async def main() -> None:
        async with asyncup.Uploader(options=Options(part_size=5 * MIB), s3=s3) as uploader:
            for path in paths:
                await uploader.put(path, place)

    asyncio.run(main())


def test_a_server_that_refuses_the_path(
    weed: EmbeddedServer, prefix: ObjectURI, tmp_path: Path
) -> None:
    """It is told at once, with the option, and not as a permission that is missing."""
    (tmp_path / "file").write_bytes(b"data")
    refusal = error_answer("SecondLevelDomainForbidden", 403, "x-amz-request-id: 1")
    with proxy_to(weed.endpoint_url, lambda _: refusal) as proxy:
        with pytest.raises(PathStyleRefused) as caught:
            put(config_of(weed, proxy.url), [tmp_path / "file"], prefix)
        assert len(proxy.requests) == 1
    assert "--addressing-style virtual" in (caught.value.hint or "")


@pytest.mark.usefixtures("looked_up")
def test_a_certificate_that_is_not_for_buckets(
    weed: EmbeddedServer, prefix: ObjectURI, tmp_path: Path
) -> None:
    """The name that it lacks is told, and how the bucket is no part of it."""
    (tmp_path / "file").write_bytes(b"data")
    certificate = make_certificate(tmp_path, "localhost")
    with proxy_to(weed.endpoint_url, certificate=certificate) as proxy:
        s3 = replace(
            config_of(weed, proxy.url.replace("127.0.0.1", "localhost")),
            ca_bundle=certificate.issuer,
            addressing_style=AddressingStyle.VIRTUAL,
        )
        with pytest.raises(
            CertificateRejected, match=r"not one for test-bucket\.localhost"
        ) as caught:
            put(s3, [tmp_path / "file"], prefix)
        put(replace(s3, addressing_style=None), [tmp_path / "file"], prefix)
    assert "--addressing-style path" in (caught.value.hint or "")
