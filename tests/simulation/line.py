"""The way between one process and the server, on which everything can go wrong."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol, TypeVar, cast

from asyncup.core.errors import (
    AccessDenied,
    ChecksumRejected,
    ConditionConflict,
    ConnectionLost,
    CredentialsExpired,
    Fault,
    S3Error,
    ServerFault,
    Stalled,
    Throttled,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectListing,
    ObjectURI,
    PartListing,
    Receipt,
    Upload,
)
from asyncup.edges.body import PartBody
from tests.simulation.server import SimulatedS3, drive

T = TypeVar("T")


class Mishap(StrEnum):
    """What may happen to a request."""

    LOST_REQUEST = "request lost"
    LOST_ANSWER = "answer lost"
    LATE = "given up, arrives later"
    THROTTLED = "throttled"
    SERVER_FAULT = "server fault"
    FAULT_AFTER_ALL = "server fault after the work was done"
    REJECTED = "bytes spoiled on the way"
    CONFLICT = "condition conflict"
    DENIED = "access denied"
    FORGOTTEN = "acknowledged, and not kept"


_REFUSALS: dict[Mishap | None, tuple[type[S3Error], str]] = {
    Mishap.LOST_REQUEST: (ConnectionLost, ""),
    Mishap.THROTTLED: (Throttled, "SlowDown"),
    Mishap.SERVER_FAULT: (ServerFault, "InternalError"),
    Mishap.REJECTED: (ChecksumRejected, "BadDigest"),
    Mishap.CONFLICT: (ConditionConflict, "ConditionalRequestConflict"),
    Mishap.DENIED: (AccessDenied, "AccessDenied"),
}
_CARRIES_BYTES = {"upload_part", "put_object"}
_HAS_CONDITION = {"put_object", "complete_multipart_upload"}


@dataclass(frozen=True, slots=True)
class Weather:
    """What goes wrong in a history, and how often: `rate` of the requests."""

    mishaps: tuple[Mishap, ...] = ()
    rate: float = 0.0
    delay: float = 0.0

    def pick(self, random: Random, verb: str) -> Mishap | None:
        """Return what is to happen to a request."""
        if not self.mishaps or random.random() >= self.rate:
            return None
        mishap = random.choice(self.mishaps)
        if mishap is Mishap.REJECTED and verb not in _CARRIES_BYTES:
            return None
        if mishap is Mishap.CONFLICT and verb not in _HAS_CONDITION:
            return None
        # One that no retry mends ends the run; it would hide the others if it came as often.
        if mishap is Mishap.DENIED and random.random() < 0.9:
            return None
        return mishap


class Watcher(Protocol):
    """Is told of the requests of a process, and takes those that arrive later."""

    def requested(self, verb: str, what: "Asked") -> None:
        """Take note of a request that reaches the server now, or later."""

    def later(self, verb: str, effect: Callable[[], object]) -> None:
        """Let a request arrive some time later, when nobody waits for its answer any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about."""

    uri: ObjectURI
    upload_id: str = ""
    number: int = 0
    only_if_absent: bool = False


class _Bytes:
    """A body that was read to its end, and can be read again."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data


