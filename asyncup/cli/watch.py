"""`asyncup watch`: a directory whose files go up as they come."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from asyncup.cli.audience import Audience
from asyncup.cli.put import selection_of
from asyncup.cli.settings import Params, asked_for
from asyncup.cli.uploading import Order, carry_out
from asyncup.core.errors import SourceMissing, SourceUnsuitable, UsageError
from asyncup.core.events import Listener
from asyncup.core.model import Fingerprint, ObjectURI
from asyncup.core.names import printable
from asyncup.core.options import Options, Overwrite
from asyncup.core.outcome import RunResult
from asyncup.core.settling import TEMPORARY, Marker, WatchOptions
from asyncup.edges.letting_go import LetGo
from asyncup.edges.places import default_split_dir
from asyncup.edges.threads import DaemonThreads
from asyncup.engine.receipts import ReceiptLog
from asyncup.engine.uploader import Uploader
from asyncup.engine.watch import LettingGo, Watch

MOVE = "move:"


def watch(params: Params, rate_file: Path | None, audience: Audience) -> int:
    """Upload what comes into a directory and return the exit status.

    Raises:
        AsyncupError: it could not even begin.
    """
    # Links stay as they are named; where a service is started from is not to matter.
    directory = Path(os.path.abspath(params["directory"]))  # noqa: PTH100 - links stay
    params = _as_put(params, directory)
    asked = asked_for(params)
    options = WatchOptions(
        settle=params["settle"],
        marker=None if params["marker"] is None else Marker.parse(params["marker"]),
        poll=params["poll"],
        once=params["once"],
    )
    if not directory.is_dir():
        raise SourceMissing(
            f"watch {printable(str(directory))}: no such directory", hint="make it first"
        )
    let_go = _letting_go(params["then"], directory, options)
    if let_go is not None and asked.options.overwrite is Overwrite.SIZE:
        # What is to go has to be shown to be there, also where an earlier run has sent it.
        asked = replace(asked, options=replace(asked.options, overwrite=Overwrite.CHECKSUM))
    selection = replace(selection_of(params, asked.places), several=False)
    ours = _ours(asked.options, let_go)
    walk = replace(selection.walk, prunes=_or_ours(selection.walk.prunes, directory, ours))
    selection = replace(selection, walk=walk)

    async def act(uploader: Uploader, tell: Listener, log: ReceiptLog | None) -> RunResult:
        going = None if let_go is None else _after_receipt(let_go, selection.prefix, log)
        return await uploader.watch(Watch(directory, selection, options, tell, let_go=going))

    return carry_out(Order(params, asked, rate_file, act), audience)


def _as_put(params: Params, directory: Path) -> Params:
    """Return the parameters that `asyncup put` would have for the same."""
    if not str(params["prefix"]).startswith("s3://"):
        usage = "asyncup watch DIR s3://bucket/prefix/"
        raise UsageError("no destination: the last argument is not an S3 URI", hint=usage)
    return {
        **params,
        "paths": [str(directory), params["prefix"]],
        "source": None,
        "destination": None,
        "files_from": None,
        "null": False,
        "dry_run": False,
        # Of two patterns that match, the last one counts: an exclude of `!...` takes one back.
        "exclude": [*TEMPORARY, *(params["exclude"] or ())],
    }


def _letting_go(then: str, directory: Path, options: WatchOptions) -> LetGo | None:
    if then == "keep":
        return None
    to = None
    if then.startswith(MOVE):
        to = Path(os.path.abspath(then.removeprefix(MOVE)))  # noqa: PTH100 - links stay
        if to == directory:
            raise UsageError(f"--then {then}: that is the directory which is watched")
    return LetGo(directory, to, None if options.marker is None else options.marker.of)


def _ours(options: Options, let_go: LetGo | None) -> set[str]:
    """Return the directories that are written to meanwhile: what is in them is no source."""
    to = None if let_go is None else let_go.to
    places = (options.split_dir or default_split_dir(), options.state_dir, to)
    return {os.path.abspath(each) for each in places if each is not None}  # noqa: PTH100 - as above


def _or_ours(
    prunes: Callable[[str], bool], directory: Path, ours: set[str]
) -> Callable[[str], bool]:
    """Return what prunes the same, and these directories."""
    return lambda relative: str(directory / relative) in ours or prunes(relative)


def _after_receipt(let_go: LetGo, prefix: ObjectURI, log: ReceiptLog | None) -> LettingGo:
    """Return what lets go of a file when its receipt, if there is to be one, is on the disk."""

    async def go(relative: str, proven: Fingerprint) -> Path | None:
        if log is not None and not await log.has(prefix / relative):
            raise SourceUnsuitable(
                f"let go of {printable(relative)}: its receipt could not be written"
            )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(DaemonThreads(), let_go, relative, proven)

    return go
