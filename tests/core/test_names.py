"""Names that are not UTF-8: shown, and told so that they come back."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.names import from_odd_bytes, odd_bytes, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a.bin", "a.bin"),
        ("grüße.bin".encode(), "grüße.bin"),
        (b"caf\xe9.bin", r"caf\xe9.bin"),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"back\\slash", r"back\slash"),
    ],
)
def test_odd_bytes_of_a_name_are_shown(name: bytes, shown: str) -> None:
    """Bytes that are not UTF-8 are written as numbers, and all others as they are."""
    assert printable(name.decode("utf-8", "surrogateescape")) == shown


@given(st.binary(max_size=30))
def test_any_file_name_can_be_printed(name: bytes) -> None:
    """Whatever bytes a file is named by, what is shown of it is valid UTF-8."""
    shown = printable(name.decode("utf-8", "surrogateescape"))

    assert shown.encode().decode() == shown


def test_names_of_other_systems_can_be_printed() -> None:
    """A name that is no UTF-16, as Windows has them, is shown with its odd unit."""
    assert printable("a\ud800b") == "a\\ud800b"


@given(st.binary(max_size=30))
def test_any_file_name_comes_back(name: bytes) -> None:
    """A name is UTF-8, and its text leads back to it; or else its bytes do."""
    text = os.fsdecode(name)
    odd = odd_bytes(text)
    assert odd in {None, name}
    assert text.encode() == name if odd is None else from_odd_bytes(odd) == text


def test_a_name_that_is_utf8_has_no_bytes_beside_it() -> None:
    """Also not one that looks as odd bytes are shown."""
    assert odd_bytes("grüße.bin") is None
    assert odd_bytes(r"caf\xe9.bin") is None


def test_names_of_other_systems_have_bytes() -> None:
    """A name that is no UTF-16, as Windows has them, is told with its odd unit."""
    assert odd_bytes("a\ud800b") == b"a\xed\xa0\x80b"
