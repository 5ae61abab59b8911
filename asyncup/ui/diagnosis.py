"""What `asyncup doctor` finds, as lines: an area after the other, what mends below what failed."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from asyncup.core.diagnosis import (
    Area,
    CheckMade,
    DiagnosisFinished,
    DiagnosisStarted,
    LeftBehind,
    Verdict,
)
from asyncup.core.events import Event
from asyncup.core.sizes import format_size
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import Level, Line, clean, counted

_WIDEST = max(len(verdict) for verdict in Verdict)


class DiagnosisLines:
    """Writes what was found to `output`, and what is going on to `errors`.

    `quiet` leaves only what failed, and what was left behind.
    """

    def __init__(self, output: Writable, errors: Writable, *, quiet: bool = False) -> None:
        self._output = Output(output)
        self._errors = Output(errors)
        self._quiet = quiet
        self._area: Area | None = None
        self._not_tried: list[CheckMade] = []

    def __call__(self, event: Event, /) -> None:
        """Write an event; of checks that were not tried, one line when their area is done."""
        if isinstance(event, CheckMade):
            self._made(event)
            return
        self.close()
        if isinstance(event, LeftBehind):
            self._errors.write_line(left_line(event))
        elif isinstance(event, DiagnosisStarted) and not self._quiet:
            self._errors.write(clean(begin_line(event)))
        elif isinstance(event, DiagnosisFinished) and not self._quiet:
            self._output.write(f"\n{sum_line(event)}")

    def _made(self, made: CheckMade) -> None:
        if self._quiet and made.verdict is not Verdict.FAILED:
            return
        if made.area is not self._area:
            self.close()
            self._output.write(f"\n{made.area}" if self._area else made.area)
            self._area = made.area
        if made.blocked_by is not None:
            self._not_tried.append(made)
            return
        self._write(made.verdict, f"{made.title}: {made.told}")
        for what, text in mending(made):
            self._write("", f"{what}: {text}")

    def close(self) -> None:
        """Write what was not written yet."""
        for titles, told in gathered(self._not_tried):
            self._write(Verdict.UNKNOWN, f"{titles}: {told}")
        self._not_tried.clear()

    def _write(self, verdict: str, text: str) -> None:
        self._output.write(f"  {verdict:<{_WIDEST}}  {clean(text)}")


def gathered(not_tried: Sequence[CheckMade]) -> Iterator[tuple[str, str]]:
    """Yield what was not tried for the same reason, and that."""
    for told, same in groupby(not_tried, key=lambda made: made.told):
        yield ", ".join(made.title for made in same), told


def mending(made: CheckMade) -> Iterator[tuple[str, str]]:
    """Yield what mends what was found, and what that is: a hint, a policy."""
    if made.hint is not None:
        yield "hint", made.hint
    if made.policy is not None:
        yield "policy", made.policy


def begin_line(event: DiagnosisStarted) -> str:
    """Say what is going to happen."""
    most = format_size(event.most_bytes)
    return f"examining {event.uri}: at most {most} are sent, and removed again"


def left_line(left: LeftBehind) -> Line:
    """Say what is still there, and the command that removes it."""
    what = "something may be left" if left.upload_id is None else "an upload is left"
    return Line(Level.WARNING, f"{what} at {left.uri}: {left.error}", left.hint)


def sum_line(event: DiagnosisFinished) -> str:
    """Say what it comes to."""
    told = "an upload would work" if event.exit_code == 0 else "an upload would fail"
    counts = (
        (event.failed, "failed"),
        (event.ok, "ok"),
        (event.lacking, "lacking"),
        (event.unknown, "unknown"),
    )
    each = [f"{count} {what}" for count, what in counts if count]
    each += [counted(event.warnings, "warning")] if event.warnings else []
    return f"{told}: {', '.join(each)}"
