"""`asyncup put`: from what the user asked for to an exit code."""

import shlex
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path

from asyncup.cli.asides import heard
from asyncup.cli.audience import Audience
from asyncup.cli.files_from import read_list
from asyncup.cli.keys import terminal_for
from asyncup.cli.noted import open_note_of
from asyncup.cli.outputs import outputs_among_sources
from asyncup.cli.rate_file import RateFile
from asyncup.cli.running import run_attended
from asyncup.cli.settings import STDIN, Asked, Params, Places, s3_config_of
from asyncup.cli.show import drawn, renderer_for, show_where, tell_all
from asyncup.cli.signals import Signals
from asyncup.cli.stdin import open_stdin
from asyncup.core.errors import GaveUp, Interrupted
from asyncup.core.model import ObjectURI
from asyncup.core.plan import USUAL
from asyncup.core.selection import Filters
from asyncup.edges.files import Left, Walk
from asyncup.edges.receipts import ReceiptFile
from asyncup.engine.jobs import Job, Named, Selected, Selection
from asyncup.engine.receipts import ReceiptLog, receipts_to
from asyncup.engine.uploader import Uploader
from asyncup.ui.renderer import Output

_MAY_GO_ON = (Interrupted.exit_code, GaveUp.exit_code)


def put(params: Params, asked: Asked, rate_file: Path | None, audience: Audience) -> int:
    """Upload what the parameters name and return the exit status.

    The `limit-rate` of `rate_file`, a configuration file, holds whenever that is edited.

    Raises:
        AsyncupError: it could not even begin.
    """
    # Opened before all else: an upload of days is not to end in a file that cannot be written.
    if not params["dry_run"]:
        if params["report"] is not None:
            from asyncup.cli.reported import open_report

            audience.asides.append(open_report(params, asked))
        audience.asides += open_note_of(params, asked)
    path = None if params["dry_run"] else params["receipts"]
    receipts = None if path is None else ReceiptFile(path)
    with receipts or nullcontext():
        return run_attended(
            lambda signals: _put(params, asked, signals, audience, receipts, rate_file),
            # What S3 has acknowledged is there all the same.
            if_cancelled=_say_how_to_go_on,
        )


async def _put(
    params: Params,
    asked: Asked,
    signals: Signals,
    audience: Audience,
    receipts: ReceiptFile | None,
    rate_file: Path | None,
) -> int:
    renderer, others = renderer_for(params, audience)
    if params["debug"]:
        others = [show_where, *others]
    told = tell_all([renderer, *others, *(aside.teller for aside in audience.asides)])
    async with AsyncExitStack() as stack:
        log = None
        if receipts is not None:
            log = await stack.enter_async_context(receipts_to(receipts, told))
        uploader = Uploader(
            options=asked.options,
            s3=s3_config_of(params),
            attributes=asked.attributes,
            listener=told if log is None else tell_all([told, log]),
        )
        await stack.enter_async_context(uploader)
        if rate_file is not None:
            follower = RateFile(rate_file, asked.options.limit_rate, uploader.limit_rate, told)
            await stack.enter_async_context(follower.followed())
        selected, below = await stack.enter_async_context(_selected(params, asked.places))
        signals.stop = uploader.stop
        signals.slow_down = uploader.halve_rate
        signals.speed_up = uploader.double_rate
        terminal = terminal_for(
            renderer, signals, uploader, reads_keys=not _reads_stdin(params, asked.places)
        )
        async with drawn(renderer, terminal), heard(audience.asides, told):
            act = uploader.plan_all if params["dry_run"] else uploader.put_all
            result = await act(selected, below=below)
        signals.forget()
    if result.exit_code in _MAY_GO_ON and not params["json"]:
        _say_how_to_go_on()
    return result.exit_code or _exit_code_of(log)


def _reads_stdin(params: Params, places: Places) -> bool:
    """Return whether standard input is what is uploaded, or says what is."""
    return places.is_stdin or params["files_from"] == STDIN


def _exit_code_of(log: ReceiptLog | None) -> int:
    """Return the exit status if all else went well: a receipt that is missing was asked for."""
    return log.failures[0].exit_code if log is not None and log.failures else 0


def _say_how_to_go_on() -> None:
    Output(sys.stderr).write(f"to go on: {shlex.join(['asyncup', *sys.argv[1:]])}")


@asynccontextmanager
async def _selected(
    params: Params, places: Places
) -> AsyncIterator[tuple[AsyncIterator[Selected], ObjectURI | None]]:
    """Give what is to be uploaded, and the prefix below which a list is worth its requests."""
    if places.is_stdin:
        async with open_stdin() as stream:
            job = Job(stream, "standard input", places.destination, None)
            yield _only(job), None
        return
    selection = selection_of(params, places)
    below = selection.prefix if _are_many(params, places) else None
    yield aiter(selection), below


def _are_many(params: Params, places: Places) -> bool:
    return params["files_from"] is not None or any(Path(each).is_dir() for each in places.sources)


async def _only(job: Job) -> AsyncIterator[Selected]:
    yield job


def selection_of(params: Params, places: Places) -> Selection:
    """Return which files are meant, and their keys."""
    filters = Filters.of(
        params["include"] or (),
        params["exclude"] or (),
        min_size=params["min_size"],
        max_size=params["max_size"],
        small=(params["part_size"] or USUAL) if params["skip_small"] else None,
    )
    sources = places.sources
    one_file = len(sources) == 1 and params["files_from"] is None and not Path(sources[0]).is_dir()
    return Selection(
        sources=_named(params, places),
        destination=places.destination,
        exact=one_file and not places.destination.is_prefix,
        several=len(sources) > 1 or params["files_from"] is not None,
        walk=Walk(recursive=params["recursive"], follow=params["follow"], prunes=filters.prunes),
        filters=filters,
        key_prefix=params["key_prefix"],
        reason_to_leave=outputs_among_sources(params),
    )


def _named(params: Params, places: Places) -> Iterable[Named | Left | None]:
    if params["files_from"] is None:
        return [Named(Path(each)) for each in places.sources]
    directory = Path(places.sources[0]) if places.sources else None
    return read_list(params["files_from"], null=params["null"], directory=directory)
