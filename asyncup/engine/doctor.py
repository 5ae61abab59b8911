"""Whether an upload would work: one check after the other, and nothing left behind."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from asyncup.core.capabilities import UNKNOWN
from asyncup.core.diagnosis import (
    CHECKS,
    PROBE_NAME,
    RATE_SLOTS,
    TRIAL_PART,
    Check,
    CheckMade,
    DiagnosisStarted,
    Finding,
    RateMeasured,
    Verdict,
    blocked,
    fine,
    most_bytes,
    not_tried,
    recommended,
    summed_up,
)
from asyncup.core.errors import AccessDenied, AsyncupError, S3Error
from asyncup.core.events import Listener
from asyncup.core.model import ObjectAttributes, ObjectURI
from asyncup.core.options import Options, S3Config
from asyncup.core.permissions import hint_for, policy_for, read_denial
from asyncup.edges.hints import Hints
from asyncup.edges.inspection import InspectedGateway
from asyncup.edges.noise import Noise
from asyncup.edges.places import default_split_dir
from asyncup.edges.s3_inspection import open_inspected
from asyncup.engine.deadlines import Deadlines
from asyncup.engine.leavings import Leavings
from asyncup.engine.means import AGENT
from asyncup.engine.speed import SpeedTest, rate_told
from asyncup.engine.survey import Machine, Way, name_finding
from asyncup.engine.trial import Trial

T = TypeVar("T")

_ATTEMPTS = 3
_PAUSE = 1.0
"""Seconds between attempts at a request that fails in a way that may pass."""

_Look = Callable[[], Awaitable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: a place for objects, how they are to be stored, what is to be read.

    `with_rate` says whether the rate is measured, which sends hundreds of MiB.
    """

    place: ObjectURI
    attributes: ObjectAttributes = field(default_factory=ObjectAttributes)
    sources: tuple[Path, ...] = ()
    with_rate: bool = True


