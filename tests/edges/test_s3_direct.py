"""Requests without botocore: the same ones, with the same ends; what differs is for botocore."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.awsrequest import AioAWSResponse
from botocore.exceptions import MissingDependencyException

from asyncup.core.errors import ChecksumRejected, ForeignAnswer, Throttled
from asyncup.core.identity import Identity, Keys
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectHead, ObjectURI
from asyncup.core.options import AddressingStyle, Options, S3Config
from asyncup.edges import s3_wire
from asyncup.edges.body import PartBody
from asyncup.edges.s3 import S3, open_s3
from asyncup.edges.s3_client import open_client
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_credentials import CredentialChain, ToldCredentials
from asyncup.edges.s3_direct import Direct
from asyncup.edges.s3_signatory import Signatory, ToldSignatory
from asyncup.edges.s3_wire import Answer
from tests.bodies import body_of, checksums_of

DATA = b"hello, world"
NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
OF_BOTOCORE = {"amz-sdk-invocation-id", "amz-sdk-request"}
"""Headers that it adds after it has signed, for its own statistics."""

AWS = S3Config(
    region="eu-west-1",
    access_key_id="AKID",
    secret_access_key="secret",  # noqa: S106 - it opens nothing
    session_token="token",  # noqa: S106
)
OTHER = S3Config(
    region="us-east-1",
    endpoint_url="http://[::1]:9000/below",
    access_key_id="AKID",
    secret_access_key="secret",  # noqa: S106
)
VIRTUAL = replace(
    OTHER, endpoint_url="http://s3.test:9000/below", addressing_style=AddressingStyle.VIRTUAL
)
ATTRIBUTES = ObjectAttributes(
    storage_class="STANDARD_IA",
    sse="aws:kms",
    sse_kms_key_id="a-key",
    acl="private",
    metadata={"one": "1", "two": "a b"},
    tags={"a": "b c&d"},
    content_type="text/plain",
    cache_control="max-age=1",
    content_encoding="gzip",
)
HEADERS = {
    **s3_wire.attribute_headers(ATTRIBUTES),
    **s3_wire.checksum_headers(ChecksumAlgorithm.CRC64NVME, checksums_of(DATA)),
    "IfNoneMatch": "*",
}
PART = {"UploadId": "an/upload id+=", "PartNumber": 7, "ContentMD5": "XrY7u+Ae7tCTyyK7j1rNww=="}
KEYS = ["a", "a b/ü+~%'()*!.-_", "a//b", "/a", "./../a", "a?b#c&d=e", "a/", "\x01\t\n", "%2F", "日"]


@dataclass(slots=True)
class Wire:
    """Takes the place of the network: notes what would go out, and answers that all is well."""

    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def send(self, request: Any) -> AioAWSResponse:  # noqa: ANN401 - botocore's
        """Answer a request."""
        written = {
            name: value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
            if name not in OF_BOTOCORE
        }
        self.sent.append((request.url, written))
        headers = {"etag": '"tag"', "x-amz-version-id": "v"}
        return AioAWSResponse(request.url, 200, headers, _Raw(headers))


@dataclass(slots=True)
class _Raw:
    """What aiohttp has of an answer without a body."""

    headers: dict[str, str]

    async def read(self) -> bytes:
        """Return the body."""
        return b""


@asynccontextmanager
async def wired(config: S3Config) -> AsyncIterator[tuple[Any, Direct, Wire]]:
    """Open a client that is not on any network, and what makes requests beside it."""
    clock, chain, wire = SigningClock(lambda: NOON), CredentialChain(config), Wire()
    async with open_client(config, connections=1, agent="test", chain=chain) as client:
        endpoint = client._endpoint
        network, endpoint.http_session = endpoint.http_session, wire
        try:
            clock.register(client)
            yield client, Direct(client, chain.keys, clock), wire
        finally:
            endpoint.http_session = network


async def both(
    wired: tuple[Any, Direct, Wire], params: dict[str, object], directory: Path
) -> tuple[dict[str, object], Answer | None]:
    """Let botocore make a request, and then us; return the two answers."""
    client, direct, wire = wired
    wire.sent.clear()
    with body_of(DATA, directory) as body:
        is_part = "UploadId" in params
        method = client.upload_part if is_part else client.put_object
        theirs = await method(**params, Body=body)
        return theirs, await ask(direct, params, body)


async def ask(direct: Direct, params: dict[str, object], body: PartBody) -> Answer | None:
    """Make a request without botocore."""
    operation = "UploadPart" if "UploadId" in params else "PutObject"
    return await direct.send(operation, params, body, expects=False, look=lambda **_: None)


def same(wire: Wire) -> bool:
    """Return whether both requests were the same, but for the order in their URLs."""
    (their_url, theirs), (our_url, ours) = wire.sent
    # Small bodies are sent at once: that is decided before they are signed, by another one.
    theirs.pop("Expect", None)
    (there, _, their_query), (here, _, query) = their_url.partition("?"), our_url.partition("?")
    same_place = (there, sorted(their_query.split("&"))) == (here, query.split("&"))
    return same_place and theirs == ours


@pytest.mark.parametrize("config", [OTHER, VIRTUAL], ids=["path", "virtual"])
def test_same_request(tmp_path: Path, config: S3Config) -> None:
    """What goes out is what botocore would send, whatever the key, wherever the bucket stands."""

    async def main() -> None:
        async with wired(config) as opened:
            for key in KEYS:
                for params in (HEADERS, PART, {}):
                    where = {"Bucket": "a-bucket", "Key": key}
                    theirs, ours = await both(opened, {**where, **params}, tmp_path)
                    assert same(opened[2]), key
                    assert ours is not None
                    assert ours["ETag"] == '"tag"'
                    assert {name: theirs[name] for name in ours} == ours

    asyncio.run(main())


def test_asking_first(tmp_path: Path) -> None:
    """What is only asked for on the way, whether the bytes are welcome, is not signed."""

    async def main() -> None:
        async with wired(OTHER) as (client, direct, wire):
            where = {"Bucket": "a-bucket", "Key": "key"}
            await client.head_object(**where)
            with body_of(DATA, tmp_path) as body:
                for expects in (False, True):
                    await direct.send(
                        "PutObject", where, body, expects=expects, look=lambda **_: None
                    )
            (_, at_once), (_, asking) = wire.sent[1:]
            assert asking == {**at_once, "Expect": "100-continue"}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("bucket", "variable"),
    [
        ("a-bucket", ""),
        ("a.bucket", ""),
        ("a-bucket", "AWS_USE_DUALSTACK_ENDPOINT"),
        ("a-bucket", "AWS_USE_FIPS_ENDPOINT"),
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/mine", ""),
        ("arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/mine", ""),
    ],
)
def test_same_place(
    bucket: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes where botocore would send it on AWS, signed for the same."""
    if variable:
        monkeypatch.setenv(variable, "true")

    async def main() -> None:
        async with wired(AWS) as opened:
            where = {"Bucket": bucket, "Key": "a/key"}
            _, ours = await both(opened, {**where, **HEADERS}, tmp_path)
            assert ours is not None
            assert same(opened[2])

    asyncio.run(main())


