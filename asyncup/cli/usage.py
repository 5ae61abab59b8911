"""Mistakes on the command line and in the environment, in the form of all errors."""

import os
import sys
from typing import Any

import typer

from asyncup.core.errors import UsageError

_TRUE = {"1", "true", "t", "yes", "y", "on"}


def as_ours(error: typer.TyperException) -> UsageError:
    """Turn an error of typer into one of ours, with the help as its hint."""
    context, option = getattr(error, "ctx", None), getattr(error, "param", None)
    text = error.format_message()
    if isinstance(error, typer.BadParameter) and context is not None and option is not None:
        text = f"{_name(context, option)}: {error.message}"
    command = "asyncup" if context is None else context.command_path
    return UsageError(text.rstrip("."), hint=f"{command} --help")


def _name(context: typer.Context, option: Any) -> str:  # noqa: ANN401 - typer's, private
    """Return where a value came from: the variable, or the option."""
    source = context.get_parameter_source(option.name)
    if source is not None and source.name == "ENVIRONMENT":
        return str(option.envvar)
    return str(option.opts[0])


def is_asked_for(flag: str) -> bool:
    """Return whether a flag is set, where the command line could not be read."""
    given = sys.argv[1:]
    if f"--{flag}" in (given[: given.index("--")] if "--" in given else given):
        return True
    return os.environ.get(f"ASYNCUP_{flag.upper()}", "").lower() in _TRUE
