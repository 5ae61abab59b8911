"""Credentials that are read again while the client is in use, against a server that checks them."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from asyncup.core.errors import (
    AsyncupError,
    ConnectionLost,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRejected,
    ForeignAnswer,
    S3Error,
    TimedOut,
    UsageError,
)
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options, S3Config
from asyncup.edges.s3 import S3, open_s3
from asyncup.edges.s3_credentials import CredentialChain, _ours
from asyncup.embedded import EmbeddedServer
from tests.loop import run
from tests.s3 import config_of

KEYS = "aws_access_key_id = {}\naws_secret_access_key = {}\n"

Use = Callable[[S3], Awaitable[None]]


@pytest.fixture
def config(weed: EmbeddedServer) -> S3Config:
    """Return how to reach the server, with whatever credentials the chain gives."""
    return replace(config_of(weed), access_key_id=None, secret_access_key=None)


def keys(text: str) -> None:
    """Write the user's credentials file."""
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(text)


def aws_config(text: str) -> None:
    """Write the user's configuration file."""
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)


def use(config: S3Config, ask: Use) -> None:
    """Open a gateway and use it."""

    async def main() -> None:
        async with open_s3(config, Options(stall_timeout=5), agent="test") as s3:
            await ask(s3)

    asyncio.run(main())


class Process:
    """A `credential_process` of a profile, which tells what a file has, or fails."""

    def __init__(self, directory: Path) -> None:
        self._told = directory / "told"
        script = directory / "process.py"
        script.write_text(
            "import sys\n"
            f"told = open({str(self._told)!r}).read()\n"
            "sys.exit(told or 'log in first') if not told.startswith('{') else print(told)\n"
        )
        aws_config(f"[default]\ncredential_process = {sys.executable} {script}\n")

    def tells(self, access_key: str, secret_key: str, expiration: str = "") -> None:
        """Let it give keys."""
        told = {"Version": 1, "AccessKeyId": access_key, "SecretAccessKey": secret_key}
        self._told.write_text(json.dumps(told | ({"Expiration": expiration} if expiration else {})))

    def fails(self) -> None:
        """Let it exit with a status that is not 0."""
        self._told.write_text("")


def test_edited_keys_are_taken_up(
    weed: EmbeddedServer, config: S3Config, prefix: ObjectURI
) -> None:
    """Keys that S3 rejects, and that are then mended on the disk, work in the same client."""
    keys("[default]\n" + KEYS.format(weed.access_key, "wrong"))

    async def ask(s3: S3) -> None:
        with pytest.raises(CredentialsRejected):
            await s3.list_objects(prefix, 1)
        assert not await s3.renew_credentials()
        keys("[default]\n" + KEYS.format(weed.access_key, weed.secret_key))
        assert await s3.renew_credentials()
        await s3.list_objects(prefix, 1)
        assert not await s3.renew_credentials()

    use(config, ask)


def test_a_probe_that_is_not_known_here(config: S3Config, prefix: ObjectURI) -> None:
    """A probe tells who asks with wrong keys, or none: nobody gets through with them."""

    async def ask(s3: S3) -> None:
        with pytest.raises(CredentialsMissing):
            await s3.probe(prefix)
        keys("[default]\n" + KEYS.format("AKIDNOBODY", "x"))
        assert await s3.renew_credentials()
        with pytest.raises(CredentialsRejected):
            await s3.probe(prefix)

    use(config, ask)


def test_an_edited_profile_is_taken_up(
    weed: EmbeddedServer, config: S3Config, prefix: ObjectURI
) -> None:
    """The named profile is read again, in the configuration file as well."""
    aws_config("[profile mine]\n" + KEYS.format("AKIDNOBODY", "x"))

    async def ask(s3: S3) -> None:
        with pytest.raises(CredentialsRejected):
            await s3.list_objects(prefix, 1)
        aws_config("[profile mine]\n" + KEYS.format(weed.access_key, weed.secret_key))
        assert await s3.renew_credentials()
        await s3.list_objects(prefix, 1)

    use(replace(config, profile="mine"), ask)


