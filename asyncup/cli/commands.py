"""Commands of which only the one that is asked for is made, and whose values are read at once.

typer has pydantic read all values, also those that nobody has given. To import that takes as long
as all else that a command needs before it begins, and a tenth of the memory that it has.
"""

import copy
import os
from collections.abc import Sequence
from enum import EnumType
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from asyncup.cli import streams
from asyncup.cli.usage import OURS, warn_of_variables

Parameter = TyperArgument | TyperOption


class _Ours:
    """Stands before a class of typer's that has parameters, and a help."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's own
        """Return the parameters, with a reader of ours."""
        of_typer: Any = super()
        return list(map(_read_at_once, of_typer.get_params(ctx)))

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own
        """Write the help; errors as of `streams.writing_out`."""
        of_typer: Any = super()
        with streams.writing_out():
            of_typer.format_help(ctx, formatter)


class Group(_Ours, TyperGroup):
    """A group of commands of typer's, to be named as `cls`."""


class Command(_Ours, TyperCommand):
    """A command of typer's, to be named as `cls`."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own
        """Run it; where variables count, those that no option has are told first."""
        is_quiet = ctx.params.get("quiet", False)
        if not is_quiet and any(each.envvar is not None for each in self.params):
            warn_of_variables(ctx)
        return super().invoke(ctx)


def only_asked_for(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Return an app of the command that the arguments begin with; all of it if they do not.

    `put` is always there: a configuration file sets its options, whichever command reads it.
    Measured: typer makes the parameters of every command that there is, which takes four times as
    long as those of `put`.
    """
    named = {
        each.name or getattr(each.callback, "__name__", ""): each
        for each in app.registered_commands
    }
    # A variable of ours may be that of any command, which is looked up in all of them.
    if arguments[0] not in named or any(name.startswith(OURS) for name in os.environ):
        return app
    narrow = copy.copy(app)
    narrow.registered_groups = []
    narrow.registered_commands = [
        each for name, each in named.items() if name in {"put", arguments[0]}
    ]
    return narrow


def _read_at_once(parameter: Any) -> Any:  # noqa: ANN401 - typer's own, or click's
    # A typer that keeps its reader elsewhere is slower, and no more.
    if isinstance(parameter, Parameter) and parameter._runtime_param is None:  # noqa: SLF001 - see
        reader: Any = _AtOnce()
        parameter._runtime_param = reader  # noqa: SLF001 - it can be told nowhere else
    return parameter


class _AtOnce:
    """Gives a parameter's value as typer would, and leaves to typer what takes more."""

    def coerce(self, value: Any, *, param: Parameter, ctx: Any) -> Any:  # noqa: ANN401 - typer's
        """Return the value that the command is called with."""
        read = _list if param.multiple or param.nargs == -1 else _one
        known = read(value, param)
        if known is not _NOT_KNOWN:
            return known
        param._runtime_param = None  # noqa: SLF001 - as above
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


_NOT_KNOWN = object()


def _list(value: Any, param: Parameter) -> Any:  # noqa: ANN401 - what a command is called with
    told = param.type_descriptor
    read = told.parameter_info.parser
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        return _NOT_KNOWN
    if read is not None:
        return [read(each) for each in value]
    is_text = told.annotation == list[str] and all(isinstance(each, str) for each in value)
    return list(value) if is_text else _NOT_KNOWN


def _one(value: Any, param: Parameter) -> Any:  # noqa: ANN401 - what a command is called with
    told = param.type_descriptor
    read = told.parameter_info.parser
    if read is not None and value is not None:
        return read(value)
    if value is None or value is param.default:
        return value
    if isinstance(told.annotation, EnumType):
        members: list[Any] = list(told.annotation)
        choices = [each for each in members if each.value == value]
        return choices[0] if choices else _NOT_KNOWN
    if told.annotation is Path and isinstance(value, str):
        return _path(value, told.parameter_info)
    return value if told.annotation is str and isinstance(value, str) else _NOT_KNOWN


def _path(value: str, asked: Any) -> Any:  # noqa: ANN401 - typer's own
    """Return a path of which nothing is asked but that it can be read if it is there."""
    is_asked_more = asked.exists or asked.resolve_path or asked.allow_dash or asked.writable
    is_any_kind = asked.file_okay and asked.dir_okay and asked.path_type is None
    path = Path(value)
    if is_asked_more or not is_any_kind or (path.exists() and not os.access(path, os.R_OK)):
        return _NOT_KNOWN
    return path
