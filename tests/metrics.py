"""Metrics as those read them who collect them."""

from collections.abc import Callable
from typing import Any

from prometheus_client import parser as older
from prometheus_client.openmetrics import parser


def open_metrics(text: str) -> dict[str, float]:
    """Return all samples by name and label; the text has to be OpenMetrics, to the letter.

    The label `metrics_file`, which all of them have, is left out.
    """
    return _samples(parser.text_string_to_metric_families, text)


def classic_metrics(text: str) -> dict[str, float]:
    """Return the same by the format of Prometheus that was there before."""
    return _samples(older.text_string_to_metric_families, text)


def _samples(read: Callable[[str], Any], text: str) -> dict[str, float]:
    samples = [sample for family in read(text) for sample in family.samples]
    values = {_name(each.name, each.labels): each.value for each in samples}
    assert len(values) == len(samples)
    return values


def _name(name: str, labels: dict[str, str]) -> str:
    return ".".join([name, *(text for label, text in labels.items() if label != "metrics_file")])
