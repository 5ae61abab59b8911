"""The commands, and what they take.

Everything that takes long to import is imported when it is needed, so that `--help` and
`--version` answer at once.
"""

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from asyncup import __version__
from asyncup.cli import cleanup_commands, config_app, doctor_command, streams, watch_command
from asyncup.cli import completion as shells
from asyncup.cli import more_parameters as q
from asyncup.cli import parameters as p
from asyncup.cli import retry_parameters as r
from asyncup.cli.audience import Audience
from asyncup.cli.commands import Command, Group, only_asked_for
from asyncup.cli.config import file_that_sets
from asyncup.cli.ending import finish, refuse
from asyncup.cli.settings import Params, asked_for, options_of, places_of
from asyncup.cli.usage import as_ours, is_asked_for
from asyncup.core.errors import AsyncupError, Interrupted
from asyncup.core.options import ChecksumPolicy, OnChange, Overwrite

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config_app.app, name="config")
app.command(cls=Command)(doctor_command.doctor)


def main() -> None:
    """Run the command line and exit."""
    gc.disable()  # until a run begins: what is imported is no garbage
    streams.prepare()
    if "_ASYNCUP_COMPLETE" in os.environ:
        shells.prepare()
    code = _run(sys.argv[1:] or ["--help"])
    streams.let_go()
    # All ends with the process: nobody needs to look through it for garbage once more.
    gc.freeze()
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    try:
        asked = only_asked_for(app, arguments)
        code = asked([*arguments], prog_name="asyncup", standalone_mode=False)
    except typer.TyperException as error:
        code = refuse(as_ours(error), arguments)
    except AsyncupError as error:
        code = refuse(error, arguments, debug=is_asked_for("debug", arguments))
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    return code or 0


def _version(*, wanted: bool) -> None:
    if wanted:
        streams.write_out(f"asyncup {__version__}\n")
        raise typer.Exit


@app.callback()
def asyncup(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version")
    ] = False,
) -> None:
    """Upload huge files to S3 over links that break: in parts, resumable, proven.

    Running a command again goes on where it stopped: what S3 holds is not sent again.
    """


@watch_command.beside(app)
@app.command(cls=Command, no_args_is_help=False)
def put(
    context: typer.Context,
    paths: p.Paths = None,
    source: p.Source = None,
    destination: p.Destination = None,
    recursive: p.Recursive = True,
    follow: p.Follow = False,
    include: p.Include = None,
    exclude: p.Exclude = None,
    min_size: p.MinSize = None,
    max_size: p.MaxSize = None,
    skip_small: p.SkipSmall = False,
    files_from: p.FilesFrom = None,
    null: p.Null = False,
    key_prefix: p.KeyPrefix = "",
    overwrite: p.OverwritePolicy = Overwrite.SIZE,
    part_size: p.PartSize = None,
    concurrency: p.Concurrency = "auto",
    processes: p.Processes = "1",
    limit_rate: p.LimitRate = None,
    direct: p.Direct = False,
    split_dir: p.SplitDir = None,
    checksum: p.Checksum = ChecksumPolicy.AUTO,
    on_change: p.OnChangePolicy = OnChange.FAIL,
    receipts: p.Receipts = None,
    state_dir: p.StateDir = None,
    max_retry: r.MaxRetry = 30,
    retry_step: r.RetryStep = 5.0,
    retry_cap: r.RetryCap = 60.0,
    stall_timeout: r.StallTimeout = 30.0,
    give_up_after: r.GiveUpAfter = 86_400.0,
    min_rate: r.MinRate = 0,
    stop_grace: r.StopGrace = 10.0,
    complete_timeout: r.CompleteTimeout = 600.0,
    profile: p.Profile = None,
    region: p.Region = None,
    endpoint_url: p.EndpointURL = None,
    addressing_style: p.Addressing = None,
    ca_bundle: p.CABundle = None,
    verify_ssl: p.VerifySSL = True,
    congestion_control: p.CongestionControl = None,
    storage_class: p.StorageClass = None,
    sse: p.SSE = None,
    sse_kms_key_id: p.SSEKMSKeyID = None,
    acl: p.ACL = None,
    metadata: p.Metadata = None,
    tag: p.Tag = None,
    content_type: p.ContentType = None,
    cache_control: p.CacheControl = None,
    content_encoding: p.ContentEncoding = None,
    config: p.ConfigFile = None,
    dry_run: p.DryRun = False,
    quiet: p.Quiet = False,
    plain: p.Plain = False,
    json: p.Json = False,
    log_file: p.LogFile = None,
    log_file_size: p.LogFileSize = 16 << 20,
    metrics_file: p.MetricsFile = None,
    report: p.Report = None,
    debug: p.Debug = False,
) -> None:
    """Upload files, directories or standard input to S3.

    Run it again after any interruption: it asks S3 what arrived and sends the rest.
    """

    def run(params: Params, audience: Audience) -> int:
        # What was asked for is looked at first: a mistake is told before half a second of imports.
        asked = asked_for(params)
        from asyncup.cli.put import put

        return put(params, asked, file_that_sets(context, "limit_rate"), audience)

    finish(run, context.params)


