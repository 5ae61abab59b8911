"""Mistakes on the command line and in the environment, in the form of all errors."""

import os
import re
from collections.abc import Sequence
from typing import Any

import typer

from asyncup.core.errors import UsageError
from asyncup.core.spelling import did_you_mean

_OF_OTHERS = {
    **dict.fromkeys(("cp", "copy", "copyto", "mv", "sync", "upload", "rcat", "pipe"), "put"),
    **dict.fromkeys(("check", "cryptcheck"), "verify"),
    **dict.fromkeys(("continue", "retry"), "resume"),
    "cleanup": "abort",
}
"""What aws-cli, rclone, s5cmd and others call what a command does."""

_TRUE = {"1", "true", "t", "yes", "y", "on"}


def as_ours(error: typer.TyperException) -> UsageError:
    """Turn an error of typer into one of ours; its hint is what was meant, or else the help."""
    context, option = getattr(error, "ctx", None), getattr(error, "param", None)
    if context is None:
        return UsageError(error.format_message().rstrip("."), hint="asyncup --help")
    # Its own suggestions, at the end of the text, are replaced by ours.
    text = problem_of(error).partition(" Did you mean ")[0].rstrip(".")
    meant = _meant(text, context.command)
    # What is missing altogether is named by the text itself.
    if isinstance(error, typer.BadParameter) and option is not None and error.message:
        text = f"{_name(context, option)}: {text}"
    return UsageError(text, hint=meant or f"{context.command_path} --help")


def problem_of(error: typer.TyperException) -> str:
    """Return what is wrong, without the name of Python's error for it."""
    return error.message.removeprefix("Value error, ") or error.format_message()


def _meant(text: str, command: Any) -> str | None:  # noqa: ANN401 - typer's, private
    """Return what was meant by an option, a command or a value that is none; None: nobody knows."""
    if found := re.fullmatch(r"No such option: (--\S+)", text):
        # An argument has a name, too, and that is no option.
        options = [o for o in command.params if o.param_type_name == "option" and not o.hidden]
        return did_you_mean(found[1], [n for o in options for n in (*o.opts, *o.secondary_opts)])
    if found := re.fullmatch(r"No such command '(\S+)'", text):
        return did_you_mean(_OF_OTHERS.get(found[1], found[1]), command.commands)
    if found := re.fullmatch(r"'(.*)' is not one of (.+)", text):
        return did_you_mean(found[1], re.findall(r"'(.+?)'", found[2]))
    return None


def _name(context: typer.Context, option: Any) -> str:  # noqa: ANN401 - typer's, private
    """Return where a value came from: the variable, or the option."""
    source = context.get_parameter_source(option.name)
    if source is not None and source.name == "ENVIRONMENT":
        return str(option.envvar)
    return str(option.opts[0])


def is_asked_for(flag: str, given: Sequence[str]) -> bool:
    """Return whether a flag is set, where a command line could not be read."""
    if f"--{flag}" in (given[: given.index("--")] if "--" in given else given):
        return True
    return os.environ.get(f"ASYNCUP_{flag.upper()}", "").lower() in _TRUE
