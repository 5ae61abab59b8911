"""From what the user asked for to an exit code, for all commands that upload."""

import shlex
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from asyncup.cli.asides import heard
from asyncup.cli.audience import Audience
from asyncup.cli.keys import terminal_for
from asyncup.cli.noted import open_note_of
from asyncup.cli.rate_file import RateFile
from asyncup.cli.running import run_attended
from asyncup.cli.settings import STDIN, Asked, Params, s3_config_of
from asyncup.cli.show import drawn, renderer_for, show_where, tell_all
from asyncup.cli.signals import Signals
from asyncup.core.errors import GaveUp, Interrupted
from asyncup.core.events import Listener
from asyncup.core.outcome import RunResult
from asyncup.edges.receipts import ReceiptFile
from asyncup.engine.receipts import ReceiptLog, receipts_to
from asyncup.engine.uploader import Uploader
from asyncup.ui.renderer import Output

_MAY_GO_ON = (Interrupted.exit_code, GaveUp.exit_code)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Args:
        params: of the command.
        asked: what they come to.
        rate_file: a configuration file whose `limit-rate` holds whenever that is edited.
        act: uploads, and may announce to a listener what it does beside that; it is given what
            writes receipts, if anything does.
    """

    params: Params
    asked: Asked
    rate_file: Path | None
    act: Callable[[Uploader, Listener, ReceiptLog | None], Awaitable[RunResult]]


def carry_out(order: Order, audience: Audience) -> int:
    """Upload as ordered and return the exit status.

    Raises:
        AsyncupError: it could not even begin.
    """
    params = order.params
    # Opened before all else: an upload of days is not to end in a file that cannot be written.
    if not params["dry_run"]:
        if params["report"] is not None:
            from asyncup.cli.reported import open_report

            slots = order.asked.options.slots.start
            audience.asides.append(open_report(params, order.asked.places, slots=slots))
        audience.asides += open_note_of(params, order.asked)
    path = None if params["dry_run"] else params["receipts"]
    receipts = None if path is None else ReceiptFile(path)
    with receipts or nullcontext():
        return run_attended(
            lambda signals: _upload(order, signals, audience, receipts),
            # What S3 has acknowledged is there all the same.
            if_cancelled=_say_how_to_go_on,
        )


async def _upload(
    order: Order, signals: Signals, audience: Audience, receipts: ReceiptFile | None
) -> int:
    params, asked = order.params, order.asked
    renderer, others = renderer_for(params, audience)
    if params["debug"]:
        others = [show_where, *others]
    told = tell_all([renderer, *others, *(aside.teller for aside in audience.asides)])
    async with AsyncExitStack() as stack:
        log = None
        if receipts is not None:
            log = await stack.enter_async_context(receipts_to(receipts, told))
        uploader = Uploader(
            options=asked.options,
            s3=s3_config_of(params),
            attributes=asked.attributes,
            listener=told if log is None else tell_all([told, log]),
        )
        await stack.enter_async_context(uploader)
        if order.rate_file is not None:
            follower = RateFile(
                order.rate_file, asked.options.limit_rate, uploader.limit_rate, told
            )
            await stack.enter_async_context(follower.followed())
        signals.stop = uploader.stop
        signals.slow_down = uploader.halve_rate
        signals.speed_up = uploader.double_rate
        terminal = terminal_for(renderer, signals, uploader, reads_keys=not _reads_stdin(order))
        async with drawn(renderer, terminal), heard(audience.asides, told):
            result = await order.act(uploader, told, log)
        signals.forget()
    if result.exit_code in _MAY_GO_ON and not params["json"]:
        _say_how_to_go_on()
    return result.exit_code or _exit_code_of(log)


def _reads_stdin(order: Order) -> bool:
    """Return whether standard input is what is uploaded, or says what is."""
    return order.asked.places.is_stdin or order.params["files_from"] == STDIN


def _exit_code_of(log: ReceiptLog | None) -> int:
    """Return the exit status if all else went well: a receipt that is missing was asked for."""
    return log.failures[0].exit_code if log is not None and log.failures else 0


def _say_how_to_go_on() -> None:
    Output(sys.stderr).write(f"to go on: {shlex.join(['asyncup', *sys.argv[1:]])}")
