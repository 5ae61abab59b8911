"""`asyncup verify`: objects against their files, or against their receipts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

from asyncup.cli.asides import heard
from asyncup.cli.audience import Audience
from asyncup.cli.keys import terminal_for
from asyncup.cli.put import selection_of
from asyncup.cli.running import run_attended
from asyncup.cli.settings import STDIN, Params, Places, s3_config_of
from asyncup.cli.show import drawn, renderer_for, show_where, tell_all
from asyncup.cli.signals import Signals
from asyncup.core.aftercare import VerifyFailed
from asyncup.core.errors import SourceUnsuitable, UsageError
from asyncup.core.options import Options
from asyncup.core.receipts import ObjectReceipt
from asyncup.core.verification import Download
from asyncup.edges.receipts import read_receipts
from asyncup.engine.verifier import Selection, Verifier

_BATCH = 256


def verify(params: Params, places: Places | None, options: Options, audience: Audience) -> int:
    """Compare what the parameters name and return the exit status.

    `places` None means what the file of receipts names.

    Raises:
        AsyncupError: it could not even begin.
    """
    if places is not None and places.is_stdin:
        raise UsageError(
            "standard input cannot be read again to be verified",
            hint="asyncup verify --receipts FILE compares what was written down by put --receipts",
        )
    if params["report"] is not None:
        from asyncup.cli.reported import open_report

        audience.asides.append(open_report(params, places, is_verifying=True))
    return run_attended(lambda signals: _verify(params, places, options, audience, signals))


async def _verify(
    params: Params,
    places: Places | None,
    options: Options,
    audience: Audience,
    signals: Signals,
) -> int:
    renderer, others = renderer_for(params, audience)
    if params["debug"]:
        others = [show_where, *others]
    told = tell_all([renderer, *others, *(aside.teller for aside in audience.asides)])
    part_sizes: dict[str, int] = {}
    if places is not None and params["receipts"] is not None:
        part_sizes = await asyncio.to_thread(_part_sizes, params["receipts"])
    verifier = Verifier(
        options=options,
        s3=s3_config_of(params),
        download=_download(params),
        part_sizes=part_sizes,
        listener=told,
    )
    selected: AsyncIterator[Selection] = (
        _receipts(params["receipts"]) if places is None else aiter(selection_of(params, places))
    )
    async with verifier:
        signals.stop = verifier.stop
        reads_keys = params["files_from"] != STDIN
        terminal = terminal_for(renderer, signals, None, reads_keys=reads_keys)
        async with drawn(renderer, terminal), heard(audience.asides, told):
            result = await verifier.verify_all(selected)
        signals.forget()
    return result.exit_code


def _download(params: Params) -> Download:
    if params["download_all"]:
        return Download.ALWAYS
    return Download.NEEDED if params["download"] else Download.NEVER


def _part_sizes(path: Path) -> dict[str, int]:
    """Return the part sizes of objects by URI, as far as the receipts can be read."""
    found = (each for each in read_receipts(path) if isinstance(each, ObjectReceipt))
    return {str(each.uri): each.part_size for each in found}


async def _receipts(path: Path) -> AsyncIterator[Selection]:
    """Yield what a file of receipts names, and as failures the lines that are none."""
    reading = read_receipts(path)
    while batch := await asyncio.to_thread(_some, reading):
        for each in batch:
            if isinstance(each, str):
                hint = "whatever object it was of has to be verified against its file"
                yield VerifyFailed(str(path), None, SourceUnsuitable(each, hint=hint))
            else:
                yield each


def _some(reading: Iterator[ObjectReceipt | str]) -> list[ObjectReceipt | str]:
    return list(islice(reading, _BATCH))
