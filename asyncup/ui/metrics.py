"""How a run stands as OpenMetrics text, for whoever collects metrics from a file.

The form is that of https://prometheus.io/docs/specs/om/open_metrics_spec (version 1.0), as far as
the older text format of Prometheus has it, too: node_exporter's textfile collector reads that, and
leaves out a whole file in which a type is one of the newer ones (`info`, `stateset`, `unknown`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from asyncup import __version__
from asyncup.core import aftercare, events
from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.progress import Progress
from asyncup.core.tally import Tally
from asyncup.ui.renderer import Writable

LAST_SUCCESS = "asyncup_last_success_timestamp_seconds"
"""The metric that a run takes over from the one before."""

_COUNTED = {
    "asyncup_found_bytes": "Bytes of the files that were found",
    "asyncup_committed_bytes": "Bytes that S3 has acknowledged, of this run and earlier ones",
    "asyncup_kept_bytes": "Of these, bytes that S3 held from earlier runs",
    "asyncup_in_flight_bytes": "Bytes handed to the network and not acknowledged",
    "asyncup_parts_in_flight": "Parts on their way",
    "asyncup_slots": "Parts that may be on their way at once",
    "asyncup_rate_bytes_per_second": "How fast bytes come nearer to S3",
    "asyncup_offline": "1 while S3 is out of reach",
    "asyncup_running": "1 until the run has ended",
    "asyncup_start_timestamp_seconds": "When the run began",
    "asyncup_last_object_timestamp_seconds": "When an object was last done in this run",
    LAST_SUCCESS: "When a run last ended with status 0, also one before this",
    "asyncup_exit_code": "The exit status of the run, once it has ended",
}
"""Gauges, with what they mean."""


class Metrics:
    """Folds events, and writes the whole text at each tick.

    Args:
        stream: of which each write is all there is to be.
        clock: seconds, from any monotonic clock.
        now: the time of day.
        name: tells the samples of one file from those of others, as their label `metrics_file`.
        last_success: what an earlier run has told, in seconds since 1970.
    """

    interval = 5.0

    def __init__(
        self,
        stream: Writable,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        name: str,
        last_success: float | None = None,
    ) -> None:
        self._name = name
        self._stream = stream
        self._clock = clock
        self._now = now
        self._began = now()
        self._last_success = last_success
        self._last_object: float | None = None
        self._exit_code: int | None = None
        self._progress = Progress()
        self._tally = Tally()
        self._retries: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self.tick()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Take in an event."""
        self._progress.apply(event)
        self._tally.apply(event)
        if isinstance(event, events.RetryScheduled):
            self._retries[type(event.error).__name__] += 1
        elif isinstance(event, events.UploadCompleted | aftercare.ObjectVerified):
            self._last_object = self._now().timestamp()

    def tick(self) -> None:
        """Write how things stand."""
        self._progress.sample(self._clock())
        self._stream.write("".join(f"{line}\n" for line in self._lines()))

    def error(self, _: AsyncupError) -> None:
        """Do nothing: the exit status tells."""

    def end(self, exit_code: int) -> None:
        """Write how the run ended."""
        self._exit_code = exit_code
        if not exit_code:
            self._last_success = self._now().timestamp()
        self.tick()

    def _lines(self) -> Iterator[str]:
        yield from _family("asyncup_info", "gauge", "What has written this")
        yield self._sample("asyncup_info", 1, version=__version__)
        yield from _family("asyncup_files", "gauge", "Files, by what became of them")
        for state, count in self._files().items():
            yield self._sample("asyncup_files", count, state=state)
        for name, value in self._gauges().items():
            if value is not None:
                yield from _family(name, "gauge", _COUNTED[name])
                yield self._sample(name, value)
        yield from _family("asyncup_resent_bytes", "counter", "Bytes that travelled in vain")
        yield self._sample("asyncup_resent_bytes_total", self._progress.bytes_resent)
        yield from _family("asyncup_retries", "counter", "Attempts that were made again, by error")
        for reason, count in self._retries.items():
            yield self._sample("asyncup_retries_total", count, reason=reason)
        yield "# EOF"

    def _sample(self, name: str, value: float, **labels: str) -> str:
        labels = {"metrics_file": self._name, **labels}
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        return f"{name}{{{told}}} {value}"

    def _files(self) -> dict[str, int]:
        return {
            "found": self._progress.files_found,
            "in_flight": len(self._progress.files),
            "done": self._tally.done,
            "skipped": self._tally.skipped,
            "failed": self._tally.failed,
        }

    def _gauges(self) -> dict[str, float | None]:
        """Return the values of the gauges; those that nobody knows yet are left out."""
        state = self._progress
        has_ended = self._exit_code is not None
        return {
            "asyncup_found_bytes": state.bytes_found,
            "asyncup_committed_bytes": state.committed,
            "asyncup_kept_bytes": state.bytes_kept,
            "asyncup_in_flight_bytes": 0 if has_ended else state.in_flight,
            "asyncup_parts_in_flight": 0 if has_ended else state.parts_in_flight,
            "asyncup_slots": state.slots,
            "asyncup_rate_bytes_per_second": 0 if has_ended else round(state.rate),
            "asyncup_offline": int(state.offline is not None),
            "asyncup_running": int(not has_ended),
            "asyncup_start_timestamp_seconds": self._began.timestamp(),
            "asyncup_last_object_timestamp_seconds": self._last_object,
            LAST_SUCCESS: self._last_success,
            "asyncup_exit_code": self._exit_code,
        }


def _family(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"# HELP {name} {text}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
