"""What is known of a server from an earlier look at it: a hint, which spares a request.

A proof never stands on it. What the server answers now counts more, and a hint that is old counts
for nothing.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

SCHEMA = 1

LIFETIME = timedelta(days=7)
"""How long a hint counts: servers are replaced, and learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server was seen to do, None where nobody has looked.

    `takes_checksums`: it takes CreateMultipartUpload with an algorithm that it may not know.
    `answers_continue`: it answers `Expect: 100-continue` before a body is sent.
    """

    takes_checksums: bool | None = None
    answers_continue: bool | None = None


UNKNOWN = Capabilities()


@dataclass(frozen=True, slots=True)
class Remembered:
    """The hints of one endpoint: by bucket, and when they were seen."""

    endpoint: str
    buckets: dict[str, tuple[datetime, Capabilities]] = field(default_factory=dict)

    def of(self, bucket: str, now: datetime) -> Capabilities:
        """Return what counts now of what is known of a bucket."""
        seen, known = self.buckets.get(bucket, (now, UNKNOWN))
        return known if timedelta() <= now - seen < LIFETIME else UNKNOWN

    def answers_continue(self, now: datetime) -> bool:
        """Whether the server is to be asked before a body is sent: unless it was seen not to hear.

        That is no matter of a bucket.
        """
        return all(self.of(name, now).answers_continue is not False for name in self.buckets)

    def learn(self, bucket: str, known: Capabilities, now: datetime) -> "Remembered":
        """Return these hints with newer ones of a bucket; those that are old are left out."""
        kept = {name: each for name, each in self.buckets.items() if now - each[0] < LIFETIME}
        return replace(self, buckets=kept | {bucket: (now, known)})


def hints_text(remembered: Remembered) -> str:
    """Write down what `read_hints` reads."""
    buckets = {
        name: {"seen": seen.isoformat(), **asdict(known)}
        for name, (seen, known) in remembered.buckets.items()
    }
    told = {"schema": SCHEMA, "endpoint": remembered.endpoint, "buckets": buckets}
    return json.dumps(told, indent=1)


def read_hints(text: str, endpoint: str) -> Remembered:
    """Return what a text tells of an endpoint; nothing, if it is none of it."""
    try:
        told = json.loads(text)
        if told["schema"] != SCHEMA or told["endpoint"] != endpoint:
            return Remembered(endpoint)
        buckets = {str(name): _read_hint(each) for name, each in told["buckets"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Remembered(endpoint)
    return Remembered(endpoint, buckets)


def _read_hint(told: Any) -> tuple[datetime, Capabilities]:  # noqa: ANN401 - JSON
    seen = datetime.fromisoformat(told["seen"])
    if seen.tzinfo is None:
        raise ValueError("without a zone, it is no moment")
    known = {name: told.get(name) for name in ("takes_checksums", "answers_continue")}
    if any(value not in (None, True, False) for value in known.values()):
        raise ValueError("neither yes nor no")
    return seen, Capabilities(**known)
