"""The report that `asyncup put` leaves of itself when it is over."""

import time
from collections.abc import Iterator, Sequence

from asyncup.cli.asides import Aside
from asyncup.cli.noted import endpoint_of
from asyncup.cli.settings import STDIN, Asked, Params
from asyncup.core.endpoint import redacted
from asyncup.edges.replaced_file import OwnFile
from asyncup.ui.report import Report
from asyncup.ui.report_page import BEGINNING

_MOST = 5
"""Sources that are named."""


def open_report(params: Params, asked: Asked) -> Aside:
    """Return who writes the report of this command.

    Raises:
        UsageError: it cannot be written.
    """
    told = dict(_told(params, asked))
    file = OwnFile(
        params["report"], option="report", kind="report", beginning=BEGINNING.encode("ascii")
    )
    slots = asked.options.slots.start
    return Aside(Report(file, time.monotonic, asked=told, slots=slots), file)


def _told(params: Params, asked: Asked) -> Iterator[tuple[str, Sequence[str]]]:
    places = asked.places
    named = ["standard input" if each == STDIN else each for each in places.sources]
    if params["files_from"] is not None:
        named.append(f"what {params['files_from']} lists")
    more = [f"and {len(named) - _MOST} more"] if len(named) > _MOST else []
    yield "What", [*named[:_MOST], *more]
    yield "Where to", [str(places.destination)]
    yield "Server", [redacted(endpoint_of(params) or "AWS")]
