"""A botocore client that does what asyncup needs and nothing behind its back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions as boto

from asyncup.core.errors import UsageError
from asyncup.core.options import S3Config

READ_TIMEOUT = 3600
"""Seconds. The gateway has its own, shorter clocks for every request; this is never the first."""

CONNECT_TIMEOUT = 20


@asynccontextmanager
async def open_client(config: S3Config, *, connections: int, agent: str) -> AsyncIterator[Any]:
    """Open a client for S3 that may hold this many connections.

    Requests are signed before they wait for a connection, so there have to be enough: a signature
    that grows old in a queue is refused (RequestTimeTooSkewed).

    Raises:
        UsageError: the profile, the endpoint or the certificates are not what they should be.
    """
    botocore_session = AioSession(profile=config.profile)
    try:
        settings = _settings(botocore_session, config, connections=connections, agent=agent)
        session = aioboto3.Session(region_name=config.region, botocore_session=botocore_session)
        client = session.client(
            "s3",
            endpoint_url=config.endpoint_url,
            verify=_verify(config),
            config=settings,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            aws_session_token=config.session_token,
        )
        opened = await client.__aenter__()
    except boto.ProfileNotFound as error:
        raise UsageError(
            f"no profile {config.profile!r} in the AWS configuration",
            hint="`aws configure list-profiles` lists them; check AWS_PROFILE and --profile",
        ) from error
    except boto.ConfigParseError as error:
        raise UsageError(f"read the AWS configuration: {error}") from error
    except ValueError as error:
        raise UsageError(
            f"{config.endpoint_url!r} is not an endpoint URL",
            hint="write http://host:port or https://host",
        ) from error
    try:
        yield opened
    finally:
        await client.__aexit__(None, None, None)


def _verify(config: S3Config) -> bool | str | None:
    if not config.verify_ssl:
        return False
    if config.ca_bundle is None:
        return None
    if not config.ca_bundle.is_file():
        raise UsageError(f"no CA bundle {config.ca_bundle}", hint="name a file in PEM format")
    return str(config.ca_bundle)


def _settings(session: AioSession, config: S3Config, *, connections: int, agent: str) -> AioConfig:
    # A client's `s3` settings replace those of the user's AWS configuration: carry these over.
    s3 = dict(session.get_scoped_config().get("s3") or {})
    # Parts carry their own checksum; hashing them once more to sign them costs seconds a GiB.
    s3["payload_signing_enabled"] = False
    if config.path_style:
        s3["addressing_style"] = "path"
    return AioConfig(
        s3=s3,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=connections,
        # One loop of retries, asyncup's own: attempts, delays and progress stay true.
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Otherwise bodies get a trailer, no Content-Length, and are refused by many servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        user_agent_extra=agent,
    )
