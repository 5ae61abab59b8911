"""Who is told what a command does, from its first word to its last."""

import sys
import time
from typing import TYPE_CHECKING

from asyncup.cli.settings import Params
from asyncup.cli.streams import StandardOutput
from asyncup.core.errors import AsyncupError

if TYPE_CHECKING:
    from asyncup.cli.asides import Aside
    from asyncup.core.events import OutputLost
    from asyncup.ui.jsonl import JsonLines
    from asyncup.ui.renderer import Writable
    from asyncup.ui.text import Line

_FILES = ("log_file", "metrics_file", "receipts", "report")


class Audience:
    """Standard output, and whoever else hears of a command until it ends.

    Attributes:
        output: standard output.
        lines: what writes events there as JSON, None unless that is asked for.
        asides: what writes events, or what they come to, to files.
    """

    def __init__(self, params: Params) -> None:
        self.output = StandardOutput()
        self.lines = _lines_to(self.output) if params.get("json") else None
        self.asides: list[Aside] = []
        self._params = params

    def open(self) -> None:
        """Open the files that are asked for, before anything is begun.

        Raises:
            UsageError: one cannot be written, or is something else already.
        """
        if any(self._params.get(name) is not None for name in _FILES):
            from asyncup.cli.asides import open_asides
            from asyncup.cli.outputs import check_outputs

            check_outputs(self._params)
            # One by one: the first one hears of it if there is no second one.
            for aside in open_asides(self._params):
                self.asides.append(aside)

    def error(self, error: AsyncupError) -> None:
        """Tell of an error that belongs to no file."""
        if self.lines is not None:
            self.lines.error(error)
        for aside in self.asides:
            aside.teller.error(error)

    def end(self, code: int) -> int:
        """Tell what it came to, and return the exit status: that of output that is lost counts."""
        if self.output.problem is not None:
            code = code or self.output.problem.exit_code
        # Whether there is a report counts in what all others tell.
        for aside in [each for each in self.asides if each.is_result]:
            if (loss := _last_loss(aside, code)) is not None:
                if self.lines is not None:
                    self.lines(loss)
                code = code or AsyncupError.exit_code
        if self.lines is not None:
            self.lines.end(code)
        if (problem := self.output.problem) is not None:
            from asyncup.ui.text import error_line

            _say(error_line(problem))
            code = code or problem.exit_code
        for aside in [each for each in self.asides if not each.is_result]:
            _last_loss(aside, code)
        return code


def _last_loss(aside: "Aside", code: int) -> "OutputLost | None":
    """Let it write its last, and return what was lost of it, which is told."""
    aside.teller.end(code)
    aside.file.close()
    if (loss := aside.loss()) is not None:
        from asyncup.ui.text import Level, Line

        told = f"write {loss.path}: {loss.reason}; it does not tell how the run ended"
        _say(Line(Level.WARNING, told))
    return loss


def _lines_to(stream: "Writable") -> "JsonLines":
    from asyncup.ui.jsonl import JsonLines

    return JsonLines(stream, time.monotonic)


def _say(line: "Line") -> None:
    """Write on standard error what was lost, when there is nothing else to tell it."""
    from asyncup.ui.renderer import Output

    Output(sys.stderr).write_line(line)
