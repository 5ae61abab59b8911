"""Standard streams that are closed or full: uploads go on, and what has to be told is told."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.kit import COMMAND, Ended, tree
from tests.s3 import Bucket

SHELL = ["bash", "-c"]


def typed(bucket: Bucket, line: str, cwd: Path) -> Ended:
    """Run a command of a shell, whose redirections close and fill streams."""
    env = {"PATH": f"{Path(COMMAND).parent}:/usr/bin:/bin", "HOME": str(cwd), **bucket.env}
    done = subprocess.run(
        [*SHELL, line], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with files in it."""
    return tree(tmp_path / "w", {"d/a": b"1", "d/b": b"2"})


@pytest.mark.parametrize("arguments", ["- {0}key", "--files-from - {0}"])
def test_closed_standard_input(bucket: Bucket, place: Path, arguments: str) -> None:
    """What is to be read from nowhere cannot be read: said, and no more."""
    ended = typed(bucket, f"asyncup put {arguments.format(bucket.place)} <&-", place)
    assert (ended.code, ended.out, bucket.objects()) == (2, "", {})
    assert ended.err.startswith("error: read standard input: it is closed\nhint: ")


@pytest.mark.parametrize("mode", ["", "--plain", "--json", "--quiet"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_output(bucket: Bucket, place: Path, closed: str, mode: str) -> None:
    """Without a reader, uploads go on."""
    ended = typed(bucket, f"asyncup put d {bucket.place} {mode} {closed}", place)
    assert (ended.code, bucket.objects()) == (0, {"a": b"1", "b": b"2"})
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", ["", "--json", "--quiet"])
def test_full_output(bucket: Bucket, place: Path, arguments: str) -> None:
    """Uploads go on, but a list of objects that nobody has is not a success."""
    ended = typed(bucket, f"asyncup put d {bucket.place} {arguments} > /dev/full", place)
    assert (ended.code, bucket.objects()) == (1, {"a": b"1", "b": b"2"})
    assert "error: write standard output: No space left on device\nhint: " in ended.err


def test_full_output_of_a_dry_run(bucket: Bucket, place: Path) -> None:
    """A plan that nobody has is not a success either."""
    ended = typed(bucket, f"asyncup put d {bucket.place} -n > /dev/full", place)
    assert ended.code == 1
    assert ended.err.startswith("error: write standard output: No space left on device\n")


@pytest.mark.parametrize("arguments", ["--version", "--help", "put --help", "config --help"])
def test_full_output_of_what_was_asked(bucket: Bucket, place: Path, arguments: str) -> None:
    """It is told in a line: status 1."""
    ended = typed(bucket, f"asyncup {arguments} > /dev/full", place)
    assert ended.code == 1
    assert ended.err == "error: write standard output: No space left on device\n"


def test_full_errors(bucket: Bucket, place: Path) -> None:
    """A log that is full cannot be told of: the status is that of the uploads."""
    ended = typed(bucket, f"asyncup put d {bucket.place} 2> /dev/full", place)
    assert (ended.code, bucket.objects()) == (0, {"a": b"1", "b": b"2"})
