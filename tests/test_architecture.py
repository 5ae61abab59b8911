"""The house: five floors, imports that only look down, one door for each library, small rooms."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import asyncup

ROOT = Path(asyncup.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

FLOORS = ["core", "edges", "engine", "ui", "cli"]
MAY_IMPORT = {
    "core": {"core"},
    "edges": {"core", "edges"},
    "engine": {"core", "edges", "engine"},
    # Renderers see events, never who makes them.
    "ui": {"core", "ui"},
    "cli": {"core", "edges", "engine", "ui", "cli", "embedded"},
    "embedded": {"core", "edges"},
    "worker": {"core", "edges"},
    "__main__": {"cli"},
    "__init__": {"core", "engine"},
}

COMMANDS = {"cli/main.py", "cli/cleanup_commands.py", "cli/doctor_command.py"}
"""Where commands say what they take: their options are parameters, by typer's design."""

DOORS = {
    "aioboto3": {"edges/s3_client.py"},
    "aiobotocore": {"edges/s3_client.py", "edges/s3_credentials.py", "edges/s3_http.py"},
    "aiohttp": {"edges/s3_http.py", "edges/s3_request.py"},
    "botocore": {
        "edges/aws_settings.py",
        "edges/s3_client.py",
        "edges/s3_clock.py",
        "edges/s3_credentials.py",
        "edges/s3_direct.py",
        "edges/s3_errors.py",
        "edges/s3_http.py",
        "edges/s3_inspection.py",
        "edges/s3_models.py",
        "edges/s3_names.py",
        "edges/s3_request.py",
        "edges/s3_tls.py",
    },
    "aiofiles": {"edges/ranges.py", "edges/chunks.py", "cli/stdin.py"},
    "awscrt": {"core/checksums.py"},
    "filelock": {"edges/locks.py"},
    "pathspec": {"core/selection.py"},
    "platformdirs": {"edges/places.py"},
    "rich": {
        "cli/doctor.py",
        "cli/show.py",
        "ui/diagnosis_tables.py",
        "ui/live.py",
        "ui/rows.py",
    },
    "typer": {
        "cli/commands.py",
        *COMMANDS,
        "cli/manual.py",
        "cli/more_parameters.py",
        "cli/panels.py",
        "cli/parameters.py",
        "cli/readers.py",
        "cli/completion.py",
        "cli/config.py",
        "cli/config_app.py",
        "cli/ending.py",
        "cli/usage.py",
        "cli/watch_command.py",
    },
    "watchfiles": {"edges/watching.py"},
}

# What a decision may not know: the world, the time, and chance.
NOT_IN_CORE = {"asyncio", "os", "io", "time", "random", "socket", "subprocess", "threading", "sys"}

LONGEST_FILE = 350
LONGEST_FUNCTION = 50
MOST_PARAMETERS = 7  # six, and self


def relative(path: Path) -> str:
    """Return a file's name in the house."""
    return path.relative_to(ROOT).as_posix()


def floor_of(path: Path) -> str:
    """Return the floor that a file is on."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_look_down(path: Path) -> None:
    """A floor knows itself and those below it."""
    allowed = MAY_IMPORT[floor_of(path)]
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("asyncup.")}
    assert ours - allowed - {"__version__"} == set()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_each_library_has_its_door(path: Path) -> None:
    """A third party is imported where its door is, and nowhere else."""
    roots = {name.split(".")[0] for name in imports(path)}
    foreign = roots - sys.stdlib_module_names - {"asyncup"}
    assert {library for library in foreign if relative(path) not in DOORS[library]} == set()


@pytest.mark.parametrize("path", [path for path in FILES if floor_of(path) == "core"], ids=relative)
def test_decisions_know_nothing_of_the_world(path: Path) -> None:
    """Core has no I/O, no clock, no chance and no asyncio: those are arguments."""
    assert {name.split(".")[0] for name in imports(path)} & NOT_IN_CORE == set()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_rooms_are_small(path: Path) -> None:
    """No file, function or list of parameters is longer than can be read at once."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    if relative(path) in COMMANDS:
        return
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno < LONGEST_FUNCTION, function.name
        names = function.args
        count = len(names.posonlyargs) + len(names.args) + len(names.kwonlyargs)
        assert count <= MOST_PARAMETERS, function.name


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_exception_is_caught_by_accident(path: Path) -> None:
    """Nothing catches every exception, except to clean up and raise it again."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            if caught in {"everything", "Exception", "BaseException"}:
                assert isinstance(node.body[-1], ast.Raise), f"line {node.lineno}"
