"""`asyncup config show`: every option's value in force, and where it comes from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncup.cli.config import Setting, options_of_file, read
from asyncup.cli.settings import s3_config_of
from asyncup.cli.streams import write_out
from asyncup.cli.values import shape_of
from asyncup.core.endpoint import redacted
from asyncup.core.toml_text import written
from asyncup.edges.aws_settings import inherited

SCHEMA = 1
"""Grows when a field changes its meaning or goes away; new ones may come any time."""

_WIDEST = 48


@dataclass(frozen=True, slots=True)
class InForce:
    """A value in force, None for none, and where it comes from.

    `origin` is flag, environment, file, aws or default; `name` the variable, the file, the profile,
    or in words a default that depends on what is uploaded; `line` that of the file.
    """

    option: str
    value: Any
    origin: str
    name: str | None = None
    line: int | None = None

    @property
    def told(self) -> str:
        """Where it comes from, for reading."""
        if self.origin == "default":
            unset = "default" if self.value is not None else "not set"
            return f"default: {self.name}" if self.name else unset
        if self.line is not None:
            return f"{self.name}, line {self.line}"
        return self.name or self.origin


def show(put: Any, *, as_json: bool) -> int:  # noqa: ANN401 - typer's context
    """Tell what `asyncup put`, whose context it is, would go by.

    Raises:
        UsageError: the AWS configuration is not what it should be.
    """
    found = list(_in_force(put))
    if as_json:
        options = {each.option: _as_json(each) for each in found}
        told = {"schema": SCHEMA, "config": _text(put.params["config"]), "options": options}
        write_out(json.dumps(told, indent=2) + "\n")
        return 0
    lines = [(_line(each), each.told) for each in found]
    width = max(len(line) for line, _ in lines if len(line) <= _WIDEST)
    write_out("".join(f"{line:{width}}  # {origin}\n" for line, origin in lines))
    return 0


def _line(found: InForce) -> str:
    if found.value is None:
        return f"# {found.option}"
    return f"{found.option} = {written(found.value)}"


def _as_json(found: InForce) -> dict[str, Any]:
    return {
        "value": found.value,
        "origin": found.origin,
        "name": found.name,
        "line": found.line,
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _in_force(put: Any) -> Iterator[InForce]:  # noqa: ANN401 - typer's context
    path: Path | None = put.params["config"]
    settings = [] if path is None else read(path)
    lines = {each.option: each.line for each in settings if isinstance(each, Setting)}
    of_aws = inherited(s3_config_of(put.params))
    for option in options_of_file(put).values():
        name, value = option.name.replace("_", "-"), _spelt(option, put.params[option.name])
        source = put.get_parameter_source(option.name).name
        if source == "COMMANDLINE":
            yield InForce(name, value, "flag")
        elif source == "ENVIRONMENT":
            yield InForce(name, value, "environment", option.envvar)
        elif source == "DEFAULT_MAP":
            yield InForce(name, value, "file", str(path), lines[option.name])
        elif (aws := of_aws.get(option.name)) is not None:
            yield InForce(name, aws.value, "aws", aws.origin)
        else:
            words = option.show_default if isinstance(option.show_default, str) else None
            yield InForce(name, value, "default", words if value is None else None)


def _spelt(option: Any, value: Any) -> Any:  # noqa: ANN401 - typer's, private
    """Return a value as the file would have it, None if there is none."""
    if value in (None, "", [], ()):
        return None
    shape = shape_of(option.name, is_flag=option.is_flag, repeatable=option.multiple)
    spelt = shape.spell(value)
    return redacted(spelt) if option.name == "endpoint_url" else spelt
