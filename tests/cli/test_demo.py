"""`asyncup demo`: the main job, shown on a server of its own."""

import os
import re
import signal
from pathlib import Path

from tests.cli.kit import asyncup, lines, tree


def test_demo(tmp_path: Path) -> None:
    """It uploads, breaks off, resumes, compares, says so, and leaves nothing behind."""
    ended = asyncup("demo", "--size=150MiB", "--data-dir", tmp_path / "demo")
    assert ended.code == 0
    said = [line for line in ended.err.splitlines() if line.startswith("demo: ")]
    assert re.fullmatch(r"demo: stopped when S3 held \d+ parts of the largest file", said[4])
    assert said[-1] == "demo: 5 objects read back, 184 MiB: every byte equals the files"
    assert lines(ended.err, "to go on: asyncup put")
    (resumed,) = lines(ended.err, "resuming s3://demo/largest.bin: S3 lists")
    (uploaded,) = lines(ended.err, "s3://demo/largest.bin 150 MiB in 30 parts, ")
    assert resumed.split("S3 lists ")[1].split()[0] in uploaded
    url = said[2].split("serves ")[1].split(",")[0]
    assert "Could not connect" in _put(tmp_path, url)


def _put(directory: Path, url: str) -> str:
    tree(directory, {"file": b"x"})
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": url}
    return asyncup("put", directory / "file", "s3://demo/", "--max-retry=1", env=env).err


def test_demo_of_given_files_that_keeps_the_server(tmp_path: Path) -> None:
    """--keep leaves a server that the printed settings reach, and says how to end it."""
    given = tree(tmp_path / "mine", {"a": b"some bytes", "b/c": b"more"})
    ended = asyncup("demo", given, "--keep", "--data-dir", tmp_path / "demo")
    assert ended.code == 0
    assert lines(ended.err, "demo: 2 objects read back, 14 B: every byte equals the files")
    exports = dict(re.findall(r"^ +export (\w+)=(\S+)$", ended.err, re.MULTILINE))
    (pid,) = re.findall(r"^ +kill (\d+) ", ended.err, re.MULTILINE)
    try:
        again = asyncup("put", given / "a", "s3://demo/again/", env=exports)
        assert (again.code, again.out.split("\t")[0]) == (0, "s3://demo/again/a")
    finally:
        os.kill(int(pid), signal.SIGTERM)


def test_demo_of_nothing(tmp_path: Path) -> None:
    """A file that is not there is told before a server is started."""
    ended = asyncup("demo", tmp_path / "nothing")
    assert ended.code == 3
    assert "no such file" in ended.err
    assert "SeaweedFS" not in ended.err