ODD: tuple[dict[str, object], ...] = (
    {"Metadata": {"Name": "upper case"}},
    {"Metadata": {"name": "Zürich"}},
    {"Metadata": {"a name": "1"}},
    {"ContentType": "two  spaces"},
    {"ContentType": " space"},
    {"ContentType": ""},
    {"BucketKeyEnabled": True},
    {"Unknown": "1"},
)


def test_out_of_the_ordinary(tmp_path: Path) -> None:
    """What may not be written as it is, is left to botocore."""

    async def main() -> None:
        async with wired(OTHER) as (client, direct, wire):
            where = {"Bucket": "a-bucket", "Key": "key"}
            await client.head_object(**where)
            with body_of(DATA, tmp_path) as body:
                for params in ODD:
                    assert await ask(direct, {**where, **params}, body) is None
                assert len(wire.sent) == 1
                assert await ask(direct, {**where, **HEADERS}, body) is not None

    asyncio.run(main())


OUTPOST = "arn:aws:s3-outposts:eu-west-1:123456789012:outpost:op-1:accesspoint:mine"


def test_unknown_place(tmp_path: Path) -> None:
    """Where botocore has not been seen to go, or signs in another way, nobody guesses."""

    async def main() -> None:
        async with wired(AWS) as (client, direct, wire):
            await client.head_object(Bucket="a-bucket", Key="key")
            with suppress(MissingDependencyException):
                await client.head_object(Bucket=OUTPOST, Key="key")
            sent = len(wire.sent)
            with body_of(DATA, tmp_path) as body:
                for bucket in (OUTPOST, "another-bucket"):
                    assert await ask(direct, {"Bucket": bucket, "Key": "key"}, body) is None
            assert len(wire.sent) == sent

    asyncio.run(main())


