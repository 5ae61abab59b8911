"""Metrics: valid OpenMetrics at any moment, with the numbers of the run."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import parser as older
from prometheus_client.openmetrics import parser

from asyncup.core import conditions, events
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import Fault, ServerFault, Throttled
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.ui.metrics import LAST_SUCCESS, Metrics
from tests.metrics import classic_metrics, open_metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
URI = ObjectURI("bucket", "big.bin")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SLOW = Throttled(Fault(action="upload"))
BROKEN = ServerFault(Fault(action="upload"))
RESULT = UploadResult(uri=URI, size=50, etag="e", proof=Proof.ETAG, part_size=20, parts=3)

STORY: list[events.Event] = [
    events.FileFound("big.bin", URI, 50),
    events.FileSkipped("small", "excluded"),
    events.FileStarted("big.bin", URI, 50, 20, 3),
    conditions.SlotsChanged(4, SlotsReason.ASKED),
    events.PartKept(URI, 1, 20, "the same"),
    events.PartStarted(URI, 2, 20, 1),
    events.BytesSent(URI, 2, 15),
    events.RetryScheduled(URI, 2, 1, 1.0, SLOW),
    events.RetryScheduled(None, None, 1, 1.0, BROKEN),
    events.RetryScheduled(None, None, 2, 1.0, BROKEN),
    conditions.WentOffline(BROKEN, 1.0, 1),
    events.PartStarted(URI, 2, 20, 2),
    events.BytesSent(URI, 2, 7),
]
END: list[events.Event] = [
    conditions.WentOnline(1.0),
    events.PartUploaded(URI, 2, 20, "e", 2),
    events.PartUploaded(URI, 3, 10, "e", 1),
    events.UploadCompleted("big.bin", URI, RESULT),
    events.RunFinished(uploaded=1, skipped=1, failed=0, interrupted=0, exit_code=0),
]


class File:
    """Remembers what it was written last."""

    text = ""

    def write(self, text: str, /) -> None:
        self.text = text

    def flush(self) -> None:
        pass


class Run:
    """Metrics of a run, at a time that stands still unless it is moved."""

    def __init__(self, last_success: float | None = None, name: str = "nightly") -> None:
        self.seconds = 0.0
        self.file = File()
        self.metrics = Metrics(
            self.file, lambda: self.seconds, lambda: NOW, name=name, last_success=last_success
        )

    def tell(self, *told: events.Event) -> None:
        """Let events happen."""
        for event in told:
            self.metrics(event)

    def values(self) -> dict[str, float]:
        """Return all samples by name and label, all of them valid."""
        return open_metrics(self.file.text)


def test_at_any_moment_it_is_open_metrics() -> None:
    """After every event of a story, and at its end; also what reads the older format reads it."""
    run = Run()
    with run.metrics:
        for event in [*STORY, *END]:
            run.tell(event)
            run.metrics.tick()
            assert run.values()
    run.metrics.end(0)
    assert run.values()
    assert classic_metrics(run.file.text) == run.values()


def test_the_older_format_knows_all_types() -> None:
    """node_exporter skips a file with any other type, and with it all that the file tells."""
    run = Run(last_success=5.0)
    run.tell(*STORY, *END)
    run.metrics.end(0)
    kinds = set(re.findall(r"^# TYPE \S+ (\S+)$", run.file.text, re.MULTILINE))
    assert kinds <= {"counter", "gauge", "histogram", "summary", "untyped"}


@pytest.mark.parametrize("name", ["nightly", 'a "name" \\n\\', "two\nlines"])
def test_two_files_have_no_series_in_common(name: str) -> None:
    """Every sample says of which file it is, whatever that is called."""
    run = Run(last_success=5.0, name=name)
    run.tell(*STORY, *END)
    run.metrics.end(0)
    for parse in (parser.text_string_to_metric_families, older.text_string_to_metric_families):
        samples = [each for family in parse(run.file.text) for each in family.samples]
        assert {each.labels["metrics_file"] for each in samples} == {name}


def test_numbers_of_a_run_under_way() -> None:
    """Files, bytes, what travels, what went wrong and why."""
    run = Run()
    with run.metrics:
        run.tell(*STORY)
        run.metrics.tick()
    told = run.values()
    assert {name: value for name, value in told.items() if not name.startswith("asyncup_info")} == {
        "asyncup_files.found": 1,
        "asyncup_files.in_flight": 1,
        "asyncup_files.done": 0,
        "asyncup_files.skipped": 1,
        "asyncup_files.failed": 0,
        "asyncup_found_bytes": 50,
        "asyncup_committed_bytes": 20,
        "asyncup_kept_bytes": 20,
        "asyncup_in_flight_bytes": 7,
        "asyncup_parts_in_flight": 1,
        "asyncup_slots": 4,
        "asyncup_rate_bytes_per_second": 0,
        "asyncup_offline": 1,
        "asyncup_running": 1,
        "asyncup_start_timestamp_seconds": NOW.timestamp(),
        "asyncup_resent_bytes_total": 15,
        "asyncup_retries_total.Throttled": 1,
        "asyncup_retries_total.ServerFault": 2,
    }


def test_numbers_of_a_run_that_has_ended() -> None:
    """All is at S3, nothing travels, and it is told when that was."""
    run = Run(last_success=5.0)
    with run.metrics:
        run.tell(*STORY, *END)
    run.metrics.end(0)
    told = run.values()
    assert (told["asyncup_files.done"], told["asyncup_committed_bytes"]) == (1, 50)
    assert (told["asyncup_running"], told["asyncup_exit_code"], told["asyncup_offline"]) == (
        0,
        0,
        0,
    )
    assert told["asyncup_in_flight_bytes"] == told["asyncup_parts_in_flight"] == 0
    assert told["asyncup_last_object_timestamp_seconds"] == NOW.timestamp()
    assert told[LAST_SUCCESS] == NOW.timestamp()


@pytest.mark.parametrize("exit_code", [1, 75, 130])
def test_a_run_that_fails_keeps_the_last_success(exit_code: int) -> None:
    """When all was well last is not forgotten, and not made up where it never was."""
    run = Run(last_success=5.0)
    run.metrics.end(exit_code)
    assert run.values()[LAST_SUCCESS] == 5.0
    run = Run()
    run.metrics.end(exit_code)
    assert LAST_SUCCESS not in run.values()


def test_the_rate_is_that_of_the_last_samples() -> None:
    """In bytes per second."""
    run = Run()
    with run.metrics:
        run.tell(*STORY)
        run.seconds = 1.0
        run.metrics.tick()
        run.tell(events.BytesSent(URI, 2, 10))
        run.seconds = 2.0
        run.metrics.tick()
    assert run.values()["asyncup_rate_bytes_per_second"] > 0


def test_it_is_wanted_every_five_seconds() -> None:
    """How often it is replaced is part of what is promised."""
    assert Run().metrics.interval == 5.0


def test_the_page_has_them_all() -> None:
    """`docs/metrics.md` has a row for each metric, in this order, with what is said of it."""
    run = Run(last_success=5.0)
    run.tell(*STORY, *END)
    run.metrics.end(0)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", run.file.text, re.MULTILINE))
    helps = re.findall(r"^# HELP (\S+) (.*)$", run.file.text, re.MULTILINE)
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {kinds[name]} | {text} |" for name, text in helps]
