"""How a command ends: the one place where an error becomes text and an exit status."""

import sys
import traceback
from collections.abc import Callable, Sequence

import typer

from asyncup.cli.audience import Audience
from asyncup.cli.settings import Params
from asyncup.cli.usage import is_asked_for
from asyncup.core.errors import AsyncupError, Interrupted


def finish(run: Callable[[Params, Audience], int], params: Params) -> None:
    """Run a command and end with its exit status."""
    audience = Audience(params)
    try:
        audience.open()
        code = run(params, audience)
    except AsyncupError as error:
        code = _report(error, audience, debug=params["debug"])
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    raise typer.Exit(audience.end(code))


def refuse(error: AsyncupError, given: Sequence[str], *, debug: bool = False) -> int:
    """Say what is wrong about a command that was not even begun; return the exit status."""
    audience = Audience({"json": is_asked_for("json", given)})
    return audience.end(_report(error, audience, debug=debug))


def _report(error: AsyncupError, audience: Audience, *, debug: bool = False) -> int:
    """Say what went wrong and return the exit status."""
    if debug:
        traceback.print_exception(error)
    audience.error(error)
    from asyncup.ui.renderer import Output
    from asyncup.ui.text import error_line

    Output(sys.stderr).write_line(error_line(error))
    return error.exit_code
