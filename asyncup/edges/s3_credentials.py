"""Credentials that can be read again while a client is in use.

botocore reads the chain once, and keeps what it found, its parsed configuration files included. A
run of days outlives keys that are rotated, an `aws sso login`, a token in a file.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import ResponseParserError

from asyncup.core.errors import (
    AsyncupError,
    CredentialsExpired,
    CredentialsRejected,
    Fault,
    ForeignAnswer,
    S3Error,
    TimedOut,
)
from asyncup.core.identity import Keys
from asyncup.core.options import S3Config
from asyncup.edges.inspection import CredentialsSeen
from asyncup.edges.s3_errors import answered, unanswered
from asyncup.edges.s3_http import CheckedSession, ThreadedResolver
from asyncup.edges.s3_models import S3Models

RENEWAL_TIMEOUT = 60.0
"""Seconds that a chain may take to be read, or keys to be refreshed: programs ask the network."""

_FAULT = Fault(action="find credentials")

_SOURCES = {
    "env": "environment variables",
    "shared-credentials-file": "the credentials file",
    "config-file": "the configuration file",
    "assume-role": "a role that is assumed",
    "assume-role-with-web-identity": "a role, by a token in a file",
    "custom-process": "a program (credential_process)",
    "sso": "SSO",
    "login": "aws login",
    "container-role": "the role of this container",
    "iam-role": "the role of this machine (EC2)",
}
"""By botocore's names of what has given them."""

_OF_CREDENTIALS = (
    # botocore's own word for credentials that are refreshed and have run out all the same.
    RuntimeError,
    # A program or a token file that is named and not there.
    OSError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.ClientError,
    # They are read as if they were what they should be: the page of a captive portal for the
    # answer of STS or SSO, or any other JSON for keys.
    ResponseParserError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What is wrong with credentials, not with the configuration that says where they are."""


class _Checked(AioConfig):  # type: ignore[misc] # aiobotocore ships no types
    """Settings of clients by which only those are asked that certificates are for."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - botocore's
        super().__init__(http_session_cls=CheckedSession, **options)

    def merge(self, other: Any) -> Any:  # noqa: ANN401 - botocore's
        """Add to these settings; aiobotocore forgets here by what requests are sent."""
        merged = super().merge(other)
        merged.http_session_cls = self.http_session_cls
        return merged


class CredentialChain:
    """What botocore's chain of credentials gave when it was last read, for one client.

    To the client it is the credentials themselves: botocore asks for them when it signs.
    """

    def __init__(self, config: S3Config) -> None:
        self._config = config
        self._resolver: ThreadedResolver | None = None
        self._newest: Any = None
        self._used: object = None

    def session(self, resolver: ThreadedResolver) -> AioSession:
        """Return a session whose clients sign by this chain, unless they are given keys.

        Those who give credentials (STS, SSO) are found by `resolver`, as long as it is open.
        """
        self._resolver = resolver
        return _Session(self, profile=self._config.profile)

    async def read(self) -> None:
        """Read the chain from its beginning; that it gives nothing is seen when it is used.

        Raises:
            CredentialsRejected, CredentialsExpired: what it gives is no good.
            S3Error: it cannot be asked now.
        """
        # A new session has nothing in memory of what it read before.
        session = AioSession(profile=self._config.profile)
        if self._config.region is not None:
            session.set_config_variable("region", self._config.region)
        found_by: dict[str, object] = {}
        if self._resolver is not None:
            found_by = {"resolver": self._resolver, "use_dns_cache": False}
        session.set_default_client_config(_Checked(connector_args=found_by))
        try:
            self._newest = await session.get_credentials()
        except _OF_CREDENTIALS as error:
            raise _ours(error) from error

    async def renew(self) -> bool:
        """Read the chain again; whether it gives other credentials than those last used.

        If it cannot be read, or gives none, those that there are stay in use.
        """
        if self._config.access_key_id is not None:
            return False
        newest, used = self._newest, self._used
        try:
            async with asyncio.timeout(RENEWAL_TIMEOUT):
                await self.read()
                found = await self.get_frozen_credentials()
        except (AsyncupError, boto.BotoCoreError, OSError):  # TimeoutError is one, too
            found = None
        if found is None:
            self._newest = newest
        return found is not None and found != used

    async def get_frozen_credentials(self) -> object:
        """Return the keys to sign with, refreshed by botocore where they can be; None if none.

        Raises:
            S3Error: they have run out, and no others are to be had.
        """
        if self._newest is None:
            return None
        try:
            async with asyncio.timeout(RENEWAL_TIMEOUT):
                self._used = await self._newest.get_frozen_credentials()
        except _OF_CREDENTIALS as error:
            raise _ours(error) from error
        return self._used

    async def keys(self) -> Keys | None:
        """Return what the client signs with now: the keys that it was given, or the chain's.

        Raises: as `get_frozen_credentials`.
        """
        given = self._config
        if given.access_key_id is not None:
            return Keys(given.access_key_id, given.secret_access_key or "", given.session_token)
        found: Any = await self.get_frozen_credentials()
        return None if found is None else Keys(found.access_key, found.secret_key, found.token)

    async def seen(self) -> CredentialsSeen:
        """Return where the keys come from, without the secret ones.

        Raises:
            CredentialsMissing: there are none.
            S3Error: as `get_frozen_credentials`.
        """
        keys = await self.keys()
        if keys is None:
            raise unanswered(boto.NoCredentialsError(), _FAULT)
        method = str(getattr(self._newest, "method", "explicit"))
        # botocore tells the end of those that it refreshes nowhere else.
        expires = getattr(self._newest, "_expiry_time", None)
        return CredentialsSeen(_SOURCES.get(method, method), keys.access_key_id, expires)

    async def get_account_id(self) -> object:
        """Return the account; S3 has no endpoints that are an account's own."""
        return None

    def get_deferred_property(self, _: str) -> object:
        """Return what gives a property later, as botocore wants it: there is none."""
        return lambda: None


class ToldCredentials(CredentialChain):
    """What another process, which has a chain, says that requests are to be signed with."""

    def __init__(self, config: S3Config) -> None:
        super().__init__(config)
        self._keys: Keys | None = None

    def tell(self, keys: Keys | None) -> None:
        """Sign with these from now on."""
        self._keys = keys

    async def read(self) -> None:
        """Do nothing: it is told."""

    async def get_frozen_credentials(self) -> object:
        """Return the keys to sign with; None if there are none."""
        keys = self._keys
        if keys is None:
            return None
        return ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)


