"""How the values of options are read: the same for a flag, a variable and the configuration."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from asyncup.cli.settings import SSE_NAMES
from asyncup.core.endpoint import check_endpoint
from asyncup.core.errors import UsageError
from asyncup.core.model import ObjectURI
from asyncup.core.options import Adaptive, Limits
from asyncup.core.rates import RateLimit
from asyncup.core.sizes import parse_duration, parse_size

T = TypeVar("T")


def _parser(read: Callable[[str], T]) -> Callable[[Any], T]:
    """Return a parser for typer; a number of a configuration file is no text yet."""

    def parse(value: Any) -> T:  # noqa: ANN401 - TOML has any
        try:
            return read(str(value))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _part_size(text: str) -> int:
    found, limits = parse_size(text), Limits()
    if not limits.min_part_size <= found <= limits.max_part_size:
        raise ValueError(limits.part_size_problem(found))
    return found


def _concurrency(text: str) -> int | Adaptive:
    found = re.fullmatch(r"(\d+)|auto(?::(\d+)-(\d+))?", text.strip(), re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is not a number, auto, or bounds such as auto:1-32")
    number, least, most = found.groups()
    if number is not None:
        return _at_least_one(int(number))
    try:
        return Adaptive.between(int(least), int(most)) if least else Adaptive()
    except UsageError as error:
        raise ValueError(str(error)) from error


def _at_least_one(number: int) -> int:
    if number < 1:
        raise ValueError(f"{number} is less than 1")
    return number


def _processes(text: str) -> int:
    if text == "auto":
        return 0
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is not a number, or auto")
    return _at_least_one(int(text))


def _per_second(text: str) -> int:
    return parse_size(text.strip().lower().removesuffix("/s"))


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise ValueError(f"{text!r} is not KEY=VALUE")
    return key, value


def _header(text: str) -> str:
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise ValueError(
            f"{text!r} cannot be sent as a header: printable ASCII only, and no space at its ends"
        )
    return text


def _metadata(text: str) -> tuple[str, str]:
    key, value = _pair(text)
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", key):
        raise ValueError(
            f"{key!r} cannot be the name of a header: ASCII letters, digits and hyphens, no spaces"
        )
    return key, _header(value)


def _sse(text: str) -> str:
    if text not in SSE_NAMES:
        raise ValueError(f"{text!r} is none of {', '.join(SSE_NAMES)}")
    return text


def _text(check: Callable[[str], object]) -> Callable[[Any], str]:
    """Return a parser for what stays a text, and has to pass a check."""

    def read(text: str) -> str:
        try:
            check(text)
        except UsageError as error:
            raise ValueError(f"{error} ({error.hint})") from error
        return text

    return _parser(read)


def _rate(text: str) -> RateLimit:
    try:
        return RateLimit.parse(text)
    except UsageError as error:
        raise ValueError(str(error)) from error


def _pattern(text: str) -> str:
    from asyncup.core.selection import Filters

    Filters.of([text])
    return text


size = _parser(parse_size)
part_size = _parser(_part_size)
concurrency = _parser(_concurrency)
processes = _parser(_processes)
per_second = _parser(_per_second)
duration = _parser(parse_duration)
rate = _parser(_rate)
uri = _text(ObjectURI.parse)
endpoint = _text(check_endpoint)
pattern = _parser(_pattern)
pair = _parser(_pair)
metadata = _parser(_metadata)
header = _parser(_header)
sse = _parser(_sse)


def _then(text: str) -> str:
    verb, _, directory = text.partition(":")
    if text in {"keep", "delete"} or (verb == "move" and directory):
        return text
    raise ValueError(f"{text!r} is not keep, delete, or move:DIR")


then = _parser(_then)
