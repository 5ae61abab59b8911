"""What an inspection has made at S3, and that it is removed, whatever happens."""

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Protocol, TypeVar

from asyncup.core.diagnosis import LeftBehind
from asyncup.core.errors import AccessDenied, AsyncupError, Fault, ServerFault, UploadMissing
from asyncup.core.model import ObjectURI, Upload
from asyncup.edges.inspection import InspectedGateway

T = TypeVar("T")


class Asking(Protocol):
    """Makes a request, and again if it fails in a way that may pass."""

    async def __call__(self, request: Callable[[], Awaitable[T]], /) -> T:
        """Return the first answer."""


_ROUNDS = 30
"""How often something is deleted before it is given up: each version of an object is one."""


class Leavings:
    """Everything under one key that nobody else uses.

    Attributes:
        uploads: those that may be pending, by their ID.
        is_written: whether there may be anything at all: set before the first request that
            makes something, since its answer may be lost.
        is_unsure: whether there may be uploads whose IDs nobody has told.
    """

    def __init__(self, gateway: InspectedGateway, uri: ObjectURI) -> None:
        self._gateway = gateway
        self.uri = uri
        self.uploads: dict[str, Upload] = {}
        self.is_written = False
        self.is_unsure = False

    async def remove(self, ask: Asking) -> AsyncIterator[LeftBehind]:
        """Remove all of it, and yield what could not be; `ask` makes requests more than once."""
        if not self.is_written:
            return
        lost: AsyncupError | None = None
        for act, upload_id, command in self._acts():
            try:
                if lost is not None:
                    # Nobody waits for one time-out after the other.
                    raise lost
                await ask(act)
            except AsyncupError as error:
                lost = error if error.transient else None
                hint = shlex.join(command)
                yield LeftBehind(uri=self.uri, upload_id=upload_id, hint=hint, error=error)
        self.is_written = False

    def _acts(self) -> Iterator[tuple[Callable[[], Awaitable[None]], str | None, list[str]]]:
        """Yield what is to be done, the ID of the upload it is about, and the command for it."""
        abort = ["asyncup", "abort", str(self.uri), "--yes"]
        if self.is_unsure:
            yield self._find, None, [*abort, "--all"]
        for upload in list(self.uploads.values()):
            upload_id = upload.upload_id
            yield partial(self.abort, upload), upload_id, [*abort, "--upload-id", upload_id]
        yield self.delete, None, ["aws", "s3", "rm", str(self.uri)]

    async def _find(self) -> None:
        found = await self._gateway.list_multipart_uploads(self.uri)
        self.uploads.update({each.upload_id: each for each in found})

    async def abort(self, upload: Upload) -> None:
        """Abort an upload, and again while parts that were on their way turn up.

        Raises:
            AsyncupError: something of it is still there.
        """
        for _ in range(_ROUNDS):
            await self._gateway.abort_multipart_upload(upload)
            try:
                is_gone = not (await self._gateway.list_parts(upload)).parts
            except (UploadMissing, AccessDenied):
                # Who may not look has to believe the answer.
                is_gone = True
            if is_gone:
                self.uploads.pop(upload.upload_id, None)
                return
        raise self._again(f"abort the upload of {self.uri}")

    async def delete(self) -> None:
        """Delete the object, version by version, as far as S3 tells of versions.

        Raises:
            AsyncupError: something of it is still there.
        """
        for _ in range(_ROUNDS):
            try:
                head = await self._gateway.head_object(self.uri)
            except AccessDenied:
                await self._gateway.delete_object(self.uri)
                return
            if head is None:
                return
            await self._gateway.delete_object(self.uri, head.version_id)
        raise self._again(f"delete {self.uri}")

    def _again(self, action: str) -> ServerFault:
        return ServerFault(Fault(action=action, message="it is there again and again"))
