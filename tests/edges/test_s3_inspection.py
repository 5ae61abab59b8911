"""The verbs and looks that only an inspection needs, against a real server and scripted answers."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from asyncup.core.bucket import LifecycleRule
from asyncup.core.errors import AccessDenied, BucketMissing, CredentialsMissing, UsageError
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectURI, Part, Receipt
from asyncup.core.options import AddressingStyle, Options, S3Config
from asyncup.edges import s3_inspection
from asyncup.edges.inspection import TLSSeen
from asyncup.edges.noise import Noise
from asyncup.edges.s3_inspection import InspectedS3, open_inspected
from asyncup.embedded import EmbeddedServer
from tests.certificates import make_certificate
from tests.proxy import Answer, Script, error_answer, proxy_to
from tests.s3 import config_of

T = TypeVar("T")

Ask = Callable[[InspectedS3], Awaitable[T]]
ID = "x-amz-request-id: 1"
SOON = Options(stall_timeout=5)


def look(config: S3Config, ask: Ask[T]) -> T:
    """Open a gateway and look."""

    async def main() -> T:
        async with open_inspected(config, SOON, agent="test") as s3:
            return await ask(s3)

    return asyncio.run(main())


def through(server: EmbeddedServer, script: Script, ask: Ask[T]) -> T:
    """Look at a server that answers as a script says."""
    with proxy_to(server.endpoint_url, script) as proxy:
        return look(config_of(server, proxy.url), ask)


async def write(s3: InspectedS3, uri: ObjectURI) -> None:
    """Store an object."""
    noise = await Noise.of(100)
    await s3.put_object(uri, noise.body(), noise.checksums, ObjectAttributes())


def test_delete(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """What is deleted is gone; what is not there may be deleted."""
    uri = prefix / "object"

    async def ask(s3: InspectedS3) -> None:
        await write(s3, uri)
        assert await s3.head_object(uri) is not None
        await s3.delete_object(uri)
        assert await s3.head_object(uri) is None
        await s3.delete_object(uri)

    look(config_of(weed), ask)


RULES = """<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>a/</Prefix></Filter>
<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation>
</AbortIncompleteMultipartUpload></Rule>
<Rule><ID>b</ID><Status>Disabled</Status><Filter/>
<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation>
</AbortIncompleteMultipartUpload></Rule>
<Rule><ID>c</ID><Status>Enabled</Status><Prefix>c/</Prefix>
<Expiration><Days>1</Days></Expiration></Rule>
<Rule><ID>d</ID><Status>Enabled</Status><Filter><And><Prefix>d/</Prefix>
<Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>
<Expiration><Days>1</Days></Expiration></Rule>
</LifecycleConfiguration>"""


def test_lifecycle_rules(weed: EmbeddedServer) -> None:
    """Each form that a rule's prefix may have, and whether it is in force."""

    async def ask(s3: InspectedS3) -> list[LifecycleRule]:
        return list(await s3.lifecycle_rules("test-bucket"))

    answer = Answer(200, RULES, (ID, "Content-Type: application/xml"))
    assert through(weed, lambda _: answer, ask) == [
        LifecycleRule("a/", 3),
        LifecycleRule("", None),
        LifecycleRule("c/", None),
        LifecycleRule("d/", None, is_narrow=True),
    ]
    assert look(config_of(weed), ask) == []
    denied = error_answer("AccessDenied", 403, ID)
    with pytest.raises(AccessDenied, match="read the lifecycle rules"):
        through(weed, lambda _: denied, ask)


def test_what_every_answer_tells(weed: EmbeddedServer) -> None:
    """The time and the region, also of refusals."""

    async def ask(s3: InspectedS3) -> tuple[timedelta | None, str | None]:
        assert (s3.ahead, s3.bucket_region) == (None, None)
        with pytest.raises(BucketMissing):
            await s3.list_objects(ObjectURI("no-such-bucket"), 1)
        return s3.ahead, s3.bucket_region

    date = "Date: Thu, 01 Jan 2099 00:00:00 GMT"
    told = error_answer("NoSuchBucket", 404, ID, date, "x-amz-bucket-region: eu-west-1")
    ahead, region = through(weed, lambda _: told, ask)
    assert region == "eu-west-1"
    assert ahead is not None
    assert ahead > timedelta(days=365)
    ahead, region = look(config_of(weed), ask)
    assert region is None
    assert ahead is not None
    assert abs(ahead) < timedelta(minutes=5)


