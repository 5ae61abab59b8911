"""The checks as data: in an order that can be kept, and what findings come to."""

import pytest

from asyncup.core.diagnosis import (
    CHECKS,
    RATE_BYTES,
    RATE_SLOTS,
    Finding,
    Verdict,
    blocked,
    fine,
    lacking,
    most_bytes,
    not_tried,
    recommended,
    summed_up,
    unknown,
)
from asyncup.core.errors import AccessDenied, Fault, SourceMissing, UsageError
from asyncup.core.options import MIB

DENIED = AccessDenied(Fault(action="list"))


def failed(error: UsageError | SourceMissing | AccessDenied) -> Finding:
    """Return a failure."""
    return Finding(verdict=Verdict.FAILED, told="no", error=error)


def test_every_check_comes_after_what_it_needs() -> None:
    """One pass over the list is enough, and no name is there twice."""
    before: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= before
        assert check.name not in before
        before.add(check.name)


def test_areas_are_not_mixed() -> None:
    """What is about the same stands together."""
    areas = [check.area for check in CHECKS]
    assert [each for n, each in enumerate(areas) if each not in areas[:n]] == [
        each for n, each in enumerate(areas) if n == 0 or areas[n - 1] != each
    ]


def test_the_first_to_fail_is_to_blame() -> None:
    """What cannot be looked at says for which check that is, however far back it is."""
    to_blame: dict[str, str] = {"bucket": "bucket"}
    for check in CHECKS:
        finding = blocked(check, to_blame)
        if finding is not None:
            to_blame[check.name] = finding.blocked_by or ""
            assert finding.verdict is Verdict.UNKNOWN
            assert "'S3 answers'" in finding.told
    assert set(to_blame.values()) == {"bucket"}
    assert {"create", "full_object", "rate"} <= set(to_blame)
    assert "split_dir" not in to_blame


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([], 0),
        ([fine(""), lacking(""), unknown(""), not_tried("bucket")], 0),
        ([Finding(verdict=Verdict.WARNING, told="", error=DENIED)], 0),
        ([fine(""), failed(DENIED), failed(SourceMissing("gone"))], 4),
        ([failed(SourceMissing("gone")), failed(DENIED)], 3),
        ([failed(UsageError("bad"))], 2),
    ],
)
def test_the_first_failure_gives_the_status(found: list[Finding], code: int) -> None:
    """Nothing else counts: an upload would work, or it would fail for that first."""
    assert summed_up(found, {}).exit_code == code


def test_all_findings_are_counted() -> None:
    """Each once, by its verdict."""
    found = [fine(""), fine(""), lacking(""), unknown(""), failed(DENIED)]
    told = summed_up([*found, Finding(verdict=Verdict.WARNING, told="")], {4: 1.0})
    assert (told.ok, told.lacking, told.unknown, told.failed, told.warnings) == (2, 1, 1, 1, 1)
    assert told.concurrency == 4


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ({}, None),
        ({1: 0.0}, 1),
        ({1: 100.0, 4: 104.0, 16: 90.0}, 1),
        ({1: 50.0, 4: 100.0, 16: 109.0}, 4),
        ({1: 50.0, 4: 100.0, 16: 120.0}, 16),
    ],
)
def test_no_more_slots_than_bring_something(rates: dict[int, float], best: int | None) -> None:
    """The least number that is within a tenth of the best: more cost memory and disk."""
    assert recommended(rates) == best


def test_what_is_sent_is_bounded() -> None:
    """A few MiB, and the rate a few hundred at most."""
    assert most_bytes(with_rate=False) == 16 * MIB
    assert most_bytes(with_rate=True) == 16 * MIB + len(RATE_SLOTS) * RATE_BYTES <= 320 * MIB
