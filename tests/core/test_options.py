"""The engine's knobs: what is refused, and in which words."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from asyncup.core.errors import UsageError
from asyncup.core.options import (
    GIB,
    MIB,
    Adaptive,
    AddressingStyle,
    ChecksumPolicy,
    Limits,
    OnChange,
    Options,
    Overwrite,
    S3Config,
)
from asyncup.core.rates import RateLimit

BAD: list[tuple[dict[str, Any], str]] = [
    ({"part_size": MIB}, "part size 1 MiB is not between 5 MiB and 5 GiB"),
    ({"part_size": 6 * GIB}, "part size 6 GiB is not between 5 MiB and 5 GiB"),
    ({"part_size": 0}, "part size 0 B is not between 5 MiB and 5 GiB"),
    ({"concurrency": 0}, "concurrency 0 is less than 1"),
    ({"concurrency": -8}, "concurrency -8 is less than 1"),
    ({"processes": -1}, "processes -1 is less than 0"),
    ({"read_ahead": -1}, "read ahead -1 is less than 0"),
    ({"max_retry": 0}, "max retry 0 is less than 1"),
    ({"retry_step": -0.5}, "retry step -0.5 is negative"),
    ({"retry_cap": -1.0}, "retry cap -1.0 is negative"),
    ({"stall_timeout": 0.0}, "stall timeout 0.0 is not above 0"),
    ({"stall_timeout": -3.0}, "stall timeout -3.0 is not above 0"),
]


@pytest.mark.parametrize(("values", "problem"), BAD)
def test_a_value_that_cannot_work_is_named(values: dict[str, Any], problem: str) -> None:
    """A value that cannot work is refused by its name, with the value and what is wrong."""
    with pytest.raises(UsageError) as caught:
        Options(**values)
    assert str(caught.value) == problem


def test_all_problems_are_in_one_message() -> None:
    """Who gave several bad values learns of all of them at once."""
    with pytest.raises(UsageError) as caught:
        Options(
            part_size=1,
            concurrency=0,
            read_ahead=-1,
            max_retry=0,
            retry_step=-1,
            retry_cap=-2,
            stall_timeout=0,
        )
    assert str(caught.value).split("; ") == [
        "part size 1 B is not between 5 MiB and 5 GiB",
        "concurrency 0 is less than 1",
        "read ahead -1 is less than 0",
        "max retry 0 is less than 1",
        "retry step -1 is negative",
        "retry cap -2 is negative",
        "stall timeout 0 is not above 0",
    ]


@pytest.mark.parametrize("name", ["retry_step", "retry_cap", "stall_timeout"])
def test_a_time_that_is_no_number_is_refused(name: str) -> None:
    """NaN compares with nothing, and does not slip through for that."""
    times: dict[str, Any] = {name: float("nan")}
    with pytest.raises(UsageError, match=name.replace("_", " ")):
        Options(**times)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"part_size": 5 * MIB},
        {"part_size": 5 * GIB},
        {"concurrency": 1},
        {"read_ahead": 0},
        {"max_retry": 1},
        {"retry_step": 0, "retry_cap": 0},
        {"stall_timeout": 0.1},
    ],
)
def test_the_bounds_themselves_are_taken(values: dict[str, Any]) -> None:
    """Every bound is a value that works, and nothing changes it on the way in."""
    options = Options(**values)

    assert {name: getattr(options, name) for name in values} == values


def test_the_part_size_is_held_to_the_limits_of_the_server() -> None:
    """A server with limits of its own refuses other part sizes than AWS, and takes others."""
    limits = Limits(min_part_size=100, max_part_size=200)

    assert Options(part_size=100, limits=limits).part_size == 100
    with pytest.raises(UsageError, match="part size 201 B is not between 100 B and 200 B"):
        Options(part_size=201, limits=limits)


def test_the_limits_are_those_of_aws() -> None:
    """10,000 parts of 5 MiB to 5 GiB make objects of up to 48.8 TiB, under keys of 1,024 bytes."""
    limits = Limits()

    assert (limits.min_part_size, limits.max_part_size) == (5_242_880, 5_368_709_120)
    assert (limits.max_parts, limits.max_key_bytes) == (10_000, 1024)
    assert limits.max_object_size == 53_687_091_200_000


def test_nothing_is_read_ahead_without_chunk_files() -> None:
    """Parts wait on the disk beside those in flight; without one, all that are read are sent."""
    assert Options(read_ahead=3).ahead == 3
    assert Options(read_ahead=3, direct=True).ahead == 0


@pytest.mark.parametrize(
    ("concurrency", "slots"),
    [
        (5, (5, 5, 5)),
        (Adaptive(), (1, 8, 32)),
        (Adaptive.between(2, 64), (2, 8, 64)),
        (Adaptive.between(10, 20), (10, 10, 20)),
        (Adaptive.between(1, 4), (1, 4, 4)),
    ],
)
def test_bounds_of_the_slots(concurrency: int | Adaptive, slots: tuple[int, int, int]) -> None:
    """A number is the least and the most; other bounds begin with 8 as far as they let it."""
    bounds = Options(concurrency=concurrency).slots
    assert (bounds.least, bounds.start, bounds.most) == slots


@pytest.mark.parametrize("bounds", [(0, 8, 32), (9, 8, 32), (1, 8, 7), (-1, -1, -1)])
def test_bounds_that_cannot_be(bounds: tuple[int, int, int]) -> None:
    """There is at least one slot, and the least are not more than the most."""
    least, start, most = bounds
    with pytest.raises(UsageError, match="concurrency"):
        Adaptive(least=least, start=start, most=most)


def test_options_cannot_be_changed() -> None:
    """Options are checked once, when they are made, so nothing may change them later."""
    options: Any = Options()
    with pytest.raises(FrozenInstanceError):
        options.concurrency = 0


def test_the_defaults() -> None:
    """Whoever sets nothing gets these, among them that what S3 holds in the same size stays."""
    defaults = Options()

    assert {each.name: getattr(defaults, each.name) for each in fields(Options)} == {
        "part_size": None,
        "concurrency": Adaptive(least=1, start=8, most=32),
        "read_ahead": 2,
        "processes": 1,
        "direct": False,
        "split_dir": None,
        "overwrite": Overwrite.SIZE,
        "checksum": ChecksumPolicy.AUTO,
        "on_change": OnChange.FAIL,
        "state_dir": None,
        "max_retry": 30,
        "retry_step": 5.0,
        "retry_cap": 60.0,
        "stall_timeout": 30.0,
        "complete_timeout": 600.0,
        "give_up_after": 86_400.0,
        "limit_rate": RateLimit.parse("off"),
        "min_rate": 0,
        "stop_grace": 10.0,
        "limits": Limits(),
    }


def test_certificates_are_checked_unless_told_otherwise() -> None:
    """A connection is a trusted one, by the server's own name, if nobody asks for less."""
    assert S3Config() == S3Config(verify_ssl=True)


