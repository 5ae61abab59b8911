"""`asyncup pending` and `asyncup abort`, against a real server with real pending uploads."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from asyncup.edges.journal import Journal
from tests.cli.kit import COMMAND, Ended, asyncup, finish, lines, start
from tests.s3 import Bucket

PART = 5 << 20


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where the journal of this test is."""
    return tmp_path / "state"


def leave(bucket: Bucket, tmp_path: Path, name: str, state: Path, parts: int = 2) -> None:
    """Kill an upload when S3 has acknowledged so many parts of it."""
    file = tmp_path / name.replace("/", "-")
    with file.open("wb") as handle:
        handle.truncate(40 * PART)
    process = start(
        *("put", file, f"{bucket.place}{name}", "--part-size=5MiB", "--concurrency=1"),
        *("--json", "--state-dir", state, "--split-dir", tmp_path / "chunks"),
        env=bucket.env,
    )
    assert process.stdout is not None
    acknowledged = 0
    for line in process.stdout:
        acknowledged += b'"part_uploaded"' in line
        if acknowledged == parts:
            break
    process.send_signal(signal.SIGKILL)
    finish(process)


def run(bucket: Bucket, command: str, place: str, state: Path, *more: str | Path) -> Ended:
    """Run a command about what is below a place."""
    where = f"{bucket.place}{place}"
    return asyncup(command, where, "--state-dir", state, *more, env=bucket.env)


def test_pending(bucket: Bucket, tmp_path: Path, state: Path) -> None:
    """Each pending upload is a line: parts, bytes, age, whether it was begun here, its ID."""
    leave(bucket, tmp_path, "here", state)
    leave(bucket, tmp_path, "elsewhere", tmp_path / "other")
    ended = run(bucket, "pending", "", state)
    assert ended.code == 0
    (here,) = lines(ended.out, f"{bucket.place}here: ")
    assert "parts, " in here
    assert " old, known here, of " in here
    (elsewhere,) = lines(ended.out, f"{bucket.place}elsewhere: ")
    assert " old, not known here (upload ID " in elsewhere
    assert lines(ended.err, "2 pending uploads, ")
    assert run(bucket, "pending", "", state, "--quiet").err == ""
    found = run(bucket, "pending", "", state, "--json").events("pending_upload_found")
    told = {each["uri"]: each for each in found}
    assert told[f"{bucket.place}here"]["in_journal"] is True
    assert told[f"{bucket.place}elsewhere"]["in_journal"] is False
    for each in told.values():
        assert each["parts"] >= 2
        assert each["size"] == each["parts"] * PART
        assert 0 <= each["age"] < 3600


def test_pending_of_nothing(bucket: Bucket, state: Path) -> None:
    """Where nothing is pending, nothing is listed, and that is no failure."""
    ended = run(bucket, "pending", "", state)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "0 pending uploads, 0 B held at S3\n"
    assert asyncup("pending", "film.mov", env=bucket.env).code == 2


def test_abort_one(bucket: Bucket, tmp_path: Path, state: Path) -> None:
    """Exactly the upload of this key is gone, with its row in the journal and its chunk files."""
    leave(bucket, tmp_path, "film", state)
    leave(bucket, tmp_path, "film.bak", state)
    chunks = tmp_path / "chunks"
    assert list(chunks.rglob("*-part*"))
    ended = run(bucket, "abort", "film", state, "--yes", "--split-dir", chunks)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"aborted {bucket.place}film (")
    assert bucket.pending() == [f"{bucket.place.key}film.bak"]
    assert list(chunks.rglob("*-part*")) == []
    with Journal(state, bucket.server.endpoint_url, print) as journal:
        assert [each.upload.uri.key for each in journal.uploads()] == bucket.pending()
    again = run(bucket, "abort", "film", state, "--yes")
    assert (again.code, "there is none pending" in again.err) == (4, True)


def test_abort_all(bucket: Bucket, tmp_path: Path, state: Path) -> None:
    """All below a prefix, if they are old enough."""
    leave(bucket, tmp_path, "a/1", state)
    leave(bucket, tmp_path, "a/2", state)
    young = run(bucket, "abort", "a", state, "--all", "--yes", "--older-than", "7d")
    assert (young.code, young.out, len(bucket.pending())) == (0, "", 2)
    ended = run(bucket, "abort", "a", state, "--all", "--yes", "--older-than", "0s", "--json")
    assert (ended.code, bucket.pending()) == (0, [])
    assert len(ended.events("upload_aborted")) == 2
    (finished,) = ended.events("abort_finished")
    assert (finished["aborted"], finished["exit_code"]) == (2, 0)


@pytest.mark.parametrize(
    ("place", "more", "told"),
    [
        ("", ["--yes"], "it names no object"),
        ("a", [], "there is no terminal to ask"),
        ("a", ["--all", "--upload-id=x", "--yes"], "--upload-id names one upload"),
        ("a", ["--older-than=soon", "--yes"], "'soon' is not a duration"),
    ],
)
def test_abort_that_is_not_clear(
    bucket: Bucket, state: Path, place: str, more: list[str], told: str
) -> None:
    """What may not be meant is refused before S3 is asked anything."""
    ended = run(bucket, "abort", place, state, *more)
    assert (ended.code, told in ended.err) == (2, True), ended.err


def test_several_of_one_key(bucket: Bucket, tmp_path: Path, state: Path) -> None:
    """One of several has to be named by its ID."""
    leave(bucket, tmp_path, "key", state)
    first = run(bucket, "pending", "key", state, "--json").events("pending_upload_found")
    other = bucket.create("key")
    ended = run(bucket, "abort", "key", state, "--yes")
    assert (ended.code, ": 2 are pending" in ended.err) == (2, True)
    ended = run(bucket, "abort", "key", state, "--yes", "--upload-id", first[0]["upload_id"])
    assert ended.code == 0
    left = run(bucket, "pending", "key", state, "--json").events("pending_upload_found")
    assert [each["upload_id"] for each in left] == [other]


def test_a_live_run_is_not_disturbed(bucket: Bucket, tmp_path: Path, state: Path) -> None:
    """An upload that another process is at work on stays, and it is said who that is."""
    leave(bucket, tmp_path, "key", state)
    with Journal(state, bucket.server.endpoint_url, print) as journal:
        (record,) = journal.uploads()
        with journal.claim(record.upload.uri):
            ended = run(bucket, "abort", "key", state, "--yes")
    assert ended.code == 5
    assert f"process {os.getpid()} on host" in ended.err
    assert len(bucket.pending()) == 1


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_terminal_is_asked(
    bucket: Bucket, tmp_path: Path, state: Path, answer: str, code: int
) -> None:
    """On a terminal, what would be aborted is shown, and nothing is unless the answer is yes."""
    leave(bucket, tmp_path, "key", state)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [COMMAND, "abort", f"{bucket.place}key", "--state-dir", str(state)],
        env={**os.environ, **bucket.env},
        stdin=theirs,
        capture_output=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code
    assert b"abort 1 upload, and delete " in done.stderr
    assert bool(bucket.pending()) is (code != 0)
