"""TOML as text: where keys stand, and that what is written is read as the same."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.toml_text import line_of, written

TEXT = '''
a = 1
note = """
b = 2
"""
many = [
  "c", # d = 1
]
  "b" = 3
'e e' = 4

[metadata]
project = "x"
[ "table" . inner ]
f = 1
[[list]]
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("a", 2),
        ("note", 3),
        ("b", 9),
        ("many", 6),
        ("d", None),
        ("e e", 10),
        ("metadata", 12),
        ("table", 14),
        ("list", 16),
        ("nothing", None),
    ],
)
def test_where_a_key_stands(key: str, line: int | None) -> None:
    """On its own line, or where its table begins; what only looks like it in a value is not it."""
    assert line_of(TEXT, key) == line


def test_dotted_key() -> None:
    """A table can be set piece by piece."""
    assert line_of("x = 1\nmetadata.project = 'a'", "metadata") == 2


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(),
    lambda each: (
        st.lists(each) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), each)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_as_the_same(value: object) -> None:
    """Texts with anything in them, numbers, lists and tables."""
    assert tomllib.loads(f"key = {written(value)}") == {"key": value}
