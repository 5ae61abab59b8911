"""Notes of commands: what is written can be read, and nothing else is taken for one."""

import json
from dataclasses import replace

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.standing import Command, State, name_of, note_text, read_note
from tests.ui.standing import COMMAND

ENVIRONMENT = {"ASYNCUP_PART_SIZE": "5MiB", "AWS_PROFILE": "caf\udce9"}
GIVEN = Command(
    name=COMMAND.name,
    arguments=COMMAND.arguments,
    directory=COMMAND.directory,
    environment=ENVIRONMENT,
)
NOTE = note_text(GIVEN, COMMAND)


def test_what_is_written_can_be_read() -> None:
    """The command comes back to the letter, odd bytes included, and how it stood."""
    NOTE.encode("ascii")
    assert read_note(NOTE, is_running=True) == (GIVEN, COMMAND)


@pytest.mark.parametrize(
    ("exit_code", "state"),
    [
        (None, State.KILLED),
        (130, State.STOPPED),
        (75, State.GAVE_UP),
        (1, State.FAILED),
        (4, State.FAILED),
    ],
)
def test_how_a_command_is(exit_code: int | None, state: State) -> None:
    """While it is alive it runs, whatever its note says; then its end counts, if it told one."""
    text = note_text(GIVEN, replace(COMMAND, exit_code=exit_code))
    for is_running, expected in ((True, State.RUNNING), (False, state)):
        read = read_note(text, is_running=is_running)
        assert read is not None
        assert read[1].state is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        NOTE[:-20],
        json.dumps(json.loads(NOTE) | {"schema": 2}),
        json.dumps(json.loads(NOTE) | {"started": "soon"}),
        json.dumps(json.loads(NOTE) | {"environment": []}),
        json.dumps({k: v for k, v in json.loads(NOTE).items() if k != "rate"}),
    ],
    ids=range(10),
)
def test_what_is_no_note(text: str) -> None:
    """Whatever else is there is passed over."""
    assert read_note(text, is_running=False) is None


def test_the_same_upload_has_the_same_name() -> None:
    """It is named after what goes where, in whatever order that was given."""
    place = ObjectURI("bucket", "prefix/")
    assert name_of(["/a", "/b"], place, None) == name_of(["/b", "/a"], place, None)
    different = [
        (["/a", "/b"], place, None),
        (["/a"], place, None),
        (["/a/b"], place, None),
        (["/a", "/b"], ObjectURI("bucket", "other/"), None),
        (["/a", "/b"], place, "http://one:9000"),
        (["/a", "/b"], place, "http://other:9000"),
    ]
    assert len({name_of(*each) for each in different}) == len(different)
