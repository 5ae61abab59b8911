"""A botocore client that does what asyncup needs and nothing behind its back."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from botocore import exceptions as boto

from asyncup.core.endpoint import HINT, check_endpoint, redacted
from asyncup.core.errors import Fault, UsageError
from asyncup.core.options import S3Config
from asyncup.core.spelling import did_you_mean
from asyncup.edges.aws_files import profile_names
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_errors import unanswered
from asyncup.edges.s3_http import HTTPSession, ThreadedResolver
from asyncup.edges.tcp import check_congestion_control

CONNECT_TIMEOUT = 20

IDLE_TIMEOUT = 3.0
"""Seconds that a connection without a request is kept: less than the delay after a failure.

So what is tried again goes over a new connection, not over one that went down with the first.
Parts follow each other at once; the connections of a run at work are never that long idle.
"""


@asynccontextmanager
async def open_client(
    config: S3Config, *, connections: int, agent: str, chain: CredentialChain | None = None
) -> AsyncIterator[Any]:
    """Open a client for S3 that may hold this many connections.

    Requests are signed before they wait for a connection, so there have to be enough: a signature
    that grows old in a queue is refused (RequestTimeTooSkewed). `chain` is where it gets its
    credentials, if the configuration has none.

    Raises:
        UsageError: the profile, the endpoint or the certificates are not what they should be, or
            the system does not know the congestion control.
        CredentialsRejected: there is half a pair of keys.
        S3Error: those who give credentials do not.
    """
    if config.congestion_control is not None:
        check_congestion_control(config.congestion_control)
    resolver = ThreadedResolver(CONNECT_TIMEOUT)
    with told_plainly(config):
        session = aioboto3.Session(
            region_name=config.region,
            botocore_session=(chain or CredentialChain(config)).session(resolver),
        )
        client = session.client(
            "s3",
            endpoint_url=config.endpoint_url,
            verify=_verify(config),
            config=_settings(config, resolver, connections=connections, agent=agent),
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            aws_session_token=config.session_token,
        )
        opened = await client.__aenter__()
    try:
        # The environment and the AWS configuration can name one as well.
        check_endpoint(opened.meta.endpoint_url)
        yield opened
    finally:
        await client.__aexit__(None, None, None)
        await resolver.close()


@contextmanager
def told_plainly(config: S3Config) -> Iterator[None]:
    """Say what is wrong with the configuration that a client is opened by."""
    try:
        yield
    except boto.ProfileNotFound as error:
        name = str(error.kwargs["profile"])
        usual = "`aws configure list-profiles` lists them; check AWS_PROFILE and --profile"
        raise UsageError(
            f"no profile {name!r} in the AWS configuration",
            hint=did_you_mean(name, profile_names()) or usual,
        ) from error
    except boto.PartialCredentialsError as error:
        # As with none at all, and as if they were found to be half only when a request is signed.
        raise unanswered(error, Fault(action="find credentials")) from error
    except (boto.BotoCoreError, AttributeError) as error:
        # botocore meets a section of the configuration that is no section with AttributeError.
        raise UsageError(
            f"read the AWS configuration: {error}", hint="check ~/.aws/config, AWS_* and --region"
        ) from error
    except ValueError:
        # Its text may have a password in it.
        url = config.endpoint_url
        named = "the URL of the AWS configuration" if url is None else repr(redacted(url))
        raise UsageError(f"{named} is not an endpoint URL", hint=HINT) from None


def _verify(config: S3Config) -> bool | str | None:
    """Say how certificates are to be checked; None is as in every AWS tool."""
    if not config.verify_ssl:
        return False
    if config.ca_bundle is None:
        return None
    try:
        ssl.create_default_context(cafile=config.ca_bundle)
    except OSError as error:  # ssl.SSLError is one, too
        raise UsageError(
            f"read the CA bundle {config.ca_bundle}: {error.strerror or error}",
            hint="name a file of certificates in PEM format",
        ) from error
    return str(config.ca_bundle)


def _settings(
    config: S3Config, resolver: ThreadedResolver, *, connections: int, agent: str
) -> AioConfig:
    # Parts carry their own checksum; hashing them once more to sign them costs seconds a GiB.
    s3: dict[str, object] = {"payload_signing_enabled": False}
    if config.addressing_style is not None:
        s3["addressing_style"] = str(config.addressing_style)
    return AioConfig(
        s3=s3,
        connect_timeout=CONNECT_TIMEOUT,
        # The gateway has clocks of its own for every request; another one for each would be no use.
        read_timeout=None,
        max_pool_connections=connections,
        # One loop of retries, asyncup's own: attempts, delays and progress stay true.
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Otherwise bodies get a trailer, no Content-Length, and are refused by many servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        http_session_cls=partial(HTTPSession, congestion_control=config.congestion_control),
        connector_args={
            "resolver": resolver,
            # A new connection goes where the name leads now, also after the network has changed.
            "use_dns_cache": False,
            "keepalive_timeout": IDLE_TIMEOUT,
        },
        # In place of botocore's own, which is put together anew, twice, for each request: that
        # takes two thirds of the time that signing does.
        user_agent=agent,
    )
