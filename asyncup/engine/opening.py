"""The tools of a run, opened together."""

import asyncio
from contextlib import AsyncExitStack

from asyncup import __version__
from asyncup.core import events
from asyncup.core.backoff import RetryPolicy
from asyncup.core.events import Listener
from asyncup.core.options import Options, S3Config
from asyncup.edges.gateway import Gateway
from asyncup.edges.journal import Journal
from asyncup.edges.s3 import open_s3
from asyncup.engine.laggards import Laggards
from asyncup.engine.retry import Retrier
from asyncup.engine.runtime import Backlog, Runtime


async def open_runtime(
    stack: AsyncExitStack,
    options: Options,
    announce: Listener,
    *,
    s3: S3Config,
    gateway: Gateway | None = None,
) -> Runtime:
    """Open S3, or take a gateway that is given, and the journal; `stack` closes them.

    Raises:
        UsageError: the configuration names things that are not there.
    """
    if gateway is None:
        opening = open_s3(s3, options, agent=f"asyncup/{__version__}")
        gateway = await stack.enter_async_context(opening)
    policy = RetryPolicy(
        max_attempts=options.max_retry, step=options.retry_step, cap=options.retry_cap
    )
    stopping, backlog = asyncio.Event(), Backlog(options.concurrency)
    slots = asyncio.Semaphore(options.concurrency)
    journal = Journal(
        options.state_dir,
        gateway.endpoint,
        lambda reason: announce(events.JournalUnavailable(reason)),
    )

    def is_idle() -> bool:
        """Say whether the run is near its end: slots are free, and nobody will want them."""
        return backlog.is_empty and not slots.locked()

    return Runtime(
        gateway=gateway,
        options=options,
        announce=announce,
        retry=Retrier(policy, announce, stopping),
        journal=stack.enter_context(journal),
        slots=slots,
        window=asyncio.Semaphore(options.window),
        stopping=stopping,
        backlog=backlog,
        laggards=Laggards(options.min_rate, options.stall_timeout, stopping, is_idle),
    )
