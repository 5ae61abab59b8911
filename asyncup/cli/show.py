"""Which renderer shows a run, and when it is drawn."""

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from asyncup.cli.audience import Audience
from asyncup.cli.settings import Params
from asyncup.core.aftercare import AbortFailed, VerifyFailed
from asyncup.core.events import Event, Listener, UploadFailed
from asyncup.ui.renderer import Objects, Quiet, Renderer

if TYPE_CHECKING:
    from asyncup.cli.terminal import Terminal


def renderer_for(params: Params, audience: Audience) -> tuple[Renderer, list[Listener]]:
    """Return what shows a run on standard error, and what else listens.

    Panels take a terminal that can move its cursor; anything else gets lines. The objects go to
    standard output, except where the panels above show them on the same terminal.
    """
    if audience.lines is not None:
        return audience.lines, []
    if params.get("dry_run"):
        from asyncup.ui.plan import PlanLines

        return PlanLines(audience.output, sys.stderr), []
    objects: list[Listener] = [Objects(audience.output)]
    if params["quiet"]:
        return Quiet(sys.stderr), objects
    if not params["plain"] and (panels := _panels()) is not None:
        return panels, [] if sys.stdout.isatty() else objects
    from asyncup.ui.plain import Plain

    return Plain(sys.stderr, time.monotonic), objects


def _panels() -> Renderer | None:
    """Return live panels if standard error is a terminal for them."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    from asyncup.ui.live import LivePanels

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None
    return LivePanels(console, time.monotonic)


def show_where(event: Event) -> None:
    """Write where in the code the error of a file came from; live panels let it pass above them."""
    if not isinstance(event, UploadFailed | VerifyFailed | AbortFailed):
        return
    if event.error.__traceback__ is not None:
        traceback.print_exception(event.error, file=sys.stderr)


def tell_all(listeners: list[Listener]) -> Listener:
    """Return one listener for many."""

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


@asynccontextmanager
async def drawn(renderer: Renderer, terminal: "Terminal | None" = None) -> AsyncIterator[None]:
    """Draw a renderer at its interval, and once at the end; on a terminal, when it is our turn."""
    with renderer, terminal or nullcontext():
        tick = renderer.tick if terminal is None else terminal.tick
        drawing = asyncio.create_task(_draw(tick, renderer.interval))
        try:
            yield
        finally:
            drawing.cancel()


async def _draw(tick: Callable[[], None], interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        tick()
