"""`asyncup config from-multi2s3`: the settings of the tool that asyncup descends from, in ours.

What they mean is told in `asyncup.cli.config`, which takes the same names in `asyncup.toml`.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asyncup.cli.config import Setting, check, options_of_file, settings_of
from asyncup.cli.values import shape_of
from asyncup.core.python2 import Assignment, assignments
from asyncup.core.toml_text import written
from asyncup.ui.text import clean

NAMES = (
    "srcdir",
    "srcfileIndex",
    "chunksize",
    "splitdir",
    "s3bucket",
    "s3key",
    "MaxRetry",
    "MaxThread",
    "IgnoreSmallFile",
)
"""All settings of multi2s3."""

_MEANINGLESS = {
    "MaunalMerge": "asyncup always compares the parts with S3's list before it completes",
}

_STAND_TOGETHER = {"srcfileIndex": ("srcdir", "IgnoreSmallFile"), "srcdir": ("srcfileIndex",)}
"""What means something else without the other: a file that is untold is not all files."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A configuration file, the command that does the same, and what could not be carried over."""

    text: str
    command: str
    problems: Sequence[str]


def translated(context: Any, name: str, text: str) -> Translation:  # noqa: ANN401 - typer's
    """Translate a `Config.py` of this name, without running it."""
    found = assignments(text)
    given = {key: found[key] for key in NAMES if key in found}
    untold = {key: f"{each.why}" for key, each in given.items() if each.why is not None}
    for key in [other for each in untold for other in _STAND_TOGETHER.get(each, ())]:
        untold.setdefault(key, "what it belongs to is not told")
    told = {key: _whole(each.value) for key, each in given.items() if key not in untold}
    order = list(options_of_file(context))
    settings = [each for each in settings_of(told) if isinstance(each, Setting)]
    settings.sort(key=lambda each: order.index(each.option))
    checked = check(context, settings_of(told))
    problems = [_line(key, given[key], why) for key, why in untold.items() if key in given]
    problems += [f"line {given[each.key].line}: {each.text}" for each in checked.problems]
    spelt = _spelt(context, checked.params)
    command = shlex.join(["asyncup", "put", *_arguments(spelt)])
    lines = [
        f"# Made of {name}, which multi2s3 read. The same without this file:",
        "#",
        f"#   {clean(command)}",
        *_entries(settings, given, spelt),
        *_section("What could not be carried over:", problems),
        *_section("What means nothing to asyncup:", _without_meaning(found, given)),
    ]
    return Translation("\n".join(lines) + "\n", command, problems)


def _whole(value: object) -> object:
    """Return a number without a fraction as the whole one that it is, as multi2s3 took it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _line(key: str, given: Assignment, why: str) -> str:
    return f"line {given.line}: {key} = {given.expression}: {why}"


def _spelt(context: Any, params: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - typer's
    """Return values in the form that the file has them in."""
    options = options_of_file(context)
    shapes = {
        name: shape_of(name, is_flag=options[name].is_flag, repeatable=options[name].multiple)
        for name in params
    }
    return {name: shapes[name].spell(value) for name, value in params.items()}


def _arguments(spelt: Mapping[str, Any]) -> Iterator[str]:
    """Yield the arguments of the command that does the same."""
    yield from spelt.get("source", ["SOURCE"])
    yield spelt.get("destination", "s3://BUCKET/")
    for name, value in spelt.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            yield from [flag] if value else []
        elif name not in {"source", "destination"}:
            yield from (flag, str(value))


def _entries(
    settings: Iterable[Setting], given: Mapping[str, Assignment], spelt: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is set, each after what it was."""
    for setting in settings:
        if setting.option in spelt:
            yield ""
            names = ("srcdir", "srcfileIndex") if setting.key == "srcdir" else (setting.key,)
            for name in names:
                if name in given:
                    yield clean(f"# {name} = {given[name].expression}")
            yield f"{setting.option.replace('_', '-')} = {written(spelt[setting.option])}"


def _without_meaning(
    found: Mapping[str, Assignment], given: Mapping[str, Assignment]
) -> Iterator[str]:
    """Yield the names that are no settings, and that no setting is made of."""
    used = {word for each in given.values() for word in re.findall(r"\w+", each.expression)}
    for name in [each for each in found if each not in given and each not in used]:
        # Not what it is set to: keys have been kept in such files.
        yield f"line {found[name].line}: {name}: {_MEANINGLESS.get(name, 'no setting of multi2s3')}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", f"# {title}", *(f"# - {clean(line)}" for line in found))