_MAKING_S3 = "creating-client-class.s3"


class _Session(AioSession):  # type: ignore[misc] # aiobotocore ships no types
    """A session that takes its credentials from a chain, for clients of S3 and nothing else."""

    def __init__(self, chain: CredentialChain, *, profile: str | None) -> None:
        super().__init__(profile=profile)
        self._chain = chain
        models = S3Models.below(self.get_config_variable("data_path"))
        self.register_component("data_loader", models)

    def register(self, event_name: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - botocore's
        """Register a handler, unless it adds methods to the client.

        Those that aioboto3 adds upload by s3transfer, which takes long to import.
        """
        if event_name != _MAKING_S3:
            super().register(event_name, *args, **kwargs)

    async def get_credentials(self) -> CredentialChain:
        await self._chain.read()
        return self._chain


def _ours(error: Exception) -> AsyncupError:
    """Say what is wrong with credentials, or with the way to those who give them."""
    if isinstance(error, boto.ClientError):
        ours = answered(error, _FAULT)
        if ours.transient or isinstance(ours, CredentialsExpired):
            return ours
        hint = "check the role, what it trusts, and the credentials that assume it"
        return CredentialsRejected(ours.fault, hint=hint)
    if isinstance(error, boto.BotoCoreError):
        return unanswered(error, _FAULT)  # some of them are OSError as well: timeouts, TLS
    for kinds, kind, told, advice in _TOLD:
        if isinstance(error, kinds):
            return kind(replace(_FAULT, message=told(error)), hint=advice)
    return unanswered(error, _FAULT)


def _of_system(error: Exception) -> str:
    """Return what the system says, and of which file."""
    name = getattr(error, "filename", None)
    return f"{getattr(error, 'strerror', None) or error}{f': {name}' if name else ''}"


_TOLD: tuple[
    tuple[tuple[type[Exception], ...], type[S3Error], Callable[[Exception], str], str | None], ...
] = (
    (
        (RuntimeError,),
        CredentialsExpired,
        str,
        "get new temporary credentials (for SSO: aws sso login)",
    ),
    ((TimeoutError,), TimedOut, lambda _: f"no answer within {RENEWAL_TIMEOUT:g} s", None),
    (
        (OSError,),
        CredentialsRejected,
        _of_system,
        "check what the profile and AWS_* name: credential_process, token files",
    ),
    (
        (ResponseParserError, LookupError),
        ForeignAnswer,
        lambda _: "the answer is not one of who gives them",
        "a proxy or a captive portal may be in the way",
    ),
    (
        (ValueError, TypeError, AttributeError),
        CredentialsRejected,
        lambda _: "what gives them did not answer in JSON as it should",
        "run the credential_process of the profile by hand",
    ),
)