class Doctor:
    """Makes all checks of `CHECKS` and announces what comes of each.

    Args:
        subject: what is looked at.
        options: `split_dir` and `state_dir` are looked at and written to; times as for uploads.
        s3: which S3, and as whom.
        listener: is told every event, synchronously.
        gateway: takes the place of a connection to S3.
        now: the time of day.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        options: Options,
        s3: S3Config,
        listener: Listener,
        gateway: InspectedGateway | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._subject = replace(subject, place=subject.place.as_prefix())
        self._options = replace(options, concurrency=max(RATE_SLOTS))
        self._s3 = s3
        self._announce = listener
        self._gateway = gateway
        self._now = now
        self._stack = AsyncExitStack()
        self._deadlines = Deadlines()
        self._machine = Machine(
            options, options.split_dir or default_split_dir(), self._subject.sources
        )
        self._looks: dict[str, _Look] = {
            "settings": self._open,
            "bucket_name": self._bucket_name,
            "split_dir": self._machine.disk,
            "source": self._machine.read,
        }
        self._leavings: Leavings | None = None
        self._trial: Trial | None = None
        self._rates: dict[int, float] = {}

    def stop(self) -> None:
        """Leave off, and remove what was made; to be called in the event loop."""
        self._deadlines.stop(0)

    @property
    def may_be_left(self) -> ObjectURI | None:
        """The key below which something may be left, None if nothing can be."""
        left = self._leavings
        return left.uri if left is not None and left.is_written else None

    async def run(self) -> int:
        """Look at everything and return the exit status.

        Raises:
            Interrupted: it was time to stop.
        """
        subject = self._subject
        self._announce(
            DiagnosisStarted(uri=subject.place, most_bytes=most_bytes(with_rate=subject.with_rate))
        )
        async with self._stack:
            try:
                async with self._deadlines.until_stopped(f"examine {subject.place}"):
                    found = [each async for each in self._examine()]
            finally:
                await self._tidy_up()
            self._remember()
        finished = summed_up(found, self._rates)
        self._announce(finished)
        return finished.exit_code

    async def _examine(self) -> AsyncIterator[Finding]:
        to_blame: dict[str, str] = {}
        for check in CHECKS:
            if not self._is_asked_for(check):
                continue
            finding = await self._look_at(check, to_blame)
            self._announce(CheckMade.of(check, finding))
            yield finding

    def _is_asked_for(self, check: Check) -> bool:
        asked = {"rate": self._subject.with_rate, "source": bool(self._subject.sources)}
        return asked.get(check.name, True)

    async def _look_at(self, check: Check, to_blame: dict[str, str]) -> Finding:
        finding = blocked(check, to_blame)
        if finding is None:
            finding = await self._made(check)
        if finding.error is not None:
            to_blame[check.name] = check.name
        elif finding.blocked_by is not None:
            to_blame[check.name] = finding.blocked_by
        return finding

    async def _made(self, check: Check) -> Finding:
        if (look := self._looks.get(check.name)) is None:
            # S3 was not opened: nobody could say who asks.
            return not_tried("credentials")
        try:
            return await look()
        except AsyncupError as error:
            return self._met(check, error)

    def _met(self, check: Check, error: AsyncupError) -> Finding:
        """Say what an error makes of a check, and what allows what was denied."""
        hint, policy = error.hint, None
        if isinstance(error, AccessDenied):
            denial = read_denial(error.fault.message)
            operation = error.fault.operation
            hint = hint_for(operation, denial)
            if denial is None or not denial.is_explicit:
                region = self._gateway.region if self._gateway else None
                policy = policy_for(operation, self._subject.place, denial, region)
        return Finding(
            verdict=check.otherwise,
            told=str(error),
            hint=hint or check.hint,
            policy=policy,
            error=error,
        )

    # The checks that make what the others need.

    async def _open(self) -> Finding:
        """Open S3, and let everything be looked at there."""
        if self._gateway is None:
            opening = open_inspected(self._s3, self._options, agent=AGENT)
            try:
                self._gateway = await self._stack.enter_async_context(opening)
            except S3Error as error:
                # The settings are fine; those who give credentials, or what they give, are not.
                self._looks["credentials"] = partial(_raise, error)
                return fine("they can be read")
        gateway = self._gateway
        way = Way(gateway, self._subject.place, self._now)
        key = self._subject.place / f"{PROBE_NAME}{secrets.token_hex(8)}"
        self._leavings = Leavings(gateway, key)
        self._trial = trial = Trial(gateway, self._leavings, self._subject.attributes, self._ask)
        self._looks |= self._of_way(way) | _of_trial(trial) | {"rate": self._rate}
        region = f", region {gateway.region}" if gateway.region else ""
        return fine(f"{gateway.endpoint}{region}")

    async def _bucket_name(self) -> Finding:
        return name_finding(self._subject.place.bucket)

    def _of_way(self, way: Way) -> dict[str, _Look]:
        async def list_objects() -> Finding:
            await self._ask(lambda: way.gateway.list_objects(way.place, 1))
            return fine("ListObjectsV2 is allowed")

        async def list_uploads() -> Finding:
            found = await self._ask(
                lambda: way.gateway.list_multipart_uploads(way.place, below=True)
            )
            return fine(f"ListMultipartUploads is allowed, {len(found)} pending here")

        return {
            "credentials": way.credentials,
            "proxy": way.proxy,
            "tls": way.tls,
            "bucket": partial(self._ask, way.bucket),
            "clock": way.clock,
            "region": way.region,
            "lifecycle": partial(self._ask, way.lifecycle),
            "list_objects": list_objects,
            "list_uploads": list_uploads,
        }

    async def _rate(self) -> Finding:
        if self._gateway is None or self._trial is None:
            raise AssertionError("unreachable: a part was uploaded")
        upload, noise = await self._trial.begin(None), await Noise.of(TRIAL_PART)
        test = SpeedTest(self._gateway, upload, noise, count(1))
        ended: AsyncupError | None = None
        for slots in RATE_SLOTS:
            try:
                self._rates[slots] = rate = await test.rate(slots)
            except S3Error as error:
                ended = error
                break
            self._announce(RateMeasured(concurrency=slots, rate=round(rate)))
        best = recommended(self._rates)
        if best is None:
            raise ended or AssertionError("unreachable: none was measured, and none failed")
        told = rate_told(self._rates, best)
        if ended is None:
            return fine(told)
        return Finding(verdict=Verdict.WARNING, told=f"{told}; more met this: {ended}")

    # What is around them.

    async def _ask(self, request: Callable[[], Awaitable[T]], /) -> T:
        """Make a request, and again if it fails in a way that may pass."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await request()
            except S3Error as error:
                if not error.transient:
                    raise
            await asyncio.sleep(_PAUSE)
        return await request()

    async def _tidy_up(self) -> None:
        if self._leavings is not None:
            async for left in self._leavings.remove(self._ask):
                self._announce(left)

    def _remember(self) -> None:
        """Let `asyncup put` know what spares it a request, as far as it was seen."""
        if self._gateway is not None and self._trial is not None and self._trial.known != UNKNOWN:
            hints = Hints(self._options.state_dir, self._gateway.endpoint)
            hints.learn(self._subject.place.bucket, self._trial.known)
            hints.keep()


def _of_trial(trial: Trial) -> dict[str, _Look]:
    return {
        "create": trial.create,
        "upload_part": trial.upload_part,
        "list_parts": trial.list_parts,
        "complete": trial.complete,
        "head_object": trial.head_object,
        "put_object": trial.put_object,
        "abort": trial.abort,
        "delete_object": trial.delete_object,
        "checksum": trial.checksum,
        "checks": trial.checks,
        "full_object": trial.full_object,
        "listed_checksums": trial.listed_checksums,
        "object_size": trial.object_size,
        "if_none_match": trial.if_none_match,
        "part_numbers": trial.part_numbers,
        "uneven_parts": trial.uneven_parts,
        "continue": trial.answers_continue,
        "trailer": trial.trailer,
    }


async def _raise(error: AsyncupError) -> Finding:
    raise error
