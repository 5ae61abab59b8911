"""Who takes the bytes of parts to S3: this process itself, or workers (`asyncup.edges.crew`)."""

from collections.abc import Callable
from typing import Protocol, Self

from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Upload,
)
from asyncup.edges.body import Pace, PartBody, Persist
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

    @property
    def loses(self) -> bool:
        """Whether packets get lost on the way, and no queue is full, as far as anybody knows."""

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

    def attempt(self, staged: StagedPart, moved: Sent, pace: Pace, persist: Persist) -> Attempt:
        """Return one that is to be made: as fast as `pace`, and as patient as `persist` has it."""


class OwnHands:
    """Sends parts from this process, through a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def attempt(self, staged: StagedPart, moved: Sent, pace: Pace, persist: Persist) -> Attempt:
        """Return an attempt over one request of this process."""
        return OwnAttempt(self._gateway, staged, staged.body(moved, pace, persist))


class OwnAttempt:
    """An attempt by this process; see `Attempt`."""

    def __init__(self, gateway: Gateway, staged: StagedPart, body: PartBody) -> None:
        self._gateway = gateway
        self._checksums = staged.checksums
        self._body = body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._body.__exit__()

    def __len__(self) -> int:
        return len(self._body)

    @property
    def sent(self) -> int:
        """Bytes that the network took."""
        return self._body.sent

    @property
    def loses(self) -> bool:
        """Whether packets get lost on the way, and no queue is full."""
        return self._body.loses

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
