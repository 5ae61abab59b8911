"""The way to S3, and workers for it where several processes are asked for."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

from asyncup import __version__
from asyncup.core.messages import OpenS3
from asyncup.core.options import Options, S3Config
from asyncup.edges.channel import start_process
from asyncup.edges.crew import Crew
from asyncup.edges.gateway import Gateway
from asyncup.edges.hands import Hands, OwnHands
from asyncup.edges.hired import StartWorker
from asyncup.edges.s3 import open_s3
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_signatory import Signatory
from asyncup.engine.source import CrewFileSource, FileSource, OpenFile

_AGENT = f"asyncup/{__version__}"


@dataclass(frozen=True, slots=True)
class Means:
    """What takes bytes to S3: `crew` is None where this process does it alone."""

    gateway: Gateway
    crew: Crew | None

    @property
    def hands(self) -> Hands:
        """Who sends parts."""
        return self.crew or OwnHands(self.gateway)

    @property
    def open_file(self) -> OpenFile:
        """Gives files as sources, whose parts the same read."""
        return FileSource if self.crew is None else partial(CrewFileSource, self.crew)


async def open_means(
    stack: AsyncExitStack,
    options: Options,
    s3: S3Config,
    *,
    gateway: Gateway | None,
    start_worker: StartWorker | None,
) -> Means:
    """Open S3, or take a gateway that is given, and have workers ready; `stack` closes them.

    `start_worker` starts each; None is on this machine, or none at all where a gateway is given,
    of which nobody else can have another one.

    Raises:
        UsageError: the configuration names things that are not there.
    """
    signatory = Signatory(CredentialChain(s3))
    if gateway is None:
        opening = open_s3(s3, options, agent=_AGENT, signatory=signatory)
        gateway = await stack.enter_async_context(opening)
        start_worker = start_worker or start_process
    if start_worker is None or options.processes == 1:
        return Means(gateway, None)
    told = OpenS3(
        # Their keys are told with each request: they may change.
        s3=replace(s3, access_key_id=None, secret_access_key=None, session_token=None),
        concurrency=options.slots.most,
        stall_timeout=options.stall_timeout,
        agent=_AGENT,
    )
    crew = Crew(options.processes, start_worker, told, signatory.identity, OwnHands(gateway))
    return Means(gateway, await stack.enter_async_context(crew))
