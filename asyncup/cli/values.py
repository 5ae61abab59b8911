"""What a value of the configuration file may be, before it is read as a flag's would be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asyncup.core.options import Adaptive
from asyncup.core.sizes import exact_duration, exact_size


def _plainly(value: Any) -> Any:  # noqa: ANN401 - TOML has any
    """Return what an option came to as TOML has it; what TOML does not know is a text."""
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return value if isinstance(value, int) else str(value)


def _slots(value: Any) -> Any:  # noqa: ANN401 - TOML has any
    if not isinstance(value, Adaptive):
        return value
    return "auto" if value == Adaptive() else f"auto:{value.least}-{value.most}"


@dataclass(frozen=True, slots=True)
class Shape:
    """What fits an option, in words what does, and how what it is read as is spelt in a file."""

    allowed: str
    fits: Callable[[Any], bool]
    spell: Callable[[Any], Any] = _plainly


def _is_text(value: Any) -> bool:  # noqa: ANN401 - TOML has any
    return isinstance(value, str)


def _is_number(value: Any) -> bool:  # noqa: ANN401 - TOML has any
    # To Python, true and false are numbers.
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:  # noqa: ANN401 - TOML has any
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


def _are_pairs(value: Any) -> bool:  # noqa: ANN401 - TOML has any
    if isinstance(value, dict):
        return all(_is_text(each) or _is_number(each) for each in value.values())
    return _are_texts(value)


TEXT = Shape("a text in quotes", _is_text)
_FLAG = Shape("true or false", lambda value: isinstance(value, bool))
_TEXTS = Shape("a text in quotes or a list of them", _are_texts)
_NUMBER = Shape("a whole number", _is_number)
_COUNT = Shape(
    'a whole number, "auto" or such as "auto:1-32"',
    lambda value: _is_number(value) or _is_text(value),
    _slots,
)
_PROCESSES = Shape(
    'a whole number or "auto"',
    lambda value: _is_number(value) or _is_text(value),
    lambda value: value or "auto",
)
_SIZE = Shape(
    'a number of bytes or a size such as "64MiB"',
    lambda value: _is_number(value) or _is_text(value),
    exact_size,
)
_RATE = Shape(
    'a rate such as "20MiB/s", or a timetable', lambda value: _is_number(value) or _is_text(value)
)
_TIME = Shape(
    'a number of seconds or a time such as "90s"',
    lambda value: _is_number(value) or isinstance(value, float | str),
    exact_duration,
)
_PAIRS = Shape('a table such as { key = "value" }', _are_pairs, dict)

_SHAPES = {
    "complete_timeout": _TIME,
    **dict.fromkeys(("metadata", "tag"), _PAIRS),
    "max_retry": _NUMBER,
    "concurrency": _COUNT,
    "processes": _PROCESSES,
    **dict.fromkeys(("part_size", "min_size", "max_size", "min_rate", "log_file_size"), _SIZE),
    "limit_rate": _RATE,
    **dict.fromkeys(
        ("retry_step", "retry_cap", "stall_timeout", "give_up_after", "stop_grace"), _TIME
    ),
}


def shape_of(option: str, *, is_flag: bool, repeatable: bool) -> Shape:
    """Return what an option takes."""
    if is_flag:
        return _FLAG
    return _SHAPES.get(option, _TEXTS if repeatable else TEXT)


def as_typer_takes_it(value: Any, *, repeatable: bool) -> Any:  # noqa: ANN401 - TOML has any
    """Return a value in the form that a flag would have given it."""
    if isinstance(value, dict):
        return [f"{key}={each}" for key, each in value.items()]
    return [value] if repeatable and not isinstance(value, list) else value