@dataclass(slots=True)
class Server:
    """Answers requests in turn, and keeps them: their heads and their bodies."""

    answers: Sequence[bytes]
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                (length,) = re.findall(r"content-length: (\d+)", head) or ["0"]
                self.bodies.append(await reader.readexactly(int(length)))
                writer.write(self.answers[len(self.heads)])
                self.heads.append(head)
        writer.close()


@asynccontextmanager
async def served(
    *answers: bytes, given: S3Config = OTHER, signatory: Signatory | None = None
) -> AsyncIterator[tuple[S3, Server]]:
    """Open a gateway to a server that answers so, in this loop, with a bucket that is known."""
    server = Server([OK, *answers])
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        config = replace(given, endpoint_url=f"http://127.0.0.1:{port}")
        async with open_s3(config, Options(), agent="test", signatory=signatory) as s3:
            await s3.head_object(URI)
            yield s3, server


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return an answer of S3."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "x-amz-request-id: r", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status: str, code: str, *headers: str) -> bytes:
    """Return an answer of S3 that refuses, for a reason."""
    return answer(status, f"<Error><Code>{code}</Code></Error>".encode(), *headers)


URI = ObjectURI("a-bucket", "key")
OK = answer("200 OK", b"", 'ETag: "tag"')


async def put(s3: S3, directory: Path) -> ObjectHead:
    """Store an object."""
    with body_of(DATA, directory) as body:
        return await s3.put_object(URI, body, checksums_of(DATA), ObjectAttributes())


def is_direct(head: str) -> bool:
    """Return whether a request was not made by botocore, which adds statistics."""
    return "amz-sdk-request" not in head


def test_refused(tmp_path: Path) -> None:
    """A refusal is told in the same words as to botocore: its code, its request, when to return."""

    async def main() -> None:
        slow_down = refusal("503 Slow Down", "SlowDown", "Retry-After: 7")
        async with served(refusal("400 Bad", "BadDigest"), slow_down) as (s3, server):
            with pytest.raises(ChecksumRejected):
                await put(s3, tmp_path)
            with pytest.raises(Throttled) as caught:
                await put(s3, tmp_path)
            fault = caught.value.fault
            assert (fault.code, fault.request_id, fault.retry_after) == ("SlowDown", "r", 7.0)
            assert all(map(is_direct, server.heads[1:]))

    asyncio.run(main())


PORTAL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
TEMPORARY = b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("foreign", [PORTAL, EMPTY, TEMPORARY])
def test_foreign(foreign: bytes, tmp_path: Path) -> None:
    """An answer of somebody else is none."""

    async def main() -> None:
        async with served(foreign) as (s3, _):
            with pytest.raises(ForeignAnswer):
                await put(s3, tmp_path)

    asyncio.run(main())


def test_elsewhere(tmp_path: Path) -> None:
    """Where S3 sends a request elsewhere, botocore makes it once more, from its first byte on."""

    async def main() -> None:
        gone = refusal("307 Temporary Redirect", "TemporaryRedirect")
        async with served(gone, OK, OK) as (s3, server):
            assert (await put(s3, tmp_path)).etag == "tag"
            await put(s3, tmp_path)
            assert list(map(is_direct, server.heads)) == [False, True, False, True]
            assert server.bodies == [b"", DATA, DATA, DATA]

    asyncio.run(main())


def test_new_keys(tmp_path: Path) -> None:
    """Keys that are others by now are signed with from then on."""

    async def main() -> None:
        given = replace(OTHER, access_key_id=None, secret_access_key=None)
        signatory = ToldSignatory(ToldCredentials(given))
        signatory.adopt(Identity(Keys("FIRST", "secret", None), 0.0))
        async with served(OK, OK, given=given, signatory=signatory) as (s3, server):
            await put(s3, tmp_path)
            signatory.adopt(Identity(Keys("SECOND", "secret", "token"), 86400.0))
            await put(s3, tmp_path)
            assert ["credential=first/" in head for head in server.heads] == [True, True, False]
            assert "credential=second/" in server.heads[2]
            assert "x-amz-security-token: token" in server.heads[2]

    asyncio.run(main())
