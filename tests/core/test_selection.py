"""Which files go up, which are left, and in which words they are told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.model import ObjectHead
from asyncup.core.options import MIB, Limits, Overwrite
from asyncup.core.selection import Filters, key_problem, reason_to_leave

EXCLUDED, NOT_INCLUDED = "excluded by pattern", "not included by any pattern"


@pytest.mark.parametrize("name", ["a.bin", "deep/down/a.bin", ".hidden", "with space"])
@pytest.mark.parametrize("size", [0, 1, 50 * 10**12])
def test_without_filters_every_file_is_wanted(name: str, size: int) -> None:
    """Nobody has to include anything: what is not filtered goes up."""
    assert Filters().reason_to_skip(name, size) is None
    assert Filters.of().reason_to_skip(name, size) is None


@pytest.mark.parametrize(
    ("patterns", "path", "reason"),
    [
        (["*.tmp"], "a.tmp", EXCLUDED),
        (["*.tmp"], "deep/down/a.tmp", EXCLUDED),
        (["*.tmp"], "a.tmp.bin", None),
        (["/a.bin"], "a.bin", EXCLUDED),
        (["/a.bin"], "deep/a.bin", None),
        (["build/"], "build/a.bin", EXCLUDED),
        (["build/"], "deep/build/a.bin", EXCLUDED),
        (["build/"], "build", None),
        (["/build"], "build/down/a.bin", EXCLUDED),
        (["deep/*/a.bin"], "deep/down/a.bin", EXCLUDED),
        (["deep/*/a.bin"], "deep/further/down/a.bin", None),
        (["deep/**/a.bin"], "deep/further/down/a.bin", EXCLUDED),
        (["a?.bin"], "a1.bin", EXCLUDED),
        (["a[12].bin"], "a3.bin", None),
        (["*", "!*.bin"], "a.bin", None),
        (["*", "!*.bin"], "a.txt", EXCLUDED),
        (["*.bin", "!keep.bin"], "keep.bin", None),
        (["!keep.bin", "*.bin"], "keep.bin", EXCLUDED),
        (["# a comment", ""], "a comment", None),
        ([r"\!odd"], "!odd", EXCLUDED),
    ],
)
def test_exclude_patterns_are_those_of_gitignore(
    patterns: list[str], path: str, reason: str | None
) -> None:
    """What gitignore would ignore is excluded, and the last pattern that matches decides."""
    assert Filters.of(exclude=patterns).reason_to_skip(path, 1) == reason


@pytest.mark.parametrize(
    ("patterns", "path", "reason"),
    [
        (["*.bin"], "a.bin", None),
        (["*.bin"], "deep/down/a.bin", None),
        (["*.bin"], "a.txt", NOT_INCLUDED),
        (["/photos/"], "photos/2024/a.jpg", None),
        (["/photos/"], "other/photos/a.jpg", NOT_INCLUDED),
        (["*.bin", "!secret.bin"], "secret.bin", NOT_INCLUDED),
        (["*.bin", "*.iso"], "a.iso", None),
    ],
)
def test_with_include_patterns_only_what_they_match_is_wanted(
    patterns: list[str], path: str, reason: str | None
) -> None:
    """As soon as something is included, everything else is not."""
    assert Filters.of(patterns).reason_to_skip(path, 1) == reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a.bin", None), ("tmp/a.bin", EXCLUDED), ("a.txt", NOT_INCLUDED), ("tmp/a.txt", EXCLUDED)],
)
def test_an_exclude_wins_over_an_include(path: str, reason: str | None) -> None:
    """What is included and excluded is excluded, and that is the reason given."""
    assert Filters.of(["*.bin"], ["tmp/"]).reason_to_skip(path, 1) == reason


@pytest.mark.parametrize("pattern", ["!", "\\"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """A pattern that gitignore would not take is an error, not one that matches nothing."""
    with pytest.raises(ValueError, match="pattern"):
        Filters.of([pattern])
    with pytest.raises(ValueError, match="pattern"):
        Filters.of(exclude=[pattern])


@pytest.mark.parametrize(
    ("patterns", "directory", "pruned"),
    [
        ([], "build", False),
        (["build/"], "build", True),
        (["build/"], "deep/build", True),
        (["/build/"], "deep/build", False),
        (["build"], "build", True),
        (["build/*", "!build/keep.bin"], "build", False),
        (["*.tmp"], "build", False),
        (["*.d"], "conf.d", True),
    ],
)
def test_an_excluded_directory_is_not_read(
    patterns: list[str], directory: str, *, pruned: bool
) -> None:
    """A directory that is excluded itself is pruned; one that holds wanted files is not."""
    assert Filters.of(exclude=patterns).prunes(directory) is pruned


def test_an_include_prunes_nothing() -> None:
    """Files deep below a directory may be included, so every directory has to be read."""
    assert not Filters.of(["deep/down/*.bin"]).prunes("deep")
    assert not Filters.of(["*.bin"]).prunes("other")


@given(
    patterns=st.lists(
        st.sampled_from(["a", "a/", "/a", "b/", "*.c", "a/b", "a/*", "a/**", "**/b"])
    ),
    directory=st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join),
    name=st.sampled_from(["a", "b", "x", "x.c"]),
)
def test_nothing_wanted_is_below_a_pruned_directory(
    patterns: list[str], directory: str, name: str
) -> None:
    """Where a directory is pruned, every file below it would have been excluded one by one."""
    filters = Filters.of(exclude=patterns)

    if filters.prunes(directory):
        assert filters.reason_to_skip(f"{directory}/{name}", 1) == EXCLUDED


@pytest.mark.parametrize(
    ("filters", "size", "reason"),
    [
        (Filters(min_size=1024), 1023, "smaller than 1 KiB"),
        (Filters(min_size=1024), 1024, None),
        (Filters(max_size=1024), 1024, None),
        (Filters(max_size=1024), 1025, "larger than 1 KiB"),
        (Filters(min_size=1), 0, "smaller than 1 B"),
        (Filters(max_size=0), 0, None),
        (Filters(max_size=0), 1, "larger than 0 B"),
        (Filters(min_size=10, max_size=20), 15, None),
        (Filters(small=16 * MIB), 16 * MIB - 1, "smaller than one part (16 MiB)"),
        (Filters(small=16 * MIB), 16 * MIB, None),
    ],
)
def test_sizes_are_bounds_that_belong_to_the_range(
    filters: Filters, size: int, reason: str | None
) -> None:
    """A file of exactly the smallest or largest size is wanted; the reason names the bound."""
    assert filters.reason_to_skip("a.bin", size) == reason


def test_a_pattern_is_named_before_a_size() -> None:
    """Where several filters leave a file out, the most deliberate one is told."""
    filters = Filters.of(["*.bin"], ["tmp/"], min_size=10, small=100)

    assert filters.reason_to_skip("tmp/a.bin", 1) == EXCLUDED
    assert filters.reason_to_skip("a.txt", 1) == NOT_INCLUDED
    assert filters.reason_to_skip("a.bin", 1) == "smaller than 10 B"
    assert filters.reason_to_skip("a.bin", 50) == "smaller than one part (100 B)"


HEAD = ObjectHead(1024, "etag")
HELD = "S3 already holds an object with this key"
SAME_SIZE = "S3 already holds it with the same size (1 KiB)"


@pytest.mark.parametrize(
    ("policy", "size", "at_s3", "reason"),
    [
        (Overwrite.ALWAYS, 1024, None, None),
        (Overwrite.ALWAYS, 1024, HEAD, None),
        (Overwrite.ALWAYS, 7, HEAD, None),
        (Overwrite.ALWAYS, None, HEAD, None),
        (Overwrite.NEVER, 1024, None, None),
        (Overwrite.NEVER, 1024, HEAD, HELD),
        (Overwrite.NEVER, 7, HEAD, HELD),
        (Overwrite.NEVER, None, None, None),
        (Overwrite.NEVER, None, HEAD, HELD),
        (Overwrite.SIZE, 1024, None, None),
        (Overwrite.SIZE, 1024, HEAD, SAME_SIZE),
        (Overwrite.SIZE, 7, HEAD, None),
        (Overwrite.SIZE, 0, HEAD, None),
        (Overwrite.SIZE, 0, ObjectHead(0, "etag"), "S3 already holds it with the same size (0 B)"),
        (Overwrite.SIZE, None, None, None),
        (Overwrite.SIZE, None, HEAD, None),
        (Overwrite.SIZE, None, ObjectHead(0, "etag"), None),
    ],
)
def test_what_becomes_of_an_object_that_is_there(
    policy: Overwrite, size: int | None, at_s3: ObjectHead | None, reason: str | None
) -> None:
    """A policy says whether an object is replaced, and what is not there always goes up."""
    assert reason_to_leave(size, at_s3, policy) == reason


NOT_UTF8 = "the name is not UTF-8, as keys in S3 have to be"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("a/b.bin", None),
        ("grüße/日本.bin", None),
        ("a" * 1024, None),
        ("a" * 1025, "the key is 1025 bytes long, S3 takes 1024"),
        ("ü" * 512, None),
        ("ü" * 513, "the key is 1026 bytes long, S3 takes 1024"),
        ("日" * 341 + "a", None),
        ("日" * 342, "the key is 1026 bytes long, S3 takes 1024"),
        ("😀" * 256, None),
        ("😀" * 257, "the key is 1028 bytes long, S3 takes 1024"),
        (b"caf\xe9.bin".decode("utf-8", "surrogateescape"), NOT_UTF8),
        ("\ud800", NOT_UTF8),
    ],
    ids=range(12),
)
def test_what_cannot_be_a_key_is_told(key: str, problem: str | None) -> None:
    """A key is at most 1,024 bytes of UTF-8, counted in bytes and not in characters."""
    assert key_problem(key, Limits()) == problem


def test_the_length_of_a_key_is_that_of_the_server() -> None:
    """A server that takes shorter keys gets no longer ones."""
    limits = Limits(max_key_bytes=5)

    assert key_problem("12345", limits) is None
    assert key_problem("123456", limits) == "the key is 6 bytes long, S3 takes 5"


@pytest.mark.parametrize(
    "exclude", [["dir/**", "!dir/keep.bin"], ["*", "!*.bin"], ["dir/*", "!dir/keep.bin"]]
)
def test_what_a_negated_pattern_wants_back_is_reached(exclude: list[str]) -> None:
    """A directory is read if a pattern may want something in it after all."""
    filters = Filters.of(exclude=exclude)
    assert filters.reason_to_skip("dir/keep.bin", 1) is None
    assert not filters.prunes("dir")
