"""`docs/events.md` is true: its tables are those of the schema, its example is a run's."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncup.core import events
from asyncup.ui.jsonl import line_of
from asyncup.ui.schema import event_kinds, event_schema
from tests.told import read_lines

PAGE = (Path(__file__).parent.parent / "docs" / "events.md").read_text(encoding="utf-8")
SCHEMA = event_schema()


def kind_of(told: dict[str, Any]) -> str:
    """Return in words what a value may be."""
    if "anyOf" in told:
        return " or ".join(map(kind_of, told["anyOf"]))
    if "$ref" in told:
        return str(told["$ref"]).removeprefix("#/$defs/")
    if "enum" in told:
        return " \\| ".join(f"`{each}`" for each in told["enum"])
    if told["type"] == "array":
        return f"list of {kind_of(told['items'])}"
    kinds = told["type"] if isinstance(told["type"], list) else [told["type"]]
    return " or ".join(kinds)


def row_of(name: str) -> str:
    """Return the row of a type: when it is told, and the fields that it always has."""
    told = SCHEMA["$defs"][name]
    fields = "<br>".join(f"`{key}`: {kind_of(told['properties'][key])}" for key in told["required"])
    return f"| `{name}` | {told['description']} | {fields} |"


def test_every_type_has_its_row() -> None:
    """Each type of event or record, with its fields, and no other; as code and schema have it."""
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z_]+` \| .* \| .*\|$", line)]
    assert rows == [row_of(name) for name in event_kinds()]


def test_what_they_share_is_told() -> None:
    """The values that many fields have: a time, a URI, an error, a result."""
    for name in set(SCHEMA["$defs"]) - set(event_kinds()):
        fields = SCHEMA["$defs"][name].get("properties", {})
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name} |")]
        assert row.endswith("<br>".join(f"`{k}`: {kind_of(v)}" for k, v in fields.items()) + " |")


def test_the_example_is_one() -> None:
    """The lines that are shown are such lines, the last one a summary."""
    (block,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    told = read_lines(block.splitlines())
    assert [json.dumps(each) for each in told] == block.splitlines()
    assert told[-1]["type"] == "summary"


def test_the_program_finds_the_path() -> None:
    """What the page says about odd paths leads back to them, and leaves the others alone."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - it is the page's own
    for path in ("caf\udce9.bin", "café.bin", r"caf\xe9.bin"):
        event = events.FileSkipped(path, "told")
        (told,) = read_lines([line_of(event, datetime(2026, 1, 1, tzinfo=UTC))])
        assert names["path_of"](told) == path
