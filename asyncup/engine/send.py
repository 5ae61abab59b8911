"""One part, or one small file, to S3: as many attempts as it takes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from asyncup.core.errors import AsyncupError, ChecksumRejected, Fault, Interrupted, TooSlow
from asyncup.core.events import BytesSent, PartStarted
from asyncup.core.model import ObjectURI
from asyncup.edges.chunks import StagedPart
from asyncup.edges.hands import Attempt
from asyncup.engine.runtime import Runtime

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """What S3 answered, after how many attempts; `resent` bytes travelled in vain."""

    answer: T
    attempts: int
    resent: int


async def send(
    runtime: Runtime,
    uri: ObjectURI,
    staged: StagedPart,
    deliver: Callable[[Attempt], Awaitable[T]],
) -> Delivery[T]:
    """Let `deliver` make attempts at a part until S3 has acknowledged its bytes.

    Each attempt takes a slot. What waits for its next one is not in flight, and takes none: fewer
    slots are fewer requests at once.

    Raises:
        Interrupted: it was time to stop before an attempt was begun.
        AsyncupError: it cannot be done; see `asyncup.engine.retry`.
    """
    number = staged.part.number
    resent = attempts = drops = 0
    fault = Fault(action=f"upload part {number} of {uri}")

    make, persist = runtime.hands.attempt, runtime.link.persist

    def moved(count: int) -> None:
        runtime.announce(BytesSent(uri, number, count))

    async def attempt(n: int) -> T:
        nonlocal resent, attempts, drops
        attempts = n
        async with runtime.slots:
            # The way may have been lost while this waited for its slot.
            await runtime.link.ready(uri)
            if runtime.stopping.is_set():
                raise Interrupted(f"upload part {number} of {uri}: stopped")
            runtime.announce(PartStarted(uri, number, staged.checksums.size, n))
            with make(staged, moved, runtime.rate.pace, persist) as made:
                try:
                    async with runtime.laggards.watch(made, fault, drops):
                        return await deliver(made)
                except AsyncupError as error:
                    resent += made.sent
                    drops += isinstance(error, TooSlow)
                    if isinstance(error, ChecksumRejected):
                        # Before the same bytes go again: are they still the same?
                        await staged.check()
                    raise

    answer = await runtime.retry(attempt, uri, number)
    if attempts == 1:
        # An attempt that was given up may still be read for: by a thread, or by a worker.
        staged.retire()
    return Delivery(answer, attempts, resent)
