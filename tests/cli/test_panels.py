"""The live panels on a terminal, read off its screen: what is there while it runs, and after."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.kit import tree
from tests.cli.terminal import Terminal
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket

LARGE = os.urandom(25 << 20)


def arguments(bucket: Bucket, directory: Path, *more: str) -> list[str]:
    """Return a command that uploads a large file and a small one."""
    place = tree(directory / "d", {"large.bin": LARGE, "small.txt": b"x"})
    return [
        *("put", str(place), str(bucket.place), "--part-size=5MiB", "--concurrency=3"),
        *("--stop-grace=0.1s", *more),
    ]


@pytest.mark.parametrize(("width", "height"), [(60, 16), (80, 24), (200, 50)])
def test_panels(bucket: Bucket, tmp_path: Path, width: int, height: int) -> None:
    """While it runs: totals, a bar for the file in flight, a log; after Ctrl-C, none of it.

    The terminal shows the key itself, `^C`, where its cursor stands.
    """
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        terminal = Terminal(width, height, arguments(bucket, tmp_path), env)
        terminal.read_until(lambda text: "40%   2/5 parts" in text and "total 25.0 MiB" in text)
        seen = terminal.lines
        terminal.type(b"\x03")
        terminal.read_until(lambda _: b"^C" in terminal.written)
        terminal.process.send_signal(signal.SIGINT)
        code = terminal.finish()

    top = next(index for index, line in enumerate(seen) if line.startswith("╭─ asyncup"))
    files = next(index for index, line in enumerate(seen) if line.startswith("╭─ in flight"))
    assert all(len(line) == width for line in seen[top : files + 2])
    assert "█" in seen[top + 1]
    assert "░" in seen[top + 1]
    assert re.search(r"files +0/(1\+|2) ", "".join(seen[top:files]))
    assert re.search(r"done +10.0 MiB ", "".join(seen[top:files]))
    assert "large.bin" in seen[files + 1]

    assert code == 130
    assert not set("╭─╮│╰╯█░") & set(terminal.text)
    assert terminal.shows_cursor
    told = " ".join(terminal.text.split())
    assert "to go on: asyncup put" in told
    assert "2 not finished" in told


def test_panels_of_a_finished_run(bucket: Bucket, tmp_path: Path) -> None:
    """What is done stays on the screen as plain lines, with a summary below."""
    terminal = Terminal(100, 24, arguments(bucket, tmp_path), bucket.env)
    assert terminal.finish() == 0
    told = terminal.text
    assert f"+ {bucket.place}small.txt 1 B, verified by etag" in told
    assert "large.bin 25 MiB in 5 parts, verified by crc64nvme" in " ".join(told.split())
    assert "2 files uploaded" in told
    assert "╭" not in told
    assert terminal.shows_cursor


def test_failure_leaves_the_screen_clean(bucket: Bucket, tmp_path: Path) -> None:
    """An error is told below what is done, with its hint, and the cursor is back."""
    given = arguments(bucket, tmp_path)
    given[2] = "s3://no-such-bucket-here/"
    terminal = Terminal(100, 24, given, bucket.env)
    assert terminal.finish() == 4
    assert "NoSuchBucket" in terminal.text
    assert "hint: check the bucket's name" in terminal.text
    assert "╭" not in terminal.text
    assert terminal.shows_cursor


def test_plain_on_a_terminal(bucket: Bucket, tmp_path: Path) -> None:
    """--plain, and a terminal that cannot move its cursor, get lines instead of panels."""
    for env, more in (({}, ["--plain"]), ({"TERM": "dumb"}, [])):
        terminal = Terminal(
            100, 24, arguments(bucket, tmp_path, "--overwrite=always", *more), {**bucket.env, **env}
        )
        assert terminal.finish() == 0
        assert "2 files uploaded" in terminal.text
        assert not {"╭", "█"} & set(terminal.text)
