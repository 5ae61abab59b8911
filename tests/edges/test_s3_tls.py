"""The certificate of a server: what is seen of it, and why one is not trusted."""

import asyncio
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asyncup.core.errors import CertificateRejected, ConnectionLost, UsageError
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options, S3Config
from asyncup.edges.inspection import TLSSeen
from asyncup.edges.s3 import open_s3
from asyncup.edges.s3_tls import look_at_tls
from asyncup.embedded import Certificate, EmbeddedServer
from tests.certificates import make_certificate
from tests.conftest import BUCKET
from tests.proxy import error_answer, proxy_to
from tests.s3 import config_of

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


def probe(config: S3Config) -> None:
    """Ask S3 for next to nothing."""

    async def main() -> None:
        async with open_s3(config, Options(stall_timeout=5), agent="test") as s3:
            await s3.list_objects(ObjectURI(BUCKET), 1)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["127.0.0.1", "10.1.2.3"])
def test_requests_go_to_whom_the_certificate_is_for(
    weed: EmbeddedServer, tmp_path: Path, name: str
) -> None:
    """A certificate of a trusted issuer for another name is not taken for S3's."""
    certificate = make_certificate(tmp_path, name)
    with proxy_to(weed.endpoint_url, certificate=certificate) as proxy:
        config = replace(config_of(weed, proxy.url), ca_bundle=certificate.issuer)
        if name in proxy.url:
            probe(config)
            return
        with pytest.raises(CertificateRejected, match=r"is not one for 127\.0\.0\.1"):
            probe(config)
        assert proxy.requests == []


def test_credentials_come_from_whom_the_certificate_is_for(
    weed: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is worth credentials is given to nobody else."""
    (tmp_path / "token").write_text("token")
    certificate = make_certificate(tmp_path, "10.1.2.3")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/uploads")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.issuer))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with proxy_to(NOWHERE, lambda _: error_answer("AccessDenied", 403), certificate) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
        config = replace(config_of(weed), access_key_id=None, secret_access_key=None)
        with pytest.raises(CertificateRejected):
            probe(config)
        assert proxy.requests == []


@pytest.mark.parametrize("trusted", ["ours", "another"])
def test_certificates_are_checked_behind_a_proxy(
    weed: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    """A tunnel leads to whom it leads: its far end has to show who it is as without one."""
    certificate = make_certificate(tmp_path)
    (tmp_path / "another").mkdir()
    other = make_certificate(tmp_path / "another")
    bundle = {"ours": certificate.issuer, "another": other.issuer}[trusted]
    with proxy_to(weed.endpoint_url, certificate=certificate) as proxy, tunnel() as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        config = replace(config_of(weed, proxy.url), ca_bundle=bundle)
        if trusted == "ours":
            probe(config)
            return
        with pytest.raises(CertificateRejected, match="is not trusted"):
            probe(config)
        assert proxy.requests == []


class _Tunnel(socketserver.BaseRequestHandler):
    """Connects a client with whom it asks for, and carries bytes both ways."""

    def handle(self) -> None:
        """Serve one client."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.request.recv(1)
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {self.request: far, far: self.request}
            while True:
                for end in select.select([*ends], [], [])[0]:
                    if not (data := end.recv(1 << 16)):
                        return
                    ends[end].sendall(data)


@contextmanager
def tunnel() -> Iterator[str]:
    """Run a proxy that only makes tunnels (RFC 9110, 9.3.6)."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
