"""The tools of a run, opened together."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from asyncup.core import events
from asyncup.core.backoff import RetryPolicy
from asyncup.core.events import Event, Listener
from asyncup.core.object_check import ObjectCheck
from asyncup.core.options import Options, S3Config
from asyncup.edges.gateway import Gateway
from asyncup.edges.journal import Journal
from asyncup.engine.laggards import Laggards
from asyncup.engine.link import Link
from asyncup.engine.means import open_means
from asyncup.engine.rate import RateControl
from asyncup.engine.retry import Retrier
from asyncup.engine.runtime import Backlog, Runtime
from asyncup.engine.slots import Places, Slots

if TYPE_CHECKING:
    from asyncup.edges.hired import StartWorker


async def open_runtime(
    stack: AsyncExitStack,
    options: Options,
    announce: Listener,
    *,
    s3: S3Config,
    gateway: Gateway | None = None,
    start_worker: "StartWorker | None" = None,
) -> Runtime:
    """Open S3, or take a gateway that is given, and the journal; `stack` closes them.

    `start_worker` is that of `asyncup.engine.means.open_means`.

    Raises:
        UsageError: the configuration names things that are not there.
    """
    means = await open_means(
        stack, options, announce, s3=s3, gateway=gateway, start_worker=start_worker
    )
    stopping, policy = asyncio.Event(), _policy(options)
    slots, window, backlog = _places(options, announce)

    def tell(event: Event, /) -> None:
        announce(event)
        slots.hear(event)
        means.hear(event)

    journal = stack.enter_context(_journal(options, means.gateway.endpoint, tell))
    link = Link(means.gateway, tell, stopping, policy=policy, is_known=journal.knows_endpoint())
    return Runtime(
        gateway=means.gateway,
        hands=means.hands,
        open_file=means.open_file,
        options=options,
        announce=tell,
        retry=Retrier(policy, link, tell, stopping),
        journal=journal,
        hints=means.hints,
        slots=slots,
        window=window,
        link=link,
        stopping=stopping,
        backlog=backlog,
        rate=stack.enter_context(RateControl(options.limit_rate, tell)),
        laggards=_laggards(options, stopping, slots, backlog),
        object_check=ObjectCheck(options.checksum),
    )


def _journal(options: Options, endpoint: str, tell: Listener) -> Journal:
    return Journal(
        options.state_dir, endpoint, lambda reason: tell(events.JournalUnavailable(reason))
    )


def _laggards(
    options: Options, stopping: asyncio.Event, slots: Slots, backlog: Backlog
) -> Laggards:
    return Laggards(
        options.min_rate,
        options.stall_timeout,
        stopping,
        # Near the end of the run: slots are free, and nobody will want them.
        is_idle=lambda: backlog.is_empty and slots.are_free,
        lose_packets=slots.lose_packets,
    )


def _policy(options: Options) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=options.max_retry,
        step=options.retry_step,
        cap=options.retry_cap,
        give_up_after=options.give_up_after,
    )


def _places(options: Options, announce: Listener) -> tuple[Slots, Places, Backlog]:
    """Return the slots, and the window and the backlog, which follow their number."""
    window = Places(options.slots.start + options.ahead)
    backlog = Backlog(options.slots.start)

    def follow(slots: int) -> None:
        window.resize(slots + options.ahead)
        backlog.resize(slots)

    return Slots(options.slots, announce, follow), window, backlog
