"""Sizes and durations, as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.sizes import (
    LONGEST_DURATION,
    brief_size,
    exact_duration,
    exact_size,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1024", 1024),
        ("512b", 512),
        ("512 B", 512),
        ("8K", 8 * KIB),
        ("8KiB", 8 * KIB),
        ("8KB", 8_000),
        ("16M", 16 * MIB),
        ("16MiB", 16 * MIB),
        ("16mib", 16 * MIB),
        ("16MB", 16_000_000),
        ("1.5G", 3 * GIB // 2),
        ("1.5 GiB", 3 * GIB // 2),
        ("1.5GB", 1_500_000_000),
        ("  5 gb ", 5_000_000_000),
        ("2T", 2 * TIB),
        ("50TB", 50 * 10**12),
        ("0.5TiB", TIB // 2),
        ("1P", 1 << 50),
        ("1PB", 10**15),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    """Bare letters and `iB` are powers of 1024, `B` after a letter makes it powers of 1000."""
    assert parse_size(text) == size


@given(st.integers(0, 50 * 10**12))
def test_a_number_of_bytes_is_read_exactly(size: int) -> None:
    """A size without a unit is that number of bytes, not nearly that number."""
    assert parse_size(str(size)) == size


NO_SIZES = [
    "",
    "  ",
    "MiB",
    "-1",
    "+1",
    "1e6",
    "1,5MB",
    "1_000",
    "1.MiB",
    ".5MiB",
    "1.2.3",
    "0x10",
    "16 M B",
    "16MiBs",
    "16MiB 3",
    "5s",
    "16E",
    "nan",
    "inf",
]


@pytest.mark.parametrize("text", NO_SIZES)
def test_what_is_no_size_is_refused(text: str) -> None:
    """What is no size is refused with its own text and with what to write instead."""
    with pytest.raises(ValueError, match="is not a size") as caught:
        parse_size(text)
    assert str(caught.value) == (f"{text!r} is not a size: write 16MiB, 1.5GB or a number of bytes")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (KIB, "1 KiB"),
        (1536, "1.5 KiB"),
        (10 * KIB, "10 KiB"),
        (100 * KIB, "100 KiB"),
        (MIB - 1, "1 MiB"),
        (16 * MIB, "16 MiB"),
        (GIB - 1, "1 GiB"),
        (10**9, "953.67 MiB"),
        (5 * GIB, "5 GiB"),
        (50 * 10**12, "45.47 TiB"),
        (10_000 * 5 * GIB, "48.83 TiB"),
        (1 << 50, "1 PiB"),
        (5000 << 50, "5000 PiB"),
        (1234.5 * KIB, "1.21 MiB"),
        (-1536, "-1.5 KiB"),
    ],
)
def test_a_size_is_written(size: float, text: str) -> None:
    """A size is written with at most two decimals, none of them a trailing zero."""
    assert format_size(size) == text


@given(st.integers(0, 1 << 59))
def test_no_size_is_written_as_1024_of_a_unit(size: int) -> None:
    """A size that rounds up to 1024 of a unit is written as one of the next."""
    assert not format_size(size).startswith("1024 ")


@given(st.integers(0, 1 << 60))
def test_a_written_size_reads_as_nearly_the_same(size: int) -> None:
    """What `format_size` writes, `parse_size` reads: within half a percent, small sizes exactly."""
    read = parse_size(format_size(size))

    assert abs(read - size) <= (0 if size < KIB else size * 0.0051)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("0.5", 0.5),
        ("90s", 90.0),
        ("0.5s", 0.5),
        ("1.5m", 90.0),
        ("1h30m", 5400.0),
        (" 1h 30m ", 5400.0),
        ("1H30M", 5400.0),
        ("7d", 604_800.0),
        ("1d2h3m4s", 93_784.0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    """A duration is a number of seconds, or terms of days, hours, minutes and seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "s", "h1", "1h30", "30 sec", "100ms", "-5s", "+5", "1w", "1e3", ".5s", "nan", "inf"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """What is no duration is refused with its own text and with what to write instead."""
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration(text)
    assert str(caught.value) == (
        f"{text!r} is not a duration: write 90s, 5m, 1h30m or a number of seconds"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (7, "7s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (60, "1m 00s"),
        (245, "4m 05s"),
        (3599.4, "59m 59s"),
        (3599.6, "1h 00m"),
        (12_000, "3h 20m"),
        (86_399, "23h 59m"),
        (86_400, "1d 0h"),
        (6 * 86_400 + 4 * 3600 + 3599, "6d 4h"),
    ],
)
def test_a_duration_is_written(seconds: float, text: str) -> None:
    """A duration is written in its two largest units."""
    assert format_duration(seconds) == text


@given(st.integers(0, 10**7))
def test_a_written_duration_reads_as_nearly_the_same(seconds: int) -> None:
    """What `format_duration` writes, `parse_duration` reads, less than one smallest unit short."""
    smallest = 1 if seconds < 3600 else 60 if seconds < 86_400 else 3600

    assert 0 <= seconds - parse_duration(format_duration(seconds)) < smallest


@pytest.mark.parametrize("text", ["9" * 400, "1 30", "4000d"])
def test_a_time_beyond_reason_is_refused(text: str) -> None:
    """No number is too long to be read, and no time longer than a clock counts."""
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration(text)


def test_a_size_of_any_length_is_read_exactly() -> None:
    """A number of bytes is what it says, however long."""
    assert parse_size("9007199254740993") == 9007199254740993
    assert parse_size("9" * 400) == int("9" * 400)


def test_a_part_of_a_byte_is_not_1024() -> None:
    """What rounds to 1024 bytes is a KiB."""
    assert format_size(1023.7) == "1 KiB"


@given(st.integers(0, 1 << 60))
def test_exact_sizes(size: int) -> None:
    """A size is written such that it is read as the same."""
    assert parse_size(exact_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (16 << 20, "16MiB"), (1500, "1500"), (1536, "1536"), (1024, "1KiB")],
)
def test_exact_sizes_are_short(size: int, text: str) -> None:
    """In the largest unit that it is a whole number of."""
    assert exact_size(size) == text


@given(st.integers(0, 10**9) | st.floats(0, 1e6).map(lambda each: round(each, 3)))
def test_exact_durations(seconds: float) -> None:
    """A duration is written such that it is read as the same."""
    assert parse_duration(exact_duration(min(seconds, LONGEST_DURATION))) == min(
        seconds, LONGEST_DURATION
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (30.0, "30s"), (90.0, "90s"), (600.0, "10m"), (86_400.0, "1d"), (0.5, "0.5s")],
)
def test_exact_durations_are_short(seconds: float, text: str) -> None:
    """In the largest unit that it is a whole number of."""
    assert exact_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (9.996 * 1024, "10.0 KiB"),
        (99.96 * 1024, "100 KiB"),
        (1000 << 10, "1000 KiB"),
        (1023.9 * 1024, "1024 KiB"),
        (16 << 20, "16.0 MiB"),
        (123_456 << 50, "123456 PiB"),
    ],
)
def test_a_brief_size_has_four_characters(size: float, text: str) -> None:
    """And its unit: so it stays as long as it is while it grows."""
    assert brief_size(size) == text
