"""The one number that a script reads of a run."""

import pytest

from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    BucketMissing,
    ConnectionLost,
    DiskFull,
    Fault,
    ObjectMismatch,
    RetriesExhausted,
    SourceMissing,
    SourceUnreadable,
    UsageError,
)
from asyncup.core.events import RunFinished
from asyncup.core.outcome import Failures, RunResult

FAULT = Fault(action="upload")
MISSING, UNREADABLE = SourceMissing("no"), SourceUnreadable("no")
DENIED, MISMATCH = AccessDenied(FAULT), ObjectMismatch(FAULT)
GONE, FULL, BAD = BucketMissing(FAULT), DiskFull("full"), UsageError("bad")
EXHAUSTED = RetriesExhausted(ConnectionLost(FAULT), attempts=30)


def failed(*errors: AsyncupError) -> Failures:
    return Failures(errors)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        pytest.param(RunResult(), 0, id="nothing-to-do"),
        pytest.param(RunResult(done=3), 0, id="all-done"),
        pytest.param(RunResult(skipped=3), 0, id="all-skipped"),
        pytest.param(RunResult(done=1, skipped=1), 0, id="some-skipped"),
        pytest.param(RunResult(done=2, failures=failed(MISSING)), 1, id="some-failed"),
        pytest.param(
            RunResult(skipped=2, failures=failed(DENIED)), 1, id="some-failed-some-skipped"
        ),
        pytest.param(
            RunResult(done=2, skipped=2, failures=failed(DENIED)),
            1,
            id="one-failed-the-rest-is-there",
        ),
        pytest.param(RunResult(failures=failed(MISSING)), 3, id="the-only-one-failed"),
        pytest.param(RunResult(failures=failed(DENIED)), 4, id="the-only-one-failed-at-s3"),
        pytest.param(RunResult(failures=failed(EXHAUSTED)), 4, id="retries-exhausted"),
        pytest.param(RunResult(failures=failed(MISSING, UNREADABLE)), 3, id="all-failed-alike"),
        pytest.param(RunResult(failures=failed(DENIED, MISMATCH)), 4, id="all-failed-at-s3"),
        pytest.param(RunResult(failures=failed(MISSING, DENIED)), 1, id="all-failed-differently"),
        pytest.param(RunResult(interrupted=1), 130, id="interrupted"),
        pytest.param(RunResult(done=5, interrupted=1), 130, id="interrupted-late"),
        pytest.param(
            RunResult(interrupted=1, failures=failed(MISSING)), 130, id="failed-interrupted"
        ),
        pytest.param(RunResult(failures=failed(GONE), interrupted=7), 4, id="stopped-by-s3"),
        pytest.param(RunResult(done=1, failures=failed(FULL), interrupted=7), 3, id="disk-full"),
        pytest.param(RunResult(done=9, failures=failed(MISSING, GONE)), 4, id="stopped-at-last"),
        pytest.param(RunResult(done=1, failures=failed(BAD)), 2, id="usage"),
        pytest.param(RunResult(failures=failed(FULL, GONE)), 3, id="stopped-twice"),
        pytest.param(RunResult(failures=failed(AsyncupError("?"))), 1, id="unknown"),
    ],
)
def test_the_exit_code_of_a_run(result: RunResult, code: int) -> None:
    """An error that stops a run gives its code, then interruption, then failures, then success."""
    assert result.exit_code == code


@pytest.mark.parametrize(
    "result",
    [
        RunResult(failures=failed(MISSING)),
        RunResult(done=1, failures=failed(DENIED)),
        RunResult(interrupted=1),
        RunResult(done=1, skipped=1, interrupted=1, failures=failed(MISSING, GONE)),
    ],
)
def test_what_is_not_all_done_is_never_zero(result: RunResult) -> None:
    """A script that checks only for zero learns of any file that is not at S3."""
    assert result.exit_code != 0


def test_the_last_event_tells_the_counts() -> None:
    """The event that ends a run carries what the exit code was made of."""
    result = RunResult(done=4, skipped=3, interrupted=2, failures=failed(MISSING))

    assert result.as_event() == RunFinished(
        uploaded=4, skipped=3, failed=1, interrupted=2, exit_code=130
    )


def test_runs_do_not_share_their_failures() -> None:
    """A new run begins without the failures of the one before."""
    RunResult().failures.append(MISSING)

    assert list(RunResult().failures) == []


def test_many_failures_are_counted_and_not_held() -> None:
    """Of a million files that fail, the first errors are held, and all count."""
    failures = Failures()
    for _ in range(10 * Failures.MOST):
        failures.append(SourceMissing("no"))
    for error in (DENIED, GONE, FULL):
        failures.append(error)

    assert len(failures) == 10 * Failures.MOST + 3
    assert len(list(failures)) == Failures.MOST
    assert failures.exit_codes == {3, 4}
    assert failures.stopping is GONE