class Line:
    """A gateway for one process.

    Attributes:
        weather: what goes wrong.
        broken: if set, no request succeeds any more; each fails with this.
    """

    def __init__(
        self, server: SimulatedS3, watcher: Watcher, weather: Weather, random: Random
    ) -> None:
        self._server = server
        self._watcher = watcher
        self._random = random
        self.weather = weather
        self.broken: S3Error | None = None

    @property
    def endpoint(self) -> str:
        return self._server.endpoint

    async def _call(self, verb: str, asked: Asked, effect: Callable[[], Awaitable[T]]) -> T:
        mishap = self.weather.pick(self._random, verb)
        await self._travel()
        if self.broken is not None:
            raise self.broken
        if (error := self._before(verb, mishap)) is not None:
            raise error
        self._watcher.requested(verb, asked)
        if mishap is Mishap.LATE:
            self._watcher.later(verb, lambda: drive(effect()))
            await self._travel()
            raise Stalled(Fault(action=verb, message="no byte moved"))
        answer = drive(effect())
        if mishap is Mishap.FORGOTTEN and asked.number and self._server.habits.is_sloppy:
            self._server.forget_part(asked.upload_id, asked.number)
        await self._travel()
        if isinstance(self.broken, ConnectionLost):
            raise self.broken
        if mishap is Mishap.LOST_ANSWER:
            raise ConnectionLost(Fault(action=verb, message="answer lost"))
        if mishap is Mishap.FAULT_AFTER_ALL:
            raise ServerFault(Fault(action=verb, code="InternalError", message="after all"))
        return answer

    async def _travel(self) -> None:
        await asyncio.sleep(self._random.random() * self.weather.delay)

    def _before(self, verb: str, mishap: Mishap | None) -> S3Error | None:
        """Return what a request fails with that does not reach the server, or is refused."""
        after = self._random.choice([None, 1.0, 30.0]) if mishap is Mishap.THROTTLED else None
        error, code = _REFUSALS.get(mishap, (None, ""))
        if error is None:
            return None
        return error(Fault(action=verb, code=code, retry_after=after))

    def expire(self) -> None:
        """Let the credentials of this process run out."""
        self.broken = CredentialsExpired(Fault(action="any", code="ExpiredToken"))

    def go_dark(self, seconds: float) -> None:
        """Let nothing through for so long, neither requests nor answers."""
        trouble = self.broken = ConnectionLost(Fault(action="any", message="no route"))

        def mend() -> None:
            if self.broken is trouble:
                self.broken = None

        asyncio.get_running_loop().call_later(seconds, mend)

    def cut(self) -> None:
        """Let nothing through any more: the process is dead."""
        self.broken = AccessDenied(Fault(action="any", message="the process is dead"))

    async def _read(self, body: PartBody) -> PartBody:
        """Take a body's bytes, with pauses between them."""
        pieces = []
        async for piece in body:
            pieces.append(bytes(piece))
            await self._travel()
        return cast("PartBody", _Bytes(b"".join(pieces)))

    # The verbs.

    async def probe(self, uri: ObjectURI) -> None:
        await self._call("probe", Asked(uri), lambda: self._server.probe(uri))

    async def renew_credentials(self) -> bool:
        if isinstance(self.broken, CredentialsExpired) and self._random.random() < 0.3:
            self.broken = None
            return True
        return False

    async def head_object(
        self, uri: ObjectURI, *, part_number: int | None = None, version_id: str | None = None
    ) -> ObjectHead | None:
        return await self._call(
            "head_object",
            Asked(uri),
            lambda: self._server.head_object(uri, part_number=part_number, version_id=version_id),
        )

    @asynccontextmanager
    async def get_object(self, uri: ObjectURI) -> AsyncIterator[AsyncIterator[bytes]]:
        data = await self._call("get_object", Asked(uri), lambda: self._whole(uri))
        async with aclosing(self._blocks(data)) as blocks:
            yield blocks

    async def _whole(self, uri: ObjectURI) -> bytes:
        async with self._server.get_object(uri) as blocks:
            return b"".join([block async for block in blocks])

    async def _blocks(self, data: bytes) -> AsyncGenerator[bytes, None]:
        """Give an object's bytes, with pauses between them; the connection may break."""
        is_cut = self.weather.pick(self._random, "get_object") is Mishap.LOST_ANSWER
        for start in range(0, self._random.randrange(len(data) + 1) if is_cut else len(data), 64):
            await self._travel()
            yield data[start : start + 64]
        if is_cut:
            raise ConnectionLost(Fault(action="get_object", message="broke off"))

    async def list_objects(self, prefix: ObjectURI, limit: int) -> ObjectListing:
        return await self._call(
            "list_objects", Asked(prefix), lambda: self._server.list_objects(prefix, limit)
        )

    async def put_object(
        self,
        uri: ObjectURI,
        body: PartBody,
        checksums: Checksums,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        data = await self._read(body)
        return await self._call(
            "put_object",
            Asked(uri, only_if_absent=only_if_absent),
            lambda: self._server.put_object(
                uri,
                data,
                checksums,
                attributes,
                algorithm=algorithm,
                only_if_absent=only_if_absent,
            ),
        )

    async def create_multipart_upload(
        self, uri: ObjectURI, algorithm: ChecksumAlgorithm | None, attributes: ObjectAttributes
    ) -> Upload:
        return await self._call(
            "create_multipart_upload",
            Asked(uri),
            lambda: self._server.create_multipart_upload(uri, algorithm, attributes),
        )

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        data = await self._read(body)
        return await self._call(
            "upload_part",
            Asked(upload.uri, upload.upload_id, number),
            lambda: self._server.upload_part(upload, number, data, checksums),
        )

    async def list_multipart_uploads(
        self, uri: ObjectURI, *, below: bool = False
    ) -> Sequence[Upload]:
        return await self._call(
            "list_multipart_uploads",
            Asked(uri),
            lambda: self._server.list_multipart_uploads(uri, below=below),
        )

    async def list_parts(self, upload: Upload) -> PartListing:
        return await self._call(
            "list_parts",
            Asked(upload.uri, upload.upload_id),
            lambda: self._server.list_parts(upload),
        )

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        return await self._call(
            "complete_multipart_upload",
            Asked(upload.uri, upload.upload_id, only_if_absent=only_if_absent),
            lambda: self._server.complete_multipart_upload(
                upload, receipts, only_if_absent=only_if_absent
            ),
        )

    async def abort_multipart_upload(self, upload: Upload) -> None:
        await self._call(
            "abort_multipart_upload",
            Asked(upload.uri, upload.upload_id),
            lambda: self._server.abort_multipart_upload(upload),
        )