def test_the_process_of_a_profile_is_run_again(
    weed: EmbeddedServer, config: S3Config, prefix: ObjectURI, tmp_path: Path
) -> None:
    """What a `credential_process` gives by now is taken, and while it fails, what it gave."""
    process = Process(tmp_path)
    process.tells("AKIDNOBODY", "x")

    async def ask(s3: S3) -> None:
        with pytest.raises(CredentialsRejected):
            await s3.list_objects(prefix, 1)
        process.fails()
        assert not await s3.renew_credentials()
        with pytest.raises(CredentialsRejected, match="InvalidAccessKeyId"):
            await s3.list_objects(prefix, 1)
        process.tells(weed.access_key, weed.secret_key)
        assert await s3.renew_credentials()
        await s3.list_objects(prefix, 1)

    use(config, ask)


def test_a_process_is_run_when_its_keys_run_out(
    weed: EmbeddedServer, config: S3Config, prefix: ObjectURI, tmp_path: Path
) -> None:
    """Keys with a date are refreshed by themselves; if that fails, they have expired."""
    process = Process(tmp_path)
    process.tells(weed.access_key, weed.secret_key, "2000-01-01T00:00:00Z")

    async def ask(s3: S3) -> None:
        process.fails()
        with pytest.raises(CredentialsExpired, match=r"find credentials: .*log in first") as caught:
            await s3.list_objects(prefix, 1)
        assert caught.value.hint == "run the credential_process of the profile by hand"
        process.tells(weed.access_key, weed.secret_key, "2999-01-01T00:00:00Z")
        await s3.list_objects(prefix, 1)

    use(config, ask)


def test_a_process_that_fails_from_the_start_is_told(config: S3Config, tmp_path: Path) -> None:
    """Without credentials to begin with, the program that gives none is named, and what it says."""
    Process(tmp_path).fails()
    with pytest.raises(CredentialsExpired, match=r"find credentials: .*log in first"):
        use(config, nothing)


def test_a_process_that_tells_nonsense_is_told(config: S3Config, tmp_path: Path) -> None:
    """What is no JSON is told as such, not as a bad endpoint."""
    script = tmp_path / "process.py"
    script.write_text("print('welcome')")
    aws_config(f"[default]\ncredential_process = {sys.executable} {script}\n")
    with pytest.raises(CredentialsRejected, match="did not answer in JSON"):
        use(config, nothing)


def test_a_file_without_keys_changes_nothing(
    weed: EmbeddedServer, config: S3Config, prefix: ObjectURI
) -> None:
    """While somebody is still writing the file, the keys that there were stay in use."""
    keys("[default]\n" + KEYS.format(weed.access_key, weed.secret_key))

    async def ask(s3: S3) -> None:
        await s3.list_objects(prefix, 1)
        for text in ("", "[default]\naws_access_key_id = AKIDHALF\n", "[def"):
            keys(text)
            assert not await s3.renew_credentials()
            await s3.list_objects(prefix, 1)

    use(config, ask)


def test_keys_that_come_later(weed: EmbeddedServer, config: S3Config, prefix: ObjectURI) -> None:
    """Where there were none, those that are there by now are taken."""

    async def ask(s3: S3) -> None:
        with pytest.raises(CredentialsMissing):
            await s3.list_objects(prefix, 1)
        keys("[default]\n" + KEYS.format(weed.access_key, weed.secret_key))
        assert await s3.renew_credentials()
        await s3.list_objects(prefix, 1)

    use(config, ask)


def test_keys_that_are_given_never_change(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """Keys of the configuration itself are no chain, whatever the files have."""
    keys("[default]\n" + KEYS.format("AKIDOTHER", "x"))

    async def ask(s3: S3) -> None:
        assert not await s3.renew_credentials()
        await s3.list_objects(prefix, 1)

    use(config_of(weed), ask)


def test_who_gives_credentials_may_be_out_of_reach(
    config: S3Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a machine's own credentials cannot be fetched now, they may be a little later."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/")
    monkeypatch.setattr("aiobotocore.utils.AioContainerMetadataFetcher.RETRY_ATTEMPTS", 1)
    with pytest.raises(ConnectionLost, match="find credentials") as caught:
        use(config, nothing)
    assert caught.value.transient


def test_a_profile_that_is_gone_is_told(config: S3Config) -> None:
    """What the configuration lacks is a usage error, also where the chain is what misses it."""
    with pytest.raises(UsageError, match="no profile 'gone'"):
        use(replace(config, profile="gone"), nothing)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, CredentialsRejected),
        ("InvalidClientTokenId", 403, CredentialsRejected),
        ("ValidationError", 400, CredentialsRejected),
        ("ExpiredToken", 403, CredentialsExpired),
        ("ExpiredTokenException", 400, CredentialsExpired),
    ],
)
def test_a_role_that_is_refused(code: str, status: int, kind: type[AsyncupError]) -> None:
    """What STS refuses is about credentials, and about no permission of S3."""
    error = _ours(refusal(code, status))
    assert (type(error), error.transient) == (kind, False)
    assert str(error).startswith("find credentials: ")
    assert "s3:" not in str(error.hint)


