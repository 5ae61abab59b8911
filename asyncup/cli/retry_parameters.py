"""The options that say what is done when something fails, and for how long."""

from typing import Annotated

from asyncup.cli import readers
from asyncup.cli.panels import panel

_retries = panel("When it fails")

_TIME = {"parser": readers.duration, "metavar": "TIME"}

MaxRetry = Annotated[int, _retries("--max-retry", "Attempts for each part", metavar="N", min=1)]
RetryStep = Annotated[
    float,
    _retries(
        "--retry-step",
        "Attempt n is followed by a delay of n times this",
        show_default="5s",
        **_TIME,
    ),
]
RetryCap = Annotated[
    float,
    _retries(
        "--retry-cap",
        "And never longer than this, unless S3 asks for it",
        show_default="60s",
        **_TIME,
    ),
]
StallTimeout = Annotated[
    float,
    _retries(
        "--stall-timeout",
        "A part whose bytes do not move for this long is sent again",
        show_default="30s",
        **_TIME,
    ),
]
GiveUpAfter = Annotated[
    float,
    _retries(
        "--give-up-after",
        "End with status 75 when S3 has been out of reach for this long",
        show_default="1d",
        **_TIME,
    ),
]
MinRate = Annotated[
    int,
    _retries(
        "--min-rate",
        "A part that is slower for as long is sent again, if others are not",
        parser=readers.per_second,
        metavar="SIZE/s",
        show_default="none",
    ),
]
StopGrace = Annotated[
    float,
    _retries(
        "--stop-grace",
        "After Ctrl-C, parts in flight have this long to arrive",
        show_default="10s",
        **_TIME,
    ),
]
CompleteTimeout = Annotated[
    float,
    _retries(
        "--complete-timeout",
        "S3 has this long to put the parts of an object together",
        show_default="10m",
        **_TIME,
    ),
]
