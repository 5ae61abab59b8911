"""The botocore client: it does what asyncup needs, and nothing behind its back.

What it would send is looked at on its way out; no request leaves this process.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from botocore import exceptions as boto
from botocore.endpoint_provider import RuleSet

from asyncup.core.errors import AsyncupError, CredentialsRejected, UsageError
from asyncup.core.options import AddressingStyle, S3Config
from asyncup.edges.body import PartBody
from asyncup.edges.ranges import RangeReader
from asyncup.edges.s3_client import _settings, _verify, open_client
from asyncup.edges.s3_http import ThreadedResolver
from tests.certificates import make_certificate
from tests.loop import run

KEYS = S3Config(
    access_key_id="AKIDOWN",
    secret_access_key="none",  # noqa: S106 - it opens nothing
    region="eu-central-1",
)
SERVER = replace(KEYS, endpoint_url="http://127.0.0.1:9000")


@pytest.fixture
def aws_config() -> Callable[[str], None]:
    """Return what writes the user's AWS configuration file."""

    def write(text: str) -> None:
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)

    return write


def settings() -> AioConfig:
    """Return the settings of a client that the user has set nothing for."""
    return _settings(S3Config(), ThreadedResolver(1), connections=18, agent="asyncup/1.0")


class Outgoing:
    """Requests on their way out; each of them meets a connection that breaks."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def __call__(self, request: Any, **_: object) -> None:  # noqa: ANN401 - made at run time
        self.requests.append(request)
        raise boto.ConnectionClosedError(endpoint_url=request.url)

    def header(self, name: str) -> str | None:
        """Return a header of the only request."""
        (request,) = self.requests
        value = request.headers.get(name)
        return value.decode() if isinstance(value, bytes) else value


def outgoing(config: S3Config, ask: Callable[[Any], Awaitable[object]]) -> Outgoing:
    """Return what a client would send."""
    sent = Outgoing()

    async def send() -> None:
        async with open_client(config, connections=3, agent="asyncup/1.0") as client:
            client.meta.events.register("before-send.s3", sent)
            with pytest.raises(boto.ConnectionClosedError):
                await ask(client)

    run(send())
    return sent


async def head(client: Any) -> object:  # noqa: ANN401 - made at run time
    return await client.head_object(Bucket="bucket", Key="key")


def url_of(config: S3Config, bucket: str = "bucket") -> str:
    """Return where a client looks for a bucket's object."""
    sent = outgoing(config, lambda client: client.head_object(Bucket=bucket, Key="key"))
    (request,) = sent.requests
    return str(request.url)


def test_retries_are_our_own() -> None:
    """Botocore makes one attempt: a second one would be neither counted nor announced."""
    assert settings().retries == {"total_max_attempts": 1, "mode": "standard"}
    assert len(outgoing(SERVER, head).requests) == 1


