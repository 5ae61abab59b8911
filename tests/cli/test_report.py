"""`--report`: one page of each run, however that ends."""

import os
import signal
from pathlib import Path

import pytest

from asyncup.cli.audience import Audience
from asyncup.cli.reported import open_report
from tests.cli.kit import asyncup, finish, start, tree
from tests.html_pages import Page
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket
from tests.told import read_lines

LARGE = os.urandom(10 << 20)


def page_of(path: Path) -> Page:
    """Return the report that is there."""
    return Page(path.read_text(encoding="utf-8"))


def test_a_run_and_its_resumption(bucket: Bucket, tmp_path: Path) -> None:
    """A run of two processes that could not read all, and the one that went on with it."""
    odd = os.fsdecode(b"caf\xe9")
    place = tree(tmp_path / "w", {"d/<b>": LARGE, "d/b": b"22"})
    (place / odd).write_bytes(b"1")
    put = ("put", "d", "missing", odd, str(bucket.place), "--part-size=5MiB", "--processes=2")
    state = f"--state-dir={tmp_path / 'state'}"
    assert asyncup(*put, state, "--report=run.html", env=bucket.env, cwd=place).code == 1
    page = page_of(place / "run.html")
    facts = page.facts()
    assert facts["What"] == ["d", "missing", "caf\\xe9"]
    assert facts["Where to"] == [str(bucket.place)]
    assert facts["Server"] == [bucket.server.endpoint_url]
    assert (facts["Exit status"], facts["Files"]) == (["1"], ["2 uploaded", "2 failed"])
    assert facts["At S3"] == ["10 MiB of 10 MiB"]
    rows = {row[0].partition("s3://")[0]: row for row in page.table("Files")}
    assert rows["d/<b>"][1:6] == ["uploaded", "10 MiB", "crc64nvme", "2", "2"]
    assert rows["missing"][1].startswith("failed")
    assert rows["caf\\xe9"][1].startswith("failed")
    (place / "missing").write_bytes(b"3")
    (place / odd).unlink()
    asyncup("resume", state, env=bucket.env)
    page = page_of(place / "run.html")
    assert page.facts()["Files"] == ["1 uploaded", "2 skipped", "1 failed"]


@pytest.mark.parametrize("is_twice", [False, True], ids=["once", "twice"])
def test_after_ctrl_c(bucket: Bucket, tmp_path: Path, is_twice: bool) -> None:
    """It says that it was stopped, how far it came, and that nothing is lost; also if the second
    one did not wait for anybody to tell.
    """  # noqa: D205 - one sentence
    tree(tmp_path, {"large": LARGE})
    with proxy_to(bucket.server.endpoint_url, let_pass(1)) as proxy:
        process = start(
            *("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"),
            *("--concurrency=1", "--stop-grace=0.5s", "--plain"),
            *("--report", tmp_path / "run.html"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 1)
        process.send_signal(signal.SIGINT)
        if is_twice:
            # Two at once may count as one.
            assert process.stderr is not None
            assert any(b"stopping" in line for line in process.stderr)
            process.send_signal(signal.SIGINT)
        assert finish(process).code == 130
    page = page_of(tmp_path / "run.html")
    assert page.texts("p", "verdict stopped") != []
    assert page.facts()["Files"] == ["1 stopped or never begun"]
    assert page.facts()["At S3"] == ["5 MiB of 10 MiB"]


@pytest.mark.parametrize("options", [("--dry-run",), ("--profile=nobody",)], ids=["dry", "refused"])
def test_what_did_nothing_leaves_none(
    bucket: Bucket, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """A dry run, or a command that was refused, says nothing about a run."""
    place = tree(tmp_path / "d", {"a": b"1"})
    report = tmp_path / "run.html"
    env = {**bucket.env, "AWS_CONFIG_FILE": "/dev/null"}
    asyncup("put", place, str(bucket.place), *options, "--report", report, env=env)
    assert not report.exists()


def test_it_takes_no_others_place(bucket: Bucket, tmp_path: Path) -> None:
    """A path that was mistaken costs nobody a page; one below a source is no source."""
    place = tree(tmp_path / "d", {"a": b"1", "mine.html": b"<!DOCTYPE html>\n<p>mine</p>"})
    put = ("put", place, str(bucket.place), "--report")
    ended = asyncup(*put, place / "mine.html", env=bucket.env)
    assert (ended.code, bucket.objects()) == (2, {})
    assert "it is there, and holds no report of asyncup" in ended.err
    assert (place / "mine.html").read_bytes().endswith(b"mine</p>")
    (place / "mine.html").unlink()
    for _ in range(2):
        ended = asyncup(*put, place / "run.html", "--json", env=bucket.env)
        assert (ended.code, set(bucket.objects())) == (0, {"a"})
    (left,) = [each for each in ended.events("file_skipped") if "run.html" in each["source"]]
    assert left["reason"] == "it belongs to --report"


@pytest.mark.parametrize(("code", "status"), [(0, 1), (4, 4), (130, 130)])
def test_one_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, status: int
) -> None:
    """It was asked for, as receipts are: it is told, and the status is not that of all done."""
    place = tmp_path / "gone"
    place.mkdir()
    audience = Audience({"json": True})
    params = {"report": place / "run.html", "receipts": "r", "endpoint_url": "http://h"}
    audience.asides.append(open_report(params, None))
    place.rmdir()
    assert audience.end(code) == status
    told = capsys.readouterr()
    lost, summary = read_lines(told.out.splitlines())
    assert (lost["type"], lost["path"]) == ("output_lost", str(place / "run.html"))
    assert summary["exit_code"] == status
    assert told.err.startswith(f"warning: write {lost['path']}: {lost['reason']}; ")


def test_of_a_verification(bucket: Bucket, tmp_path: Path) -> None:
    """Files against objects, also where some differ; and receipts against objects."""
    place = tree(tmp_path / "d", {"a": b"1", "b": b"2"})
    receipts, report = tmp_path / "receipts.jsonl", tmp_path / "run.html"
    put = ("put", place, str(bucket.place), "--receipts", receipts)
    assert asyncup(*put, env=bucket.env).code == 0
    assert asyncup("verify", "--receipts", receipts, "--report", report, env=bucket.env).code == 0
    page = page_of(report)
    assert page.texts("h1") == ["asyncup: 2 objects verified"]
    assert page.texts("p", "verdict done") == ["All is proven."]
    assert page.facts()["What"] == [f"what {receipts} tells"]
    (place / "b").write_bytes(b"3")
    verify = ("verify", place, str(bucket.place), "--report", report)
    assert asyncup(*verify, env=bucket.env).code == 1
    page = page_of(report)
    facts = page.facts()
    assert (facts["What"], facts["Where to"]) == ([str(place)], [str(bucket.place)])
    assert (facts["Files"], facts["Exit status"]) == (["1 verified", "1 failed"], ["1"])
    assert facts["Proven"] == ["1 B of 2 B"]
