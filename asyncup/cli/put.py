"""`asyncup put`: from what the user asked for to an exit code."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from asyncup.cli.files_from import read_list
from asyncup.cli.settings import Asked, Params, Places, s3_config_of
from asyncup.cli.show import drawn, renderer_for, show_where, tell_all
from asyncup.cli.signals import Signals, caught_signals
from asyncup.cli.stdin import open_stdin
from asyncup.cli.streams import StandardOutput
from asyncup.core.errors import Interrupted
from asyncup.core.model import ObjectURI
from asyncup.core.selection import Filters
from asyncup.edges.files import Left, Walk
from asyncup.engine.jobs import Job, Named, Selected, Selection
from asyncup.engine.uploader import Uploader
from asyncup.ui.renderer import Output
from asyncup.ui.text import error_line


def put(params: Params, asked: Asked) -> int:
    """Upload what the parameters name and return the exit status.

    Raises:
        AsyncupError: it could not even begin.
    """
    output = StandardOutput()
    with caught_signals() as signals:
        try:
            code = asyncio.run(_put(params, asked, signals, output))
        except asyncio.CancelledError:
            # A second Ctrl-C. What S3 has acknowledged is there all the same.
            _say_how_to_go_on()
            code = Interrupted.exit_code
    if (problem := output.problem) is not None:
        Output(sys.stderr).write_line(error_line(problem))
        code = code or problem.exit_code
    return code


async def _put(params: Params, asked: Asked, signals: Signals, output: StandardOutput) -> int:
    signals.attend()
    renderer, others = renderer_for(params, output)
    if params["debug"]:
        others = [show_where, *others]
    uploader = Uploader(
        options=asked.options,
        s3=s3_config_of(params),
        attributes=asked.attributes,
        listener=tell_all([renderer, *others]),
    )
    async with uploader, _selected(params, asked.places) as (selected, below):
        signals.stop = uploader.stop
        async with drawn(renderer):
            act = uploader.plan_all if params["dry_run"] else uploader.put_all
            result = await act(selected, below=below)
        signals.stop = None
    if result.interrupted and not params["json"]:
        _say_how_to_go_on()
    return result.exit_code


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
    selection = _selection(params, places)
    below = selection.prefix if _are_many(params, places) else None
    yield aiter(selection), below


def _are_many(params: Params, places: Places) -> bool:
    return params["files_from"] is not None or any(Path(each).is_dir() for each in places.sources)


async def _only(job: Job) -> AsyncIterator[Selected]:
    yield job


def _selection(params: Params, places: Places) -> Selection:
    filters = Filters.of(
        params["include"] or (),
        params["exclude"] or (),
        min_size=params["min_size"],
        max_size=params["max_size"],
        small=params["part_size"] if params["skip_small"] else None,
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
    )


def _named(params: Params, places: Places) -> Iterable[Named | Left | None]:
    if params["files_from"] is None:
        return [Named(Path(each)) for each in places.sources]
    directory = Path(places.sources[0]) if places.sources else None
    return read_list(params["files_from"], null=params["null"], directory=directory)
