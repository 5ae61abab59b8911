"""The report that `asyncup put` and `asyncup verify` leave of themselves when they are over."""

import time
from collections.abc import Iterator, Sequence

from asyncup.cli.asides import Aside
from asyncup.cli.noted import endpoint_of
from asyncup.cli.settings import STDIN, Params, Places
from asyncup.core.endpoint import redacted
from asyncup.edges.replaced_file import OwnFile
from asyncup.ui.report import Report
from asyncup.ui.report_page import BEGINNING

_MOST = 5
"""Sources that are named."""


def open_report(
    params: Params, places: Places | None, *, slots: int | None = None, is_verifying: bool = False
) -> Aside:
    """Return who writes the report of this command; `places` None are those that receipts name.

    Raises:
        UsageError: it cannot be written.
    """
    told = dict(_told(params, places))
    file = OwnFile(
        params["report"], option="report", kind="report", beginning=BEGINNING.encode("ascii")
    )
    report = Report(file, time.monotonic, asked=told, slots=slots, is_verifying=is_verifying)
    return Aside(report, file, is_result=True)


def _told(params: Params, places: Places | None) -> Iterator[tuple[str, Sequence[str]]]:
    if places is None:
        yield "What", [f"what {params['receipts']} tells"]
    else:
        named = ["standard input" if each == STDIN else each for each in places.sources]
        if params["files_from"] is not None:
            named.append(f"what {params['files_from']} lists")
        more = [f"and {len(named) - _MOST} more"] if len(named) > _MOST else []
        yield "What", [*named[:_MOST], *more]
        yield "Where to", [str(places.destination)]
    yield "Server", [redacted(endpoint_of(params) or "AWS")]
