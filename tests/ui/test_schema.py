"""The JSON Schema that the package gives: right, and open for what later versions bring."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.ui.jsonl import UNTOLD, line_of
from asyncup.ui.records import RECORDS
from asyncup.ui.schema import event_kinds, event_schema
from tests.told import read_lines

STARTED = events.PartStarted(ObjectURI("bucket", "key"), 1, 5, 1)


def line(**changes: object) -> dict[str, Any]:
    """Return a line that is right, but for changes."""
    (told,) = read_lines([line_of(STARTED, datetime(2026, 1, 1, tzinfo=UTC))])
    return {**told, **changes}


def test_it_is_a_schema_and_has_every_event() -> None:
    """It is one of draft 2020-12, and no event or record is missing from it."""
    schema = event_schema()
    Draft202012Validator.check_schema(schema)
    told = {kind.__name__ for kind in event_kinds().values()}
    untold = {kind.__name__ for kind in UNTOLD}
    records = {kind.__name__ for kind in RECORDS.values()}
    assert told | untold == {kind.__name__ for kind in Event.__subclasses__()} | records
    assert set(event_kinds()) <= set(schema["$defs"])


@pytest.mark.parametrize(
    "told",
    [line(), line(more=[1]), {**line(), "type": "part_photographed", "size": None}],
    ids=["as it is", "another field", "another type"],
)
def test_what_later_versions_bring_passes(told: dict[str, Any]) -> None:
    """New fields and new types are no break: whoever validates goes on."""
    Draft202012Validator(event_schema()).validate(told)


@pytest.mark.parametrize(
    "changes",
    [{"size": "5"}, {"size": None}, {"uri": "key"}, {"schema": 2}, {"time": "2026-01-01T00:00Z"}],
    ids=str,
)
def test_what_is_wrong_does_not_pass(changes: dict[str, Any]) -> None:
    """Another kind of value, another schema, another form of time: refused."""
    with pytest.raises(ValidationError):
        Draft202012Validator(event_schema()).validate(line(**changes))


def test_nothing_may_be_missing() -> None:
    """Every field is there in every line of its type, null where there is nothing to tell."""
    told = line()
    for name in told:
        rest = {key: value for key, value in told.items() if key != name}
        with pytest.raises(ValidationError):
            Draft202012Validator(event_schema()).validate(rest)