@app.command(cls=Command, no_args_is_help=False)
def verify(
    context: typer.Context,
    paths: q.VerifyPaths = None,
    source: p.Source = None,
    destination: p.Destination = None,
    receipts: q.ReadReceipts = None,
    download: q.Download = False,
    download_all: q.DownloadAll = False,
    recursive: p.Recursive = True,
    follow: p.Follow = False,
    include: p.Include = None,
    exclude: p.Exclude = None,
    min_size: p.MinSize = None,
    max_size: p.MaxSize = None,
    skip_small: p.SkipSmall = False,
    files_from: p.FilesFrom = None,
    null: p.Null = False,
    key_prefix: p.KeyPrefix = "",
    part_size: p.PartSize = None,
    concurrency: p.Concurrency = "auto",
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
    plain: p.Plain = False,
    json: p.Json = False,
    log_file: p.LogFile = None,
    log_file_size: p.LogFileSize = 16 << 20,
    metrics_file: p.MetricsFile = None,
    report: p.Report = None,
    debug: p.Debug = False,
) -> None:
    """Prove that objects equal their files, or their receipts, without downloading them.

    By S3's checksums, or else by the ETag where that is made of MD5s.
    """

    def run(params: Params, audience: Audience) -> int:
        by_receipts = receipts is not None and not paths and files_from is None
        places = None if by_receipts else places_of(params, "verify")
        options = options_of(params)
        from asyncup.cli.verify import verify

        return verify(params, places, options, audience)

    finish(run, context.params)


app.command(cls=Command)(cleanup_commands.pending)
app.command(cls=Command)(cleanup_commands.abort)


@app.command(cls=Command)
def status(
    context: typer.Context,
    watch: q.Watch = False,
    forget: q.Forget = None,
    state_dir: p.StateDir = None,
    config: p.ConfigFile = None,
    json: p.Json = False,
    debug: p.Debug = False,
) -> None:
    """Show what is running on this machine, and what was not finished."""
    from asyncup.cli.status import status as run

    finish(run, context.params)


@app.command(cls=Command)
def resume(
    context: typer.Context,
    names: q.Names = None,
    state_dir: p.StateDir = None,
    config: p.ConfigFile = None,
    quiet: p.Quiet = False,
    plain: p.Plain = False,
    json: p.Json = False,
) -> None:
    """Go on with what was not finished, with the options that it was begun with.

    Names are those that asyncup status shows; without any, all of it.
    """
    from asyncup.cli.status import resume as run

    raise typer.Exit(run(context.params, _run))


@app.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of the lines that --json writes."""
    from asyncup.cli.schema import schema as run

    finish(run, {"debug": False})


@app.command(cls=Command)
def demo(
    context: typer.Context,
    files: p.DemoFiles = None,
    size: p.DemoSize = 256 << 20,
    data_dir: p.DemoDataDir = None,
    keep: p.DemoKeep = False,
    debug: p.Debug = False,
) -> None:
    r"""Try asyncup on an S3 server of its own, on this machine: upload, break, resume, compare.

    Needs the extra: pip install 'asyncup\[demo]'.
    """
    from asyncup.cli.demo import demo as run

    finish(lambda params, _: run(params), context.params)


@app.command(cls=Command)
def completion(
    shell: Annotated[shells.Shell, typer.Argument(help="Which shell", show_default=False)],
) -> int:
    """Print what makes a shell complete options, profiles, buckets and prefixes."""
    streams.write_out(shells.script_for(shell))
    return 0
