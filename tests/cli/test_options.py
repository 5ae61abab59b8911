"""What holds of every option of every command, whichever is added: variables, and questions."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import asyncup as package
from asyncup.cli.main import app
from tests.cli.kit import asyncup

_GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = _GROUP.commands

NO_VARIABLE = {
    # Whoever deletes has to say so.
    "abort": {"below", "older_than", "upload_id", "yes"},
    "status": {"forget"},
    "watch": {"then"},
    # It shows all there is to it on a server of its own.
    "demo": {"size", "data_dir", "keep"},
}

SAMPLES = {
    "acl": "private",
    "addressing_style": "virtual",
    "checksum": "sha256",
    "concurrency": "3",
    "destination": "s3://bucket/",
    "endpoint_url": "http://localhost",
    "limit_rate": "1MiB/s",
    "metadata": "a=b",
    "on_change": "patch",
    "overwrite": "never",
    "processes": "2",
    "sse": "AES256",
    "tag": "a=b",
}
"""Values for options that do not take just any text; those of the others are by their metavar."""


ARGUMENTS = {
    "abort": ("s3://bucket/key",),
    "doctor": ("s3://bucket/key",),
    "pending": ("s3://bucket/key",),
    "watch": (".", "s3://bucket/"),
}
"""What commands need that can do nothing without arguments."""


def options() -> Iterator[tuple[str, Any]]:
    """Yield every option with the name of its command."""
    for name, command in COMMANDS.items():
        for option in command.params:
            if option.param_type_name == "option" and option.name not in {"help", "version"}:
                yield name, option


ALL = list(options())
IDS = [f"{name}-{option.name}" for name, option in ALL]


@pytest.mark.parametrize(("command", "option"), ALL, ids=IDS)
def test_every_option_has_its_variable(command: str, option: Any) -> None:  # noqa: ANN401 - typer's
    """It is named after the option, but for those that somebody has to type."""
    if option.name in NO_VARIABLE.get(command, ()):
        assert option.envvar is None
    else:
        flag = option.opts[0].removeprefix("--").upper().replace("-", "_")
        assert option.envvar == f"ASYNCUP_{flag}"


def sample_of(option: Any, place: Path) -> str:  # noqa: ANN401 - typer's
    """Return a value that an option takes."""
    if option.is_flag:
        return "1"
    by_kind = {"SIZE": "6MiB", "SIZE/s": "6MiB/s", "TIME": "7s", "N": "3", "PATTERN": "*.x"}
    if option.name == "config":
        (place / "asyncup.toml").touch()
        return str(place / "asyncup.toml")
    return SAMPLES.get(option.name) or by_kind.get(option.metavar, "text")


@pytest.mark.parametrize(("command", "option"), ALL, ids=IDS)
def test_every_variable_counts(
    command: str,
    option: Any,  # noqa: ANN401 - typer's
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A value in the environment is taken where there is no flag."""
    if option.envvar is None:
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(option.envvar, sample_of(option, tmp_path))
    arguments = [*ARGUMENTS.get(command, ())]
    with COMMANDS[command].make_context(command, arguments, parent=_root()) as context:
        source = context.get_parameter_source(option.name)
    assert source.name == "ENVIRONMENT"


def _root() -> Any:  # noqa: ANN401 - typer's
    return _GROUP.make_context("asyncup", ["put"])


ASKING = {"cli/pending.py": ["abort", "s3://bucket/key"]}
"""Modules that ask somebody something, with a command that does."""


def test_nothing_else_asks() -> None:
    """Whoever adds a question has to say here by which command it is asked."""
    root = Path(package.__file__).parent
    asking = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _asks(ast.unparse(node.func))
    }
    assert asking == set(ASKING)


def _asks(function: str) -> bool:
    last = function.rpartition(".")[2]
    return last in {"input", "confirm", "prompt", "getpass"} or function == "sys.stdin.readline"


@pytest.mark.parametrize("arguments", ASKING.values(), ids=ASKING)
def test_nothing_is_asked_where_there_is_no_terminal(arguments: list[str]) -> None:
    """An answer that lies about in standard input is none: it is refused, with how to say it."""
    ended = asyncup(*arguments, stdin=b"y\n" * 100)
    assert (ended.code, ended.out) == (2, "")
    assert "there is no terminal to ask" in ended.err
    assert "hint: give --yes" in ended.err
