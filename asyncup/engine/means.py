"""The way to S3, and who goes it."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from asyncup import __version__
from asyncup.core.events import Event, Listener
from asyncup.core.options import Options, S3Config
from asyncup.edges.gateway import Gateway
from asyncup.edges.hands import Hands, OwnHands
from asyncup.edges.hints import Hints
from asyncup.edges.s3 import open_s3
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_signatory import Signatory
from asyncup.engine.source import FileSource, OpenFile

if TYPE_CHECKING:
    from asyncup.edges.crew import Crew
    from asyncup.edges.hired import StartWorker

AGENT = f"asyncup/{__version__}"


@dataclass(frozen=True, slots=True)
class Means:
    """What takes bytes to S3: `crew` is None where this process does it alone.

    `hints` are what is known of the server from an earlier look at it.
    """

    gateway: Gateway
    hints: Hints
    crew: "Crew | None" = None

    @property
    def hands(self) -> Hands:
        """Who sends parts."""
        return self.crew or OwnHands(self.gateway)

    @property
    def open_file(self) -> OpenFile:
        """Gives files as sources, whose parts the same read."""
        if self.crew is None:
            return FileSource
        from asyncup.engine.crew_source import CrewFileSource

        return partial(CrewFileSource, self.crew)

    def hear(self, event: Event, /) -> None:
        """Take in an event."""
        if self.crew is not None:
            self.crew.hear(event)


async def open_means(
    stack: AsyncExitStack,
    options: Options,
    announce: Listener,
    *,
    s3: S3Config,
    gateway: Gateway | None,
    start_worker: "StartWorker | None",
) -> Means:
    """Open S3, or take a gateway that is given, and have workers ready; `stack` closes them.

    `start_worker` starts each; None is on this machine, or none at all where a gateway is given,
    of which nobody else can have another one.

    Raises:
        UsageError: the configuration names things that are not there.
    """
    signatory, opened = Signatory(CredentialChain(s3)), None
    if gateway is None:
        opening = open_s3(s3, options, agent=AGENT, signatory=signatory)
        gateway = opened = await stack.enter_async_context(opening)
    hints = Hints(options.state_dir, gateway.endpoint)
    if opened is not None and not hints.answers_continue:
        opened.send_at_once()
    means = Means(gateway, hints)
    if options.processes == 1 or (opened is None and start_worker is None):
        return means
    from asyncup.engine.hiring import hire

    crew = hire(means, options, announce, s3=s3, signatory=signatory, start_worker=start_worker)
    return means if crew is None else replace(means, crew=await stack.enter_async_context(crew))
