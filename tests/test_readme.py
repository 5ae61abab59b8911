"""The README is true: its commands run, its tables have what the code has; so do other pages'."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import asyncup
from asyncup.cli.main import app
from asyncup.core import errors
from asyncup.embedded import EmbeddedServer, serve
from tests.cli.kit import tree

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


_FENCE = re.compile(r"^(?:<!-- not run: (.+) -->\n)?```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
"""A block: why it is not run, its language, and what it holds."""


def commands() -> list[Any]:
    """Return the blocks of commands of all pages but those of which the page says why not."""
    found: list[Any] = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for block in _FENCE.finditer(text):
            reason, language, script = block.groups()
            if language == "sh" and reason is None and "make" not in script:
                line = text[: block.start(3)].count("\n") + 1
                found.append(pytest.param(script, id=f"{page.name}:{line}"))
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Run a server that has the bucket of the README."""
    with serve(tmp_path_factory.mktemp("weed-readme"), buckets=["my-bucket"]) as running:
        yield running


@pytest.fixture
def env(server: EmbeddedServer) -> dict[str, str]:
    """Return an environment in which the README's commands can be typed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **server.environment, "PATH": path}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with the files of the README."""
    place = tmp_path / "place"
    files = {"film.mov": b"f" * (20 << 20), "notes.txt": b"n", "photos/a.jpg": b"a" * 2000}
    tree(place, {**files, "photos/sub/b.tmp": b"b"})
    os.utime(place / "notes.txt", (0, 0))
    return place


def shell(script: str, env: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a block as a user who types it, and stop at the first command that fails."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", commands())
def test_commands_run(script: str, env: dict[str, str], place: Path) -> None:
    """Every block of commands does what it is there for."""
    done = shell(script, env, place)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_blocks_say_what_they_hold(page: Path) -> None:
    """No command is passed over because nobody said that it is one."""
    for _, language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        assert language, text


def test_the_two_commands(env: dict[str, str]) -> None:
    """`make demo` runs; of `make test`, which is what runs this, it is seen what it would do."""
    (script,) = [each for each in blocks("sh") if "make" in each]
    assert script == "make demo\nmake test\n"
    done = shell("make demo\nmake --dry-run test", env, ROOT)
    assert done.returncode == 0, done.stderr
    assert "every byte equals the files" in done.stderr
    assert "pytest" in done.stdout


def test_configuration(env: dict[str, str], place: Path) -> None:
    """The configuration of the README is one, and needs no argument beside it."""
    (text,) = blocks("toml")
    (place / "asyncup.toml").write_text(text, encoding="utf-8")
    done = shell("asyncup put --dry-run", env, place)
    assert done.returncode == 0, done.stderr
    assert "upload film.mov -> s3://my-bucket/backup/film.mov: 20 MiB, 1 part" in done.stdout


def test_library(env: dict[str, str], place: Path) -> None:
    """The program of the README runs as it stands, and passes the type checker."""
    (program,) = blocks("python")
    (place / "program.py").write_text(program, encoding="utf-8")
    done = shell("python program.py && mypy --strict program.py", env, place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "part 3 is at S3\n" in done.stdout
    assert "s3://my-bucket/films/library.mov 20971520 " in done.stdout


def test_every_option_is_told() -> None:
    """No option of `asyncup put` is missing from the README."""
    group: Any = typer.main.get_command(app)
    command = group.commands["put"]
    named = [
        option
        for parameter in command.params
        if parameter.name not in {"source", "destination", "paths"}
        for option in [parameter.opts[0]]
    ]
    options = README.partition("### Options")[2].partition("### Configuration")[0]
    assert [option for option in named if option.removeprefix("--") not in options] == []


def test_every_exit_status_is_told() -> None:
    """The table of statuses has those of the errors."""
    table = README.partition("### Exit status")[2].partition("## What")[0]
    told = {int(each) for each in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.exit_code for each in kinds if issubclass(each, errors.AsyncupError)}
    assert told == codes | {0}


def test_policy_has_the_actions_that_errors_name() -> None:
    """The policy allows what the table below it says, and no more."""
    (policy,) = map(json.loads, blocks("json"))
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    table = README.partition("On Access Denied")[2].partition("`--tag` also")[0]
    assert allowed == set(re.findall(r"`(s3:\w+)`", table))


def test_changelog_begins_with_this_version() -> None:
    """The newest entry is that of the package's version."""
    (newest, *_) = re.findall(r"^## (\S+)", CHANGELOG, re.MULTILINE)
    assert newest == asyncup.__version__
