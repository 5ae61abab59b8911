"""One request to S3: its clock, and its errors in our words.

Every request has a clock. That of a request with a body starts again whenever bytes move, since
aiohttp's own begins only after the last byte: on a dead connection a body would hang for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from botocore.parsers import ResponseParserError

from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    ClockCorrected,
    ClockSkewed,
    Fault,
    S3Error,
    ServerFault,
    Stalled,
    TimedOut,
    WrongRegion,
)
from asyncup.edges import s3_errors, s3_foreign, s3_wire
from asyncup.edges.body import PartBody
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_direct import Direct
from asyncup.edges.s3_foreign import NotOfS3, foreign_answer
from asyncup.edges.s3_wire import Answer

_SLOWEST_STORE = 10 << 20
"""Bytes per second that a server is taken to write at least, once it has received them."""

_BLOCK = 1 << 18
"""Bytes of an answer's body to take at once."""

_WORTH_ASKING = 2 << 20
"""Bytes of a body for which it is worth to be told first that they are welcome: a round trip.

AWS's SDK for Go begins to ask at the same size (ContinueHeaderThresholdBytes).
"""

_LEAST = 1 << 12
"""Bytes of a longer body that have to come within a stall time: a trickle is no download."""


@contextmanager
def readable(fault: Fault) -> Iterator[None]:
    """Turn what goes wrong while an answer is read into what it is: no answer of S3.

    Raises:
        ServerFault: something is missing, or no number or date where there has to be one.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError) as error:
        raise foreign_answer(fault) from error


class Requests:
    """Makes requests through a client of aiobotocore.

    `stall_timeout` is in seconds, `connections` how many there may be: a request that is signed
    and then waits for one grows old, and so does its clock. Requests are signed by `clock`.
    Those with a body are made without that client where that can be done, with keys of `chain`.

    `waits_for_continue` says whether a large body waits until the server says that it is welcome.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - made at run time
        stall_timeout: float,
        connections: int,
        clock: SigningClock,
        chain: CredentialChain | None = None,
    ) -> None:
        self._client = client
        self._direct = None if chain is None else Direct(client, chain.keys, clock)
        self._clock = clock
        self._stall_timeout = stall_timeout
        self._connections = asyncio.Semaphore(connections)
        self.waits_for_continue = True
        client.meta.events.register("before-sign.s3", self._before_sign)
        client.meta.events.register("before-parse.s3", _before_parse)
        clock.register(client)

    async def ask(self, fault: Fault, **params: object) -> Answer:
        """Make a request that carries no file's bytes and is answered soon."""
        return await self._request(fault, self._stall_timeout, params)

    async def ask_patiently(self, fault: Fault, within: float, **params: object) -> Answer:
        """Make a request that S3 may take `within` seconds to answer."""
        return await self._request(fault, within, params)

    async def send(self, fault: Fault, body: PartBody, **params: object) -> Answer:
        """Make a request that carries a part's bytes."""
        waited = self.waits_for_continue
        try:
            return await self._request(fault, self._stall_timeout, params, body)
        except Stalled:
            # Not one byte was asked for: this server may not know `Expect: 100-continue`, and
            # aiohttp waits for that without end. It saves some bytes; it is not worth insisting.
            if waited and not body.sent and len(body) >= _WORTH_ASKING:
                self.waits_for_continue = False
            raise

    async def _request(
        self,
        fault: Fault,
        within: float,
        params: Mapping[str, object],
        body: PartBody | None = None,
    ) -> Answer:
        """Make one request, `within` seconds or, with a body, while its bytes keep moving."""
        async with self._connections:
            signed_ahead = self._clock.ahead
            _was_answered.set(False)
            try:
                async with asyncio.timeout(within if body is None else None) as scope:
                    with nullcontext() if body is None else _StallClock(scope, body, within):
                        answer = await self._answer(fault, params, body)
            except TimeoutError as error:
                raise _late(fault, within, body) from error
            except ClientError as error:
                raise self._answered(error, fault, signed_ahead) from error
            except _NO_ANSWER as error:
                raise _unanswered(error, fault, body) from error
        if not s3_wire.is_answer_of_s3(fault.operation, answer):
            raise foreign_answer(fault)
        if body is not None and body.tell() < len(body):
            told = f"it was answered when {body.tell()} of {len(body)} bytes were sent"
            raise ServerFault(replace(fault, message=told))
        return answer

    async def _answer(
        self, fault: Fault, params: Mapping[str, object], body: PartBody | None
    ) -> Answer:
        """Return S3's answer, by the shortest way; raises what a client of botocore does."""
        if body is not None:
            answer = await self._answer_directly(fault, params, body)
            if answer is not None:
                return answer
            params = {**params, "Body": body}
        method = getattr(self._client, xform_name(fault.operation))
        by_botocore: Answer = await method(**params)
        return by_botocore

    async def _answer_directly(
        self, fault: Fault, params: Mapping[str, object], body: PartBody
    ) -> Answer | None:
        """Return the answer to a request that carries bytes; None if it is one for botocore."""
        if self._direct is None:
            return None
        expects = self.waits_for_continue and len(body) >= _WORTH_ASKING
        try:
            return await self._direct.send(
                fault.operation, params, body, expects=expects, look=_before_parse
            )
        except ClientError as error:
            if not isinstance(s3_errors.answered(error, fault), WrongRegion):
                raise
        # botocore asks S3 where the bucket is; from then on, it is known here, too.
        self._direct.forget(params["Bucket"])
        body.seek(0)
        return None

    def _answered(self, error: ClientError, fault: Fault, signed_ahead: timedelta) -> S3Error:
        """Turn an error answer into ours, and go by S3's clock if it is about ours."""
        ours = s3_errors.answered(error, fault)
        date = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        # What answers HEAD has no body, and so no reason; and rclone says no more than "denied".
        may_be = isinstance(ours, AccessDenied) or ours.fault.code == "400"
        is_skew = isinstance(ours, ClockSkewed) or (
            may_be and self._clock.looks_wrong(date, signed_ahead)
        )
        if is_skew and self._clock.correct(date, signed_ahead):
            return ClockCorrected(ours.fault)
        return ours

    async def blocks(self, fault: Fault, body: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - botocore's
        """Yield an answer's body as it comes, while it keeps coming."""
        while block := await self._block(fault, body):
            yield block

    async def _block(self, fault: Fault, body: Any) -> bytes:  # noqa: ANN401 - botocore's
        try:
            async with asyncio.timeout(self._stall_timeout):
                block: bytes = await body.read(_BLOCK)
                while len(block) < _LEAST and (more := await body.read(_BLOCK)):
                    block += more
        except TimeoutError as error:
            raise _late(fault, self._stall_timeout, None) from error
        except (BotoCoreError, aiohttp.ClientError) as error:
            raise _unanswered(error, fault) from error
        return block

    def _before_sign(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if "Expect" not in request.headers:
            return
        # What is wrapped to be sent in chunks does not tell its length.
        size = len(request.data) if isinstance(request.data, Sized) else 0
        if not self.waits_for_continue or size < _WORTH_ASKING:
            del request.headers["Expect"]


class _StallClock:
    """Ends a scope when no bytes of a body have moved for so many seconds.

    It looks at that when it would ring, so bytes that move cost nothing. Where some have moved
    before, the body is asked first whether to go on waiting for its connection.
    """

    def __init__(self, scope: asyncio.Timeout, body: PartBody, within: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._scope = scope
        self._body = body
        self._within = within
        self._timer = self._loop.call_later(within, self._look)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now, patience = self._loop.time(), self._within
        if self._body.has_left:
            # A store may write all of it before it answers.
            patience += self._within + len(self._body) / _SLOWEST_STORE
        moved_at = self._body.moved_at(now)
        due = moved_at + patience
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
            return
        # Before the first byte, there is no connection yet that could survive.
        more = self._body.persist(now - moved_at) if self._body.sent else 0.0
        if more > 0:
            self._timer = self._loop.call_later(more, self._look)
        else:
            self._scope.reschedule(now)


class _RegionUntold(Exception):
    """S3 sends a request elsewhere, and does not tell where that is."""


_NO_ANSWER = (
    NotOfS3,
    _RegionUntold,
    ResponseParserError,
    ValueError,
    BotoCoreError,
    aiohttp.ClientError,
)
"""What is raised where S3 has not answered, or not in a way that can be understood."""

_was_answered = ContextVar("_was_answered", default=False)
"""Whether the request that a task makes has an answer, of whomever. botocore's parser raises
ValueError for a date or number that is none; before there is an answer, it is something of ours.
"""


def _before_parse(operation_model: Any, response_dict: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
    """Look at an answer before botocore does."""
    _was_answered.set(True)
    s3_foreign.check(operation_model.name, response_dict)
    # botocore asks by HeadBucket where a bucket is, and about a redirect of that in turn, for ever.
    is_redirect = 300 <= response_dict["status_code"] < 400  # noqa: PLR2004 - by its first digit
    is_mute = "x-amz-bucket-region" not in response_dict["headers"]
    if operation_model.name == "HeadBucket" and is_redirect and is_mute:
        raise _RegionUntold


def _unanswered(error: Exception, fault: Fault, body: PartBody | None = None) -> AsyncupError:
    """Turn into ours what is raised where there is no answer, or none of S3."""
    if isinstance(error, NotOfS3):
        return foreign_answer(fault, error)
    if isinstance(error, _RegionUntold):
        return s3_errors.region_untold(fault)
    cause = getattr(error, "kwargs", {}).get("error")
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return foreign_answer(fault, NotOfS3(cause.status, "of the proxy", ""))
    if _is_unreadable(error, cause):
        return foreign_answer(fault)
    if isinstance(cause, ValueError) and not isinstance(cause, OSError):
        # It can not even be written into a header: a key, a token. (Bad certificates are both.)
        error = cause
    if body is not None and body.failure is not None:
        return body.failure
    if isinstance(error, aiohttp.ClientError):
        # aiobotocore gives botocore's errors for those of aiohttp, but not for this one: an answer
        # that ends before its length, while a download or the refusal of one is read.
        error = ResponseStreamingError(error=error)
    return s3_errors.unanswered(error, fault)


def _is_unreadable(error: Exception, cause: object) -> bool:
    """Whether an answer is not even HTTP, or no XML, or has a date or number that is none."""
    return isinstance(cause, aiohttp.ClientResponseError) or (
        isinstance(error, ResponseParserError)
        or (isinstance(error, ValueError) and _was_answered.get())
    )


def _late(fault: Fault, within: float, body: PartBody | None) -> S3Error:
    if body is None:
        return TimedOut(replace(fault, message=f"no answer within {within:g} s"))
    told = f"no byte moved for {within:g} s, after {body.sent} of {len(body)}"
    return Stalled(replace(fault, message=told))
