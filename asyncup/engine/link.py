"""The way to S3, which all requests share: is it there, and if not, who looks for it?

Nobody guesses. When a request fails in a way that casts doubt on the whole, one of those who
doubt asks S3 a small question on behalf of all; the others wait for what that finds. Who asks may
be stopped at any time: then the next one of those who wait goes on asking.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from asyncup.core import outage
from asyncup.core.backoff import RetryPolicy
from asyncup.core.conditions import CredentialsRenewed, WentOffline, WentOnline
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    GaveUp,
    Interrupted,
    S3Error,
    Unreachable,
)
from asyncup.core.events import Listener
from asyncup.core.model import ObjectURI
from asyncup.core.sizes import format_duration
from asyncup.edges.gateway import Gateway

NAP = 1.0
"""Seconds after which one who rests looks up: somebody else may have been answered."""


@dataclass(slots=True)
class _Lost:
    """How things stand while the way is lost."""

    since: float
    error: AsyncupError
    probes: int = 0


class Link:
    """Knows whether S3 can be reached, and parks everybody while it cannot.

    Args:
        policy: for how long S3 is looked for; but one that has never answered, whose endpoint may
            as well be wrong, is asked no more often than a request is made.
        is_known: an earlier run was answered.
        chance: gives random numbers from 0 to 1.

    Attributes:
        has_answered: S3 has answered some request in this run.
        has_worked: it has taken bytes; that it denies access from then on may pass.
        outages: how often the way was found to be lost.
    """

    def __init__(
        self,
        gateway: Gateway,
        announce: Listener,
        stopping: asyncio.Event,
        *,
        policy: RetryPolicy,
        is_known: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._gateway = gateway
        self._announce = announce
        self._stopping = stopping
        self._policy = policy
        self._chance = chance
        self.has_answered = False
        self.has_worked = False
        self._asking = asyncio.Lock()
        self._lost: _Lost | None = None
        self._given_up_since: float | None = None
        self.outages = 0
        self._was_lost = False
        self._findings = 0
        self._answers = int(is_known)
        self._next_start = 0.0
        self._answered_at = self._found_at = self._doubted_at = float("-inf")
        self._paused: float | None = None
        self._end: tuple[int, Callable[[], AsyncupError]] | None = None

    def answered(self, *, acknowledged: bool) -> None:
        """Note that S3 has answered a request; `acknowledged` says that it has taken bytes."""
        self._answers += 1
        self._answered_at = self._now()
        self.has_answered = True
        self.has_worked = self.has_worked or acknowledged
        if self._given_up_since is not None:
            # Others may come after one that was given up, and find it.
            since, self._given_up_since = self._given_up_since, None
            self._announce(WentOnline(self._now() - since))

    def pause(self) -> None:
        """Look for nothing until `go_on` is called: that time is not part of any outage."""
        if self._paused is None:
            self._paused = self._now()

    def go_on(self) -> None:
        """End a pause."""
        if self._paused is not None and self._lost is not None:
            self._lost.since += self._now() - max(self._paused, self._lost.since)
        self._paused = None

    def persist(self, stood_for: float) -> float:
        """Return for how many seconds more to keep a connection that has carried bytes before.

        It has carried none for `stood_for` seconds. Either it is lost, or the way is, and then
        what was sent over it is not: it may go on where it was. The first one gives up, by which
        it is found out; the others are kept until that is known, and a while longer if it was
        the way. If who looks for it is stopped, the next one takes its place.
        """
        now = self._now()
        if self._asking.locked():
            return NAP
        if self._given_up_since is not None:
            return 0.0
        if self._lost is None:
            if now - self._found_at < outage.REVIVAL:
                return self._found_at + outage.REVIVAL - now
            if now - self._answered_at < stood_for:
                # Others have been answered meanwhile.
                return 0.0
        if now - self._doubted_at < NAP:
            return NAP
        self._doubted_at = now
        return 0.0

    async def ready(self, uri: ObjectURI) -> None:
        """Wait until a request may be begun; `uri` is what it is about.

        Raises:
            GaveUp, Unreachable: the way to S3 was not found in time.
            Interrupted: it was time to stop before it was found.
        """
        if self._lost is None:
            return
        before = self._findings
        async with self._asking:
            if self._lost is not None:
                await self._look(self._lost.error, uri)
            self._check_end(before)
        await self._take_turns()

    async def examine(self, error: AsyncupError, uri: ObjectURI, since: int | None = None) -> bool:
        """Return whether a request failed because the way to S3 was lost; it is there again then.

        `since` is what `outages` was when it was begun: its connection may not have survived one
        that has come and gone meanwhile; and if it was given up, there is no other attempt.

        Raises: as `ready`.
        """
        if not outage.is_doubtful(
            error, has_answered=self.has_answered, has_worked=self.has_worked
        ):
            return False
        before = self._findings
        async with self._asking:
            self._check_given_up(since)
            if self._findings == before:
                await self._look(error, uri)
            self._check_end(before)
            was_lost = self._was_lost
        if was_lost:
            await self._take_turns()
        return was_lost or (since is not None and self.outages > since)

    async def _look(self, error: AsyncupError, uri: ObjectURI) -> None:
        """Ask S3 until it answers, and note whether it did not at first, or not to who we were.

        Raises: as `ready`.
        """
        while True:
            if self._lost is not None and self._stopping.is_set():
                # Whatever it were to find, nothing is begun any more, by anybody who waits.
                raise _stopped(error) from error
            answers = self._answers
            # What denies access may be a policy: other keys of the same owner are denied as well.
            is_renewed = await self._renew(error) and not isinstance(error, AccessDenied)
            began = self._now()
            failure = await self._probe(uri)
            if failure is not None and not self._is_alive(failure, answers):
                error = failure
                await self._rest(self._lose(error, self._now() - began), error, answers)
            if failure is None:
                self.answered(acknowledged=False)
            if failure is None or self._is_alive(failure, answers):
                self._was_lost = self._found() or is_renewed
                return

    def _is_alive(self, failure: AsyncupError, answers: int) -> bool:
        """Return whether S3 has answered somebody else meanwhile: their connection has survived."""
        # What was sent before the keys ran out may be answered after that.
        return self._answers != answers and not isinstance(failure, outage.IDENTITY)

    async def _renew(self, error: AsyncupError) -> bool:
        """Take other credentials, if that is what it is about and there are any."""
        if not isinstance(error, outage.IDENTITY):
            return False
        try:
            is_renewed = await self._gateway.renew_credentials()
        except S3Error:
            # Where they come from may be out of reach as well; the probe tells.
            return False
        if is_renewed:
            self._announce(CredentialsRenewed())
        return is_renewed

    async def _probe(self, uri: ObjectURI) -> AsyncupError | None:
        try:
            await self._gateway.probe(uri)
        except AsyncupError as error:
            return error
        return None

    def _found(self) -> bool:
        """Let everybody go on; return whether the way had been lost."""
        lost, self._lost = self._lost, None
        self._findings += 1
        if lost is not None or self._doubted_at > self._found_at:
            # It may have come back just before the one who doubted it asked.
            self._found_at = self._now()
        if lost is not None:
            self._announce(WentOnline(self._found_at - lost.since))
        return lost is not None

    def _lose(self, error: AsyncupError, took: float) -> float:
        """Take note of a probe that failed after so long, and return the seconds until the next.

        Raises:
            GaveUp, Unreachable: there is none.
        """
        if self._lost is None:
            self._lost = _Lost(self._now(), error)
            self._given_up_since = None
            self.outages += 1
        lost = self._lost
        lost.error, lost.probes = error, lost.probes + 1
        delay = self._until_probe(lost, took)
        self._announce(WentOffline(error, delay, lost.probes))
        return delay

    def _until_probe(self, lost: _Lost, took: float) -> float:
        error, chance = lost.error, self._chance()
        if not self._answers:
            delay = self._policy.delay(lost.probes, error, chance)
            if delay is None:
                raise self._give_up(
                    lambda: Unreachable(error, attempts=lost.probes) if error.transient else error
                )
            return delay
        now = self._now() if self._paused is None else self._paused
        lost_for, budget = max(0.0, now - lost.since), self._policy.give_up_after
        if outage.is_over(lost_for, budget):
            raise self._give_up(lambda: GaveUp(error, waited=format_duration(budget)))
        asked = error.fault.retry_after if isinstance(error, S3Error) else None
        return min(outage.until_probe(lost_for, took, asked, chance), budget - lost_for)

    def _give_up(self, end: Callable[[], AsyncupError]) -> AsyncupError:
        """Let nobody who waits look any more, and return the error for it."""
        self._findings += 1
        self._given_up_since = None if self._lost is None else self._lost.since
        self._lost, self._end = None, (self._findings, end)
        return end()

    def _check_end(self, before: int) -> None:
        """Raise what those are told who have waited since before it was given up."""
        if self._end is not None:
            given_up, error = self._end
            if before < given_up:
                raise error()

    def _check_given_up(self, since: int | None) -> None:
        """Raise what an attempt is told that was kept while S3 was looked for in vain."""
        is_over = self._given_up_since is not None and since is not None and since < self.outages
        if is_over and self._end is not None:
            error = self._end[1]()
            raise error

    async def _rest(self, seconds: float, error: AsyncupError, answers: int) -> None:
        """Wait, and for the end of a pause, unless there is a sign of life meanwhile."""
        end = self._now() + seconds
        while not self._is_alive(error, answers):
            left = NAP if self._paused is not None else end - self._now()
            if left <= 0:
                break
            await pause(min(left, NAP), self._stopping, error)

    async def _take_turns(self) -> None:
        """Let those who waited begin one after the other."""
        start = max(self._now(), self._next_start)
        self._next_start = start + outage.until_next_start(self._chance())
        await pause(start - self._now(), self._stopping)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def pause(seconds: float, stopping: asyncio.Event, error: AsyncupError | None = None) -> None:
    """Wait, because of an error if there is one.

    Raises:
        Interrupted: it was time to stop meanwhile.
    """
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
    raise _stopped(error) from error


def _stopped(error: AsyncupError | None) -> Interrupted:
    told = "" if error is None else f" after: {error}"
    return Interrupted(f"stopped while waiting for S3{told}")
