"""`asyncup config from-multi2s3`: an old Config.py is carried over with its meaning."""

import shlex
import tomllib
from pathlib import Path

import pytest

from asyncup.cli.multi2s3 import NAMES
from tests.cli.kit import Ended, asyncup, tree
from tests.pages import section, table
from tests.s3 import Bucket

OLD = """# -*- coding: utf-8 -*-
import os
print "reading Config"
Megabytes = 1024*1024L
srcdir = os.path.join("{place}", "src")     # 源文件目录
srcfileIndex = "*"      # 全部
chunksize = 5*Megabytes
splitdir = "{place}" + \\
    "/split"
s3bucket = "{bucket}"
s3key = "{key}multi-"
MaxRetry = 03
MaxThread = 2
IgnoreSmallFile = 1
"""


def old_file(directory: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a Config.py."""
    path = directory / "Config.py"
    path.write_bytes(text.encode(encoding))
    return path


def translated(directory: Path, text: str) -> tuple[Ended, dict[str, object]]:
    """Return how it ended, and what the new file sets."""
    ended = asyncup("config", "from-multi2s3", old_file(directory, text), cwd=directory)
    return ended, tomllib.loads(ended.out)


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
@pytest.mark.parametrize("way", ["file", "command"])
def test_it_does_the_same(bucket: Bucket, tmp_path: Path, encoding: str, way: str) -> None:
    """The new file, and the command beside it, upload what multi2s3 would have uploaded."""
    large = b"x" * (5 << 20)
    place = tree(tmp_path / "w", {"src/one": b"small", "src/two": large})
    where = {"place": place, "bucket": bucket.place.bucket, "key": bucket.place.key}
    path = old_file(tmp_path, OLD.format(**where), encoding)
    new = place / "asyncup.toml"
    made = asyncup("config", "from-multi2s3", path, "--output", new)
    assert (made.code, made.err) == (0, "")
    wrote, command = made.out.splitlines()
    assert wrote == f"wrote {new}"
    assert tomllib.loads(new.read_text(encoding="utf-8")) == {
        "source": [f"{place}/src"],
        "destination": f"s3://{bucket.place.bucket}/",
        "part-size": "5MiB",
        "split-dir": f"{place}/split",
        "key-prefix": f"{bucket.place.key}multi-",
        "max-retry": 3,
        "concurrency": 2,
        "skip-small": True,
    }
    arguments = ["put"]
    if way == "command":
        new.unlink()
        _, *arguments = shlex.split(command.removeprefix("the same without it: "))
    assert asyncup(*arguments, cwd=place, env=bucket.env).code == 0
    assert bucket.objects() == {"multi-two": large}
    assert (place / "split").is_dir()


def test_one_file(tmp_path: Path) -> None:
    """A file that is named is the source, and is not skipped for being small."""
    text = "srcdir = '/data'\nsrcfileIndex = 'a b'\nIgnoreSmallFile = 1\ns3bucket = 'films'\n"
    ended, new = translated(tmp_path, text)
    assert (ended.code, ended.err) == (0, "")
    assert new == {"source": ["/data/a b"], "destination": "s3://films/", "skip-small": False}
    assert "#   asyncup put '/data/a b' s3://films/\n" in ended.out
    assert "# srcdir = '/data'\n# srcfileIndex = 'a b'\nsource = " in ended.out


@pytest.mark.parametrize(
    ("text", "said", "new"),
    [
        (
            "import os\nsrcdir = os.environ['HOME']\nMaxRetry = 3",
            "line 2: srcdir = os.environ['HOME']: os.environ['HOME'] is known only when it runs",
            {"max-retry": 3},
        ),
        (
            # A file that is not told is not all files.
            "srcdir = '/data'\nsrcfileIndex = argv[1]\nIgnoreSmallFile = 1\nMaxRetry = 3",
            "line 1: srcdir = '/data': what it belongs to is not told",
            {"max-retry": 3},
        ),
        ("chunksize = 1024*1024", "part size 1 MiB is not between 5 MiB and 5 GiB", {}),
        ("MaxThread = 0", "line 1: MaxThread = 0: 0 is less than 1", {}),
        ("IgnoreSmallFile = 'no'", "line 1: IgnoreSmallFile = 'no': 0 or 1 is needed", {}),
        ("if x:\n    MaxRetry = 3", "line 2: MaxRetry = 3: it depends on what", {}),
    ],
)
def test_what_cannot_be_carried_over(
    tmp_path: Path, text: str, said: str, new: dict[str, object]
) -> None:
    """It is named, on standard error and in the file, and nothing is guessed: status 1."""
    ended, found = translated(tmp_path, text)
    assert (ended.code, found) == (1, new)
    assert said in ended.err
    assert said in ended.out.partition("could not be carried over")[2]


def test_what_has_no_meaning(tmp_path: Path) -> None:
    """Other names are listed without what they are set to, for that may be a key."""
    text = "MB = 1 << 20\nchunksize = 5 * MB\nMaunalMerge = 1\naws_secret = 'very-secret'\n"
    ended, new = translated(tmp_path, text)
    assert (ended.code, new) == (0, {"part-size": "5MiB"})
    assert "# - line 3: MaunalMerge: asyncup always compares the parts" in ended.out
    assert "# - line 4: aws_secret: no setting of multi2s3" in ended.out
    assert "very-secret" not in ended.out + ended.err
    assert ": MB" not in ended.out


def test_nothing_is_run(tmp_path: Path) -> None:
    """A file is read, whatever would happen if it were run."""
    text = f"import os\nos.mkdir({str(tmp_path / 'made')!r})\nMaxRetry = 7\nraise SystemExit\n"
    ended, new = translated(tmp_path, text)
    assert (ended.code, new) == (0, {"max-retry": 7})
    assert not (tmp_path / "made").exists()


def test_files_that_are_in_the_way(tmp_path: Path) -> None:
    """A file that is there is not replaced unasked; an old one that is not there is told."""
    path = old_file(tmp_path, "MaxRetry = 7\n")
    new = tree(tmp_path, {"new.toml": b"mine"}) / "new.toml"
    ended = asyncup("config", "from-multi2s3", path, "--output", new)
    assert (ended.code, ended.out, new.read_bytes()) == (2, "", b"mine")
    assert "--force replaces it" in ended.err
    assert asyncup("config", "from-multi2s3", path, "-o", new, "--force").code == 0
    ended = asyncup("config", "from-multi2s3", tmp_path / "none.py")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: read {tmp_path}/none.py: No such file or directory\n"


def test_the_page_has_the_same_names() -> None:
    """The table of the page on configuration is about the settings that are carried over."""
    told = table(section("docs/configuration.md", "From multi2s3"))
    assert [row["multi2s3"].strip("`") for row in told] == list(NAMES)
