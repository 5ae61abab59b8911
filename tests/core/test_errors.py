"""The tree of errors: what each class says of itself, and in which words."""

from collections.abc import Iterator

import pytest

from asyncup.core import errors
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    ConnectionLost,
    Fault,
    Interrupted,
    RetriesExhausted,
    S3Error,
    SourceError,
    Throttled,
    UsageError,
)

EXIT_CODES = {
    "UsageError": 2,
    "SourceError": 3,
    "SourceMissing": 3,
    "SourceUnreadable": 3,
    "SourceUnsuitable": 3,
    "SourceChanged": 3,
    "SourceBusy": 3,
    "SplitDirUnusable": 3,
    "DiskFull": 3,
    "S3Error": 4,
    "Throttled": 4,
    "ServerFault": 4,
    "ConnectionLost": 4,
    "Stalled": 4,
    "TooSlow": 4,
    "TimedOut": 4,
    "ForeignAnswer": 4,
    "ChecksumRejected": 4,
    "AccessDenied": 4,
    "CredentialsMissing": 4,
    "CredentialsRejected": 4,
    "CredentialsExpired": 4,
    "ClockSkewed": 4,
    "ClockCorrected": 4,
    "CertificateRejected": 4,
    "BucketMissing": 4,
    "WrongRegion": 4,
    "PathStyleRefused": 4,
    "UploadMissing": 4,
    "ObjectTooLarge": 4,
    "PartTooSmall": 4,
    "ChecksumUnsupported": 4,
    "PartsMismatch": 4,
    "ObjectMismatch": 4,
    "ObjectMissing": 4,
    "ObjectUnproven": 4,
    "PreconditionFailed": 4,
    "ConditionConflict": 4,
    "JournalError": 5,
    "JournalLocked": 5,
    "RetriesExhausted": 4,
    "Unreachable": 4,
    "WorkerLost": 1,
    "GaveUp": 75,
    "Interrupted": 130,
}
TRANSIENT = {
    "ConditionConflict",
    "Throttled",
    "ServerFault",
    "ConnectionLost",
    "Stalled",
    "TooSlow",
    "TimedOut",
    "ForeignAnswer",
    "ClockCorrected",
    "ChecksumRejected",
    "WorkerLost",
}
STOPPING = {
    "UsageError",
    "SplitDirUnusable",
    "DiskFull",
    "CredentialsMissing",
    "CredentialsRejected",
    "CredentialsExpired",
    "ClockSkewed",
    "CertificateRejected",
    "BucketMissing",
    "WrongRegion",
    "PathStyleRefused",
    "Unreachable",
    "GaveUp",
}


def below(kind: type[AsyncupError]) -> Iterator[type[AsyncupError]]:
    """Yield every class of the module below this one."""
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from below(each)


CLASSES = sorted(set(below(AsyncupError)), key=lambda each: each.__name__)


def test_every_class_has_the_documented_exit_code() -> None:
    """No class is missing from the table of exit codes, and none has another code."""
    assert {each.__name__: each.exit_code for each in CLASSES} == EXIT_CODES


def test_exactly_the_documented_errors_are_transient() -> None:
    """Trying again is for passing troubles of network and server, and for nothing else."""
    assert {each.__name__ for each in CLASSES if each.transient} == TRANSIENT


def test_exactly_the_hopeless_errors_stop_a_run() -> None:
    """A run ends where every other file would fail in the same way, and only there."""
    assert {each.__name__ for each in CLASSES if each.stops_run} == STOPPING


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_is_in_the_documented_tree(kind: type[AsyncupError]) -> None:
    """Who reads the module's docstring knows every class there is, and which are transient."""
    told = (errors.__doc__ or "").replace(",", " ").split()

    assert (f"{kind.__name__}*" if kind.transient else kind.__name__) in told


