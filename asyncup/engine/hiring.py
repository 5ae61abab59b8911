"""The way to S3, and workers for it where several processes are asked for."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

from asyncup import __version__
from asyncup.core.conditions import ProcessesAdded
from asyncup.core.events import Event, Listener
from asyncup.core.messages import OpenS3
from asyncup.core.options import Options, S3Config
from asyncup.core.processes import BUSY, Burden
from asyncup.edges.channel import start_process
from asyncup.edges.crew import Crew
from asyncup.edges.gateway import Gateway
from asyncup.edges.hands import Hands, OwnHands
from asyncup.edges.hints import Hints
from asyncup.edges.hired import Hired, StartWorker
from asyncup.edges.machine import cores
from asyncup.edges.s3 import open_s3
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_signatory import Signatory
from asyncup.engine.source import CrewFileSource, FileSource, OpenFile

AGENT = f"asyncup/{__version__}"


@dataclass(frozen=True, slots=True)
class Means:
    """What takes bytes to S3: `crew` is None where this process does it alone.

    `hints` are what is known of the server from an earlier look at it.
    """

    gateway: Gateway
    hints: Hints
    crew: Crew | None = None

    @property
    def hands(self) -> Hands:
        """Who sends parts."""
        return self.crew or OwnHands(self.gateway)

    @property
    def open_file(self) -> OpenFile:
        """Gives files as sources, whose parts the same read."""
        return FileSource if self.crew is None else partial(CrewFileSource, self.crew)

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
    start_worker: StartWorker | None,
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
        start_worker = start_worker or start_process
    hints = Hints(options.state_dir, gateway.endpoint)
    if opened is not None and not hints.answers_continue:
        opened.send_at_once()
    number = options.processes or min(cores(), options.slots.most)
    if start_worker is None or number == 1:
        return Means(gateway, hints)
    told = OpenS3(
        # Their keys are told with each request: they may change.
        s3=replace(s3, access_key_id=None, secret_access_key=None, session_token=None),
        concurrency=options.slots.most,
        stall_timeout=options.stall_timeout,
        asks_first=hints.answers_continue,
        agent=AGENT,
    )
    crew = Crew(
        [Hired(start_worker, told) for _ in range(number)],
        signatory.identity,
        OwnHands(gateway),
        (lambda: True) if options.processes else Need(number, announce),
    )
    return Means(gateway, hints, await stack.enter_async_context(crew))


class Need:
    """Whether workers are needed: from when on this process alone does not keep up.

    `clock` gives the time in seconds, `computed` for how long of it this thread has computed.
    """

    def __init__(
        self,
        number: int,
        announce: Listener,
        clock: Callable[[], float] = time.monotonic,
        computed: Callable[[], float] = time.thread_time,
    ) -> None:
        self._number = number
        self._announce = announce
        self._clock = clock
        self._computed = computed
        self._burden = Burden(clock(), computed())
        self._is_felt = False

    def __call__(self) -> bool:
        """Look, and tell when it is felt first; from then on it is."""
        if not self._is_felt:
            share = self._burden.share(self._clock(), self._computed())
            if share is not None and share >= BUSY:
                self._is_felt = True
                self._announce(ProcessesAdded(self._number, round(share, 2)))
        return self._is_felt
