"""The options of the commands after an upload: what only these have."""

from pathlib import Path
from typing import Annotated

import typer

from asyncup.cli import completion, readers

VerifyPaths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE... s3://BUCKET/PREFIX/]",
        help="Files and directories, then where they were uploaded to; keys are made of names as "
        "by asyncup put. Nothing: the objects that --receipts names.",
        show_default=False,
        autocompletion=completion.places,
    ),
]
ReadReceipts = Annotated[
    Path | None,
    typer.Option(
        "--receipts",
        envvar="ASYNCUP_RECEIPTS",
        show_envvar=False,
        help="Compare the objects with their receipts in FILE instead of files; beside SOURCE, "
        "take only part sizes from it",
        metavar="FILE",
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download",
        envvar="ASYNCUP_DOWNLOAD",
        show_envvar=False,
        help="Read objects back of which S3 does not tell enough",
    ),
]
DownloadAll = Annotated[
    bool,
    typer.Option(
        "--download-all",
        envvar="ASYNCUP_DOWNLOAD_ALL",
        show_envvar=False,
        help="Read all objects back, whatever S3 tells",
    ),
]

Place = Annotated[
    str,
    typer.Argument(
        metavar="s3://BUCKET/PREFIX",
        help="This key, and all below it",
        show_default=False,
        autocompletion=completion.places,
    ),
]
AbortPlace = Annotated[
    str,
    typer.Argument(
        metavar="s3://BUCKET/KEY",
        help="The key whose pending upload is to be aborted; with --all, a prefix",
        show_default=False,
        autocompletion=completion.places,
    ),
]
# None of these can be set by a variable or a file: whoever deletes has to say so.
OlderThan = Annotated[
    float | None,
    typer.Option(
        "--older-than",
        help="Only uploads that were begun this long ago, such as 7d or 12h",
        parser=readers.duration,
        metavar="TIME",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All uploads of this key and below it")]
UploadID = Annotated[
    str | None,
    typer.Option("--upload-id", help="This one, of several of one key", metavar="ID"),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="As asyncup status shows them", show_default=False),
]
Forget = Annotated[
    list[str] | None,
    typer.Option("--forget", help="Show this one no more; repeatable", metavar="NAME"),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch",
        envvar="ASYNCUP_WATCH",
        show_envvar=False,
        help="Show it every 2 s until Ctrl-C",
    ),
]
