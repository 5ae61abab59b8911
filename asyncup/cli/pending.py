"""`asyncup pending` and `asyncup abort`: what was begun and never finished."""

import sys
from contextlib import suppress
from datetime import UTC, datetime

from asyncup.cli.audience import Audience
from asyncup.cli.noted import let_go_of_notes
from asyncup.cli.running import run_attended
from asyncup.cli.settings import Params, options_of, s3_config_of
from asyncup.cli.show import show_where, tell_all
from asyncup.cli.signals import Signals
from asyncup.core.aftercare import PendingListed
from asyncup.core.errors import (
    AsyncupError,
    Fault,
    SplitDirUnusable,
    UploadMissing,
    UsageError,
)
from asyncup.core.events import Event, Listener, UploadAborted
from asyncup.core.model import ObjectURI
from asyncup.core.sizes import format_size
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.places import default_split_dir
from asyncup.engine.cleanup import Cleanup, Pending, is_older
from asyncup.ui.cleanup import CleanupLines
from asyncup.ui.renderer import Output
from asyncup.ui.text import clean, counted

_YES = {"y", "yes"}


def pending(params: Params, audience: Audience) -> int:
    """List pending uploads and return the exit status.

    Raises:
        AsyncupError: S3 does not tell, or the URI is none.
    """
    place = ObjectURI.parse(params["place"])

    async def main(signals: Signals) -> int:
        tell, uploads, held = _listener(params, audience), 0, 0
        async with _cleanup(params, tell) as cleanup:
            signals.stop = cleanup.stop
            async for each in cleanup.list(place, _now()):
                tell(each.found)
                uploads, held = uploads + 1, held + each.found.size
            signals.stop = None
        tell(PendingListed(uploads, held))
        return 0

    return run_attended(main)


def abort(params: Params, audience: Audience) -> int:
    """Abort one pending upload, or all below a prefix, and return the exit status.

    Raises:
        AsyncupError: it is not clear what is meant, or nobody can be asked whether it is.
    """
    place = ObjectURI.parse(params["place"])
    _check(params, place)
    chosen: list[Pending] = []
    aborted: list[ObjectURI] = []

    async def choose(signals: Signals) -> int:
        async with _cleanup(params, _listener(params, audience)) as cleanup:
            signals.stop = cleanup.stop
            listed = cleanup.list(place, _now(), exact=not params["below"])
            chosen.extend([each async for each in listed])
            signals.stop = None
        return 0

    def note(event: Event) -> None:
        if isinstance(event, UploadAborted):
            aborted.append(event.uri)

    async def act(signals: Signals) -> int:
        tell = tell_all([_listener(params, audience), note])
        async with _cleanup(params, tell) as cleanup:
            signals.stop = cleanup.stop
            result = await cleanup.abort_all(chosen)
            signals.stop = None
        return result.exit_code

    # What was begun is asked about between the two, when nothing else waits for an answer.
    if code := run_attended(choose):
        return code
    chosen[:] = _wanted(params, place, chosen)
    if chosen and not params["yes"] and not _is_confirmed(chosen):
        raise AsyncupError(f"abort {place}: nothing was aborted", hint="answer y, or give --yes")
    code = run_attended(act)
    let_go_of_notes(params, aborted)
    _remove_dead_runs(params)
    return code


def _check(params: Params, place: ObjectURI) -> None:
    """Refuse what is not clear before S3 is asked anything."""
    if place.is_prefix and not params["below"]:
        raise UsageError(
            f"abort {place}: it names no object", hint="--all aborts all uploads below it"
        )
    if params["upload_id"] is not None and params["below"]:
        raise UsageError("--upload-id names one upload, --all means all of them")
    if not params["yes"] and not (sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError(
            f"abort {place}: there is no terminal to ask whether that is meant",
            hint="give --yes; asyncup pending shows what would be aborted",
        )


def _wanted(params: Params, place: ObjectURI, found: list[Pending]) -> list[Pending]:
    """Return what is to be aborted of what was found.

    Raises:
        UploadMissing: there is none.
        UsageError: there are several where one was named.
    """
    if (upload_id := params["upload_id"]) is not None:
        found = [each for each in found if each.upload.upload_id == upload_id]
    if not found and not params["below"]:
        raise UploadMissing(
            Fault(action=f"abort the upload of {place}", message="there is none pending"),
            hint=f"asyncup pending s3://{place.bucket}/ lists those that there are",
        )
    old = [each for each in found if is_older(each.found, params["older_than"])]
    if len(old) > 1 and not params["below"]:
        raise UsageError(
            f"abort the upload of {place}: {len(old)} are pending",
            hint="name one of them with --upload-id (asyncup pending shows it), or give --all",
        )
    return old


def _is_confirmed(chosen: list[Pending]) -> bool:
    """Ask at the terminal."""
    output = Output(sys.stderr)
    for each in chosen:
        output.write(f"  {clean(str(each.upload.uri))}, {format_size(each.found.size)}")
    held = format_size(sum(each.found.size for each in chosen))
    sys.stderr.write(f"abort {counted(len(chosen), 'upload')}, and delete {held} at S3? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in _YES


def _remove_dead_runs(params: Params) -> None:
    """Remove the chunk files that killed runs have left, if there are any."""
    directory = params["split_dir"] or default_split_dir()
    if directory.is_dir():
        # Who cannot keep chunk files there has left none either.
        with suppress(SplitDirUnusable), ChunkStore(directory):
            pass


def _listener(params: Params, audience: Audience) -> Listener:
    """Return what shows events: data on standard output, the rest on standard error."""
    shown: Listener = audience.lines or CleanupLines(
        audience.output, sys.stderr, quiet=params["quiet"]
    )
    return tell_all([show_where, shown] if params["debug"] else [shown])


def _cleanup(params: Params, listener: Listener) -> Cleanup:
    return Cleanup(options=options_of(params), s3=s3_config_of(params), listener=listener)


def _now() -> datetime:
    return datetime.now(UTC)
