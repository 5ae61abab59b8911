"""What a doctor finds, as lines and as tables: all of it, and what mends it to be copied."""

import io

from rich.console import Console

from asyncup.ui.diagnosis import DiagnosisLines
from asyncup.ui.diagnosis_tables import DiagnosisTables
from tests.ui.diagnosis import DIAGNOSIS, FAILED, FINISHED, POLICY

OUT = rf"""the way to S3
  ok       tls: TLSv1.3, a certificate of \x1b[2Jsome issuer

permissions
  failed   list objects: list s3://bucket/films/: AccessDenied
           hint: the policy has to allow s3:ListBucket
           policy: {POLICY}
  unknown  create, complete: not tried: first 'x'

what the server can do
  unknown  trailer: over TLS only
  lacking  checksum: not known

an upload would fail: 1 failed, 1 ok, 1 lacking, 3 unknown, 2 warnings
"""

LEFT = (
    "warning: an upload is left at s3://bucket/films/x: list s3://bucket/films/: AccessDenied\n"
    "hint: asyncup abort it\n"
)


def lines(*, quiet: bool) -> tuple[str, str]:
    """Return what is written on standard output, and beside it."""
    output, errors = io.StringIO(), io.StringIO()
    shown = DiagnosisLines(output, errors, quiet=quiet)
    for event in DIAGNOSIS:
        shown(event)
    shown.close()
    return output.getvalue(), errors.getvalue()


def test_lines() -> None:
    """Area by area, each finding a line, and in one line what was not tried for one reason."""
    begin = "examining s3://bucket/films/: at most 16 MiB are sent, and removed again\n"
    assert lines(quiet=False) == (OUT, begin + LEFT)


def test_quiet_lines() -> None:
    """Only what failed, and what was left behind."""
    told, beside = lines(quiet=True)
    assert told.splitlines() == [OUT.splitlines()[n] for n in (3, 4, 5, 6)]
    assert beside == LEFT


def tables(*, width: int) -> str:
    """Return what is drawn on a terminal."""
    stream = io.StringIO()
    shown = DiagnosisTables(Console(file=stream, width=width, force_terminal=True, no_color=True))
    for event in DIAGNOSIS:
        shown(event)
    shown.close()
    return stream.getvalue()


def test_tables() -> None:
    """Everything that the lines have is there, and nothing can steer the terminal."""
    drawn = tables(width=120)
    assert r"a certificate of \x1b[2Jsome issuer" in drawn
    for told in ("the way to S3", "permissions", "create, complete", "not tried: first 'x'"):
        assert told in drawn
    assert "an upload would fail: 1 failed" in drawn
    assert "hint: asyncup abort it" in drawn


def test_what_mends_it_can_be_copied() -> None:
    """However narrow the terminal is, a policy stands in one line."""
    drawn = tables(width=30)
    assert POLICY in drawn
    assert FAILED.hint is not None
    assert FAILED.hint in drawn


def test_a_table_that_was_begun_is_drawn() -> None:
    """Where it is stopped in the middle, what was found is shown."""
    stream = io.StringIO()
    shown = DiagnosisTables(Console(file=stream, width=100))
    shown(FAILED)
    assert "list objects" not in stream.getvalue()
    shown.close()
    assert "list objects" in stream.getvalue()


def test_that_it_would_work() -> None:
    """Without a failure, that is what is said."""
    output = io.StringIO()
    DiagnosisLines(output, output)(
        type(FINISHED)(
            ok=3, lacking=0, warnings=1, failed=0, unknown=0, concurrency=None, exit_code=0
        )
    )
    assert output.getvalue() == "\nan upload would work: 3 ok, 1 warning\n"
