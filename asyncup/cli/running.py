"""A command's coroutine, run to its end: signals, and a standard output that may fail."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from asyncup.cli.signals import Signals, caught_signals
from asyncup.cli.streams import StandardOutput
from asyncup.core.errors import Interrupted
from asyncup.ui.renderer import Output
from asyncup.ui.text import error_line


@dataclass(frozen=True, slots=True)
class Attended:
    """What a command is given: signals, to say what they stop, and standard output."""

    signals: Signals
    output: StandardOutput


def run_attended(
    main: Callable[[Attended], Coroutine[Any, Any, int]],
    *,
    if_cancelled: Callable[[], None] = lambda: None,
) -> int:
    """Run a command and return its exit status; what is left of output is told.

    `if_cancelled` is called when the command was not left the time to end.
    """
    output = StandardOutput()
    # It would warn on standard error of each write to a connection that is lost: we tell of those.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    with caught_signals() as signals:
        try:
            code = asyncio.run(_attend(main, Attended(signals, output)))
        except asyncio.CancelledError:
            # A second Ctrl-C.
            if_cancelled()
            code = Interrupted.exit_code
    if (problem := output.problem) is not None:
        Output(sys.stderr).write_line(error_line(problem))
        code = code or problem.exit_code
    return code


async def _attend(main: Callable[[Attended], Coroutine[Any, Any, int]], attended: Attended) -> int:
    attended.signals.attend()
    return await main(attended)