@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("IDPCommunicationError", 400), ("InternalFailure", 500)],
)
def test_a_role_that_may_be_given_later(code: str, status: int) -> None:
    """STS that is busy is no reason to end a run."""
    assert _ours(refusal(code, status)).transient


@pytest.mark.parametrize("kind", [ConnectTimeoutError, ReadTimeoutError, EndpointConnectionError])
def test_a_way_to_credentials_that_is_cut(kind: type[BotoCoreError]) -> None:
    """STS that is not reached is no reason to end a run either: nobody has refused anything."""
    assert _ours(kind(endpoint_url="https://sts.test", error="cut")).transient


def test_a_chain_that_hangs_is_left(config: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never answers is waited for in vain only so long."""

    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    async def ask(s3: S3) -> None:
        monkeypatch.setattr("asyncup.edges.s3_credentials.RENEWAL_TIMEOUT", 0.1)
        monkeypatch.setattr("aiobotocore.session.AioSession.get_credentials", hang)
        assert not await s3.renew_credentials()

    use(config, ask)


def test_a_chain_is_credentials_to_botocore() -> None:
    """What botocore asks of credentials beside the keys has no answer, and needs none for S3."""
    chain = CredentialChain(S3Config())

    async def main() -> None:
        assert await chain.get_frozen_credentials() is None
        assert await chain.get_account_id() is None

    asyncio.run(main())
    deferred: Any = chain.get_deferred_property("account_id")
    assert deferred() is None


def refusal(code: str, status: int) -> ClientError:
    """Return an error answer of STS."""
    response = {
        "Error": {"Code": code, "Message": "told"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    return ClientError(response, "AssumeRole")


async def nothing(_: S3) -> None:
    """Ask for nothing."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("refreshed credentials are still expired"), CredentialsExpired),
        (FileNotFoundError(2, "No such file or directory", "token"), CredentialsRejected),
        (ConnectTimeoutError(endpoint_url="https://sts"), ConnectionLost),
        (ReadTimeoutError(endpoint_url="https://sts"), TimedOut),
        (SSLError(endpoint_url="https://sts", error="EOF"), ConnectionLost),
        (ResponseParserError("invalid XML"), ForeignAnswer),
        (KeyError("AssumeRoleResult"), ForeignAnswer),
        (TypeError("Parser must be a string, not int"), CredentialsRejected),
        (AttributeError("'list' object has no attribute 'get'"), CredentialsRejected),
    ],
)
def test_what_goes_wrong_in_the_chain_is_said_in_our_words(
    error: Exception, expected: type[S3Error], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program gives may have run out, or make no sense, or be the page of a portal."""

    async def fail(_: object) -> None:
        raise error

    class Broken:
        async def get_frozen_credentials(self) -> object:
            raise error

    async def main() -> None:
        chain = CredentialChain(S3Config())
        chain._newest = Broken()
        with pytest.raises(expected, match=r"^find credentials: "):
            await chain.get_frozen_credentials()
        monkeypatch.setattr("aiobotocore.session.AioSession.get_credentials", fail)
        assert not await chain.renew()

    asyncio.run(main())


def test_keys_that_are_never_refreshed_are_not_waited_for() -> None:
    """Whoever signs hears of it in time, also where no request is under way yet."""

    class Hanging:
        async def get_frozen_credentials(self) -> object:
            return await asyncio.Event().wait()

    async def main() -> None:
        chain = CredentialChain(S3Config())
        chain._newest = Hanging()
        with pytest.raises(TimedOut, match="no answer within 60 s") as caught:
            await chain.keys()
        assert caught.value.transient

    run(main())