def test_a_size_that_is_none(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """It is what is told to the server, whatever the object has; and it is told in the request."""
    seen: list[object] = []

    async def ask(s3: InspectedS3) -> None:
        s3._requests._client.meta.events.register(
            "before-send.s3.CompleteMultipartUpload",
            lambda request, **_: seen.append(request.headers["x-amz-mp-object-size"]),
        )
        upload = await s3.create_multipart_upload(
            prefix / "object", ChecksumAlgorithm.CRC64NVME, ObjectAttributes()
        )
        noise = await Noise.of(100)
        etag = await s3.upload_part(upload, 1, noise.body(), noise.checksums)
        receipt = Receipt(Part(1, 0, 100), etag, noise.checksums)
        await s3.complete_with_size(upload, [receipt], 101)
        await s3.delete_object(upload.uri)

    look(config_of(weed), ask)
    assert seen in (["101"], [b"101"])


def test_trailers(weed: EmbeddedServer, tmp_path: Path) -> None:
    """Over TLS, the checksum is announced, and comes behind the bytes."""
    certificate, announced = make_certificate(tmp_path), list[str]()

    async def ask(s3: InspectedS3) -> None:
        s3._requests._client.meta.events.register(
            "before-send.s3.PutObject",
            lambda request, **_: announced.append(str(request.headers["x-amz-trailer"])),
        )
        uri = ObjectURI("test-bucket", "object")
        await s3.put_with_trailer(uri, bytes(1000), ObjectAttributes())

    # The proxy of the tests passes on no body without a length: it answers by itself.
    stored = Answer(200, "", (ID, 'ETag: "etag"'), end=b"\r\n\r\n")
    with proxy_to(weed.endpoint_url, lambda _: stored, certificate) as proxy:
        look(replace(config_of(weed, proxy.url), ca_bundle=certificate.issuer), ask)
    assert "x-amz-checksum-crc32" in announced[0]


def test_where_credentials_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the source, with the key's ID, never the secret; those with an end tell it."""
    config = S3Config(region="us-east-1", endpoint_url="http://127.0.0.1:1")

    async def ask(s3: InspectedS3) -> tuple[str, str, bool]:
        seen = await s3.credentials()
        assert "SECRET" not in repr(seen)
        return seen.source, seen.access_key_id, seen.expires is not None

    with pytest.raises(CredentialsMissing):
        look(config, ask)
    keys = "[default]\naws_access_key_id = OF-FILE\naws_secret_access_key = SECRET\n"
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(keys)
    assert look(config, ask) == ("the credentials file", "OF-FILE", False)
    given = '{"Version": 1, "AccessKeyId": "OF-PROGRAM", "SecretAccessKey": "SECRET", '
    (tmp_path / "told").write_text(given + '"Expiration": "2999-01-01T00:00:00Z"}')
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[profile program]\ncredential_process = cat {tmp_path / 'told'}\n"
    )
    program = replace(config, profile="program")
    assert look(program, ask) == ("a program (credential_process)", "OF-PROGRAM", True)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OF-VARIABLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    assert look(config, ask) == ("environment variables", "OF-VARIABLE", False)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://user:word@proxy:3128"}, "http://***@proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "s3.example"}, None),
    ],
)
def test_the_proxy_in_the_way(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: str | None
) -> None:
    """That of the environment, unless the server is exempt, and without its password."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async def ask(s3: InspectedS3) -> str | None:
        return s3.proxy()

    config = S3Config(region="us-east-1", endpoint_url="https://s3.example")
    assert look(config, ask) == proxy


@pytest.mark.parametrize(
    ("bucket", "changes", "host"),
    [
        ("films", {}, "films.s3.eu-west-1.amazonaws.com"),
        ("films", {"addressing_style": AddressingStyle.PATH}, "s3.eu-west-1.amazonaws.com"),
        # No certificate for `*.s3.eu-west-1.amazonaws.com` is one for two names before that.
        ("my.films", {}, "s3.eu-west-1.amazonaws.com"),
        ("films", {"endpoint_url": "https://s3.example"}, "s3.example"),
        (
            "films",
            {"endpoint_url": "https://s3.example", "addressing_style": AddressingStyle.VIRTUAL},
            "films.s3.example",
        ),
    ],
)
def test_the_certificate_is_looked_at_where_requests_go(
    monkeypatch: pytest.MonkeyPatch, bucket: str, changes: dict[str, Any], host: str
) -> None:
    """Whether the bucket stands in the host name or not."""

    async def look_at_tls(url: str, *_: object, **__: object) -> TLSSeen:
        return TLSSeen(str(urlsplit(url).hostname), "TLSv1.3", None, None)

    async def ask(s3: InspectedS3) -> TLSSeen | None:
        return await s3.tls(bucket)

    monkeypatch.setattr(s3_inspection, "look_at_tls", look_at_tls)
    seen = look(S3Config(region="eu-west-1", **changes), ask)
    assert seen is not None
    assert seen.host == host


def test_a_bucket_that_is_nowhere() -> None:
    """What cannot be in any URL is told as that."""
    with pytest.raises(UsageError, match=r"find where arn:x is: .*Invalid ARN"):
        look(S3Config(region="eu-west-1"), lambda s3: s3.tls("arn:x"))