def test_retries_are_our_own_whatever_the_user_has_set(
    aws_config: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts in the AWS configuration or the environment do not bring botocore's loop back."""
    aws_config("[default]\nmax_attempts = 7\nretry_mode = adaptive\n")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    assert len(outgoing(SERVER, head).requests) == 1


def test_bodies_are_not_touched_on_their_way() -> None:
    """Checksums come with the parts: botocore computes none, checks none, and signs no bytes."""
    made = settings()
    assert made.request_checksum_calculation == "when_required"
    assert made.response_checksum_validation == "when_required"
    assert made.s3 == {"payload_signing_enabled": False}


@pytest.mark.parametrize("endpoint_url", ["http://127.0.0.1:9000", "https://127.0.0.1:9000", None])
@pytest.mark.parametrize("meddling", [False, True])
def test_a_part_goes_out_unread_with_its_length(
    tmp_path: Path, aws_config: Callable[[str], None], endpoint_url: str | None, meddling: bool
) -> None:
    """A part leaves with Content-Length, unsigned payload and its own checksum, without a trailer,
    over HTTP and HTTPS, whatever the AWS configuration wants; its bytes were not looked at.
    """  # noqa: D205 - one sentence
    if meddling:
        wishes = "request_checksum_calculation = when_supported\ns3 =\n"
        aws_config(f"[default]\n{wishes}  payload_signing_enabled = true\n")
    path = tmp_path / "part"
    path.write_bytes(b"x" * 1000)
    moved: list[int] = []

    async def upload(client: Any) -> None:  # noqa: ANN401 - made at run time
        with PartBody(RangeReader(path, 0, 1000), 1000, moved.append) as body:
            await client.upload_part(
                Bucket="bucket",
                Key="key",
                UploadId="id",
                PartNumber=1,
                Body=body,
                ChecksumAlgorithm="CRC64NVME",
                ChecksumCRC64NVME="rosUhgp5mIg=",
            )

    sent = outgoing(replace(KEYS, endpoint_url=endpoint_url), upload)
    assert sent.header("Content-Length") == "1000"
    assert sent.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD"
    assert sent.header("x-amz-checksum-crc64nvme") == "rosUhgp5mIg="
    for name in ("Transfer-Encoding", "Content-Encoding", "x-amz-trailer", "Content-MD5"):
        assert sent.header(name) is None
    assert moved == []


def test_there_are_connections_for_all_that_is_signed() -> None:
    """The pool is as large as it is told, so that no signature grows old in a queue."""
    assert settings().max_pool_connections == 18


def test_requests_say_who_sends_them() -> None:
    """The user agent begins with asyncup's own name and version; botocore's comes after it."""
    told = str(outgoing(SERVER, head).header("User-Agent"))
    assert told.split(maxsplit=1)[0] == "asyncup/1.0"
    assert "botocore/" in told.lower()


def test_no_other_way_to_upload_is_imported() -> None:
    """A client has the verbs of S3 alone: what aioboto3 adds to them takes long to import."""
    code = """
import asyncio, sys
from asyncup.core.options import AddressingStyle, S3Config
from asyncup.edges.s3_client import open_client

async def main():
    config = S3Config(access_key_id="AKID", secret_access_key="none", region="eu-central-1")
    async with open_client(config, connections=1, agent="test") as client:
        assert client.put_object is not None

asyncio.run(main())
assert "s3transfer" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_where_to_send_is_found_out_once_for_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore's rules for endpoints are gone through once for a bucket, not for each object."""
    asked: list[object] = []
    evaluate = RuleSet.evaluate

    def counted(rules: RuleSet, parameters: dict[str, object]) -> object:
        asked.append(parameters)
        return evaluate(rules, parameters)

    async def many(client: Any) -> None:  # noqa: ANN401 - made at run time
        for key in ("one", "two"):
            with suppress(boto.ConnectionClosedError):
                await client.head_object(Bucket="bucket", Key=key)
        await client.head_object(Bucket="bucket", Key="three")

    monkeypatch.setattr(RuleSet, "evaluate", counted)
    outgoing(SERVER, many)
    assert len(asked) == 1


AT_AWS = "s3.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "bucket", "style", "expected"),
    [
        (None, "bucket", None, f"https://bucket.{AT_AWS}/key"),
        (None, "bucket", AddressingStyle.AUTO, f"https://bucket.{AT_AWS}/key"),
        (None, "bucket", AddressingStyle.VIRTUAL, f"https://bucket.{AT_AWS}/key"),
        (None, "bucket", AddressingStyle.PATH, f"https://{AT_AWS}/bucket/key"),
        ("https://s3.test", "bucket", None, "https://s3.test/bucket/key"),
        ("https://s3.test", "bucket", AddressingStyle.AUTO, "https://s3.test/bucket/key"),
        ("https://s3.test", "bucket", AddressingStyle.PATH, "https://s3.test/bucket/key"),
        ("https://s3.test", "bucket", AddressingStyle.VIRTUAL, "https://bucket.s3.test/key"),
        # No certificate for *.s3.test covers my.bucket.s3.test.
        ("https://s3.test", "my.bucket", AddressingStyle.VIRTUAL, "https://s3.test/my.bucket/key"),
        ("http://s3.test", "my.bucket", AddressingStyle.VIRTUAL, "http://my.bucket.s3.test/key"),
        ("http://s3.test", "My_Bucket", AddressingStyle.VIRTUAL, "http://s3.test/My_Bucket/key"),
        ("http://10.0.0.1", "bucket", AddressingStyle.VIRTUAL, "http://10.0.0.1/bucket/key"),
    ],
)
def test_where_the_bucket_stands(
    endpoint: str | None, bucket: str, style: AddressingStyle | None, expected: str
) -> None:
    """In the host name at AWS, in the path elsewhere, or as is asked for: but in the path where
    no host can have that name, or no certificate would be for it.
    """  # noqa: D205 - one sentence
    config = replace(KEYS, endpoint_url=endpoint, addressing_style=style)
    assert url_of(config, bucket) == expected


