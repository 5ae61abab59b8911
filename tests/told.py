"""Lines of JSON held to the schema that the package gives, to the letter."""

import json
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator

from asyncup.ui.schema import event_schema


def _closed() -> dict[str, Draft202012Validator]:
    """Return by type what validates a line, without what is left open for later versions."""
    schema = event_schema()
    types = [each["if"]["properties"]["type"]["const"] for each in schema.pop("allOf")]
    for name, told in schema["$defs"].items():
        if name in types:
            told["properties"] |= schema["properties"]
        if "properties" in told:
            told["additionalProperties"] = False
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        name: Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"}, format_checker=checker)
        for name in types
    }


_VALIDATORS = _closed()


def read_lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Return what lines hold; each has to be JSON (RFC 8259), and one that the schema knows."""
    told = [json.loads(line, parse_constant=_no_number) for line in lines]
    for each in told:
        _VALIDATORS[each["type"]].validate(each)
    return told


def _no_number(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
