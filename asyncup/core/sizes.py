"""Sizes and durations as people write and read them.

`KiB`, `MiB`, ... and the bare letters `K`, `M`, ... are powers of 1024, as in dd, rclone and
qemu; `KB`, `MB`, ... are powers of 1000 (IEC 80000-13).
"""

import re
from decimal import Decimal
from fractions import Fraction

_BINARY = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?:(?P<unit>[kmgtp])(?P<kind>ib|b)?|b)?")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd] ?)+|\d+(?:\.\d+)?")
LONGEST_DURATION = 3650 * 86400
"""Seconds. Ten years: whatever is longer is a mistake, and some clocks do not count that far."""

_DURATION_TERM = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_size(text: str) -> int:
    """Read `16MiB`, `1.5 GB`, `8M` or `1024` as a number of bytes.

    Raises:
        ValueError: it is no size.
    """
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not a size: write 16MiB, 1.5GB or a number of bytes")
    scale = _DECIMAL if found["kind"] == "b" else _BINARY
    # Fractions are exact, also for numbers of bytes that a float would round.
    return round(Fraction(found["number"]) * scale.get(found["unit"] or "", 1))


def format_size(size: float) -> str:
    """Write a number of bytes for reading: `512 B`, `16 MiB`, `1.46 GiB`."""
    if round(abs(size)) < 1 << 10:
        return f"{size:.0f} B"
    for letter, scale in _BINARY.items():
        # 1023.995 would be written as 1024 of the smaller unit.
        if abs(size) < scale * 1023.995 or letter == "p":
            return f"{size / scale:.2f}".rstrip("0").rstrip(".") + f" {letter.upper()}iB"
    raise AssertionError("unreachable")


def brief_size(size: float) -> str:
    """Write a number of bytes in four characters and its unit, for what changes all the time."""
    number, _, unit = format_size(size).partition(" ")
    texts = (f"{float(number):.{digits}f}" for digits in (2, 1, 0))
    brief = next((text for text in texts if len(text) <= 4), number)  # noqa: PLR2004 - as told
    return f"{number if unit == 'B' else brief} {unit}"


def exact_size(size: int) -> str:
    """Write a number of bytes such that it is read as the same: `16MiB`, `1000000`."""
    for letter, scale in reversed(_BINARY.items()):
        if size and size % scale == 0:
            return f"{size // scale}{letter.upper()}iB"
    return str(size)


def parse_duration(text: str) -> float:
    """Read `90s`, `1.5m`, `1h30m`, `7d` or `90` as a number of seconds.

    Raises:
        ValueError: it is no duration.
    """
    cleaned = text.strip().lower()
    if not _DURATION.fullmatch(cleaned):
        raise ValueError(f"{text!r} is not a duration: write 90s, 5m, 1h30m or a number of seconds")
    terms = _DURATION_TERM.findall(cleaned) or [(cleaned, "s")]
    seconds = sum(Fraction(number) * _SECONDS[unit] for number, unit in terms)
    if seconds > LONGEST_DURATION:
        raise ValueError(f"{text!r} is longer than {format_duration(LONGEST_DURATION)}")
    return float(seconds)


def exact_duration(seconds: float) -> str:
    """Write a number of seconds such that it is read as the same: `30s`, `10m`, `1d`, `0.5s`."""
    for unit, scale in reversed(_SECONDS.items()):
        if seconds and seconds % scale == 0:
            return f"{seconds / scale:.0f}{unit}"
    return f"{Decimal(repr(seconds)):f}".removesuffix(".0") + "s"


def format_duration(seconds: float) -> str:
    """Write a number of seconds for reading: `7s`, `4m 05s`, `3h 20m`, `6d 4h`."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes == 0:
        return f"{whole}s"
    if hours == 0:
        return f"{minutes}m {whole % 60:02}s"
    if days == 0:
        return f"{hours}h {minutes % 60:02}m"
    return f"{days}d {hours % 24}h"
