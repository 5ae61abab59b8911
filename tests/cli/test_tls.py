"""HTTPS: certificates are checked unless told otherwise, and a wrong one is told at once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.embedded import Certificate, EmbeddedServer, serve
from tests.certificates import make_certificate
from tests.cli.kit import asyncup, tree
from tests.conftest import BUCKET
from tests.s3 import Bucket

LARGE = os.urandom(11 << 20)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Make a certificate for loopback."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """Run SeaweedFS with TLS."""
    place = tmp_path_factory.mktemp("weed-tls")
    with serve(place, buckets=[BUCKET], certificate=certificate) as running:
        yield running


@pytest.fixture
def secure(server: EmbeddedServer, prefix: ObjectURI) -> Bucket:
    """Return a place on the server with TLS."""
    assert server.endpoint_url.startswith("https://")
    return Bucket(server, prefix)


def test_ca_bundle(secure: Bucket, certificate: Certificate, tmp_path: Path) -> None:
    """With the issuer's certificate, files in parts and small ones go up."""
    place = tree(tmp_path / "d", {"large": LARGE, "small": b"x"})
    arguments = ("put", place, str(secure.place), "--part-size=5MiB")
    ended = asyncup(*arguments, "--ca-bundle", certificate.issuer, env=secure.env)
    assert ended.code == 0
    objects = asyncup(*arguments, "--no-verify-ssl", "--dry-run", env=secure.env)
    assert "2 skipped" in objects.out


def test_environment_names_the_issuer(
    secure: Bucket, certificate: Certificate, tmp_path: Path
) -> None:
    """AWS_CA_BUNDLE counts as in every AWS tool."""
    tree(tmp_path, {"a": b"x"})
    env = {**secure.env, "AWS_CA_BUNDLE": str(certificate.issuer)}
    assert asyncup("put", tmp_path / "a", str(secure.place), env=env).code == 0


def test_no_verify_ssl(secure: Bucket, tmp_path: Path) -> None:
    """--no-verify-ssl asks no questions."""
    tree(tmp_path, {"a": b"x"})
    ended = asyncup("put", tmp_path / "a", str(secure.place), "--no-verify-ssl", env=secure.env)
    assert ended.code == 0


def test_unknown_issuer(secure: Bucket, tmp_path: Path) -> None:
    """A certificate that nobody vouches for ends the run at once, with what to do."""
    tree(tmp_path, {"a": b"x"})
    ended = asyncup("put", tmp_path / "a", str(secure.place), env=secure.env)
    assert ended.code == 4
    assert "the server's TLS certificate is not trusted" in ended.err
    assert "hint: name the certificate of its issuer with --ca-bundle" in ended.err
    assert "attempt" not in ended.err
