"""What hears of a run beside what is shown of it: a log file, a metrics file, a report."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from asyncup.cli.settings import Params
from asyncup.cli.show import drawn
from asyncup.core.events import Event, Listener, OutputLost
from asyncup.core.names import printable
from asyncup.edges.log_file import LogFile
from asyncup.edges.metrics_file import MetricsFile
from asyncup.edges.replaced_file import ReplacedFile
from asyncup.ui.jsonl import JsonLines
from asyncup.ui.metrics import LAST_SUCCESS, Metrics
from asyncup.ui.standing import Note

if TYPE_CHECKING:
    from asyncup.ui.report import Report

_PROGRESS_SECONDS = 60.0
"""Between two `progress` records of a log, which may be of days."""


@dataclass(slots=True)
class Aside:
    """One who hears of a run, and the file that it writes.

    `is_result` says that the file is what the run was asked for as well: without it, not all is
    done. The others only say how it goes.
    """

    teller: "JsonLines | Metrics | Note | Report"
    file: LogFile | ReplacedFile
    is_result: bool = False
    _is_told: bool = False

    def loss(self) -> OutputLost | None:
        """Return that something could not be written, the first time that it is so."""
        if self._is_told or (problem := self.file.take_problem()) is None:
            return None
        self._is_told = True
        return OutputLost(printable(str(self.file.path)), problem)


def open_asides(params: Params) -> Iterator[Aside]:
    """Open one after the other what is asked for.

    Raises:
        UsageError: it cannot be written.
    """
    if (path := params.get("log_file")) is not None:
        log = LogFile(path, params["log_file_size"])
        yield Aside(JsonLines(log, time.monotonic, interval=_PROGRESS_SECONDS), log)
    # A dry run is no success of the job that the metrics are of.
    if (path := params.get("metrics_file")) is not None and not params.get("dry_run"):
        metrics = MetricsFile(path)
        before = metrics.number_before(LAST_SUCCESS)
        name = printable(path.stem)
        yield Aside(Metrics(metrics, time.monotonic, name=name, last_success=before), metrics)


@asynccontextmanager
async def heard(asides: Sequence[Aside], tell: Listener) -> AsyncIterator[None]:
    """Let each write from time to time how far it is; `tell` hears what is lost of that."""
    async with AsyncExitStack() as stack:
        for aside in asides:
            await stack.enter_async_context(drawn(aside.teller))
        if asides:
            await stack.enter_async_context(drawn(_Losses(asides, tell)))
        yield


class _Losses:
    """Looks every second whether something could not be written."""

    interval = 1.0

    def __init__(self, asides: Sequence[Aside], tell: Listener) -> None:
        self._asides = asides
        self._tell = tell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tick()

    def __call__(self, event: Event, /) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Look."""
        for aside in self._asides:
            if (loss := aside.loss()) is not None:
                self._tell(loss)
