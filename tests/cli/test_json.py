"""`--json` from the first line to the last: every line has its schema, the last one is the sum."""

import base64
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from asyncup.ui.schema import event_schema
from tests.cli.kit import Ended, asyncup, finish, start, tree
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket
from tests.starter import Process

LARGE = os.urandom(22 << 20)


def sum_of(ended: Ended) -> dict[str, Any]:
    """Return the summary, which has to be the last line, and the only one of its kind."""
    *before, last = ended.events()
    assert last["type"] == "summary"
    assert all(event["type"] != "summary" for event in before)
    assert last["exit_code"] == ended.code
    return last


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return done, skipped, failed, interrupted."""
    return told["done"], told["skipped"], told["failed"], told["interrupted"]


def wait_for(process: Process, kind: bytes) -> None:
    """Read lines up to the first one that tells this."""
    assert process.stdout is not None
    while kind not in process.stdout.readline():
        pass


def test_schema_is_printed() -> None:
    """`asyncup schema` prints the schema that lines are held to."""
    ended = asyncup("schema")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == event_schema()


def test_paths_that_are_not_utf8(bucket: Bucket, tmp_path: Path) -> None:
    """The path comes back from every line that names it, and from the receipt; no key has one."""
    name = b"caf\xe9-\xff.bin"
    path = tmp_path / "d" / os.fsdecode(name)
    tree(tmp_path / "d", {path.name: b"123", "plain": b"4"})
    receipts = tmp_path / "receipts.jsonl"
    ended = asyncup(
        *("put", path, f"{bucket.place}key", "--json", "--receipts", receipts), env=bucket.env
    )
    assert (ended.code, bucket.objects()) == (0, {"key": b"123"})
    told = [event for event in ended.events() if "source" in event]
    (receipt,) = map(json.loads, receipts.read_text(encoding="utf-8").splitlines())
    assert {event["type"] for event in told} == {"file_found", "file_started", "upload_completed"}
    for each in (*told, receipt):
        assert os.fsdecode(base64.b64decode(each["source_bytes"])) == str(path)
        assert each["source"] == f"{tmp_path}/d/caf\\xe9-\\xff.bin"
    (verified,) = asyncup(*("verify", "--receipts", receipts, "--json"), env=bucket.env).events(
        "object_verified"
    )
    assert verified["source_bytes"] == receipt["source_bytes"]
    ended = asyncup("put", path.parent, str(bucket.place), "--json", env=bucket.env)
    (failed,) = ended.events("upload_failed")
    assert base64.b64decode(failed["source_bytes"]) == os.fsencode(path)
    (found,) = ended.events("file_found")
    assert "source_bytes" not in found


def test_sum_of_a_run(bucket: Bucket, tmp_path: Path) -> None:
    """Files and bytes of a run in which some went up and some failed."""
    place = tree(tmp_path / "d", {"a": b"123", "b": LARGE, "c": b"4"})
    bucket.put("c", b"4")
    ended = asyncup("put", place, "/no/such", str(bucket.place), "--json", env=bucket.env)
    told = sum_of(ended)
    assert (ended.code, counts(told)) == (1, (2, 1, 1, 0))
    assert told["bytes_found"] == told["bytes_committed"] == len(LARGE) + 3
    assert (told["bytes_kept"], told["retries"]) == (0, 0)
    assert told["elapsed"] > 0


def test_sum_of_a_dry_run(bucket: Bucket, tmp_path: Path) -> None:
    """What would be done is counted, and nothing was sent."""
    place = tree(tmp_path / "d", {"a": b"123", "b": b"4"})
    told = sum_of(asyncup("put", place, str(bucket.place), "--json", "-n", env=bucket.env))
    assert (counts(told), told["bytes_committed"]) == ((2, 0, 0, 0), 0)


def test_sum_of_a_run_that_s3_refuses(tmp_path: Path, bucket: Bucket) -> None:
    """An error that ends the run comes before the sum, which has its exit status."""
    place = tree(tmp_path / "d", {"a": b"123"})
    ended = asyncup("put", place, "s3://no-such-bucket-here/", "--json", env=bucket.env)
    told = sum_of(ended)
    assert (ended.code, counts(told)) == (4, (0, 0, 0, 0))
    assert ended.events()[-2]["type"] == "error"


@pytest.mark.parametrize("signals", [1, 2])
def test_sum_of_a_run_that_is_stopped(bucket: Bucket, tmp_path: Path, signals: int) -> None:
    """One Ctrl-C or two: what is at S3, and that the rest was interrupted."""
    tree(tmp_path, {"large": LARGE})
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(
            *("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"),
            *("--concurrency=2", "--json", f"--stop-grace={'0.1s' if signals == 1 else '1h'}"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 2)
        process.send_signal(signal.SIGINT)
        if signals == 2:
            wait_for(process, b"stopping")
            process.send_signal(signal.SIGINT)
        ended = finish(process)
    told = sum_of(ended)
    assert (ended.code, counts(told)) == (130, (0, 0, 0, 1))
    if signals == 1:
        assert told["bytes_committed"] == 10 << 20


def test_sum_of_a_resumed_run(bucket: Bucket, tmp_path: Path) -> None:
    """What was at S3 already is told apart from what was sent."""
    tree(tmp_path, {"large": LARGE})
    arguments = ("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB", "--json")
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(
            *(*arguments, "--concurrency=2"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 2)
        process.kill()
        assert finish(process).code == -signal.SIGKILL
    told = sum_of(asyncup(*arguments, env=bucket.env))
    assert counts(told) == (1, 0, 0, 0)
    assert (told["bytes_kept"], told["bytes_committed"]) == (10 << 20, len(LARGE))


@pytest.mark.parametrize(
    "arguments",
    [
        ["put", "--part-size=big", "a", "s3://bucket/"],
        ["put", "a", "s3://ab/"],
        ["put", "--config=/no/such", "a", "s3://bucket/"],
        ["put", "/no/such", "s3://bucket/", "--profile=nobody"],
        ["verify", "-", "s3://bucket/key"],
        ["pending", "bucket"],
        ["abort", "s3://bucket/key"],
    ],
)
def test_sum_of_what_was_never_begun(arguments: list[str]) -> None:
    """Also a mistake on the command line is told as an error and a sum, of nothing."""
    ended = asyncup(*arguments, "--json")
    error, _ = ended.events()
    assert error["type"] == "error"
    assert (ended.code, counts(sum_of(ended))) == (2, (0, 0, 0, 0))


def test_sums_after_an_upload(bucket: Bucket, tmp_path: Path) -> None:
    """`verify`, `pending` and `abort` end with one, too; abort asks S3 twice and sums up once."""
    tree(tmp_path, {"a": b"1", "large": LARGE})
    with proxy_to(bucket.server.endpoint_url, let_pass(1)) as proxy:
        process = start(
            *("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"),
            *("--concurrency=1", "-q"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 1)
        process.kill()
        finish(process)
    assert asyncup("put", tmp_path / "a", str(bucket.place), env=bucket.env).code == 0
    done = (1, 0, 0, 0)
    verify = ("verify", tmp_path / "a", str(bucket.place), "--json")
    assert counts(sum_of(asyncup(*verify, env=bucket.env))) == done
    for command in (["pending"], ["abort", "--all", "--yes"], ["pending"]):
        ended = asyncup(*command, str(bucket.place), "--json", env=bucket.env)
        assert counts(sum_of(ended)) == done, command
        done = (0, 0, 0, 0) if command[0] == "abort" else done