def test_the_users_own_s3_settings_stay(aws_config: Callable[[str], None]) -> None:
    """What the AWS configuration says under `s3 =`, of the profile that is named, still counts."""
    aws_config(
        "[default]\n"
        "s3 =\n"
        "  addressing_style = virtual\n"
        "[profile near]\n"
        "region = us-west-2\n"
        "s3 =\n"
        "  addressing_style = path\n"
    )
    near = replace(KEYS, profile="near", region=None)
    assert url_of(near) == "https://s3.us-west-2.amazonaws.com/bucket/key"
    assert url_of(KEYS) == "https://bucket.s3.eu-central-1.amazonaws.com/key"


@pytest.mark.parametrize(
    ("style", "host"),
    [
        (None, "bucket.s3.test/"),
        (AddressingStyle.AUTO, "s3.test/bucket/"),
        (AddressingStyle.PATH, "s3.test/bucket/"),
        (AddressingStyle.VIRTUAL, "bucket.s3.test/"),
    ],
)
def test_the_addressing_style_wins_over_the_users_s3_settings(
    aws_config: Callable[[str], None], style: AddressingStyle | None, host: str
) -> None:
    """The wish of this run, `auto` as well, is stronger than the one in the AWS configuration."""
    aws_config("[default]\nendpoint_url = https://s3.test\ns3 =\n  addressing_style = virtual\n")
    assert url_of(replace(KEYS, addressing_style=style)) == f"https://{host}key"


def test_credentials_come_from_the_named_profile() -> None:
    """A profile's keys sign the request, and keys that are given win over them."""
    credentials = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    keys = "aws_access_key_id = {}\naws_secret_access_key = x\n"
    credentials.write_text(f"[default]\n{keys.format('AKD')}[other]\n{keys.format('AKO')}")
    for config, owner in (
        (S3Config(region="eu-central-1"), "AKD"),
        (S3Config(region="eu-central-1", profile="other"), "AKO"),
        (KEYS, "AKIDOWN"),
    ):
        assert f"Credential={owner}/" in str(outgoing(config, head).header("Authorization"))


def test_a_session_token_goes_along() -> None:
    """Temporary credentials are sent with their token."""
    config = replace(KEYS, session_token="temporary")  # noqa: S106 - it opens nothing
    assert outgoing(config, head).header("X-Amz-Security-Token") == "temporary"


def test_certificates_are_checked_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    """By default botocore's own way counts; a bundle is named to it; only a flag turns it off."""
    bundle = make_certificate(tmp_path).issuer
    assert _verify(S3Config()) is None
    assert _verify(S3Config(ca_bundle=bundle)) == str(bundle)
    assert _verify(S3Config(verify_ssl=False)) is False
    assert _verify(S3Config(verify_ssl=False, ca_bundle=bundle)) is False


def refused(config: S3Config, kind: type[AsyncupError] = UsageError) -> AsyncupError:
    """Return the error that opening a client ends in."""

    async def opened() -> None:
        async with open_client(config, connections=1, agent="x"):
            pytest.fail("it was opened")

    with pytest.raises(kind) as caught:
        run(opened())
    return caught.value


def test_a_missing_profile_is_told() -> None:
    """A profile that is nowhere is named, with the command that lists those that are."""
    error = refused(S3Config(profile="nobody"))
    assert str(error) == "no profile 'nobody' in the AWS configuration"
    assert error.hint == (
        "`aws configure list-profiles` lists them; check AWS_PROFILE and --profile"
    )


