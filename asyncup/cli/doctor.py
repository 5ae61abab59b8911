"""`asyncup doctor`: whether an upload would work."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from asyncup.cli.audience import Audience
from asyncup.cli.running import run_attended
from asyncup.cli.settings import Params, attributes_of, options_of, s3_config_of
from asyncup.cli.signals import Signals
from asyncup.core.events import Listener
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.engine.doctor import Doctor, Subject
from asyncup.ui.diagnosis import DiagnosisLines
from asyncup.ui.renderer import Output
from asyncup.ui.text import Level, Line

if TYPE_CHECKING:
    from asyncup.ui.diagnosis_tables import DiagnosisTables

_PATIENCE = 10.0
"""Seconds without an answer, or without a byte that moves, after which a check has failed."""

_NOT_ASKED = ("metadata", "content_type", "cache_control", "content_encoding")


def doctor(params: Params, audience: Audience) -> int:
    """Make all checks and return the exit status.

    Raises:
        UsageError: the URI is none, or attributes do not fit together.
        Interrupted: it was stopped.
    """
    subject = Subject(
        place=ObjectURI.parse(params["place"]),
        attributes=attributes_of({**dict.fromkeys(_NOT_ASKED), **params}),
        sources=tuple(map(Path, params["source"] or ())),
        with_rate=params["speed"],
    )
    options = options_of({**params, "stall_timeout": _PATIENCE})
    with _shown(params, audience) as tell:
        return _run(subject, options, params, tell)


def _run(subject: Subject, options: Options, params: Params, tell: Listener) -> int:
    examiner = Doctor(subject, options=options, s3=s3_config_of(params), listener=tell)

    async def main(signals: Signals) -> int:
        signals.stop = examiner.stop
        return await examiner.run()

    def say_what_is_left() -> None:
        if (left := examiner.may_be_left) is not None:
            uri = shlex.quote(str(left))
            hint = f"asyncup abort {uri} --all --yes; aws s3 rm {uri}"
            told = f"something may be left at {left}"
            Output(sys.stderr).write_line(Line(Level.WARNING, told, hint))

    return run_attended(main, if_cancelled=say_what_is_left)


@contextmanager
def _shown(params: Params, audience: Audience) -> Iterator[Listener]:
    """Give what shows what is found, on standard output: tables where that is a terminal."""
    if audience.lines is not None:
        yield audience.lines
        return
    shown = _tables(params) or DiagnosisLines(audience.output, sys.stderr, quiet=params["quiet"])
    try:
        yield shown
    finally:
        shown.close()


def _tables(params: Params) -> "DiagnosisTables | None":
    if params["plain"] or params["quiet"] or not sys.stdout.isatty():
        return None
    from rich.console import Console

    from asyncup.ui.diagnosis_tables import DiagnosisTables

    console = Console()
    return None if console.is_dumb_terminal else DiagnosisTables(console)
