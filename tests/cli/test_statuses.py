"""Every exit status that the README promises, shown by a command that ends with it."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.edges.journal import Journal
from tests.cli.kit import asyncup, finish, start, tree
from tests.pages import section
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket

LARGE = os.urandom(22 << 20)
IN_PARTS = ("--part-size=5MiB", "--concurrency=2")


def all_is_done(bucket: Bucket, place: Path) -> int:
    """Upload two files."""
    return asyncup("put", place, str(bucket.place), env=bucket.env).code


def some_failed(bucket: Bucket, place: Path) -> int:
    """Upload two files and one that is not there."""
    return asyncup("put", place, "/no/such", str(bucket.place), env=bucket.env).code


def the_command_is_wrong(bucket: Bucket, place: Path) -> int:
    """Name a bucket that cannot be."""
    return asyncup("put", place, "s3://ab/", env=bucket.env).code


def the_source_stands_in_the_way(bucket: Bucket, _: Path) -> int:
    """Upload a file that is not there."""
    return asyncup("put", "/no/such", str(bucket.place), env=bucket.env).code


def s3_refuses(bucket: Bucket, place: Path) -> int:
    """Upload to a bucket that is not there."""
    return asyncup("put", place, "s3://no-such-bucket-here/", env=bucket.env).code


def another_run_is_at_work(bucket: Bucket, place: Path) -> int:
    """Upload to a key that a run which is alive has claimed."""
    state = place.parent / "state"
    key = ObjectURI(bucket.place.bucket, f"{bucket.place.key}large")
    put = ("put", place / "large", str(key), "--state-dir", state, *IN_PARTS)
    with Journal(state, bucket.server.endpoint_url, print) as journal, journal.claim(key):
        return asyncup(*put, env=bucket.env).code


def s3_was_out_of_reach(bucket: Bucket, place: Path) -> int:
    """Take the server away when some parts have arrived."""
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(
            *("put", place / "large", str(bucket.place), *IN_PARTS, "--give-up-after=1s"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 2)
    return finish(process).code


def it_was_stopped(bucket: Bucket, place: Path) -> int:
    """Press Ctrl-C when some parts have arrived."""
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(
            *("put", place / "large", str(bucket.place), *IN_PARTS, "--stop-grace=0.1s"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 2)
        process.send_signal(signal.SIGINT)
        return finish(process).code


SHOWN: dict[int, Callable[[Bucket, Path], int]] = {
    0: all_is_done,
    1: some_failed,
    2: the_command_is_wrong,
    3: the_source_stands_in_the_way,
    4: s3_refuses,
    5: another_run_is_at_work,
    75: s3_was_out_of_reach,
    130: it_was_stopped,
}


@pytest.mark.parametrize("status", SHOWN, ids=lambda status: SHOWN[status].__name__)
def test_status(bucket: Bucket, tmp_path: Path, status: int) -> None:
    """The command ends with the status that the README has for what happened to it."""
    place = tree(tmp_path / "d", {"large": LARGE, "small": b"1"})
    assert SHOWN[status](bucket, place) == status


def test_every_status_is_shown() -> None:
    """None is promised and not shown."""
    told = section("README.md", "Exit status")
    assert [int(each) for each in re.findall(r"^\| (\d+) \|", told, re.MULTILINE)] == [*SHOWN]