def test_a_missing_profile_of_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile that is missing is named, whoever asked for it."""
    monkeypatch.setenv("AWS_PROFILE", "foo")
    assert str(refused(S3Config())) == "no profile 'foo' in the AWS configuration"


def test_a_broken_aws_configuration_is_told(aws_config: Callable[[str], None]) -> None:
    """A configuration file that cannot be parsed is named."""
    aws_config("[default\nregion")
    path = os.environ["AWS_CONFIG_FILE"]
    expected = f"read the AWS configuration: Unable to parse config file: {path}"
    assert str(refused(S3Config())) == expected


@pytest.mark.parametrize("endpoint_url", ["nonsense", "localhost:9000", "http://", "https:///path"])
def test_a_bad_endpoint_is_told(endpoint_url: str) -> None:
    """What is no URL of a server is named, with the form that one has."""
    error = refused(S3Config(endpoint_url=endpoint_url))
    assert str(error) == f"{endpoint_url!r} is not an endpoint URL"
    assert error.hint == "write http://host:port or https://host"


@pytest.mark.parametrize(
    "endpoint_url",
    ["ftp://u:SECRET@h", "u:SECRET@host", "u:SECRET@host:9000/x", "http://u:SE/CRET@h", "SECRET@"],
)
@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_password_in_a_bad_endpoint_is_not_told(
    monkeypatch: pytest.MonkeyPatch, endpoint_url: str, named_by: str
) -> None:
    """A URL that was mistyped is named without user and password."""
    config = S3Config(region="us-east-1")
    if named_by == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    else:
        config = replace(config, endpoint_url=endpoint_url)
    error = refused(config)
    assert "is not an endpoint URL" in str(error)
    shown = "".join(traceback.format_exception(error)) + str(error.hint)
    assert "SECRET" not in shown


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_user_in_the_endpoint_is_refused(monkeypatch: pytest.MonkeyPatch, named_by: str) -> None:
    """User and password of HTTP would take the place of the signature: it can never work."""
    config, url = KEYS, "http://user:SECRET@127.0.0.1:9000"
    if named_by == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    else:
        config = replace(config, endpoint_url=url)
    error = refused(config)
    assert str(error) == "'http://***@127.0.0.1:9000' has a user in it, which S3 does not know"
    assert "AWS_ACCESS_KEY_ID" in str(error.hint)


@pytest.mark.parametrize("name", ["missing.pem", "."])
def test_a_missing_ca_bundle_is_told(tmp_path: Path, name: str) -> None:
    """A bundle of certificates that is no file is named before anything is sent."""
    error = refused(S3Config(ca_bundle=tmp_path / name))
    assert str(error).startswith(f"read the CA bundle {tmp_path / name}: ")
    assert error.hint == "name a file of certificates in PEM format"


def test_a_bundle_that_is_no_pem_is_told(tmp_path: Path) -> None:
    """A file that holds no certificates is a usage error, not a connection to try again."""
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "ca.pem" in str(refused(S3Config(ca_bundle=tmp_path / "ca.pem")))


def test_a_bad_region_is_told() -> None:
    """A region that is none is named, not the endpoint."""
    assert "'eu central'" in str(refused(S3Config(region="eu central")))


def test_half_of_the_keys_is_told() -> None:
    """An access key without its secret is as bad as a wrong one."""
    error = refused(S3Config(access_key_id="AK"), CredentialsRejected)
    assert "secret" in str(error)
    assert "check the access key and the secret" in str(error.hint)


@pytest.mark.parametrize("text", ["s3 =\n  addressing_style = nonsense\n", "s3 = nonsense\n"])
def test_a_bad_s3_section_is_told(aws_config: Callable[[str], None], text: str) -> None:
    """What is wrong in the AWS configuration is a usage error that says where."""
    aws_config(f"[default]\n{text}")
    assert "read the AWS configuration" in str(refused(KEYS))


@pytest.mark.parametrize("value", ["true", "false"])
def test_dual_stack_works(aws_config: Callable[[str], None], value: str) -> None:
    """`use_dualstack_endpoint` of the AWS configuration counts as what it says."""
    aws_config(f"[default]\ns3 =\n  use_dualstack_endpoint = {value}\n")
    assert ("dualstack" in url_of(KEYS)) is (value == "true")


def test_errors_of_those_who_use_the_client_are_theirs() -> None:
    """What goes wrong while the client is in use is not taken for a bad configuration."""

    async def use() -> None:
        async with open_client(SERVER, connections=1, agent="x"):
            raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        run(use())
