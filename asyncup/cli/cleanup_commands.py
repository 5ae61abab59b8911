"""What `asyncup pending` and `asyncup abort` take."""

import typer

from asyncup.cli import more_parameters as q
from asyncup.cli import parameters as p
from asyncup.cli import retry_parameters as r
from asyncup.cli.ending import finish


def pending(
    context: typer.Context,
    place: q.Place,
    state_dir: p.StateDir = None,
    max_retry: r.MaxRetry = 30,
    retry_step: r.RetryStep = 5.0,
    retry_cap: r.RetryCap = 60.0,
    stall_timeout: r.StallTimeout = 30.0,
    give_up_after: r.GiveUpAfter = 86_400.0,
    profile: p.Profile = None,
    region: p.Region = None,
    endpoint_url: p.EndpointURL = None,
    addressing_style: p.Addressing = None,
    ca_bundle: p.CABundle = None,
    verify_ssl: p.VerifySSL = True,
    config: p.ConfigFile = None,
    quiet: p.Quiet = False,
    json: p.Json = False,
    debug: p.Debug = False,
) -> None:
    """List uploads that were begun and never finished: their parts cost money."""
    from asyncup.cli.pending import pending as run

    finish(run, context.params)


def abort(
    context: typer.Context,
    place: q.AbortPlace,
    below: q.All = False,
    older_than: q.OlderThan = None,
    upload_id: q.UploadID = None,
    yes: q.Yes = False,
    state_dir: p.StateDir = None,
    split_dir: p.SplitDir = None,
    max_retry: r.MaxRetry = 30,
    retry_step: r.RetryStep = 5.0,
    retry_cap: r.RetryCap = 60.0,
    stall_timeout: r.StallTimeout = 30.0,
    give_up_after: r.GiveUpAfter = 86_400.0,
    profile: p.Profile = None,
    region: p.Region = None,
    endpoint_url: p.EndpointURL = None,
    addressing_style: p.Addressing = None,
    ca_bundle: p.CABundle = None,
    verify_ssl: p.VerifySSL = True,
    config: p.ConfigFile = None,
    quiet: p.Quiet = False,
    json: p.Json = False,
    debug: p.Debug = False,
) -> None:
    """Delete the parts of an upload that was begun and never finished.

    One that a run is at work on is left alone.
    """
    from asyncup.cli.pending import abort as run

    finish(run, context.params)
