"""The command starts at once: what takes long to import is imported when it is needed."""

import subprocess
import sys
from typing import Any

import pytest
import typer

import asyncup as package
from asyncup.cli.commands import only_asked_for
from asyncup.cli.main import app

HEAVY = [
    "aioboto3",
    "aiobotocore",
    "botocore",
    "aiohttp",
    "awscrt",
    "pathspec",
    "pydantic",
    "rich.progress",
]
OF_WORKERS = [
    "asyncup.core.messages",
    "asyncup.edges.crew",
    "asyncup.edges.hired",
    "asyncup.engine.hiring",
]
USUAL = [
    "--part-size=8MiB",
    "--concurrency=4",
    "--limit-rate=1MiB/s",
    "--exclude=*.tmp",
    "--direct",
    "--state-dir=state",
    "--ca-bundle=/dev/null",
]


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has after some code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('|'.join(sys.modules))"],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(told.stdout.splitlines()[-1].split("|"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["put", "--help"],
        ["demo", "-h"],
        ["verify", "-h"],
        ["pending", "-h"],
        ["abort", "-h"],
        ["config", "-h"],
        ["config", "show", "-h"],
        ["completion", "bash"],
    ],
)
def test_help_and_version_import_little(arguments: list[str]) -> None:
    """`--help` and `--version` need none of the large libraries."""
    code = f"""
import sys
from asyncup.cli.main import main
sys.argv = ["asyncup", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert modules_after(code).isdisjoint(HEAVY)


def test_arguments_are_read_without_pydantic() -> None:
    """Before a command begins, typer has imported nothing large to read its arguments."""
    code = f"""
import sys
from asyncup.cli.main import main
sys.argv = ["asyncup", "put", *{USUAL!r}, "file", "s3://no"]
try:
    main()
except SystemExit as end:
    assert end.code == 2, end.code
"""
    assert "pydantic" not in modules_after(code)


def test_an_upload_imports_what_it_needs() -> None:
    """One process that uploads knows nothing of workers."""
    imported = modules_after("import asyncup.cli.put")
    assert imported.isdisjoint(OF_WORKERS)


@pytest.mark.parametrize(
    ("arguments", "made"), [(["put", "-h"], {"put"}), (["watch"], {"put", "watch"})]
)
def test_one_command_is_made(arguments: list[str], made: set[str]) -> None:
    """Beside the command that is asked for, there is only the one that has the file's options."""
    group: Any = typer.main.get_command(only_asked_for(app, arguments))
    assert set(group.commands) == made


@pytest.mark.parametrize("first", ["--help", "config", "putt"])
def test_all_commands_are_there_where_none_is_asked_for(first: str) -> None:
    """What is no command, or one of a group, is answered by who knows all."""
    assert only_asked_for(app, [first]) is app


def test_completing_an_option_imports_little() -> None:
    """A key that is pressed is answered at once; only S3 takes its libraries."""
    code = """
import os
import sys
os.environ["_ASYNCUP_COMPLETE"] = "complete_fish"
os.environ["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
os.environ["_TYPER_COMPLETE_ARGS"] = "asyncup put --profile "
from asyncup.cli.main import main
sys.argv = ["asyncup"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert modules_after(code).isdisjoint(HEAVY)


def test_a_worker_imports_what_it_needs() -> None:
    """A worker has what reads and sends parts, and neither plans, remembers nor draws."""
    code = """
import asyncup.worker
from asyncup.edges import channel, s3, s3_credentials, s3_signatory, workbench
"""
    imported = modules_after(code)
    assert imported.isdisjoint({"typer", "rich", "sqlite3", "platformdirs"})
    assert not {name for name in imported if name.startswith(("asyncup.engine", "asyncup.cli"))}


def test_help_names_the_extra() -> None:
    """Brackets in the help are no markup."""
    told = subprocess.run(
        [sys.executable, "-m", "asyncup", "demo", "--help"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "pip install 'asyncup[demo]'" in told.stdout


def test_package_imports_nothing() -> None:
    """`import asyncup` costs nothing until a name is used."""
    imported = modules_after("import asyncup")
    assert {name for name in imported if name.startswith("asyncup")} == {"asyncup"}


def test_public_names_are_there() -> None:
    """Every name that the package promises can be had, and no other."""
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert "Uploader" in dir(package)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_version() -> None:
    """`asyncup --version` tells the package's version."""
    told = subprocess.run(
        [sys.executable, "-m", "asyncup", "--version"], capture_output=True, check=True, text=True
    )
    assert told.stdout == f"asyncup {package.__version__}\n"
