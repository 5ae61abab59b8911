"""What is left of commands and uploads that are not finished: how far they are, and how to go on.

Sizes are in bytes, times in seconds, rates in bytes per second.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from asyncup.core.errors import GaveUp, Interrupted
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI

SCHEMA = 1
"""Of notes; one of another schema is passed over."""


class State(StrEnum):
    """How a command is."""

    RUNNING = "running"
    STOPPED = "stopped"
    GAVE_UP = "gave up"
    FAILED = "failed"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as it was given, and where; nothing in it is a secret.

    `obstacle` says why it cannot be run again by anybody else, None if it can. `endpoint` is the
    URL of the server, None for AWS.
    """

    name: str
    arguments: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    obstacle: str | None = None
    endpoint: str | None = None


def name_of(choice: Sequence[str], destination: ObjectURI, endpoint: str | None) -> str:
    """Return what a command is called: the same for all that upload the same to the same place.

    `choice` are the sources and what chooses among their files, in any order; `endpoint` is the
    URL of the server, None for AWS.
    """
    told = repr((sorted(choice), str(destination), endpoint))
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFound(Event):
    """A command that is running, or that has ended and is not done; `name` is for `resume`.

    `eta` is None while it cannot be told, `last_error` until there was one, `exit_code` until it
    has ended. `obstacle` says why it cannot be resumed, None if it can. `updated` is when all this
    was so.
    """

    name: str
    state: State
    arguments: list[str]
    directory: str
    pid: int
    started: datetime
    updated: datetime
    files_found: int
    files_done: int
    files_failed: int
    bytes_found: int
    bytes_committed: int
    bytes_in_flight: int
    rate: int
    eta: int | None
    last_error: str | None
    exit_code: int | None
    obstacle: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedUploadFound(Event):
    """The journal has an upload that is neither completed nor aborted.

    `size` is None of a stream. `bytes_committed` in `parts_committed` parts are what S3 has
    acknowledged; what it really holds, `asyncup pending` tells. `is_running` says that a run is
    at work on it.
    """

    uri: ObjectURI
    upload_id: str
    endpoint: str
    source: str
    size: int | None
    part_size: int
    parts_committed: int
    bytes_committed: int
    initiated: datetime | None
    is_running: bool


def note_text(
    command: Command, found: CommandFound, unfinished: Sequence[ObjectURI] | None = None
) -> str:
    """Write down what `read_note` and `without_aborted` read.

    `unfinished` are the objects that the command was to make and has not made, None if there are
    others, too.
    """
    told = asdict(found) | {"started": found.started.isoformat()}
    told |= {"updated": found.updated.isoformat(), "environment": dict(command.environment)}
    told["endpoint"] = command.endpoint
    told["unfinished"] = None if unfinished is None else list(map(str, unfinished))
    return json.dumps({"schema": SCHEMA, **told}, indent=1)


def read_note(text: str, *, is_running: bool) -> tuple[Command, CommandFound] | None:
    """Return what a note tells, None if it is none of this schema."""
    try:
        told = json.loads(text)
        if told.pop("schema") != SCHEMA:
            return None
        environment = {str(key): str(value) for key, value in told.pop("environment").items()}
        moments = {name: datetime.fromisoformat(told[name]) for name in ("started", "updated")}
        endpoint = told.pop("endpoint", None)
        told.pop("unfinished", None)
        found = CommandFound(**told | moments)
        command = Command(
            name=found.name,
            arguments=[str(each) for each in found.arguments],
            directory=found.directory,
            environment=environment,
            obstacle=found.obstacle,
            endpoint=endpoint,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return command, replace(found, state=_state(found.exit_code, is_running=is_running))


def without_aborted(text: str, aborted: Collection[ObjectURI], endpoint: str | None) -> str:
    """Return a note without objects whose uploads were aborted, nothing if that was all of it.

    That of which nothing was begun yet is still wanted, and so is what could not be read.
    """
    try:
        told = json.loads(text)
        unfinished, place = told["unfinished"], told["endpoint"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return text
    if not isinstance(unfinished, list) or place != endpoint:
        return text
    gone = set(map(str, aborted))
    left = [each for each in unfinished if str(each) not in gone]
    if left == unfinished:
        return text
    return json.dumps(told | {"unfinished": left}, indent=1) if left else ""


def _state(exit_code: int | None, *, is_running: bool) -> State:
    if is_running:
        return State.RUNNING
    if exit_code is None:
        return State.KILLED
    ends = {Interrupted.exit_code: State.STOPPED, GaveUp.exit_code: State.GAVE_UP}
    return ends.get(exit_code, State.FAILED)
