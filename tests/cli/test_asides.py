"""`--log-file` and `--metrics-file`: what they have, and that no upload ends because of them."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import Ended, asyncup, finish, start, tree
from tests.metrics import open_metrics
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket
from tests.told import read_lines

LARGE = os.urandom(22 << 20)


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log, each of which the schema has."""
    return read_lines(path.read_text(encoding="utf-8").splitlines())


def read_metrics(path: Path) -> dict[str, float]:
    """Return the metrics in a file."""
    return open_metrics(path.read_text(encoding="utf-8"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with files in it."""
    return tree(tmp_path / "d", {"a": b"1", "b": b"22"})


@pytest.mark.parametrize("mode", ["--plain", "--quiet", "--json"])
def test_log_of_a_run(bucket: Bucket, place: Path, tmp_path: Path, mode: str) -> None:
    """All events, whatever else is told of them where; the next run appends."""
    log = tmp_path / "log"
    put = ("put", place, str(bucket.place), mode, "--log-file", log)
    assert asyncup(*put, env=bucket.env).code == 0
    ended = asyncup(*put, env=bucket.env)
    assert ended.code == 0
    told = [event["type"] for event in read_log(log)]
    assert told.count("upload_completed") == 2
    assert told.count("file_skipped") == 2
    assert told.count("summary") == 2
    assert told[-1] == "summary"
    if mode == "--json":
        last = [(event["type"], event.get("uri")) for event in ended.events()]
        assert [(event["type"], event.get("uri")) for event in read_log(log)][-len(last) :] == last


@pytest.mark.parametrize("command", ["put", "verify"])
def test_log_of_an_error(bucket: Bucket, place: Path, tmp_path: Path, command: str) -> None:
    """An error that ends the command is in the log, and the sum after it."""
    log = tmp_path / "log"
    ended = asyncup(command, place, "s3://abc/", "--profile=nobody", "--log-file", log)
    assert ended.code == 2
    assert [event["type"] for event in read_log(log)][-2:] == ["error", "summary"]
    assert read_log(log)[-1]["exit_code"] == 2
    assert bucket.objects() == {}


def test_log_is_rotated(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """At the size that was asked for."""
    log = tmp_path / "log"
    asyncup(
        *("put", place, str(bucket.place), "--log-file", log, "--log-file-size=1KiB"),
        env=bucket.env,
    )
    files = sorted(tmp_path.glob("log*"))
    assert len(files) > 1
    assert all(file.stat().st_size <= 1024 for file in files)
    assert read_log(log)[-1]["type"] == "summary"


def test_a_full_disk_is_told_once(bucket: Bucket, place: Path) -> None:
    """A log that cannot be written costs a warning, no upload and no exit status."""
    ended = asyncup(
        *("put", place, str(bucket.place), "--plain", "--log-file=/dev/full"), env=bucket.env
    )
    assert (ended.code, bucket.objects()) == (0, {"a": b"1", "b": b"22"})
    assert ended.err.count("No space left on device") == 1
    assert "warning: write /dev/full: No space left on device; " in ended.err


@pytest.mark.parametrize("option", ["--log-file", "--metrics-file"])
@pytest.mark.parametrize("command", ["put", "verify"])
def test_what_cannot_be_written_is_refused(
    bucket: Bucket, place: Path, option: str, command: str
) -> None:
    """Before anything is begun: status 2."""
    ended = asyncup(command, place, str(bucket.place), option, "/no/such/file", env=bucket.env)
    assert (ended.code, bucket.objects()) == (2, {})
    assert "/no/such/file: No such file or directory\nhint: name a file" in ended.err


def test_metrics_of_a_run(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """What it came to; a later run that fails does not forget when all was well."""
    metrics = tmp_path / "asyncup.prom"
    put = ("put", place, str(bucket.place), "--metrics-file", metrics)
    assert asyncup(*put, env=bucket.env).code == 0
    told = read_metrics(metrics)
    assert (told["asyncup_committed_bytes"], told["asyncup_exit_code"]) == (3, 0)
    assert told["asyncup_running"] == 0
    (place / "broken").symlink_to("nowhere")
    assert asyncup(*put, env=bucket.env).code == 1
    later = read_metrics(metrics)
    assert later["asyncup_exit_code"] == 1
    success = "asyncup_last_success_timestamp_seconds"
    assert later[success] == told[success]
    assert later["asyncup_start_timestamp_seconds"] > told["asyncup_start_timestamp_seconds"]


def test_a_dry_run_has_no_metrics(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """Nothing was uploaded: what watches the last success must not hear of one. The log tells."""
    log, metrics = tmp_path / "log", tmp_path / "asyncup.prom"
    put = ("put", place, str(bucket.place), "-n", "--metrics-file", metrics, "--log-file", log)
    assert asyncup(*put, env=bucket.env).code == 0
    assert not metrics.exists()
    assert [event["type"] for event in read_log(log)].count("file_planned") == 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--log-file=x", "--metrics-file=x"), "write --metrics-file to {}/x: --log-file goes"),
        (("--log-file=x", "--receipts=link"), "write --receipts to {}/x: --log-file goes there"),
        (("--log-file=x", "--receipts=x.1"), "write --receipts to {}/x.1: --log-file goes there"),
        (("--metrics-file=x", "--receipts=d/../x"), "write --receipts to {}/x: --metrics-file"),
        (("--log-file=d/a", "d/a"), "write --log-file to d/a: it is a source"),
        (("--receipts=d/a", "d/a"), "write --receipts to d/a: it is a source"),
        (("--report=x", "--metrics-file=link"), "write --report to {}/x: --metrics-file goes"),
        (("--report=d/a", "d/a"), "write --report to d/a: it is a source"),
    ],
)
def test_a_file_is_for_one_thing(
    bucket: Bucket, place: Path, tmp_path: Path, options: tuple[str, ...], problem: str
) -> None:
    """What would spoil one another, or a source, is refused before anything is written."""
    (tmp_path / "link").symlink_to("x")
    ended = asyncup("put", *options, "d", str(bucket.place), cwd=tmp_path, env=bucket.env)
    assert (ended.code, bucket.objects()) == (2, {})
    assert problem.format(tmp_path) in ended.err
    assert (place / "a").read_bytes() == b"1"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("is_link", [False, True])
def test_outputs_below_a_source(bucket: Bucket, place: Path, tmp_path: Path, is_link: bool) -> None:
    """They change as they are written, so they are left out, which is told; verify agrees."""
    directory = place
    if is_link:
        directory = tmp_path / "link"
        directory.symlink_to(place)
    log = directory / "log"
    options = ("--log-file", log, "--log-file-size=1KiB", "--metrics-file", directory / "m.prom")
    put = ("put", place, str(bucket.place), *options, "--receipts", directory / "receipts")
    assert asyncup(*put, env=bucket.env).code == 0
    ended = asyncup(*put, "--json", env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"a": b"1", "b": b"22"})
    skipped = {
        (Path(each["source"]).name, each["reason"])
        for each in ended.events("file_skipped")
        if each["reason"].startswith("it belongs to")
    }
    assert skipped >= {
        ("log", "it belongs to --log-file"),
        ("log.1", "it belongs to --log-file"),
        ("m.prom", "it belongs to --metrics-file"),
        ("receipts", "it belongs to --receipts"),
    }
    verify = ("verify", place, str(bucket.place), *options, "--receipts", directory / "receipts")
    assert asyncup(*verify, env=bucket.env).code == 0


def test_a_file_that_is_only_called_like_a_log(bucket: Bucket, tmp_path: Path) -> None:
    """It is a source as any other."""
    place = tree(tmp_path / "d", {"log": b"1", "log.1": b"2", "below/log": b"3"})
    log = tmp_path / "log"
    assert asyncup("put", place, str(bucket.place), "--log-file", log, env=bucket.env).code == 0
    grown = ("put", place, f"{bucket.place}grown/", "--log-file", place / "log", "-n")
    ended = asyncup(*grown, "--log-file-size=0", "--json", env=bucket.env)
    assert len(ended.events("file_planned")) == 2
    assert bucket.objects() == {"log": b"1", "log.1": b"2", "below/log": b"3"}


def test_a_device_is_for_all(bucket: Bucket, place: Path) -> None:
    """What keeps nothing can be spoilt by nobody."""
    options = ("--log-file=/dev/null", "--receipts=/dev/null")
    assert asyncup("put", *options, place, str(bucket.place), env=bucket.env).code == 0


def test_metrics_of_a_verification(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """`asyncup verify` has them, too."""
    metrics = tmp_path / "asyncup.prom"
    assert asyncup("put", place, str(bucket.place), env=bucket.env).code == 0
    verify = ("verify", place, str(bucket.place), "--metrics-file", metrics)
    assert asyncup(*verify, env=bucket.env).code == 0
    assert read_metrics(metrics)["asyncup_exit_code"] == 0


def stopped(bucket: Bucket, tmp_path: Path, *options: str | Path) -> Ended:
    """Upload a file in parts, and stop when S3 has two of them."""
    tree(tmp_path, {"large": LARGE})
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        process = start(
            *("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"),
            *("--concurrency=2", "--stop-grace=0.1s", *options),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
        proxy.wait_until(lambda seen: len(seen.parts()) == 2)
        process.send_signal(signal.SIGINT)
        return finish(process)


def test_after_ctrl_c(bucket: Bucket, tmp_path: Path) -> None:
    """Both tell that it was stopped, and what is at S3."""
    log, metrics = tmp_path / "log", tmp_path / "asyncup.prom"
    assert stopped(bucket, tmp_path, "--log-file", log, "--metrics-file", metrics).code == 130
    *_, last = read_log(log)
    assert (last["type"], last["exit_code"], last["interrupted"]) == ("summary", 130, 1)
    told = read_metrics(metrics)
    assert (told["asyncup_exit_code"], told["asyncup_committed_bytes"]) == (130, 10 << 20)
    assert "asyncup_last_success_timestamp_seconds" not in told
