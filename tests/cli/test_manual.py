"""The man page is that of this version, is right by groff, and has what the README has."""

import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
import typer

from asyncup.cli.main import app
from asyncup.cli.manual import STATUSES, manual
from tests.pages import ROOT, section

PAGE = ROOT / "man" / "asyncup.1"

needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")


def shown() -> str:
    """Return the page as a reader sees it."""
    command = ["groff", "-man", "-Tascii", "-P-cbou", "-rLL=200n", str(PAGE)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def test_it_is_current() -> None:
    """The page that is checked in is the one that would be made; if not, `make man`."""
    assert PAGE.read_text(encoding="utf-8") == manual()


@needs_groff
def test_groff_has_nothing_to_say() -> None:
    """There are no warnings of any kind."""
    command = ["groff", "-man", "-ww", "-Tascii", "-z", str(PAGE)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


@needs_groff
def test_every_command_and_option_is_in_it() -> None:
    """Each has a place of its own, with its help as it is told by --help."""
    page = " ".join(shown().split())
    group: Any = typer.main.get_command(app)
    config = group.commands["config"].commands
    for command in [*group.commands.values(), *config.values()]:
        if not hasattr(command, "commands"):
            assert " ".join(command.help.split("\n\n")[0].split()) in page
    for name in [*config, "--older-than", "--download-all", "--output, -o"]:
        assert f"{name} " in page
    assert "--version Show the version" in page
    assert "--help, -h Show this message" in page
    for option in group.commands["put"].params:
        if not option.hidden and option.param_type_name == "option":
            assert f"{', '.join([*option.opts, *option.secondary_opts])} " in page
            assert option.help in page


@needs_groff
def test_what_it_looks_like() -> None:
    """Signs that roff has a use for are read as they are meant."""
    page = shown()
    assert "pip install 'asyncup[demo]'" in page
    assert "--part-size SIZE\n" in page
    assert "asyncup put photos s3://films/ --dry-run\n" in page
    assert "~/.aws/config, ~/.aws/credentials\n" in page


def test_statuses_are_those_of_the_readme() -> None:
    """What a status means is told in the same words."""
    readme = section("README.md", "Exit status").replace("`", "")
    told = re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE)
    assert {int(status): text for status, text in told} == STATUSES


def test_it_is_packaged() -> None:
    """The wheel puts it where man looks for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {"man/asyncup.1": "share/man/man1/asyncup.1"}
