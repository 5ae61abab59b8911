"""The note that `asyncup put` keeps of itself, by which it is found and run again."""

import os
import sys
import time

from asyncup.cli.asides import Aside
from asyncup.cli.settings import STDIN, Asked
from asyncup.core.standing import Command, name_of
from asyncup.edges.notes import open_note
from asyncup.ui.standing import Note

OURS = "ASYNCUP_"
KEPT = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
"""Variables that say where to and as whom, and none that is a secret."""


def open_note_of(asked: Asked, files_from: str | None) -> list[Aside]:
    """Return who keeps the note of this command; nobody where it cannot be kept."""
    if asked.options.state_dir is None:
        return []
    command = _command(asked, files_from)
    file = open_note(asked.options.state_dir, command.name)
    if file is None:
        return []
    return [Aside(Note(file, command, time.monotonic, pid=os.getpid()), file)]


def _command(asked: Asked, files_from: str | None) -> Command:
    places = asked.places
    sources = [each if each == STDIN else os.path.abspath(each) for each in places.sources]  # noqa: PTH100 - links stay
    return Command(
        name=name_of([*sources, *([files_from] if files_from else [])], places.destination),
        arguments=sys.argv[1:],
        directory=os.getcwd(),  # noqa: PTH109 - a text, as all of these
        environment={
            name: value
            for name, value in os.environ.items()
            if name.startswith(OURS) or name in KEPT
        },
        obstacle=_obstacle(STDIN in (*places.sources, files_from)),
    )


def _obstacle(reads_stdin: bool) -> str | None:
    if not reads_stdin:
        return None
    return "it reads standard input: run the same command again, and pipe the same into it"
