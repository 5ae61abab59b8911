"""The configuration file: `asyncup.toml`, checked and handed to typer as its `default_map`.

Keys are the names of the options of `asyncup put`, with `-` or `_`, beside `source` and
`destination`. The names of multi2s3, the tool that asyncup descends from, are taken as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from asyncup.cli.usage import problem_of
from asyncup.cli.values import TEXT, as_typer_takes_it, shape_of
from asyncup.core.endpoint import redacted
from asyncup.core.errors import UsageError
from asyncup.core.rates import RateLimit
from asyncup.core.spelling import nearest


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for an option, how the file spells both, and on which line."""

    option: str
    value: Any
    key: str
    written: Any
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with what the file says of a key, which may be none at all."""

    key: str
    text: str
    line: int | None = None
    is_unknown: bool = False

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file sets: as typer takes it, as a command gets it, and what is wrong with it."""

    taken: dict[str, Any]
    params: dict[str, Any]
    problems: list[Problem]


FILE_NAME = "asyncup.toml"
_NOT_IN_FILE = {"paths", "config", "dry_run", "help"}

_RENAMED = {
    "chunksize": "part_size",
    "splitdir": "split_dir",
    "s3key": "key_prefix",
    "MaxRetry": "max_retry",
    "MaxThread": "concurrency",
}
"""Names of multi2s3 that mean the same as one of ours."""

_TRANSLATED = ("srcdir", "srcfileIndex", "s3bucket", "IgnoreSmallFile")
"""Names of multi2s3 that mean something only together, or in another form."""


def load_into_context(context: typer.Context, given: Path | None) -> Path | None:
    """Make the configuration file's values the defaults of the command.

    Raises:
        UsageError: there is no such file, or what is in it cannot be.
    """
    if context.resilient_parsing:
        return given
    path = find(given)
    if path is not None:
        taken = values_of(context, path).taken
        # One file serves all commands: each takes what it has an option for.
        ours = {option.name for option in context.command.params}
        context.default_map = {name: value for name, value in taken.items() if name in ours}
    return path


def file_that_sets(context: typer.Context, option: str) -> Path | None:
    """Return the configuration file, if what it says of an option counts: no flag, no variable."""
    source = context.get_parameter_source(option)
    if source is not None and source.name in {"COMMANDLINE", "ENVIRONMENT"}:
        return None
    path: Path | None = context.params["config"]
    return path


def limit_rate_in(path: Path) -> RateLimit:
    """Return the limit that a configuration file sets just now.

    Raises:
        UsageError: it cannot be read, or sets what is none.
    """
    for each in read(path):
        if isinstance(each, Setting) and each.option == "limit_rate":
            try:
                return RateLimit.parse(str(each.value))
            except UsageError as error:
                raise UsageError(f"{path}: {_problem(each, str(error))}") from error
    return RateLimit()


def find(given: Path | None) -> Path | None:
    """Return the configuration file: the given one, or the first that is there.

    Raises:
        UsageError: the given one is not there.
    """
    from asyncup.edges.places import user_config_file

    if given is not None:
        if not given.is_file():
            raise UsageError(f"no configuration file {given}")
        return given
    return next((path for path in (Path(FILE_NAME), user_config_file()) if path.is_file()), None)


def read(path: Path) -> list[Setting | Problem]:
    """Read a configuration file: what it sets, and what is wrong with it.

    Raises:
        UsageError: it cannot be read.
    """
    import tomllib

    from asyncup.core.toml_text import line_of

    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="see https://toml.io") from error
    return [replace(each, line=line_of(text, each.key)) for each in settings_of(values)]


def settings_of(values: Mapping[str, Any]) -> list[Setting | Problem]:
    """Return what keys and their values set, those of multi2s3 among them."""
    return [*_ours(values), *_theirs(values)]


def _ours(values: Mapping[str, Any]) -> Iterable[Setting]:
    for key, value in values.items():
        if key not in _TRANSLATED:
            yield Setting(_RENAMED.get(key, key.replace("-", "_")), value, key, value)


