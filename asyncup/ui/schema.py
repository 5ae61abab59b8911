"""The JSON Schema of the lines that `--json` writes, made of the events themselves.

It is a schema of draft 2020-12 (https://json-schema.org/draft/2020-12). A type that it does not
know passes, and so does a field: both may come in a later version, under the same number.
"""

import inspect
import re
import types
import typing
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from asyncup.core import aftercare, conditions, diagnosis, events, standing, watching
from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, UploadResult
from asyncup.ui.jsonl import SCHEMA, UNTOLD, type_name
from asyncup.ui.records import RECORDS

Schema = dict[str, Any]

_TOLD = (events, conditions, aftercare, standing, diagnosis, watching)
"""Modules of which the events are told."""

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    datetime: {"$ref": "#/$defs/TIME"},
    ObjectURI: {"$ref": "#/$defs/URI"},
    AsyncupError: {"$ref": "#/$defs/ERROR"},
    UploadResult: {"$ref": "#/$defs/RESULT"},
}

_BASE64 = {
    "description": "Only of a path that is not UTF-8: its bytes",
    "type": "string",
    "contentEncoding": "base64",
}


def event_kinds() -> dict[str, type]:
    """Return what a line may tell, by its `type`."""
    found = [each for module in _TOLD for each in vars(module).values() if isinstance(each, type)]
    told = [each for each in found if issubclass(each, Event) and each not in (Event, *UNTOLD)]
    return {type_name(kind): kind for kind in told} | RECORDS


def event_schema() -> Schema:
    """Return the schema of one line."""
    kinds = event_kinds()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:asyncup:events:{SCHEMA}",
        "title": "A line of asyncup --json",
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "type": {"type": "string"},
            "time": {"$ref": "#/$defs/TIME"},
        },
        "required": ["schema", "type", "time"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in kinds
        ],
        "$defs": {**_shared(), **{name: _object(kind) for name, kind in kinds.items()}},
    }


def _shared() -> dict[str, Schema]:
    return {
        "TIME": {
            "description": "ISO 8601, in UTC, to the millisecond",
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        },
        "URI": {"description": "Of an object", "type": "string", "pattern": "^s3://[^/]+/"},
        "ERROR": {
            "description": "What went wrong; `name` is that of a class, `hint` what mends it",
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": ["string", "null"]},
                "exit_code": {"type": "integer"},
                "transient": {"type": "boolean"},
            },
            "required": ["name", "message", "hint", "exit_code", "transient"],
        },
        "RESULT": _object(UploadResult),
    }


def _object(kind: Any) -> Schema:  # noqa: ANN401 - a class of values with fields
    hints = typing.get_type_hints(kind)
    always = {each.name: _type(hints[each.name]) for each in fields(kind)}
    odd = {"source_bytes": dict(_BASE64)} if "source" in always else {}
    return {
        "description": _words(kind),
        "type": "object",
        "properties": always | odd,
        "required": list(always),
    }


def _words(kind: type) -> str:
    """Return what the docstring of a class says, in the words of JSON."""
    return " ".join(re.sub(r"\bNone\b", "null", inspect.getdoc(kind) or "").split())


def _type(hint: Any) -> Schema:  # noqa: ANN401 - whatever stands behind a field's colon
    if typing.get_origin(hint) is list:
        return {"type": "array", "items": _type(*typing.get_args(hint))}
    if typing.get_origin(hint) is types.UnionType:
        return _union([_type(each) for each in typing.get_args(hint)])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(each) for each in hint]}
    return dict(_PLAIN[hint])


def _union(kinds: list[Schema]) -> Schema:
    if all(set(each) == {"type"} for each in kinds):
        return {"type": [each["type"] for each in kinds]}
    return {"anyOf": kinds}
