"""What `asyncup doctor` finds, as tables on a terminal; each is drawn when its area is done."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from asyncup.core.diagnosis import (
    CheckMade,
    DiagnosisFinished,
    DiagnosisStarted,
    LeftBehind,
    Verdict,
)
from asyncup.core.events import Event
from asyncup.ui.diagnosis import begin_line, gathered, left_line, mending, sum_line
from asyncup.ui.text import clean

_STYLES = {
    Verdict.OK: "green",
    Verdict.LACKING: "cyan",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.UNKNOWN: "magenta",
}


class DiagnosisTables:
    """Draws an area after the other on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[CheckMade] = []

    def __call__(self, event: Event, /) -> None:
        """Take in an event; a check is seen when its area is done."""
        if isinstance(event, CheckMade):
            if self._rows and self._rows[-1].area is not event.area:
                self.close()
            self._rows.append(event)
        elif isinstance(event, DiagnosisStarted):
            self._console.print(Text(clean(begin_line(event)), "dim"))
        elif isinstance(event, LeftBehind):
            self.close()
            line = left_line(event)
            self._console.print(Text(f"warning: {clean(line.text)}", "yellow"), soft_wrap=True)
            self._console.print(Text(f"hint: {clean(line.hint or '')}"), soft_wrap=True)
        elif isinstance(event, DiagnosisFinished):
            self.close()
            style = _STYLES[Verdict.OK if event.exit_code == 0 else Verdict.FAILED]
            self._console.print(Text(sum_line(event), style))

    def close(self) -> None:
        """Draw what was not drawn yet."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        self._console.print(_table(rows))
        for made in rows:
            # Below the table, unbroken: it is there to be copied.
            for what, text in mending(made):
                self._console.print(
                    Text.assemble((f"{clean(made.title)}, {what}: ", "bold"), clean(text)),
                    soft_wrap=True,
                )
        self._console.print()


def _table(rows: Sequence[CheckMade]) -> Table:
    table = Table(title=escape(rows[0].area), title_justify="left", show_header=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for made in rows:
        if made.blocked_by is None:
            _add(table, made.verdict, made.title, made.told)
    for titles, told in gathered([made for made in rows if made.blocked_by is not None]):
        _add(table, Verdict.UNKNOWN, told, titles)
    return table


def _add(table: Table, verdict: Verdict, title: str, told: str) -> None:
    table.add_row(Text(verdict, _STYLES[verdict]), Text(clean(title)), Text(clean(told)))