def test_words_are_those_of_the_command_line() -> None:
    """The values are what people write, so renaming one breaks their scripts."""
    assert [each.value for each in Overwrite] == ["always", "never", "size", "checksum"]
    assert [each.value for each in OnChange] == ["fail", "restart", "patch"]
    assert [each.value for each in AddressingStyle] == ["path", "virtual", "auto"]


def test_secrets_are_not_shown() -> None:
    """The text of a configuration, as logs and tracebacks have it, tells no secret."""
    config = S3Config(
        access_key_id="AKIAEXAMPLE",
        secret_access_key="very-secret",  # noqa: S106 - it has to look like one
        session_token="very-secret-too",  # noqa: S106 - it has to look like one
        ca_bundle=Path("ca.pem"),
    )

    assert "AKIAEXAMPLE" in repr(config)
    assert "very-secret" not in repr(config)


@pytest.mark.parametrize("values", [{"complete_timeout": 0}, {"stop_grace": -1}])
def test_times_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    """A time that ends before it begins is none."""
    with pytest.raises(UsageError):
        Options(**values)


def test_a_part_size_just_off_the_limit_is_told_in_bytes() -> None:
    """A message does not say that 5 MiB is not at least 5 MiB."""
    with pytest.raises(UsageError, match="part size 5242879 B is not between 5 MiB"):
        Options(part_size=5 * MIB - 1)
