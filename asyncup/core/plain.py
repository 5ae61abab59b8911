"""Values as plain data and back, by the types of their fields; plain is what JSON can carry.

Of errors, their class and all that they hold: each comes back as what it was, on another process
or machine.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from asyncup.core.errors import AsyncupError, Fault

T = TypeVar("T")

_READERS: dict[type, Callable[[str], object]] = {
    bytes: base64.b64decode,
    datetime: datetime.fromisoformat,
}

_OF_ERRORS: dict[str, type] = {"fault": Fault, "last": AsyncupError}
"""What errors hold that is no text, number or list of texts."""


def to_plain(value: object) -> Any:  # noqa: ANN401 - JSON has any
    """Return a value as plain data."""
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    if is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    return value


def _to_mapping(value: Mapping[Any, object]) -> dict[str, Any]:
    return {str(key): to_plain(each) for key, each in value.items()}


def _to_list(value: Iterable[object]) -> list[Any]:
    return [to_plain(each) for each in value]


def _to_error(value: AsyncupError) -> dict[str, Any]:
    held = _to_mapping(vars(value))
    return {"error": type(value).__name__, "told": str(value), "held": held}


_WRITERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bytes, lambda value: base64.b64encode(value).decode("ascii")),
    (datetime, datetime.isoformat),
    ((Path, StrEnum), str),
    (AsyncupError, _to_error),
    (Mapping, _to_mapping),
    ((list, tuple, AbstractSet), _to_list),
)


def from_plain(kind: type[T], plain: Any) -> T:  # noqa: ANN401 - JSON has any
    """Return the value of a type that plain data stands for."""
    return cast("T", _read(kind, plain))


def _read(kind: Any, plain: Any) -> object:  # noqa: ANN401 - an annotation, and JSON
    if get_origin(kind) is not None:
        return _read_many(get_origin(kind), get_args(kind), plain)
    if kind in _READERS:
        return _READERS[kind](plain)
    if issubclass(kind, AsyncupError):
        return _error(plain)
    if is_dataclass(kind):
        return _made(kind, plain)
    return kind(plain) if issubclass(kind, Path | StrEnum) else plain


def _read_many(origin: Any, kinds: tuple[Any, ...], plain: Any) -> object:  # noqa: ANN401 - as above
    if origin is Mapping and issubclass(kinds[0], str):
        return {_read(kinds[0], key): _read(kinds[1], each) for key, each in plain.items()}
    if origin is frozenset:
        return frozenset(_read(kinds[0], each) for each in plain)
    if origin not in {Union, UnionType}:
        raise NotImplementedError(f"no field is of the type {origin} of {kinds}")
    # Beside None, there is one.
    (some,) = (kind for kind in kinds if kind is not NoneType)
    return None if plain is None else _read(some, plain)


def _made(kind: Any, plain: Mapping[str, Any]) -> object:  # noqa: ANN401 - a dataclass
    return kind(**{name: _read(each, plain[name]) for name, each in _types(kind).items()})


@cache
def _types(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    """Return the names and types of the fields of a dataclass."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _error(plain: Mapping[str, Any]) -> AsyncupError:
    # Made without its constructor, which takes other things than an error holds.
    kind = _classes()[plain["error"]]
    error = kind.__new__(kind, plain["told"])
    for name, held in plain["held"].items():
        setattr(error, name, _read(_OF_ERRORS[name], held) if name in _OF_ERRORS else held)
    return error


@cache
def _classes() -> Mapping[str, type[AsyncupError]]:
    """Return all classes of errors by their names."""
    found, ahead = {}, [AsyncupError]
    while ahead:
        kind = ahead.pop()
        found[kind.__name__] = kind
        ahead += kind.__subclasses__()
    return found
