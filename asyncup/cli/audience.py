"""Who is told what a command does, from its first word to its last."""

import sys
import time
from typing import TYPE_CHECKING

from asyncup.cli.settings import Params
from asyncup.cli.streams import StandardOutput
from asyncup.core.errors import AsyncupError

if TYPE_CHECKING:
    from asyncup.ui.jsonl import JsonLines
    from asyncup.ui.renderer import Writable


class Audience:
    """Standard output, and whoever else hears of a command until it ends.

    Attributes:
        output: standard output.
        lines: what writes events there as JSON, None unless that is asked for.
    """

    def __init__(self, params: Params) -> None:
        self.output = StandardOutput()
        self.lines = _lines_to(self.output) if params.get("json") else None

    def error(self, error: AsyncupError) -> None:
        """Tell of an error that belongs to no file."""
        if self.lines is not None:
            self.lines.error(error)

    def end(self, code: int) -> int:
        """Tell what it came to, and return the exit status: that of output that is lost counts."""
        if self.lines is not None:
            self.lines.end(code)
        if (problem := self.output.problem) is not None:
            from asyncup.ui.renderer import Output
            from asyncup.ui.text import error_line

            Output(sys.stderr).write_line(error_line(problem))
            code = code or problem.exit_code
        return code


def _lines_to(stream: "Writable") -> "JsonLines":
    from asyncup.ui.jsonl import JsonLines

    return JsonLines(stream, time.monotonic)
