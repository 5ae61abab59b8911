"""What asyncup takes from the environment and the files of AWS where its own options are silent."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore import exceptions as boto
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from asyncup.core.endpoint import redacted
from asyncup.core.options import S3Config
from asyncup.edges.s3_client import told_plainly

_VARIABLES = {
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "region": ("AWS_DEFAULT_REGION",),
    "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "ca_bundle": ("AWS_CA_BUNDLE",),
}
"""By the option of asyncup, in falling order."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """A value for an option, and the variable or the profile that gives it."""

    value: str
    origin: str


def inherited(config: S3Config) -> dict[str, Inherited]:
    """Return what AWS's settings give for options that the configuration leaves open.

    Raises:
        UsageError: there is no such profile, or the files are not what they should be.
    """
    with told_plainly(config):
        return dict(_inherited(Session(profile=config.profile), config))


def _inherited(session: Any, config: S3Config) -> Iterator[tuple[str, Inherited]]:  # noqa: ANN401 - botocore's
    profile = session.profile or "default"
    try:
        of_profile = session.get_scoped_config()
    except boto.ProfileNotFound:
        if session.profile is not None:
            raise
        of_profile = {}
    endpoints = ConfiguredEndpointProvider(session.full_config, of_profile, "s3")
    of_s3 = of_profile.get("s3")
    is_ignored = session.get_config_variable("ignore_configured_endpoint_urls")
    found = {
        "profile": session.profile,
        "region": session.get_config_variable("region"),
        "endpoint_url": None if is_ignored else endpoints.provide(),
        "ca_bundle": session.get_config_variable("ca_bundle"),
        "addressing_style": of_s3.get("addressing_style") if isinstance(of_s3, dict) else None,
    }
    for option, value in found.items():
        if value is not None and getattr(config, option) is None:
            set_by = [each for each in _VARIABLES.get(option, ()) if os.environ.get(each) == value]
            origin = (*set_by, f"profile {profile}")[0]
            yield option, Inherited(redacted(value) if option == "endpoint_url" else value, origin)
