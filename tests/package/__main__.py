"""Build the package and use it as its users do: `python -m tests.package 3.11 3.12 3.13`.

The wheel is installed into a new environment for each of these Pythons that is on this machine,
and tests of the installed command run there, from the sdist, without the `asyncup` beside them.
All that is tried is what this run has built, in a place of its own; it is in dist/ in the end.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

SESSION = "test_session"
TESTS = (SESSION, "test_statuses", "test_json", "test_manual", "test_watch")
"""Of tests/cli: they drive the command from its first word to every end that it has."""

NEEDED = ("hypothesis", "jsonschema", "pytest", "pytest-timeout")
"""What those take, beside the extra `demo`."""

IN_WHEEL = (
    "asyncup/py.typed",
    "asyncup-{version}.data/data/share/man/man1/asyncup.1",
    "asyncup-{version}.dist-info/licenses/LICENSE",
)
IN_SDIST = ("Makefile", "constraints.txt", "tests/package/__main__.py", "docs/watch.md")


def main() -> int:
    """Try it all and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.package", description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="VERSION")
    wanted = parser.parse_args().pythons
    found = {version: path for version in wanted if (path := python_of(version)) is not None}
    for version in wanted:
        if version not in found:
            tell(f"Python {version}: not on this machine, so not tried")
    if not found:
        tell("none of these Pythons is on this machine")
        return 1
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="asyncup-package-") as name:
        place = Path(name)
        wheel, beside = build(place)
        for version, python in found.items():
            tests_with(version, python, wheel, beside)
        newest = next(reversed(found))
        install_as_a_tool(found[newest], wheel, place)
        as_tool = place / "bin" / "asyncup"
        told = tests_of(as_tool, [SESSION], environment_of(newest, wheel), beside)
        tell(f"a first day with what pipx has installed: {told}")
        shutil.copytree(wheel.parent, dist, dirs_exist_ok=True)
    return 0


def build(place: Path) -> tuple[Path, Path]:
    """Build both forms and compare them; return the wheel, and the sdist's tests unpacked."""
    run(BIN / "python", "-m", "build", "--outdir", place / "dist", ROOT)
    (sdist,), (wheel,) = (place / "dist").glob("*.tar.gz"), (place / "dist").glob("*.whl")
    run(BIN / "python", "-m", "twine", "check", "--strict", sdist, wheel)

    # `build` makes the wheel of the sdist; this is the one of the tree.
    run(BIN / "python", "-m", "build", "--wheel", "--outdir", place / "of-tree", ROOT)
    (of_tree,) = (place / "of-tree").glob("*.whl")
    check(contents(of_tree) == contents(wheel), "the wheel of the sdist differs from the tree's")

    version = wheel.name.split("-")[1]
    names = set(contents(wheel))
    wanted = {each.format(version=version) for each in IN_WHEEL}
    check(wanted <= names, f"the wheel lacks {wanted - names}")
    check(all(each.startswith("asyncup") for each in names), "the wheel has what is not ours")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "sdist", filter="data")
    (beside,) = (place / "sdist").iterdir()
    lacking = [each for each in IN_SDIST if not (beside / each).exists()]
    check(not lacking, f"the sdist lacks {lacking}")
    shutil.rmtree(beside / "asyncup")
    tell(f"{wheel.name}: {len(names)} files, the same from the sdist as from the tree")
    return wheel, beside


def contents(wheel: Path) -> Mapping[str, bytes]:
    """Return what is in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def python_of(version: str) -> Path | None:
    """Return a Python of this version that works, None if there is none."""
    candidates = [Path(found)] if (found := shutil.which(f"python{version}")) else []
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    asks = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    for each in candidates:
        answer = subprocess.run([each, "-c", asks], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return each
    return None


def environment_of(version: str, wheel: Path) -> Path:
    """Return where the wheel is installed for a Python."""
    return wheel.parents[1] / f"venv-{version}"


def tests_with(version: str, python: Path, wheel: Path, beside: Path) -> None:
    """Install the wheel into a new environment, and test the command there."""
    environment = environment_of(version, wheel)
    run(python, "-m", "venv", environment)
    inside = environment / "bin"
    pip = (inside / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    pinned = ("--constraint", ROOT / "constraints.txt")
    run(*pip, "install", f"{wheel}[demo]", *NEEDED, *pinned)
    check_installed(inside / "python", wheel, beside)
    as_module = run(inside / "python", "-m", "asyncup", "--version", cwd=beside)
    check(run(inside / "asyncup", "--version", cwd=beside) == as_module, "python -m asyncup")
    check('"$schema"' in run(inside / "asyncup", "schema", cwd=beside), "asyncup schema")
    check((environment / "share/man/man1/asyncup.1").is_file(), "man asyncup")
    run(inside / "python", "-m", "asyncup.cli.manual", cwd=beside)
    tell(f"Python {version}: {tests_of(inside / 'asyncup', TESTS, environment, beside)}")


def check_installed(python: Path, wheel: Path, beside: Path) -> None:
    """Look that what an environment imports is, byte for byte, what this wheel has."""
    asks = "import asyncup, sys; sys.stdout.write(asyncup.__file__)"
    imported = Path(run(python, "-c", asks, cwd=beside))
    site = imported.parents[1]
    check(python.parents[1] in site.parents, f"{imported} is not what was installed")
    for name, data in contents(wheel).items():
        if name.startswith("asyncup/"):
            check((site / name).read_bytes() == data, f"{site / name} is not that of the wheel")


def tests_of(command: Path, tests: Sequence[str], environment: Path, beside: Path) -> str:
    """Run tests in an environment with a command as it was installed, and return how they ended."""
    pytest = (environment / "bin" / "pytest", "-q", "-p", "no:cacheprovider")
    files = [f"tests/cli/{name}.py" for name in tests]
    told = run(*pytest, *files, cwd=beside, env={"TESTED_COMMAND": str(command)})
    return told.splitlines()[-1]


def install_as_a_tool(python: Path, wheel: Path, place: Path) -> None:
    """Install the wheel by pipx, and run it by uvx, as people do who only want the command."""
    home = {
        "HOME": str(place),
        "PIPX_HOME": str(place / "pipx"),
        "PIPX_BIN_DIR": str(place / "bin"),
    }
    # They ask the same indexes for the same releases.
    home |= {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    home |= {"UV_CONSTRAINT": str(ROOT / "constraints.txt"), "UV_CACHE_DIR": str(place / "uv")}
    run(BIN / "pipx", "install", "--python", python, wheel, env=home)
    check_installed(place / "pipx" / "venvs" / "asyncup" / "bin" / "python", wheel, place)
    by_pipx = run(place / "bin" / "asyncup", "--version", env=home)
    by_uvx = run(
        BIN / "uvx",
        "--quiet",
        "--python",
        python,
        "--from",
        wheel,
        "asyncup",
        "--version",
        env=home,
    )
    check(by_pipx == by_uvx, f"{by_pipx!r} by pipx, {by_uvx!r} by uvx")
    tell(f"pipx install, uvx: {by_pipx.strip()}")


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it wrote; end here if it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**_own_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    check(done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}")
    return done.stdout


def _own_environment() -> Mapping[str, str]:
    """Return the environment without what would let in anything of the tree."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}


def check(is_so: object, problem: str) -> None:
    """End here, with a problem, if something is not so."""
    if not is_so:
        sys.exit(f"package: {problem}")


def tell(line: str) -> None:
    """Say something."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
