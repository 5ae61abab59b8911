"""The certificate of a server: what is seen of it, and why one is not trusted."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asyncup.core.errors import CertificateRejected, ConnectionLost, UsageError
from asyncup.edges.inspection import TLSSeen
from asyncup.edges.s3_tls import look_at_tls
from asyncup.embedded import Certificate, EmbeddedServer
from tests.certificates import make_certificate
from tests.proxy import proxy_to

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Make a certificate for loopback."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def url(certificate: Certificate) -> Iterator[str]:
    """Run a server that shows it."""
    with proxy_to(NOWHERE, certificate=certificate) as proxy:
        yield proxy.url


def look(url: str, bundle: Path | None, *, is_checked: bool = True) -> TLSSeen:
    """Look at a server."""
    return asyncio.run(look_at_tls(url, 10, bundle, is_checked=is_checked))


def test_what_is_seen(url: str, certificate: Certificate) -> None:
    """The version, who has issued the certificate, and until when it holds."""
    seen = look(url, certificate.issuer)
    assert seen.version.startswith("TLSv1.")
    assert seen.issuer is not None
    assert "trustme" in seen.issuer
    assert seen.expires is not None
    assert seen.expires > datetime(2026, 1, 1, tzinfo=UTC)


def test_nothing_is_seen_of_one_that_is_not_checked(url: str) -> None:
    """But that TLS is spoken."""
    seen = look(url, None, is_checked=False)
    assert (seen.issuer, seen.expires) == (None, None)
    assert seen.version.startswith("TLSv1.")


def test_one_that_is_not_trusted(url: str, tmp_path: Path) -> None:
    """It is said why: nobody known has issued it, or it is of another name."""
    with pytest.raises(CertificateRejected, match="unable to get local issuer") as caught:
        look(url, None)
    assert "--ca-bundle" in (caught.value.hint or "")
    other = make_certificate(tmp_path, "10.1.2.3")
    with (
        proxy_to(NOWHERE, certificate=other) as proxy,
        pytest.raises(CertificateRejected, match="IP address mismatch") as caught,
    ):
        look(proxy.url, other.issuer)
    assert "--addressing-style path" in (caught.value.hint or "")


def test_no_tls_at_this_port(weed: EmbeddedServer) -> None:
    """A server that speaks plain HTTP, and no server at all."""
    with pytest.raises(UsageError, match="does not speak TLS"):
        look(weed.endpoint_url.replace("http:", "https:"), None)
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionLost) as caught:
            look(f"https://127.0.0.1:{unused.getsockname()[1]}", None)
    assert "--endpoint-url" in (caught.value.hint or "")
