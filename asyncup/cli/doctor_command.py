"""`asyncup doctor` and what it takes."""

from pathlib import Path
from typing import Annotated

import typer

from asyncup.cli import more_parameters as q
from asyncup.cli import parameters as p
from asyncup.cli.ending import finish

_Sources = Annotated[
    list[Path] | None,
    typer.Option(
        "--source",
        envvar="ASYNCUP_SOURCE",
        show_envvar=False,
        help="How fast this file or directory is read; repeatable",
        metavar="PATH",
        show_default=False,
    ),
]
_Speed = Annotated[
    bool,
    typer.Option(
        "--speed/--no-speed",
        envvar="ASYNCUP_SPEED",
        show_envvar=False,
        help="Measure the upload rate, which sends up to 288 MiB",
    ),
]


def doctor(
    context: typer.Context,
    place: q.Place,
    source: _Sources = None,
    speed: _Speed = True,
    split_dir: p.SplitDir = None,
    state_dir: p.StateDir = None,
    profile: p.Profile = None,
    region: p.Region = None,
    endpoint_url: p.EndpointURL = None,
    addressing_style: p.Addressing = None,
    ca_bundle: p.CABundle = None,
    verify_ssl: p.VerifySSL = True,
    storage_class: p.StorageClass = None,
    sse: p.SSE = None,
    sse_kms_key_id: p.SSEKMSKeyID = None,
    acl: p.ACL = None,
    tag: p.Tag = None,
    config: p.ConfigFile = None,
    quiet: p.Quiet = False,
    plain: p.Plain = False,
    json: p.Json = False,
    debug: p.Debug = False,
) -> None:
    """Find out whether uploads to a place would work, and how well, and what mends what does not.

    It makes uploads of its own below the place and removes them again.
    """
    from asyncup.cli.doctor import doctor as run

    finish(run, context.params)
