"""Pending uploads below a place: what they hold, and aborting those that are not wanted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from asyncup.core import aftercare
from asyncup.core.errors import AsyncupError, Interrupted, UploadMissing
from asyncup.core.events import Listener
from asyncup.core.model import JournalRecord, ObjectURI, Phase, Upload
from asyncup.core.options import Options, S3Config
from asyncup.core.outcome import RunResult
from asyncup.edges.gateway import Gateway
from asyncup.engine.abort import abort
from asyncup.engine.deadlines import Deadlines
from asyncup.engine.opening import open_runtime

REASON = "as asked for"


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending upload, and what was found about it."""

    upload: Upload
    found: aftercare.PendingUploadFound


class Cleanup:
    """Lists and aborts pending uploads; nobody else's running one is touched.

    Args:
        options: `state_dir` is where the journal is; retries are as for uploads.
        s3: which S3, and as whom.
        listener: is told every event, synchronously.
        gateway: takes the place of a connection to S3.

    Raises:
        UsageError: on entering, if the configuration names things that are not there.
    """

    def __init__(
        self,
        *,
        options: Options | None = None,
        s3: S3Config | None = None,
        listener: Listener | None = None,
        gateway: Gateway | None = None,
    ) -> None:
        self._options = options or Options()
        self._s3 = s3 or S3Config()
        self._announce: Listener = listener or (lambda _: None)
        self._given_gateway = gateway
        self._stack = AsyncExitStack()
        self._deadlines = Deadlines()

    async def __aenter__(self) -> Self:
        self._runtime = await open_runtime(
            self._stack, self._options, self._announce, s3=self._s3, gateway=self._given_gateway
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def stop(self) -> None:
        """Begin nothing more, and drop what is under way; to be called in the event loop."""
        self._runtime.stopping.set()
        self._deadlines.stop(0)

    async def list(
        self, place: ObjectURI, now: datetime, *, exact: bool = False
    ) -> AsyncIterator[Pending]:
        """Yield the pending uploads of this key and of all below it, in order of their keys.

        Args:
            place: a key or a prefix; one without a `/` at its end stands for `place` itself and
                what begins with `place/`.
            now: the time, for the age of each.
            exact: of exactly this key.

        Raises:
            Interrupted: it was time to stop.
            AsyncupError: S3 does not tell.
        """
        records = self._records(place, exact=exact)
        what = f"list pending uploads of {place}"
        async with self._deadlines.until_stopped(what):
            listed = await self._runtime.retry(
                lambda _: self._runtime.gateway.list_multipart_uploads(place, below=not exact),
                place,
            )
        known = {upload.upload_id: upload for upload in listed if _is_in(upload.uri, place)}
        # Some servers list less than there is.
        for upload_id, record in records.items():
            known.setdefault(upload_id, record.upload)
        ordered = sorted(known.values(), key=lambda each: (each.uri.key, str(each.initiated)))
        for upload in ordered:
            if self._runtime.stopping.is_set():
                raise Interrupted(f"{what}: stopped")
            async with self._deadlines.until_stopped(what):
                found = await self._look_at(upload, records.get(upload.upload_id), now)
            if found is not None:
                yield Pending(upload, found)

    def _records(self, place: ObjectURI, *, exact: bool) -> dict[str, JournalRecord]:
        return {
            record.upload.upload_id: record
            for record in self._runtime.journal.uploads()
            if record.phase is not Phase.UNPROVEN
            and (record.upload.uri == place if exact else _is_in(record.upload.uri, place))
        }

    async def _look_at(
        self, upload: Upload, record: JournalRecord | None, now: datetime
    ) -> aftercare.PendingUploadFound | None:
        """Return what S3 holds of an upload; None if it is gone."""
        try:
            listing = await self._runtime.retry(
                lambda _: self._runtime.gateway.list_parts(upload), upload.uri
            )
        except UploadMissing:
            # Who only looks does not write: the next upload to this key tidies up.
            return None
        begun = upload.initiated
        return aftercare.PendingUploadFound(
            uri=upload.uri,
            upload_id=upload.upload_id,
            initiated=begun,
            age=None if begun is None else (now - begun).total_seconds(),
            parts=len(listing.parts),
            size=sum(part.size for part in listing.parts),
            abort_date=listing.abort_date or upload.abort_date,
            in_journal=record is not None,
            source=None if record is None else record.source,
        )

    async def abort_all(self, pending: Sequence[Pending]) -> RunResult:
        """Abort uploads until nothing of them is left, and go on past those that cannot be.

        One that a run which is alive is at work on stays (JournalLocked).
        """
        result, aborted = RunResult(), 0
        for each in pending:
            if self._runtime.stopping.is_set():
                result.interrupted += 1
                continue
            try:
                async with self._deadlines.until_stopped(f"abort {each.upload.uri}"):
                    with self._runtime.journal.claim(each.upload.uri):
                        await abort(self._runtime, each.upload, REASON)
            except Interrupted:
                result.interrupted += 1
            except AsyncupError as error:
                result.failures.append(error)
                upload = each.upload
                self._announce(aftercare.AbortFailed(upload.uri, upload.upload_id, error))
                if error.stops_run:
                    self.stop()
            else:
                aborted += each.found.size
                result.done += 1
        self._announce(
            aftercare.AbortFinished(
                aborted=result.done,
                size=aborted,
                failed=len(result.failures),
                interrupted=result.interrupted,
                exit_code=result.exit_code,
            )
        )
        return result


def _is_in(uri: ObjectURI, place: ObjectURI) -> bool:
    return uri == place or uri.key.startswith(place.as_prefix().key)


def is_older(found: aftercare.PendingUploadFound, seconds: float | None) -> bool:
    """Return whether an upload is old enough; of one without a date, nobody knows."""
    return seconds is None or (found.age is not None and found.age >= seconds)
