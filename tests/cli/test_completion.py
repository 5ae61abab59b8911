"""What shells complete, in real shells: options, values, profiles, buckets, prefixes and files."""

import asyncio
import fcntl
import os
import pty
import shutil
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from asyncup.edges.s3_names import uris_from
from tests.cli.kit import COMMAND, asyncup, tree
from tests.proxy import Answer, Fate, Request, proxy_to
from tests.s3 import Bucket, config_of

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {script}"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({place} $fpath); autoload -Uz compinit; compinit -u -D"),
    "fish": (["fish", "--no-config", "-i"], "source {script}"),
}

needs = {
    shell: pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")
    for shell in SHELLS
}
every_shell = pytest.mark.parametrize(
    "shell", [pytest.param(shell, marks=needs[shell]) for shell in SHELLS]
)


class Typing:
    """A shell on a terminal, into which somebody types."""

    def __init__(self, arguments: list[str], env: dict[str, str], place: Path) -> None:
        self._screen = pyte.Screen(160, 50)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self._process = subprocess.Popen(
            # fish wants the terminal to be its own.
            ["setsid", "--ctty", *arguments],
            env={**os.environ, **env, "TERM": "vt100"},
            cwd=place,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def read_until(self, text: str) -> None:
        """Wait until the screen shows a text."""
        while text not in "\n".join(self._screen.display):
            self._stream.feed(os.read(self._master, 1 << 16))

    def end(self) -> None:
        """Close the terminal, and end what runs on it."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@contextmanager
def shell_with_completion(shell: str, env: dict[str, str], place: Path) -> Iterator[Typing]:
    """Start a shell that knows how asyncup is completed."""
    arguments, setup = SHELLS[shell]
    scripts = tree(place.parent / "scripts", {"_asyncup": b""})
    script = scripts / "_asyncup"
    script.write_text(asyncup("completion", shell).out, encoding="utf-8")
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    typing = Typing(arguments, {**env, "PATH": path, "HISTFILE": ""}, place)
    try:
        # Told apart from its own echo by what the shell makes of the quotes.
        typing.type(setup.format(script=script, place=scripts) + "; echo rea''dy\n")
        typing.read_until("ready")
        yield typing
    finally:
        typing.end()


@every_shell
def test_what_a_shell_completes(shell: str, bucket: Bucket, tmp_path: Path) -> None:
    """Options, values, profiles, buckets, prefixes, objects, and files where none of them is."""
    tree(tmp_path, {"home/aws-config": b"[default]\n[profile production]\n"})
    place = tree(tmp_path / "work", {"notes-of-mine.txt": b"x"})
    bucket.put("alpha/one", b"1")
    bucket.put("alpha/two-files", b"2")
    uri = str(bucket.place)
    with shell_with_completion(shell, bucket.env, place) as typing:
        for begun, completed in (
            ("asyncup verif", "asyncup verify "),
            ("asyncup put --part-si", "asyncup put --part-size "),
            ("asyncup put --overwrite chec", "--overwrite checksum "),
            ("asyncup put --overwrite=nev", "--overwrite=never "),
            ("asyncup put --profile prod", "--profile production "),
            ("asyncup put notes-of", "asyncup put notes-of-mine.txt "),
            ("asyncup put x s3://test-b", "asyncup put x s3://test-bucket/"),
            (f"asyncup put x {uri}al", f"{uri}alpha/"),
            (f"asyncup pending {uri}alpha/tw", f"asyncup pending {uri}alpha/two-files "),
        ):
            typing.type(f"{begun}\t#")
            typing.read_until(f"{completed}#")
            typing.type("\x15")  # Ctrl-U takes the line back


@needs["bash"]
def test_bash_quotes_what_it_has_to(bucket: Bucket, tmp_path: Path) -> None:
    """A name with a space in it stays one word."""
    bucket.put("my film", b"1")
    place = tree(tmp_path / "work", {})
    place.mkdir()
    with shell_with_completion("bash", bucket.env, place) as typing:
        typing.type(f"echo asyncup; asyncup put x {bucket.place}my\t#")
        typing.read_until(f"{bucket.place}my\\ film #")


@every_shell
def test_no_name_is_run(shell: str, bucket: Bucket, tmp_path: Path) -> None:
    """Whatever a key has in it that a shell has a use for, it stays one word, to the letter."""
    place = tree(tmp_path / "work", {"x": b""})
    names = {"se": "semi;touch${IFS}pwned", "d,e:d": "d,e:dollar$(touch${IFS}pwned)&"}
    for name in names.values():
        bucket.put(name, b"1")
    with shell_with_completion(shell, bucket.env, place) as typing:
        for begun, name in names.items():
            typing.type(f"asyncup pending {bucket.place}{begun}\t")
            typing.read_until("pwned")
            # Before all of the line: what is in it is to be told, not done.
            typing.type("\x01printf '<%s>' \x05\n")
            typing.read_until(f"<{bucket.place}{name}>")
    assert not (place / "pwned").exists()


def completions(line: str, env: dict[str, str], place: Path | None = None) -> list[str]:
    """Return what asyncup answers a script that asks about a line."""
    asks = {
        "_ASYNCUP_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": line,
    }
    ended = asyncup(env={**env, **asks}, cwd=place)
    assert (ended.code, ended.err) == (0, "")
    return [each.split("\t")[0] for each in ended.out.splitlines() if each]


def test_which_s3_is_asked(bucket: Bucket, tmp_path: Path) -> None:
    """The one that the command line, the environment and the configuration file name."""
    keys = {name: value for name, value in bucket.env.items() if "ENDPOINT" not in name}
    url = bucket.env["AWS_ENDPOINT_URL"]
    begun = "s3://test-buc"
    found = ["s3://test-bucket/"]
    assert completions(f"asyncup put x --endpoint-url {url} {begun}", keys) == found
    assert completions(f"asyncup put x {begun}", {**keys, "ASYNCUP_ENDPOINT_URL": url}) == found
    tree(tmp_path, {"asyncup.toml": f'endpoint-url = "{url}"'.encode()})
    assert completions(f"asyncup abort {begun}", keys, tmp_path) == found
    elsewhere = {**keys, "ASYNCUP_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert completions(f"asyncup put x {begun}", elsewhere, tmp_path) == []


@pytest.mark.parametrize("answer", [Fate.SILENCE, Answer(200, "<html>log in", ()), Fate.TRUNCATE])
def test_s3_that_does_not_tell(bucket: Bucket, tmp_path: Path, answer: Fate | Answer) -> None:
    """Where S3 does not answer soon, or with nonsense, there is nothing to choose from."""
    del tmp_path

    def script(_: Request) -> Fate | Answer:
        return answer

    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], script) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        assert completions("asyncup put x s3://", env) == []
        assert completions("asyncup put x s3://test-bucket/", env) == []
    assert proxy.requests


@pytest.mark.parametrize(
    ("wrong", "env"),
    [
        ("asyncup put x s3://no-such-bucket/", {}),
        ("asyncup put x s3://a/", {}),
        ("asyncup put x s3:///", {}),
        ("asyncup put x s3://", {"AWS_SECRET_ACCESS_KEY": "wrong"}),
        ("asyncup put x --profile none s3://", {}),
        ("asyncup put x --endpoint-url u:hunter2@x s3://", {}),
        ("asyncup put x --config /no/such s3://test-b", {}),
    ],
)
def test_mistakes_are_not_told_here(bucket: Bucket, wrong: str, env: dict[str, str]) -> None:
    """What is wrong so far gives no choice; it is told when the command is run."""
    found = completions(wrong, {**bucket.env, **env})
    assert found == (["s3://test-bucket/"] if "--config" in wrong else [])


def test_a_scheme_is_completed() -> None:
    """From its second letter on; what begins otherwise is a file's name."""
    assert completions("asyncup put x s3", {}) == ["s3://"]
    assert completions("asyncup put x s3:/", {}) == ["s3://"]
    for other in ("s", "s3x", "film", ""):
        assert completions(f"asyncup put x {other}", {}) == []


def test_only_so_many(bucket: Bucket) -> None:
    """No more than a person can choose from."""
    for name in ("a/x", "b", "c", "d"):
        bucket.put(name, b"1")

    def found(limit: int) -> list[str]:
        uris = asyncio.run(uris_from(config_of(bucket.server), str(bucket.place), limit))
        return [each.removeprefix(str(bucket.place)) for each in uris]

    assert sorted(found(100)) == ["a/", "b", "c", "d"]
    assert len(found(3)) == 3
    # Buckets are all listed at once, and cut off here.
    assert asyncio.run(uris_from(config_of(bucket.server), "s3://", 0)) == []


def test_what_no_script_is_for() -> None:
    """Another shell is an error that names those that there are."""
    ended = asyncup("completion", "tcsh")
    assert (ended.code, ended.out) == (2, "")
    assert "'bash', 'zsh', 'fish'" in ended.err
