"""`asyncup watch`, as it is typed: with the real system's hints, a real S3, and real files."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from asyncup.cli.main import _run
from tests.cli.kit import COMMAND, Ended, asyncup, start_anew, tree
from tests.s3 import Bucket
from tests.told import read_lines

PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
SOON = ("--settle", "0.3s", "--json", "--part-size=5MiB")


@contextmanager
def watching(*arguments: str | Path, env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a watch, which never ends by itself: not beyond its test either, whatever happens."""
    with start_anew("watch", *arguments, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: "subprocess.Popen[bytes]", *kinds: str) -> Iterator[dict[str, Any]]:
    """Yield the events of these types as they come."""
    assert process.stdout is not None
    for line in process.stdout:
        (event,) = read_lines([line.decode()])
        if event["type"] in kinds:
            yield event


def stop(process: "subprocess.Popen[bytes]") -> Ended:
    """Stop a watch as a service is stopped."""
    process.send_signal(signal.SIGTERM)
    # What was read ahead of the events is in this.
    assert process.stdout is not None
    out = process.stdout.read()
    return Ended(process.wait(), out.decode(), "")


def test_what_comes_goes_up_and_is_deleted(bucket: Bucket, tmp_path: Path) -> None:
    """What lies there, and a new file, and nothing of what it writes itself; it ends with 130."""
    place = tree(tmp_path / "in", {"first": b"1", "half.part": b"2", ".hidden": b"3"})
    own = ("--state-dir", place / "state", "--split-dir", place / "chunks")
    command = (place, str(bucket.place), *SOON, "--then=delete", *own)
    with watching(*command, env=bucket.env) as process:
        events = told(process, "watch_started", "source_deleted")
        assert {next(events)["type"], next(events)["type"]} == {"watch_started", "source_deleted"}
        (place / "half.part").rename(place / "whole")
        assert next(events)["source"] == str(place / "whole")
        ended = stop(process)
    assert ended.code == 130
    assert ended.events("summary")[0]["done"] == 2
    assert bucket.objects() == {"first": b"1", "whole": b"2"}
    assert {each.name for each in place.iterdir()} == {".hidden", "state", "chunks"}


def test_a_killed_watch_goes_on(bucket: Bucket, tmp_path: Path) -> None:
    """After kill -9 in the middle of a file, only the rest is sent, and what was done is left."""
    place = tree(tmp_path / "in", {"done": b"1" * 100, "large": os.urandom(16 << 20)})
    command = (place, str(bucket.place), *SOON, "--limit-rate=16MiB/s")
    with watching(*command, env=bucket.env) as process:
        assert any(each["size"] == 5 << 20 for each in told(process, "part_uploaded"))
    again = asyncup("watch", *command, "--once", env=bucket.env)
    assert again.code == 0
    (completed,) = again.events("upload_completed")
    assert completed["result"]["parts_kept"] >= 1
    assert bucket.objects() == {name: (place / name).read_bytes() for name in ("done", "large")}


def test_what_s3_holds_is_compared_before_it_is_moved(bucket: Bucket, tmp_path: Path) -> None:
    """An object of the same size that is another one is no reason; where they go is no source."""
    place = tree(tmp_path / "in", {"sub/same": b"same", "sub/other": b"here"})
    assert asyncup("put", place, str(bucket.place), env=bucket.env).code == 0
    tree(place, {"sub/other": b"HERE", "done/old": b"old"})
    to = place / "done"
    ended = asyncup(
        *("watch", place, str(bucket.place), *SOON, "--once", f"--then=move:{to}"), env=bucket.env
    )
    assert ended.code == 0
    moved = {each["destination"] for each in ended.events("source_moved")}
    assert moved == {str(to / "sub/same"), str(to / "sub/other")}
    assert list((place / "sub").iterdir()) == []
    assert bucket.objects() == {"sub/same": b"same", "sub/other": b"HERE"}
    assert [Path(each["source"]).name for each in ended.events("upload_completed")] == ["other"]


def test_a_receipt_comes_before_a_file_goes(bucket: Bucket, tmp_path: Path) -> None:
    """Where receipts are asked for, a file whose receipt cannot be written stays."""
    place = tree(tmp_path / "in", {"file": b"1"})
    ended = asyncup(
        *("watch", place, str(bucket.place), *SOON, "--once", "--then=delete"),
        *("--receipts", "/dev/full"),
        env=bucket.env,
    )
    assert ended.code != 0
    assert (place / "file").exists()
    (kept,) = ended.events("source_kept")
    assert "its receipt could not be written" in kept["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("{tmp}/none", "s3://my-bucket/"), "no such directory"),
        (("{tmp}", "my-bucket"), "not an S3 URI"),
        (("{tmp}", "s3://my-bucket/", "--marker=done"), "how a file is marked"),
        (("{tmp}", "s3://my-bucket/", "--then=move:/proc"), "another file system"),
        (("{tmp}", "s3://my-bucket/", "--then=move:{tmp}"), "which is watched"),
        (("{tmp}", "s3://my-bucket/", "--then=burn"), "is not keep, delete, or move:DIR"),
    ],
)
def test_mistakes_are_told_at_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    """Nothing is begun with a place or a wish that cannot be."""
    assert _run(["watch", *(each.format(tmp=tmp_path) for each in arguments)]) in {2, 3}
    assert problem in capsys.readouterr().err


def block(language: str) -> str:
    """Return the one block of a language of the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_cron_line_runs(bucket: Bucket, tmp_path: Path) -> None:
    """The command of the line in the manual does what it is there for, under cron's own shell."""
    line = block("crontab")
    _, command = line.rsplit("* * * *", 1)
    place = tree(tmp_path / "outgoing", {"file": b"1"})
    os.utime(place / "file", (0, 0))
    command = (
        command.replace("/srv/outgoing", shlex.quote(str(place)))
        .replace("s3://my-bucket/outgoing/", str(bucket.place))
        .replace("/var/lib/asyncup", str(tmp_path))
        .replace("/usr/local/bin/asyncup watch", f"{shlex.quote(COMMAND)} watch --settle=0.1s")
    )
    assert "%" not in command
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **bucket.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bucket.objects() == {"file": b"1"}
    assert not (place / "file").exists()


def test_the_unit_is_one(tmp_path: Path) -> None:
    """The unit of the manual ends as the command does, and systemd, where it is, finds no fault."""
    unit = block("ini")
    assert "\nKillSignal=SIGTERM\n" in unit
    assert "\nSuccessExitStatus=130\n" in unit
    (started,) = re.findall(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
    words = shlex.split(started.replace("\\\n", ""))
    assert words[1] == "watch"
    verify = shutil.which("systemd-analyze")
    if verify is not None:
        path = tmp_path / "asyncup-watch.service"
        # It looks whether there is such a command.
        path.write_text(unit.replace(words[0], COMMAND), encoding="utf-8")
        done = subprocess.run(
            [verify, "verify", "--man=no", path], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
