"""Who takes the bytes of parts to S3: this process itself, or workers (`asyncup.edges.crew`)."""

import asyncio
from collections.abc import Callable
from typing import Protocol, Self

from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Upload,
)
from asyncup.edges.body import SOON, Pace, PartBody
from asyncup.edges.chunks import StagedPart
from asyncup.edges.gateway import Gateway

Sent = Callable[[int], None]
"""Is told how many bytes the network took; a negative number takes them back."""


class Moving(Protocol):
    """Bytes on their way; `len` is their number."""

    def __len__(self) -> int: ...

    @property
    def sent(self) -> int:
        """Those of them that the network took."""

    def held(self, now: float) -> float:
        """Return the seconds in which the network waited for bytes, and not they for it.

        `now` is the time of the event loop.
        """


class Attempt(Moving, Protocol):
    """One attempt to send a staged part, to be used as a context.

    The verbs are the gateway's own, with its errors; see `asyncup.edges.gateway.Gateway`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    async def upload_part(self, upload: Upload, number: int) -> str:
        """Send it as a part and return its ETag."""

    async def put_object(
        self,
        uri: ObjectURI,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        """Store it as an object."""


class Hands(Protocol):
    """Makes attempts."""

    def attempt(self, staged: StagedPart, moved: Sent, pace: Pace) -> Attempt:
        """Return one that is to be made; it goes no faster than `pace` lets it."""


class OwnHands:
    """Sends parts from this process, through a gateway.

    What the last part took, from its first byte to its answer, tells how many bytes of the next
    one go at once at first.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._at_once: int | None = None

    def attempt(self, staged: StagedPart, moved: Sent, pace: Pace) -> Attempt:
        """Return an attempt over one request of this process."""
        body = staged.body(moved, pace, self._at_once)
        return OwnAttempt(self._gateway, staged, body, self._ended)

    def _ended(self, body: PartBody, seconds: float) -> None:
        """Take note of an attempt; where bytes are left, nothing is known any more."""
        is_sent = body.sent == len(body)
        self._at_once = int(len(body) * SOON / max(seconds, SOON)) if is_sent else None


class OwnAttempt:
    """An attempt by this process, `ended` after so many seconds; see `Attempt`."""

    def __init__(
        self,
        gateway: Gateway,
        staged: StagedPart,
        body: PartBody,
        ended: Callable[[PartBody, float], None],
    ) -> None:
        self._gateway = gateway
        self._checksums = staged.checksums
        self._body = body
        self._ended = ended
        self._began = asyncio.get_running_loop().time()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended(self._body, asyncio.get_running_loop().time() - self._began)
        self._body.__exit__()

    def __len__(self) -> int:
        return len(self._body)

    @property
    def sent(self) -> int:
        """Bytes that the network took."""
        return self._body.sent

    def held(self, now: float) -> float:
        """Return the seconds in which the network waited for bytes."""
        return self._body.held(now)

    async def upload_part(self, upload: Upload, number: int) -> str:
        """Send it as a part and return its ETag."""
        return await self._gateway.upload_part(upload, number, self._body, self._checksums)

    async def put_object(
        self,
        uri: ObjectURI,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        """Store it as an object."""
        return await self._gateway.put_object(
            uri,
            self._body,
            self._checksums,
            attributes,
            algorithm=algorithm,
            only_if_absent=only_if_absent,
        )
