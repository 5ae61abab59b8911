"""The documentation is true: its commands and programs run, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asyncup.embedded import EmbeddedServer
from tests.cli.kit import tree
from tests.pages import PAGES, ROOT, Block, anchors, blocks, links, read, texts
from tests.servers import make_bucket

LANGUAGES = {"sh", "python", "toml", "ini", "crontab", "json", "promql", "text"}

OLD = """# multi2s3
Megabytes = 1024*1024
srcdir = "photos"
srcfileIndex = "*"
chunksize = 10*Megabytes
splitdir = "split"
s3bucket = "my-bucket"
s3key = "multipart/"
MaxRetry = 30
MaxThread = 3
IgnoreSmallFile = 0
"""

ALL = [block for page in PAGES for block in blocks(page)]
COMMANDS = {
    re.sub(r" +#.*", "", block.text): block
    for block in reversed(ALL)
    if block.language == "sh" and block.why_not_run is None and "make " not in block.text
}
"""Each once, however many pages have it, and in whatever language they say what it does."""


@pytest.fixture
def env(weed: EmbeddedServer) -> dict[str, str]:
    """Return an environment in which the commands of the pages can be typed."""
    assert make_bucket(weed, "my-bucket")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **weed.environment, "PATH": path}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with the files that the pages speak of."""
    place = tmp_path / "place"
    files = {"film.mov": b"f" * (20 << 20), "notes.txt": b"n", "photos/a.jpg": b"a" * 2000}
    tree(place, {**files, "photos/sub/b.tmp": b"b", "Config.py": OLD.encode()})
    os.utime(place / "notes.txt", (0, 0))
    return place


def shell(script: str, env: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a block as a user who types it, and stop at the first command that fails."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("block", COMMANDS.values(), ids=lambda block: block.where)
def test_commands_run(block: Block, env: dict[str, str], place: Path) -> None:
    """Every block of commands does what it is there for, unless the page says why it is not run."""
    done = shell(block.text, env, place)
    assert done.returncode == 0, done.stderr


def test_make_demo_runs(env: dict[str, str]) -> None:
    """`make demo` runs; of `make test`, which is what runs this, it is seen what it would do."""
    (script,) = {text for page in PAGES for text in texts(page, "sh") if "make " in text}
    assert script == "make demo\nmake test\n"
    done = shell("make demo\nmake --dry-run test", env, ROOT)
    assert done.returncode == 0, done.stderr
    assert "every byte equals the files" in done.stderr
    assert "pytest" in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_fence_is_seen(page: str) -> None:
    """No block is written in a way that these tests pass over."""
    fences = re.findall(r"^ *(?:```|~~~)", read(page), re.MULTILINE)
    assert len(fences) == 2 * len(list(blocks(page)))


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.where)
def test_no_command_hides(block: Block) -> None:
    """Every block says its language, and only those of the shell have commands to be typed."""
    assert block.language in LANGUAGES
    typed = ("asyncup ", "make ", "aws ", "apt", "pip", "sudo ")
    if block.language != "sh":
        assert not [line for line in block.text.splitlines() if line.startswith(typed)]


def test_configuration(env: dict[str, str], place: Path) -> None:
    """The configuration that is shown is one, and needs no argument beside it."""
    (text,) = texts("docs/configuration.md", "toml")
    (place / "asyncup.toml").write_text(text, encoding="utf-8")
    done = shell("asyncup put --dry-run", env, place)
    assert done.returncode == 0, done.stderr
    assert "upload film.mov -> s3://my-bucket/backup/film.mov: 20 MiB, 1 part" in done.stdout


def test_library(env: dict[str, str], place: Path) -> None:
    """The program that is shown runs as it stands, and passes the type checker."""
    (program,) = texts("docs/guide.md", "python")
    (place / "program.py").write_text(program, encoding="utf-8")
    done = shell("python program.py && mypy --strict program.py", env, place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "part 3 is at S3\n" in done.stdout
    assert "s3://my-bucket/films/library.mov 20971520 " in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every link to a file, and to a heading, finds it."""
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(str(path.resolve().relative_to(ROOT))), link


@pytest.mark.parametrize("start", ["README.md", "README.zh-CN.md"])
def test_every_page_is_found(start: str) -> None:
    """Whoever begins with a README gets to all pages of the documentation."""
    found = {link.partition("#")[0] for link in links(start)}
    assert [page for page in PAGES if page.startswith("docs/") and page not in found] == []
