"""The notes that `asyncup put` keeps of itself, by which it is found and run again."""

import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from asyncup.cli.asides import Aside
from asyncup.cli.settings import STDIN, Asked, Params, s3_config_of
from asyncup.cli.usage import OURS
from asyncup.core.endpoint import redacted
from asyncup.core.model import ObjectURI
from asyncup.core.spelling import without_secrets
from asyncup.core.standing import Command, name_of, without_aborted
from asyncup.edges.aws_settings import inherited
from asyncup.edges.journal_view import JournalView
from asyncup.edges.notes import change_note, open_note, read_notes
from asyncup.edges.places import default_state_dir
from asyncup.ui.standing import Note

_STREAM = "it reads standard input: run the same command again, and pipe the same into it"
_NOT_WHOLE = "a URL in it has a secret, which is not kept: run the same command again"
KEPT = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
"""Variables that say where to and as whom, and none that is a secret."""


_CHOOSING = (
    "recursive",
    "follow",
    "include",
    "exclude",
    "min_size",
    "max_size",
    "skip_small",
    "key_prefix",
    "marker",
    "then",
)
"""Options that say what goes where: with others, it is another command."""


def open_note_of(params: Params, asked: Asked) -> list[Aside]:
    """Return who keeps the note of this command; nobody where it cannot be kept."""
    if asked.options.state_dir is None:
        return []
    command = _command(params, asked)
    file = open_note(asked.options.state_dir, command.name)
    if file is None:
        return []
    note = Note(file, command, time.monotonic, pid=os.getpid(), before=file.before)
    return [Aside(note, file)]


def _command(params: Params, asked: Asked) -> Command:
    places = asked.places
    # A list without a directory is of files here.
    named = [*(places.sources or (os.curdir,)), *filter(None, [params["files_from"]])]
    choice = [f"{name}={params[name]}" for name in _CHOOSING if name in params]
    given = sys.argv[1:]
    arguments = list(_without_secrets(given))
    chosen = {name: text for name, text in os.environ.items() if chooses(name)}
    kept = {name: text for name, text in chosen.items() if text == _shown(name, text)}
    endpoint = endpoint_of(params)
    is_whole = (arguments, kept) == (given, chosen)
    return Command(
        name=name_of([*map(_absolute, named), *choice], places.destination, endpoint),
        arguments=arguments,
        directory=os.getcwd(),  # noqa: PTH109 - a text, as all of these
        environment=kept,
        obstacle=_STREAM if STDIN in named else None if is_whole else _NOT_WHOLE,
        endpoint=None if endpoint is None else redacted(endpoint),
    )


def let_go_of_notes(params: Params, aborted: Collection[ObjectURI]) -> None:
    """Forget that these uploads were unfinished, and the commands of which nothing else was.

    One that is running is left alone, and so is an object of which the journal still has uploads.
    """
    state_dir = params["state_dir"] or default_state_dir()
    endpoint = endpoint_of(params)
    place = None if endpoint is None else redacted(endpoint)
    with JournalView(state_dir, lambda _: None) as journal:
        gone = {*aborted} - {each.uri for each in journal.unfinished()}
    for name, *_ in read_notes(state_dir):
        # One that cannot be changed only tells too much.
        with suppress(OSError):
            change_note(state_dir, name, lambda text: without_aborted(text, gone, place))


def endpoint_of(params: Params) -> str | None:
    """Return the URL of the server, from wherever it is told; None for AWS.

    Raises:
        UsageError: there is no such profile, or the files of AWS are not what they should be.
    """
    if params["endpoint_url"] is not None:
        url = str(params["endpoint_url"])
    elif (found := inherited(s3_config_of(params)).get("endpoint_url")) is not None:
        url = str(found.value)
    else:
        return None
    return url.rstrip("/")


def _absolute(path: str) -> str:
    return path if path == STDIN else os.path.abspath(path)  # noqa: PTH100 - links stay


def _without_secrets(arguments: Iterable[str]) -> Iterator[str]:
    """Yield arguments as they may be kept, whether a value stands in one of its own or not."""
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name.startswith("--"):
            yield f"{name}={_shown(name, value)}"
        else:
            yield _shown(option, argument)
        option = argument


def _shown(name: str, text: str) -> str:
    """Return the value of an option or a variable as it may be kept.

    A URL with a password in it will be refused; until then, a note is no place to keep it.
    """
    if "ENDPOINT_URL" in name.upper().replace("-", "_"):
        return redacted(text)
    return "\n".join(map(without_secrets, text.split("\n")))


def chooses(name: str) -> bool:
    """Return whether a variable says what to upload how, where to, or as whom: a note has these."""
    return name.startswith(OURS) or name in KEPT