def test_an_unexpected_error_of_ours_fails() -> None:
    """An error without a code of its own is a failure, never a success."""
    assert AsyncupError("something").exit_code == 1
    assert not AsyncupError.transient
    assert not AsyncupError.stops_run


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(action="complete s3://b/k"), "complete s3://b/k: failed"),
        (Fault(action="put s3://b/k", code="SlowDown"), "put s3://b/k: SlowDown"),
        (Fault(action="put s3://b/k", message="no route"), "put s3://b/k: no route"),
        (
            Fault(action="upload part 7 of s3://b/k", code="SlowDown", message="Reduce your rate"),
            "upload part 7 of s3://b/k: SlowDown: Reduce your rate",
        ),
        (
            Fault(action="put s3://b/k", code="SlowDown", message="Wait", request_id="4442587F"),
            "put s3://b/k: SlowDown: Wait (request ID 4442587F)",
        ),
        (
            Fault(action="put s3://b/k", request_id="4442587F"),
            "put s3://b/k: failed (request ID 4442587F)",
        ),
        (
            Fault(action="put s3://b/k", operation="PutObject", code="X", retry_after=3.0),
            "put s3://b/k: X",
        ),
    ],
)
def test_a_fault_is_told_by_what_was_done_and_why_it_failed(fault: Fault, text: str) -> None:
    """The text is verb and identity, then the cause, then what the server's owner can look up."""
    assert str(fault) == text
    assert str(S3Error(fault)) == text


def test_an_s3_error_carries_its_fault_and_hint() -> None:
    """Who catches an error gets its details as values and need not read its text."""
    fault = Fault(action="put", code="AccessDenied", retry_after=2.0)
    error = AccessDenied(fault, hint="ask the owner")

    assert error.fault is fault
    assert error.hint == "ask the owner"
    assert AccessDenied(fault).hint is None


@pytest.mark.parametrize("kind", [UsageError, SourceError, AsyncupError])
def test_an_error_is_its_message_and_a_hint(kind: type[AsyncupError]) -> None:
    """The hint is not part of the text: it goes on a line of its own."""
    error = kind("read a.bin: no", hint="try it")

    assert (str(error), error.hint) == ("read a.bin: no", "try it")
    assert kind("read a.bin: no").hint is None


def test_exhausted_retries_tell_the_last_error() -> None:
    """Giving up says what failed last and how often it was tried, and is not tried again."""
    last = ConnectionLost(Fault(action="upload part 2 of s3://b/k", message="connection reset"))
    error = RetriesExhausted(last, attempts=30)

    assert str(error) == "upload part 2 of s3://b/k: connection reset (gave up after 30 attempts)"
    assert (error.last, error.attempts) == (last, 30)
    assert not error.transient
    assert error.hint is not None
    assert "run the same command again" in error.hint


@pytest.mark.parametrize(
    ("operation", "hint"),
    [
        ("UploadPart", "run the same command again: what S3 has acknowledged is not sent again"),
        (
            "CompleteMultipartUpload",
            "run the same command again: what S3 has acknowledged is not sent again",
        ),
        ("HeadObject", "run the same command again"),
        ("GetObject", "run the same command again"),
        ("AbortMultipartUpload", "run the same command again"),
        ("", "run the same command again"),
    ],
)
def test_exhausted_retries_promise_only_what_was_begun(operation: str, hint: str) -> None:
    """Only where parts are sent, something is kept that need not be sent again."""
    last = ConnectionLost(Fault(action="do it", operation=operation))
    assert RetriesExhausted(last, attempts=2).hint == hint


def test_exhausted_retries_are_no_s3_error() -> None:
    """Whoever catches S3's refusals does not catch giving up by accident, only its common base."""
    error = RetriesExhausted(Throttled(Fault(action="put")), attempts=2)

    assert isinstance(error, AsyncupError)
    assert not isinstance(error, S3Error)


@pytest.mark.parametrize("remaining", [None, 0, 50 * 10**12])
def test_an_interruption_tells_what_is_left_and_how_to_resume(remaining: int | None) -> None:
    """Being stopped is no loss: the error says how much is missing and that running goes on."""
    error = Interrupted("upload s3://b/k: stopped", remaining=remaining)

    assert str(error) == "upload s3://b/k: stopped"
    assert error.remaining == remaining
    assert error.hint == "run the same command again to resume"
