"""Names of buckets by AWS's rules, and how long a lifecycle rule lets an upload live."""

import pytest

from asyncup.core.bucket import LifecycleRule, days_to_live, name_problem


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a.b.c", "1-2-3", "a" * 63])
def test_names_that_aws_takes(name: str) -> None:
    """Nothing is said of them."""
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("My-Bucket", "lower-case"),
        ("my_bucket", "lower-case"),
        ("-bucket", "lower-case"),
        ("bucket-", "lower-case"),
        ("a" * 64, "3 to 63"),
        ("a..b", "no dot beside"),
        ("a.-b", "no dot beside"),
        ("a-.b", "no dot beside"),
        ("xn--bucket", "for itself"),
        ("bucket-s3alias", "for itself"),
        ("192.168.5.4", "no IP address"),
    ],
)
def test_names_that_aws_does_not_take(name: str, problem: str) -> None:
    """It is said which rule is broken."""
    assert problem in (name_problem(name) or "")


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([], None),
        ([LifecycleRule("", None)], None),
        ([LifecycleRule("", 7)], 7),
        ([LifecycleRule("films/", 7)], 7),
        ([LifecycleRule("other/", 7)], None),
        ([LifecycleRule("", 9), LifecycleRule("films/", 3)], 3),
        ([LifecycleRule("", 7, is_narrow=True)], None),
    ],
)
def test_days_to_live(rules: list[LifecycleRule], days: int | None) -> None:
    """The shortest of the rules that are about such a key, and abort anything."""
    assert days_to_live(rules, "films/film.mov") == days