def _theirs(values: Mapping[str, Any]) -> Iterable[Setting | Problem]:
    """Yield what the settings of multi2s3 come to."""
    for key in ("srcdir", "srcfileIndex", "s3bucket"):
        if not isinstance(values.get(key, ""), str):
            yield Problem(key, f"{key} = {_shown(values[key])}: {TEXT.allowed} is needed")
    directory, index = values.get("srcdir"), values.get("srcfileIndex", "*")
    if directory is None and "srcfileIndex" in values:
        yield Problem(
            "srcfileIndex", "srcfileIndex needs srcdir, the directory that the file is in"
        )
    if isinstance(directory, str) and isinstance(index, str):
        source = directory if index == "*" else str(Path(directory) / index)
        yield Setting("source", source, "srcdir", directory)
    if isinstance(bucket := values.get("s3bucket"), str):
        yield Setting("destination", f"s3://{bucket}/", "s3bucket", bucket)
    if "IgnoreSmallFile" in values:
        small = values["IgnoreSmallFile"]
        if small not in (0, 1):
            yield Problem("IgnoreSmallFile", f"IgnoreSmallFile = {_shown(small)}: 0 or 1 is needed")
        else:
            # It never applied to a file that was named.
            yield Setting("skip_small", small == 1 and index == "*", "IgnoreSmallFile", small)


def values_of(context: typer.Context, path: Path) -> Checked:
    """Return what a configuration file sets, each value seen by its option.

    Raises:
        UsageError: it cannot be read, has a key that no option has, or a value that its option
            does not take; all of them in one message.
    """
    checked = check(context, read(path))
    if checked.problems:
        told = "; ".join(map(str, sorted(checked.problems, key=lambda each: each.line or 0)))
        options = options_of_file(context)
        names = ", ".join(sorted(name.replace("_", "-") for name in options))
        is_unknown = any(each.is_unknown for each in checked.problems)
        hint = f"allowed are {names}" if is_unknown else "asyncup put --help"
        raise UsageError(f"{path}: {told}", hint=hint)
    return checked


def check(context: typer.Context, settings: Iterable[Setting | Problem]) -> Checked:
    """Look at settings, each by itself."""
    options = options_of_file(context)
    spelt: dict[str, str] = {}
    checked = Checked({}, {}, [])
    for each in settings:
        problem, is_unknown = None, False
        if isinstance(each, Problem):
            checked.problems.append(each)
        elif each.option not in options:
            problem, is_unknown = f"unknown key {each.key!r}{_nearest(each.key, options)}", True
        elif each.option in spelt:
            problem = f"{spelt[each.option]} and {each.key} are the same setting"
        else:
            spelt[each.option] = each.key
            try:
                taken, value = _value(context, options[each.option], each.value)
            except typer.BadParameter as error:
                problem = _problem(each, problem_of(error))
            else:
                checked.taken[each.option], checked.params[each.option] = taken, value
        if problem is not None:
            checked.problems.append(Problem(each.key, problem, each.line, is_unknown))
    return checked


def options_of_file(context: typer.Context) -> dict[str, Any]:
    """Return the options that a configuration file may set, by name: those of `asyncup put`."""
    return {each.name: each for each in _put(context).params if each.name not in _NOT_IN_FILE}


def _put(context: typer.Context) -> Any:  # noqa: ANN401 - typer's
    """Return the command whose options a configuration file may set."""
    return getattr(context.find_root().command, "commands", {}).get("put", context.command)


def _value(context: typer.Context, option: Any, value: Any) -> tuple[Any, Any]:  # noqa: ANN401 - TOML has any
    """Return a value in the form that a flag would have given it, and what it is read as."""
    shape = shape_of(option.name, is_flag=option.is_flag, repeatable=option.multiple)
    if not shape.fits(value):
        raise typer.BadParameter(f"{shape.allowed} is needed")
    taken = as_typer_takes_it(value, repeatable=option.multiple)
    return taken, option.process_value(context, taken)


def _problem(setting: Setting, what: str) -> str:
    return f"{setting.key} = {_shown(setting.written)}: {what}"


def _shown(value: Any) -> str:  # noqa: ANN401 - TOML has any
    """Return a value as it may be shown; of one that has a URL with a secret somewhere, nothing."""
    if isinstance(value, str):
        return repr(redacted(value))
    shown = repr(value)
    return shown if redacted(shown) == shown else "..."


def _nearest(key: str, options: Iterable[str]) -> str:
    found = nearest(key, [*options, *_RENAMED, *_TRANSLATED])
    return f" (did you mean {found.replace('_', '-')}?)" if found else ""
