"""The configuration file: `asyncup.toml`, checked and handed to typer as its `default_map`.

Keys are the names of the options of `asyncup put`, with `-` or `_`, beside `source` and
`destination`. The names of multi2s3, the tool that asyncup descends from, are taken as well.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from asyncup.core.errors import UsageError

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
        context.default_map = _checked(context, path, read(path))
    return path


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


def read(path: Path) -> dict[str, Any]:
    """Read a configuration file, in the names of our options.

    Raises:
        UsageError: it cannot be read, or says one thing twice.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="see https://toml.io") from error
    named: dict[str, Any] = {}
    for key, value in (*_ours(values), *_theirs(path, values)):
        if key in named:
            raise UsageError(f"{path}: {key} is set twice, once by another name")
        named[key] = value
    return named


def _ours(values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if key not in _TRANSLATED:
            yield _RENAMED.get(key, key.replace("-", "_")), value


def _theirs(path: Path, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield what the settings of multi2s3 come to."""
    index = values.get("srcfileIndex", "*")
    if "srcdir" in values:
        yield "source", values["srcdir"] if index == "*" else str(Path(values["srcdir"]) / index)
    elif "srcfileIndex" in values:
        raise UsageError(f"{path}: srcfileIndex needs srcdir, the directory that the file is in")
    if "s3bucket" in values:
        yield "destination", f"s3://{values['s3bucket']}/"
    elif "s3key" in values:
        raise UsageError(f"{path}: s3key needs s3bucket")
    if "IgnoreSmallFile" in values:
        # It never applied to a file that was named.
        if values["IgnoreSmallFile"] not in (0, 1):
            raise UsageError(f"{path}: IgnoreSmallFile is 0 or 1")
        yield "skip_small", bool(values["IgnoreSmallFile"]) and index == "*"


def _checked(context: typer.Context, path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as typer wants them, after it has seen each of them.

    Raises:
        UsageError: a key that no option has, or a value that its option does not take; all of
            them in one message.
    """
    options = {
        option.name: option for option in context.command.params if option.name not in _NOT_IN_FILE
    }
    checked: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in values.items():
        if key not in options:
            problems.append(f"unknown key {key!r}{_nearest(key, options)}")
            continue
        checked[key] = _as_typer_takes_it(value, repeatable=options[key].multiple)
        try:
            options[key].process_value(context, checked[key])
        except typer.BadParameter as error:
            problems.append(f"{key} = {value!r}: {error.message}")
    if problems:
        allowed = ", ".join(sorted(name.replace("_", "-") for name in options))
        raise UsageError(f"{path}: {'; '.join(problems)}", hint=f"allowed are {allowed}")
    return checked


def _nearest(key: str, options: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, [*options, *_RENAMED, *_TRANSLATED], n=1)
    return f" (is {near[0].replace('_', '-')} meant?)" if near else ""


def _as_typer_takes_it(value: Any, *, repeatable: bool) -> Any:  # noqa: ANN401 - TOML has any
    """Return a value in the form that a flag would have given it."""
    if isinstance(value, dict):
        return [f"{key}={each}" for key, each in value.items()]
    return [value] if repeatable and not isinstance(value, list) else value
