"""The clock that requests are signed by: this machine's, corrected by what S3 says the time is.

AWS refuses what is signed more than 15 minutes off. A laptop that wakes up, or a board without a
battery, is soon set right by NTP; a network that breaks may take longer.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, S3SigV4Auth

from asyncup.edges.s3_errors import read_date

_OF_OURS = "asyncup-s3v4"
_TIME = "asyncup.time"

_SUSPICIOUS = timedelta(minutes=5)
"""How far off a clock has to be for a refusal that gives no reason to be its fault."""

_SAME = timedelta(minutes=1)
"""Two looks at S3's clock that differ by less saw the same."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SigningClock:
    """Tells the time that S3 has; `local` is this machine's clock.

    `ahead` is how far S3's clock is found to be ahead of it.
    """

    def __init__(self, local: Callable[[], datetime] = _utc_now) -> None:
        self._local = local
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the time to sign by."""
        return self._local() + self.ahead

    def correct(self, date: str | None, signed_ahead: timedelta) -> bool:
        """Go by the Date header of an answer that told of skew; whether that changes a thing.

        `signed_ahead` is what was known when the request that it answers was signed.
        """
        ahead = self.ahead_by(date)
        if ahead is None or abs(ahead - signed_ahead) < _SAME:
            return False
        self.ahead = ahead
        return True

    def looks_wrong(self, date: str | None, signed_ahead: timedelta) -> bool:
        """Whether it may have been for its time that a request was refused."""
        ahead = self.ahead_by(date)
        return ahead is not None and abs(ahead - signed_ahead) > _SUSPICIOUS

    def ahead_by(self, date: str | None) -> timedelta | None:
        """Return how far a Date header is ahead of this machine's clock; None if it is none."""
        then = read_date(date)
        return None if then is None else then - self._local()

    def register(self, client: Any) -> None:  # noqa: ANN401 - made at run time
        """Let a client sign by this clock."""
        client.meta.events.register("choose-signer.s3", _choose_signer)
        client.meta.events.register("before-sign.s3", self._before_sign)

    def _before_sign(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        request.context[_TIME] = self.now()


class _ClockedS3SigV4Auth(S3SigV4Auth):  # type: ignore[misc] # botocore ships no types
    """botocore's own signature for S3, at a time that it is told."""

    def _modify_request_before_signing(self, request: Any) -> None:  # noqa: ANN401 - botocore's
        request.context["timestamp"] = request.context[_TIME].strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)


# Under a name of its own: nobody is signed for by it who did not choose it.
AUTH_TYPE_MAPS[_OF_OURS] = _ClockedS3SigV4Auth


def is_clocked(signature_version: object) -> bool:
    """Whether a request that is signed so is signed by a clock of ours, as S3 usually wants it."""
    return signature_version == _OF_OURS


def _choose_signer(
    signature_version: object,
    context: Mapping[str, Any],
    **_: object,
) -> str | None:
    """Sign what would be signed by SigV4 for S3; all else (S3 Express, SigV4A) is botocore's."""
    if context["client_config"].auth_scheme_preference:
        return None
    return _OF_OURS if signature_version in {"v4", "s3v4"} else None
