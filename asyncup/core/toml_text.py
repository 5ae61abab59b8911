"""TOML as people see it: where a key stands in a file, and how a value is written."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def line_of(text: str, key: str) -> int | None:
    """Return the number of the line on which a key of the first level is set, None if none.

    Or the table of that name begins. A line within a value that goes over several only looks like
    one: what is before it is no TOML by itself.
    """
    name = rf"""(["']?){re.escape(key)}\1"""
    set_here = re.compile(rf"\s*(?:{name}\s*[=.]|\[+\s*{name.replace('1', '2')}\s*[].])")
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if set_here.match(line) and _is_toml("".join(lines[: number - 1])):
            return number
    return None


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def written(value: object) -> str:
    """Return a text, a number, true or false, a list or a table as TOML has them."""
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for one character (https://toml.io/en/v1.0.0#string).
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Mapping):
        pairs = (f"{_name(str(key))} = {written(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value)


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else written(key)
