"""A first day with asyncup: each step says what the next one is, in the words of the README.

`make wheel` has the same day with the command as pip and pipx install it.
"""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncup import __version__
from asyncup.embedded import EmbeddedServer
from tests.cli.kit import Ended, asyncup, finish, lines, start, tree
from tests.pages import texts
from tests.proxy import Fate, Proxy, Request, let_pass, proxy_to
from tests.servers import make_bucket

FILM = os.urandom(22 << 20)
PUT = ("put", "film.mov", "s3://my-bucket/films/", "--part-size", "5MiB")
OTHER = ("put", "film.mov", "s3://my-bucket/other/", "--part-size", "5MiB")


class Link:
    """A way to S3 that lets two parts through, or all of them."""

    def __init__(self) -> None:
        self.mend()

    def __call__(self, request: Request) -> Fate:
        return self._script(request)

    def mend(self) -> None:
        """Let everything through."""
        self._script = let_pass(10_000)

    def narrow(self) -> None:
        """Let two parts through from now on."""
        self._script = let_pass(2)


class Day:
    """A user at a machine, and the link from it to S3."""

    def __init__(self, server: EmbeddedServer, proxy: Proxy, link: Link) -> None:
        self._link = link
        self._proxy = proxy
        # What is set so is not on the command line, which is shown as it was typed.
        quick = {"ASYNCUP_CONCURRENCY": "2", "ASYNCUP_STOP_GRACE": "0.1s"}
        self._env = {**server.environment, **quick, "AWS_ENDPOINT_URL": proxy.url}

    def types(self, *words: str) -> Ended:
        """Run a command to its end."""
        return asyncup(*words, env=self._env)

    def breaks_off(self, *words: str, by: signal.Signals) -> Ended:
        """Run a command and end it when S3 has taken two more parts of it."""
        self._link.narrow()
        before = len(self._proxy.parts())
        process = start(*words, env=self._env)
        self._proxy.wait_until(lambda seen: len(seen.parts()) == before + 2)
        process.send_signal(by)
        ended = finish(process)
        self._link.mend()
        return ended


@pytest.fixture
def day(weed: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """Return a day that begins in a directory with a film."""
    assert make_bucket(weed, "my-bucket")
    monkeypatch.chdir(tree(tmp_path / "w", {"film.mov": FILM}))
    link = Link()
    with proxy_to(weed.endpoint_url, link) as proxy:
        yield Day(weed, proxy, link)


def name_of(told: Ended) -> str:
    """Return the name by which a status tells of its one command."""
    (name,) = re.findall(r"to go on: asyncup resume (\w+)", told.out)
    return str(name)


def test_it_would_work(day: Day) -> None:
    """What is installed is this version, and the doctor finds that uploads would work."""
    assert day.types("--version").out == f"asyncup {__version__}\n"
    examined = day.types("doctor", "s3://my-bucket/films/", "--no-speed", "--source", "film.mov")
    assert examined.code == 0, examined.out + examined.err
    assert lines(examined.out, "an upload would work: ")
    pending = day.types("pending", "s3://my-bucket/")
    assert (pending.out, pending.err) == ("", "0 pending uploads, 0 B held at S3\n")


def test_stopped_and_gone_on_with(day: Day) -> None:
    """Put, Ctrl-C, status, resume, verify; what the README shows of it is what is said."""
    stopped = day.breaks_off(*PUT, by=signal.SIGINT)
    assert stopped.code == 130
    status = day.types("status")
    assert lines(status.out, f"{name_of(status)} stopped: asyncup {' '.join(PUT)}")
    pending = day.types("pending", "s3://my-bucket/films/")
    assert lines(pending.out, "s3://my-bucket/films/film.mov: 2 parts, 10 MiB, ")
    resumed = day.types("resume", name_of(status))
    assert resumed.code == 0, resumed.err
    (shown,) = texts("README.md", "text")
    said = [*stopped.err.splitlines(), *resumed.err.splitlines(), "^C", "", "$ asyncup resume"]
    assert set(shown.splitlines()) - set(said) == set()
    again = day.types(*PUT)
    assert (again.code, again.out) == (0, "")
    assert lines(again.err, "skipped film.mov: S3 already holds it with the same size (22 MiB)")
    proven = day.types("verify", "film.mov", "s3://my-bucket/films/")
    assert (proven.code, proven.out) == (0, "s3://my-bucket/films/film.mov\tcrc64nvme\n")
    assert lines(proven.err, "equals film.mov, proven by crc64nvme")
    assert day.types("status").err == "nothing is running, and nothing is unfinished\n"


def test_killed_and_given_up(day: Day) -> None:
    """Put, kill, status, abort: nothing of it is left, at S3 and here."""
    assert day.breaks_off(*OTHER, by=signal.SIGKILL).code == -signal.SIGKILL
    status = day.types("status")
    assert lines(status.out, f"{name_of(status)} killed: asyncup {' '.join(OTHER)}")
    unasked = day.types("abort", "s3://my-bucket/other/film.mov")
    assert unasked.code == 2
    assert lines(unasked.err, "hint: give --yes; asyncup pending shows what would be aborted")
    aborted = day.types("abort", "s3://my-bucket/other/film.mov", "--yes")
    assert aborted.code == 0
    assert aborted.err == "1 upload aborted, 10 MiB deleted at S3\n"
    pending = day.types("pending", "s3://my-bucket/other/")
    assert (pending.out, pending.err) == ("", "0 pending uploads, 0 B held at S3\n")
    assert day.types("status").err == "nothing is running, and nothing is unfinished\n"
