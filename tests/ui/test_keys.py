"""Keys: what a terminal sends for them, in whatever pieces it comes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.ui.keys import Keys

PRESSED = {b"p": "p", b"[": "[", b"+": "+", b"\r": "enter", b"\n": "enter", b"\x1b[A": "up"}
PRESSED |= {b"\x1bOB": "down"}
OTHERS = [b"\x1b[1;5C", b"\x1b[15~", b"\x1bOP", b"\x00", b"\x7f", "ü".encode()]
"""Ctrl-Right, F5, F1, Ctrl-Space, Backspace, a letter: nobody asks for these."""

TYPED = st.lists(st.sampled_from([*PRESSED, *OTHERS]), max_size=8)


@given(TYPED, st.lists(st.integers(0, 40), max_size=5))
def test_keys_are_what_was_pressed(typed: list[bytes], cuts: list[int]) -> None:
    """However it is cut into pieces, no part of a sequence is taken for a key."""
    data, keys = b"".join(typed), Keys()
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = [key for begin, end in pairwise(bounds) for key in keys.of(data[begin:end])]
    assert found == [PRESSED[each] for each in typed if each in PRESSED]


@pytest.mark.parametrize("key", ["p", "q", "?"])
def test_escape_means_nothing(key: str) -> None:
    """What is pressed after it is itself."""
    keys = Keys()
    assert keys.of(b"\x1b") == []
    assert keys.of(key.encode()) == [key]
