"""`asyncup put`: which files are meant, and where they go."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from asyncup.cli.audience import Audience
from asyncup.cli.files_from import read_list
from asyncup.cli.outputs import outputs_among_sources
from asyncup.cli.settings import Asked, Params, Places
from asyncup.cli.stdin import open_stdin
from asyncup.cli.uploading import Order, carry_out
from asyncup.core.events import Listener
from asyncup.core.model import ObjectURI
from asyncup.core.options import USUAL_PART_SIZE
from asyncup.core.outcome import RunResult
from asyncup.core.selection import Filters
from asyncup.edges.files import Left, Walk
from asyncup.engine.jobs import Job, Named, Selected, Selection
from asyncup.engine.receipts import ReceiptLog
from asyncup.engine.uploader import Uploader


def put(params: Params, asked: Asked, rate_file: Path | None, audience: Audience) -> int:
    """Upload what the parameters name and return the exit status; see `Order`.

    Raises:
        AsyncupError: it could not even begin.
    """

    async def act(uploader: Uploader, _: Listener, __: ReceiptLog | None) -> RunResult:
        async with _selected(params, asked.places) as (selected, below):
            do = uploader.plan_all if params["dry_run"] else uploader.put_all
            return await do(selected, below=below)

    return carry_out(Order(params, asked, rate_file, act), audience)


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
        small=(params["part_size"] or USUAL_PART_SIZE) if params["skip_small"] else None,
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
