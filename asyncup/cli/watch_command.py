"""The command `asyncup watch`: it takes what `asyncup put` takes, and a few things more."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from asyncup.cli import completion, readers
from asyncup.cli.audience import Audience
from asyncup.cli.commands import Command
from asyncup.cli.config import file_that_sets
from asyncup.cli.ending import finish
from asyncup.cli.panels import panel
from asyncup.cli.settings import Params

_PANEL = "When to upload, and what then"
_when = panel(_PANEL)
_TIME = {"parser": readers.duration, "metavar": "TIME"}

_OWN: dict[str, tuple[Any, Any]] = {
    "directory": (
        Annotated[
            Path,
            typer.Argument(metavar="DIR", help="The directory to watch", show_default=False),
        ],
        inspect.Parameter.empty,
    ),
    "prefix": (
        Annotated[
            str,
            typer.Argument(
                metavar="s3://BUCKET/PREFIX/",
                help="Where to; files keep their paths below DIR",
                show_default=False,
                autocompletion=completion.places,
            ),
        ],
        inspect.Parameter.empty,
    ),
    "settle": (
        Annotated[
            float,
            _when(
                "--settle",
                "Upload a file when its size and time have stayed the same for this long",
                show_default="10s",
                **_TIME,
            ),
        ],
        10.0,
    ),
    "marker": (
        Annotated[
            str | None,
            _when(
                "--marker",
                "Or when there is a file of this name beside it, as '{}.done', and not older; {} "
                "stands for its own name",
                metavar="NAME",
            ),
        ],
        None,
    ),
    "then": (
        Annotated[
            Any,
            # No variable sets it: whoever deletes has to say so.
            typer.Option(
                "--then",
                help="What becomes of a file that S3 is proven to hold",
                parser=readers.then,
                metavar="keep|delete|move:DIR",
                rich_help_panel=_PANEL,
            ),
        ],
        "keep",
    ),
    "poll": (
        Annotated[
            float | None,
            _when(
                "--poll",
                "Look through all of DIR this often, for file systems of a network, where the "
                "system does not tell what others change",
                **_TIME,
            ),
        ],
        None,
    ),
    "once": (
        Annotated[
            bool, _when("--once/--no-once", "End when all that lies there is done, as for cron")
        ],
        False,
    ),
}

_NOT_OF_PUT = {"context", "paths", "source", "destination", "files_from", "null", "dry_run"}


def beside(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what adds the command to a group, beside the one that it decorates."""

    def add(put: Callable[..., None]) -> Callable[..., None]:
        app.command(cls=Command, name="watch")(_with_parameters_of(put))
        return put

    return add


def _with_parameters_of(put: Callable[..., None]) -> Callable[..., None]:
    """Return the command as typer wants it: what it takes is what its signature says."""

    def watch(context: typer.Context, **_: object) -> None:
        """Upload what lies in a directory, and whatever comes into it, until it is stopped.

        A file goes up when it stands still, or is marked. What S3 holds is not sent again.
        """

        def run(params: Params, audience: Audience) -> int:
            from asyncup.cli.watch import watch

            return watch(params, file_that_sets(context, "limit_rate"), audience)

        finish(run, context.params)

    kind = inspect.Parameter.KEYWORD_ONLY
    told = inspect.signature(put).parameters
    parameters = [
        told["context"].replace(kind=kind),
        *(
            inspect.Parameter(name, kind, annotation=annotation, default=default)
            for name, (annotation, default) in _OWN.items()
        ),
        *(each.replace(kind=kind) for name, each in told.items() if name not in _NOT_OF_PUT),
    ]
    # typer reads the one, and takes the types from the other.
    watch.__annotations__ = {each.name: each.annotation for each in parameters}
    vars(watch)["__signature__"] = inspect.Signature(parameters)
    return watch
