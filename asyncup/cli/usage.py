"""Mistakes on the command line and in the environment, in the form of all errors."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from asyncup.core.errors import UsageError
from asyncup.core.spelling import did_you_mean, nearest

_OF_OTHERS = {
    **dict.fromkeys(("cp", "copy", "copyto", "mv", "sync", "upload", "rcat", "pipe"), "put"),
    **dict.fromkeys(("check", "cryptcheck"), "verify"),
    **dict.fromkeys(("continue", "retry"), "resume"),
    "cleanup": "abort",
}
"""What aws-cli, rclone, s5cmd and others call what a command does."""

OURS = "ASYNCUP_"
"""What the variables that set options begin with."""

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
    return os.environ.get(f"{OURS}{flag.upper()}", "").lower() in _TRUE


def warn_of_variables(context: typer.Context) -> None:
    """Say on standard error which variables look like ours, and are those of no option.

    That is no error, as it is in the configuration file: nobody wrote the environment for this
    command alone.
    """
    given = {name.removeprefix(OURS) for name in os.environ if name.startswith(OURS)}
    known = set(_variables(context.find_root().command)) if given else set()
    for name in sorted(given - known):
        from asyncup.ui.renderer import Output
        from asyncup.ui.text import Level, Line

        told = f"{OURS}{name} is set, and no option has a variable of this name"
        # Without what all of them begin with, by which any two are much like each other.
        meant = nearest(name, known)
        hint = None if meant is None else f"did you mean {OURS}{meant}?"
        Output(sys.stderr).write_line(Line(Level.WARNING, told, hint))


def _variables(command: Any) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    """Yield what the variables of a command's options, and of those below it, are called."""
    for each in command.params:
        if each.envvar is not None:
            yield str(each.envvar).removeprefix(OURS)
    for below in getattr(command, "commands", {}).values():
        yield from _variables(below)
