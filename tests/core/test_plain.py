"""What goes to another process comes back from its plain form as what it was."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from asyncup.core import errors
from asyncup.core.errors import (
    AsyncupError,
    ConnectionLost,
    Fault,
    GaveUp,
    Interrupted,
    RetriesExhausted,
    S3Error,
)
from asyncup.core.plain import from_plain, to_plain

FAULT = Fault(
    action="upload part 7 of s3://bucket/é",
    operation="UploadPart",
    code="SlowDown",
    message="Please reduce your request rate.",
    request_id="4442587FB7D0A2F9",
    retry_after=1.5,
)


def kinds(kind: type[AsyncupError] = AsyncupError) -> Iterator[type[AsyncupError]]:
    """Yield every class of errors there is."""
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from kinds(each)


def made(kind: type[AsyncupError]) -> AsyncupError:
    """Return an error of a class, with all that it can hold."""
    last = ConnectionLost(FAULT, hint="wait")
    if issubclass(kind, RetriesExhausted):
        return kind(last, attempts=30)
    if issubclass(kind, GaveUp):
        return kind(last, waited="1d")
    if issubclass(kind, Interrupted):
        return kind("stopped", remaining=50 * 10**12)
    return kind(FAULT, hint="as told") if issubclass(kind, S3Error) else kind("so", hint="as told")


def held(error: AsyncupError) -> dict[str, object]:
    """Return all that an error holds; of errors in it, the same."""
    return {
        "class": type(error),
        "told": str(error),
        "transient": error.transient,
        **{
            name: held(value) if isinstance(value, AsyncupError) else value
            for name, value in vars(error).items()
        },
    }


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_error_comes_back_as_it_was(kind: type[AsyncupError]) -> None:
    """Class, text, hint and all other fields of an error survive JSON, and so do its notes."""
    error = made(kind)
    error.add_note("also: another one")
    again = from_plain(AsyncupError, json.loads(json.dumps(to_plain(error))))
    assert held(again) == held(error)


def test_an_error_can_be_raised_again() -> None:
    """What comes back is an exception like any other."""
    again = from_plain(AsyncupError, to_plain(S3Error(FAULT)))
    with pytest.raises(S3Error, match="SlowDown") as raised:
        raise again
    assert raised.value.fault == FAULT


def test_a_type_that_nobody_knows_is_no_value() -> None:
    """A field of a type that was never thought of fails at once, and is not taken for text."""

    @dataclass(frozen=True)
    class Odd:
        field: tuple[int, ...]

    with pytest.raises(NotImplementedError, match="tuple"):
        from_plain(Odd, {"field": [1]})


def test_keys_are_text() -> None:
    """JSON has no other keys: a mapping by numbers would come back as one by their digits."""

    @dataclass(frozen=True)
    class Odd:
        field: Mapping[int, str]

    with pytest.raises(NotImplementedError, match=r"Mapping.*int"):
        from_plain(Odd, json.loads(json.dumps(to_plain(Odd({1: "one"})))))
