"""`asyncup config`: a file to begin with, what is wrong with one, and what is in force and why."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import Ended, asyncup, tree

AWS = b"""
[default]
region = eu-west-1
[profile prod]
region = eu-central-1
endpoint_url = https://user:hunter2@s3.example.com
ca_bundle = /etc/ca.pem
s3 =
    addressing_style = path
aws_secret_access_key = very-secret
"""


def file_in(directory: Path, text: str) -> Path:
    """Write a configuration file."""
    path = directory / "asyncup.toml"
    path.write_text(text, encoding="utf-8")
    return path


def in_force(directory: Path, *arguments: str, **env: str) -> dict[str, dict[str, Any]]:
    """Return what `asyncup config show --json` tells of each option."""
    ended = asyncup("config", "show", "--json", *arguments, cwd=directory, env=env)
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert told["schema"] == 1
    options: dict[str, dict[str, Any]] = told["options"]
    return options


def from_where(told: dict[str, Any]) -> tuple[Any, str, str | None, int | None]:
    """Return value, origin, name and line."""
    return told["value"], told["origin"], told["name"], told["line"]


def test_a_new_file_sets_nothing(tmp_path: Path) -> None:
    """`init` writes a file that is fine and changes nothing."""
    ended = asyncup("config", "init", cwd=tmp_path)
    assert (ended.code, ended.out, ended.err) == (0, "wrote asyncup.toml\n", "")
    checked = asyncup("config", "check", cwd=tmp_path)
    assert (checked.code, checked.out) == (0, "asyncup.toml: fine, 0 options set\n")
    assert {told["origin"] for told in in_force(tmp_path).values()} == {"default"}


def test_every_option_of_a_new_file_is_right(tmp_path: Path) -> None:
    """Without the #, each line of the new file is taken, and the defaults are those in force."""
    tree(tmp_path, {"home/aws-config": b"[default]"})
    asyncup("config", "init", cwd=tmp_path)
    without = in_force(tmp_path)
    path = tmp_path / "asyncup.toml"
    text = re.sub(r"(?m)^#(?=[a-z0-9-]+ = )", "", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    checked = asyncup("config", "check", cwd=tmp_path)
    assert (checked.code, checked.err) == (0, "")
    assert f"fine, {len(without)} options set" in checked.out
    for name, told in in_force(tmp_path).items():
        assert told["origin"] == "file" or told["value"] is None, name
        if without[name]["value"] is not None:
            assert told["value"] == without[name]["value"], name


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    """`init` leaves a file that is there, unless it is told to --force."""
    path = file_in(tmp_path, "quiet = true\n")
    ended = asyncup("config", "init", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: asyncup.toml is there already\nhint: --force replaces it\n"
    assert path.read_text(encoding="utf-8") == "quiet = true\n"
    assert asyncup("config", "init", "--force", cwd=tmp_path).code == 0
    assert "#part-size" in path.read_text(encoding="utf-8")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """What cannot be written leaves the old file as it is, or none where none was."""
    path = file_in(tmp_path, "quiet = true\n")
    (tmp_path / "link.toml").symlink_to(path.name)
    # A limit for all files: the first block fits, and the next does not.
    small = ["sh", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$@"', "sh"]
    for arguments in (["--force"], ["--force", "-o", "link.toml"], ["-o", "new.toml"]):
        ended = asyncup("config", "init", *arguments, cwd=tmp_path, under=small)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.endswith(": File too large\n")
    assert path.read_text(encoding="utf-8") == "quiet = true\n"
    assert {each.name for each in tmp_path.glob("*.toml*")} == {path.name, "link.toml"}
    assert asyncup("config", "init", "--force", "-o", "link.toml", cwd=tmp_path).code == 0
    assert (tmp_path / "link.toml").is_symlink()
    assert "#part-size" in path.read_text(encoding="utf-8")
    os.mkfifo(tmp_path / "fifo")
    assert asyncup("config", "init", "--force", "-o", "fifo", cwd=tmp_path).code == 2
    assert (tmp_path / "fifo").is_fifo()


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """It is told in a form that can be."""
    ended = asyncup("config", "init", "-o", "a\udce9.toml", cwd=tmp_path)
    assert (ended.code, ended.out, ended.err) == (0, "wrote a\\xe9.toml\n", "")


def test_where_a_new_file_goes(tmp_path: Path) -> None:
    """--output names another file, or standard output; one that cannot be written is told."""
    ended = asyncup("config", "init", "-o", "-", cwd=tmp_path)
    assert ended.out.startswith("# Configuration of asyncup")
    assert list(tmp_path.glob("*.toml")) == []
    assert asyncup("config", "init", "--output", "b.toml", cwd=tmp_path).code == 0
    assert (tmp_path / "b.toml").read_text(encoding="utf-8") == ended.out
    ended = asyncup("config", "init", "--output", "no/such/c.toml", cwd=tmp_path)
    assert (ended.code, ended.err) == (
        2,
        "error: write no/such/c.toml: No such file or directory\n",
    )


def test_where_each_value_comes_from(tmp_path: Path) -> None:
    """A flag, a variable, a line of the file, a default: each is named."""
    file_in(
        tmp_path,
        """# mine
part-size = "64MiB"
MaxRetry = 5
retry-step = 2
direct = true

[metadata]
project = "x"
""",
    )
    told = in_force(
        tmp_path,
        "--part-size",
        "8388608",
        "--no-follow",
        ASYNCUP_TAG="a=b\nc=d",
        ASYNCUP_DIRECT="0",
    )
    assert from_where(told["part-size"]) == ("8MiB", "flag", None, None)
    assert from_where(told["follow"]) == (False, "flag", None, None)
    assert from_where(told["tag"]) == ({"a": "b", "c": "d"}, "environment", "ASYNCUP_TAG", None)
    assert from_where(told["direct"]) == (False, "environment", "ASYNCUP_DIRECT", None)
    assert from_where(told["max-retry"]) == (5, "file", "asyncup.toml", 3)
    assert from_where(told["retry-step"]) == ("2s", "file", "asyncup.toml", 4)
    assert from_where(told["metadata"]) == ({"project": "x"}, "file", "asyncup.toml", 7)
    assert from_where(told["overwrite"]) == ("size", "default", None, None)
    assert from_where(told["acl"]) == (None, "default", None, None)
    assert from_where(told["limit-rate"]) == (None, "default", "off", None)


def test_what_a_person_reads(tmp_path: Path) -> None:
    """What is shown is TOML that can be copied, with the origin as its comment."""
    file_in(tmp_path, 'part-size = "64MiB"\nlimit-rate = "20M"\nconcurrency = "auto:2-9"\n')
    ended = asyncup("config", "show", "-c", "7", cwd=tmp_path, env={"ASYNCUP_ACL": "private"})
    lines = [re.sub(r" +", " ", line) for line in ended.out.splitlines()]
    for line in (
        'part-size = "64MiB" # asyncup.toml, line 1',
        'limit-rate = "20MiB/s" # asyncup.toml, line 2',
        "concurrency = 7 # flag",
        'acl = "private" # ASYNCUP_ACL',
        'overwrite = "size" # default',
        "# region # not set",
    ):
        assert line in lines
    (tmp_path / "again.toml").write_text(ended.out, encoding="utf-8")
    assert asyncup("config", "check", "again.toml", cwd=tmp_path).code == 0


def test_what_comes_from_aws(tmp_path: Path) -> None:
    """Region, endpoint and the like count as the profile has them, and no secret shows."""
    tree(tmp_path, {"home/aws-config": AWS})
    told = in_force(tmp_path)
    assert from_where(told["region"]) == ("eu-west-1", "aws", "profile default", None)
    told = in_force(tmp_path, AWS_PROFILE="prod", AWS_DEFAULT_REGION="us-east-2")
    assert from_where(told["profile"]) == ("prod", "aws", "AWS_PROFILE", None)
    assert from_where(told["region"]) == ("us-east-2", "aws", "AWS_DEFAULT_REGION", None)
    shown = ("https://***@s3.example.com", "aws", "profile prod", None)
    assert from_where(told["endpoint-url"]) == shown
    assert from_where(told["ca-bundle"]) == ("/etc/ca.pem", "aws", "profile prod", None)
    assert from_where(told["addressing-style"]) == ("path", "aws", "profile prod", None)
    told = in_force(
        tmp_path, "--profile=prod", "--region=eu-north-1", ASYNCUP_ADDRESSING_STYLE="auto"
    )
    shown = ("auto", "environment", "ASYNCUP_ADDRESSING_STYLE", None)
    assert from_where(told["addressing-style"]) == shown
    assert from_where(told["region"]) == ("eu-north-1", "flag", None, None)
    assert "secret" not in json.dumps(told)
    ended = asyncup("config", "show", "--profile=prdo", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean prod?" in ended.err


def test_a_stream_of_ascii(tmp_path: Path) -> None:
    """What is told as JSON is JSON in any locale."""
    file_in(tmp_path, 'key-prefix = "ä"')
    env = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert in_force(tmp_path, **env)["key-prefix"]["value"] == "ä"


def test_as_many_processes_as_pay(tmp_path: Path) -> None:
    """They are told as they are asked for."""
    assert in_force(tmp_path, "--processes", "auto")["processes"]["value"] == "auto"
    assert in_force(tmp_path, "--processes=2")["processes"]["value"] == 2


def test_an_endpoint_that_aws_ignores(tmp_path: Path) -> None:
    """Where the variable for that is set, no variable and no profile names an endpoint."""
    endpoint = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert in_force(tmp_path, **endpoint)["endpoint-url"]["origin"] == "aws"
    ignored = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert in_force(tmp_path, **endpoint, **ignored)["endpoint-url"]["origin"] == "default"


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    """A mistake in the options or in the file is told as by `asyncup put`."""
    ended = asyncup("config", "show", "--part-size", "1MiB", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: --part-size: part size 1 MiB is not between")
    file_in(tmp_path, "x = 1")
    ended = asyncup("config", "show", cwd=tmp_path)
    assert ended.err.startswith("error: asyncup.toml: line 1: unknown key 'x'")


def test_all_that_is_wrong(tmp_path: Path) -> None:
    """`check` names every line that is wrong, in one message, and what was meant."""
    file_in(
        tmp_path,
        """
part-sise = "64MiB"
overwrite = "newer"
max-retry = 3
MaxRetry = 4
IgnoreSmallFile = 7
""",
    )
    ended = asyncup("config", "check", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    for problem in (
        "error: asyncup.toml: line 2: unknown key 'part-sise' (did you mean part-size?); ",
        "line 3: overwrite = 'newer': 'newer' is not one of 'always', 'never'",
        "; line 5: max-retry and MaxRetry are the same setting; ",
        "; line 6: IgnoreSmallFile = 7: 0 or 1 is needed\nhint: allowed are acl, ",
    ):
        assert problem in ended.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('sse-kms-key-id = "k"', "--sse-kms-key-id: a KMS key needs --sse aws:kms or"),
        ("metadata = { a = 1, A = 2 }", "--metadata: 'a' is given twice"),
        ("part-size", "is not TOML"),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, text: str, message: str) -> None:
    """What each option takes and they cannot be together is wrong, too."""
    file_in(tmp_path, text)
    ended = asyncup("config", "check", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: asyncup.toml")
    assert message in ended.err


def test_what_is_checked(tmp_path: Path) -> None:
    """The file that is named, else the one that counts, whatever the environment says."""
    wrong: Ended = asyncup("config", "check", cwd=tmp_path)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error: no configuration file: neither asyncup.toml here nor /")
    assert wrong.err.endswith("hint: asyncup config init writes one\n")
    (tmp_path / "b.toml").write_text("quiet = true\n", encoding="utf-8")
    fine = asyncup("config", "check", "b.toml", cwd=tmp_path, env={"ASYNCUP_PART_SIZE": "1"})
    assert (fine.code, fine.out) == (0, "b.toml: fine, 1 option set\n")
    assert asyncup("config", "check", "c.toml", cwd=tmp_path).code == 2


@pytest.mark.parametrize("arguments", [["init", "-o", "-"], ["show"], ["check", "a.toml"]])
def test_output_that_cannot_be_written(tmp_path: Path, arguments: list[str]) -> None:
    """A disk that is full is told, and is no success; a reader that goes away is no failure."""
    tree(tmp_path, {"a.toml": b"quiet = true"})
    full = ["sh", "-c", 'exec "$@" > /dev/full', "sh"]
    ended = asyncup("config", *arguments, cwd=tmp_path, under=full)
    assert (ended.code, ended.err) == (1, "error: write standard output: No space left on device\n")
    gone = ["sh", "-c", '{ "$@"; echo $? >&2; } | true', "sh"]
    assert asyncup("config", *arguments, cwd=tmp_path, under=gone).err == "0\n"
