"""Workers, where several processes are asked for."""

import time
from collections.abc import Callable
from dataclasses import replace

from asyncup.core.conditions import ProcessesAdded
from asyncup.core.events import Listener
from asyncup.core.messages import OpenS3
from asyncup.core.options import Options, S3Config
from asyncup.core.processes import BUSY, Burden
from asyncup.edges.channel import start_process
from asyncup.edges.crew import Crew
from asyncup.edges.hired import Hired, StartWorker
from asyncup.edges.machine import cores
from asyncup.edges.s3_signatory import Signatory
from asyncup.engine.means import AGENT, Means


def hire(
    means: Means,
    options: Options,
    announce: Listener,
    *,
    s3: S3Config,
    signatory: Signatory,
    start_worker: StartWorker | None,
) -> Crew | None:
    """Return workers for what this process does alone; None if there are to be none.

    `start_worker` starts each; None is on this machine.
    """
    number = options.processes or min(cores(), options.slots.most)
    if number == 1:
        return None
    told = OpenS3(
        # Their keys are told with each request: they may change.
        s3=replace(s3, access_key_id=None, secret_access_key=None, session_token=None),
        concurrency=options.slots.most,
        stall_timeout=options.stall_timeout,
        asks_first=means.hints.answers_continue,
        agent=AGENT,
    )
    return Crew(
        [Hired(start_worker or start_process, told) for _ in range(number)],
        signatory.identity,
        means.hands,
        (lambda: True) if options.processes else Need(number, announce),
    )


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
