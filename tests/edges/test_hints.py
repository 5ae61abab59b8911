"""What is remembered of servers, in files: found again, or missed by nothing but a request."""

from pathlib import Path

import pytest

from asyncup.core.capabilities import UNKNOWN, Capabilities
from asyncup.edges.hints import Hints

SEEN = Capabilities(takes_checksums=False, answers_continue=True)
END = "https://s3.example"


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    """By the same endpoint and bucket, and no other; each is added to what there is."""
    hints = Hints(tmp_path / "state", END)
    hints.learn("a", SEEN)
    assert hints.keep()
    again = Hints(tmp_path / "state", END)
    again.learn("b", SEEN)
    assert again.keep()
    found = Hints(tmp_path / "state", END)
    assert (found.of("a"), found.of("b"), found.of("c")) == (SEEN, SEEN, UNKNOWN)
    assert Hints(tmp_path / "state", "https://other.example").of("a") == UNKNOWN
    assert Hints(tmp_path / "elsewhere", END).of("a") == UNKNOWN


def test_what_is_not_kept_is_not_found(tmp_path: Path) -> None:
    """What a run learns by itself is its own."""
    hints = Hints(tmp_path, END)
    hints.learn("a", SEEN)
    assert hints.of("a") == SEEN
    assert Hints(tmp_path, END).of("a") == UNKNOWN


def test_without_a_directory(tmp_path: Path) -> None:
    """Nothing is kept, and nobody is troubled."""
    (tmp_path / "file").touch()
    for state_dir in (None, tmp_path / "file"):
        hints = Hints(state_dir, END)
        hints.learn("a", SEEN)
        assert not hints.keep()
        assert hints.of("a") == SEEN


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"{"])
def test_a_damaged_file_tells_nothing(tmp_path: Path, text: bytes) -> None:
    """As if nobody had looked."""
    hints = Hints(tmp_path, END)
    hints.learn("a", SEEN)
    hints.keep()
    (file,) = (tmp_path / "servers").iterdir()
    file.write_bytes(text)
    assert Hints(tmp_path, END).of("a") == UNKNOWN
