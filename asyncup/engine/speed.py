"""How many bytes per second go to S3, with so many parts in flight."""

import asyncio
from collections.abc import Iterator

from asyncup.core.diagnosis import RATE_BYTES, RATE_SECONDS
from asyncup.core.model import Upload
from asyncup.core.options import GIB
from asyncup.core.sizes import format_duration, format_size
from asyncup.edges.gateway import Gateway
from asyncup.edges.noise import Noise
from asyncup.engine.groups import task_group


class SpeedTest:
    """Sends parts of one upload, the same noise each, under one number after the other."""

    def __init__(
        self, gateway: Gateway, upload: Upload, noise: Noise, numbers: Iterator[int]
    ) -> None:
        self._gateway = gateway
        self._upload = upload
        self._noise = noise
        self._numbers = numbers
        self._moved = 0
        self._left = 0

    async def rate(self, slots: int) -> float:
        """Return the bytes per second that the network takes with `slots` parts in flight.

        It ends when a slot finds that `RATE_BYTES` are on their way, or after `RATE_SECONDS`: what
        has not arrived then is dropped, for with fewer parts in flight the rate is another one.

        Raises:
            S3Error: a part was refused, or lost.
        """
        loop = asyncio.get_running_loop()
        self._moved, self._left, began = 0, RATE_BYTES, loop.time()
        deadline = asyncio.timeout(RATE_SECONDS)
        try:
            async with deadline, task_group() as group:
                for _ in range(slots):
                    group.create_task(self._send(deadline))
        except TimeoutError:
            if not deadline.expired():
                raise
        return self._moved / max(loop.time() - began, 1e-6)

    async def _send(self, deadline: asyncio.Timeout) -> None:
        size = self._noise.checksums.size
        while self._left >= size:
            self._left -= size
            body = self._noise.body(self._took)
            with body:
                await self._gateway.upload_part(
                    self._upload, next(self._numbers), body, self._noise.checksums
                )
        if not deadline.expired():
            deadline.reschedule(asyncio.get_running_loop().time())

    def _took(self, count: int) -> None:
        self._moved += count


def rate_told(rates: dict[int, float], best: int) -> str:
    """Say what was measured, and what follows."""
    each = ", ".join(f"{format_size(rate)}/s with {slots}" for slots, rate in rates.items())
    took = format_duration(GIB / max(rates[best], 1.0))
    return (
        f"{each} part{'s' if max(rates) > 1 else ''} in flight: --concurrency {best} brings nearly "
        f"all of it, 1 GiB in {took}; auto, the default, finds out by itself"
    )
