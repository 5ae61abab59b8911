"""Configuration: file, environment and flags, in rising order, and the names of multi2s3."""

from pathlib import Path

import pytest
import typer

from asyncup.cli import readers
from asyncup.core.options import Adaptive
from tests.cli.kit import Ended, asyncup, tree
from tests.s3 import Bucket


def config(directory: Path, text: str, name: str = "asyncup.toml") -> Path:
    """Write a configuration file."""
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text, encoding="utf-8")
    return directory / name


def planned(directory: Path, bucket: Bucket, *arguments: str, **env: str) -> Ended:
    """Return the plan of a command that is run in a directory."""
    return asyncup("put", *arguments, "--dry-run", cwd=directory, env={**bucket.env, **env})


def parts(ended: Ended) -> str:
    """Return what a plan says of part sizes."""
    (line,) = [line for line in ended.out.splitlines() if line.startswith("upload")]
    return line.split(": ")[1]


@pytest.fixture
def place(bucket: Bucket, tmp_path: Path) -> Path:
    """Return a directory with a file of 40 MiB of holes in it."""
    del bucket
    directory = tree(tmp_path / "work", {"d/large": b""})
    with (directory / "d" / "large").open("r+b") as file:
        file.truncate(40 << 20)
    return directory


def test_rising_order(bucket: Bucket, place: Path) -> None:
    """A default gives way to the file, the file to the environment, that to a flag."""
    arguments = ("d/large", str(bucket.place))
    assert parts(planned(place, bucket, *arguments)) == "40 MiB, 8 parts of 5 MiB, 14 requests"
    config(place, 'part-size = "10MiB"')
    assert parts(planned(place, bucket, *arguments)) == "40 MiB, 4 parts of 10 MiB, 10 requests"
    by_env = planned(place, bucket, *arguments, ASYNCUP_PART_SIZE="8MiB")
    assert parts(by_env) == "40 MiB, 5 parts of 8 MiB, 11 requests"
    by_flag = planned(place, bucket, *arguments, "--part-size=5MiB", ASYNCUP_PART_SIZE="8MiB")
    assert parts(by_flag) == "40 MiB, 8 parts of 5 MiB, 14 requests"


def test_where_the_file_is_looked_for(bucket: Bucket, place: Path) -> None:
    """First here, then in the user's configuration directory; --config names another one."""
    arguments = ("d/large", str(bucket.place))
    home = Path(planned_home(place))
    config(home, 'part_size = "20MiB"', ".config/asyncup/asyncup.toml")
    env = {"HOME": str(home)}
    assert "20 MiB" in parts(planned(place, bucket, *arguments, **env))
    config(place, "part_size = 10485760")
    assert "4 parts of 10 MiB" in parts(planned(place, bucket, *arguments, **env))
    other = config(place, 'part_size = "5MiB"', "other.toml")
    assert "8 parts" in parts(planned(place, bucket, *arguments, f"--config={other}", **env))
    assert "8 parts" in parts(planned(place, bucket, *arguments, ASYNCUP_CONFIG=str(other), **env))


def planned_home(place: Path) -> str:
    """Return a home directory of this test's own."""
    return str(place.parent / "someone")


def test_every_command_knows_what_the_file_may_set(tmp_path: Path) -> None:
    """A file for uploads, beside which another command is run, is no mistake; a wrong one is."""
    config(tmp_path, 'storage-class = "STANDARD"')
    told = asyncup("status", "--state-dir", tmp_path / "state", cwd=tmp_path)
    assert (told.code, told.out) == (0, "")
    config(tmp_path, 'storage-clas = "STANDARD"')
    told = asyncup("status", "--state-dir", tmp_path / "state", cwd=tmp_path)
    assert told.code == 2
    assert "unknown key 'storage-clas'" in told.err


def test_no_argument_is_needed(bucket: Bucket, tmp_path: Path) -> None:
    """With source and destination in the file, `asyncup put` is enough."""
    place = tree(tmp_path / "w", {"a": b"1", "b.tmp": b"2", "sub/c": b"3"})
    config(
        place,
        f"""
        source = ["a", "b.tmp", "sub"]
        destination = "{bucket.place}"
        exclude = "*.tmp"
        metadata = {{ color = "blue" }}
        recursive = true
        """,
    )
    ended = asyncup("put", cwd=place, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"a": b"1", "c": b"3"})
    assert bucket.head("a")["Metadata"] == {"color": "blue"}


def test_arguments_take_the_place_of_the_file(bucket: Bucket, tmp_path: Path) -> None:
    """A source or a destination that is named on the command line counts."""
    place = tree(tmp_path / "w", {"a": b"1", "b": b"2"})
    config(place, f'source = "a"\ndestination = "{bucket.place}x/"')
    assert asyncup("put", "b", cwd=place, env=bucket.env).code == 0
    assert asyncup("put", f"{bucket.place}y/", cwd=place, env=bucket.env).code == 0
    assert bucket.objects() == {"x/b": b"2", "y/a": b"1"}


def test_names_of_multi2s3(bucket: Bucket, tmp_path: Path) -> None:
    """The settings of the tool that asyncup descends from do what they did."""
    large = b"x" * (5 << 20)
    place = tree(tmp_path / "w", {"src/one": b"small", "src/two": large})
    config(
        place,
        f"""
        srcdir = "{place}/src"
        srcfileIndex = "*"
        chunksize = 5242880
        splitdir = "{tmp_path}/split"
        s3bucket = "{bucket.place.bucket}"
        s3key = "{bucket.place.key}multi-"
        MaxRetry = 3
        MaxThread = 2
        IgnoreSmallFile = 1
        """,
    )
    ended = asyncup("put", cwd=place, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"multi-two": large})
    assert (tmp_path / "split").is_dir()


def test_one_file_of_multi2s3(bucket: Bucket, tmp_path: Path) -> None:
    """SrcfileIndex names one file, to which IgnoreSmallFile never applied."""
    place = tree(tmp_path / "w", {"src/one": b"small", "src/two": b"other"})
    config(
        place,
        f"""
        srcdir = "{place}/src"
        srcfileIndex = "one"
        s3bucket = "{bucket.place.bucket}"
        s3key = "{bucket.place.key}"
        IgnoreSmallFile = true
        """,
    )
    ended = asyncup("put", cwd=place, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"one": b"small"})


def test_key_prefix_of_multi2s3_alone(bucket: Bucket, tmp_path: Path) -> None:
    """The s3key is a prefix for a destination that the command line names, too."""
    place = tree(tmp_path / "w", {"one": b"1"})
    config(place, 's3key = "x-"')
    ended = asyncup("put", "one", str(bucket.place), cwd=place, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"x-one": b"1"})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("part_syze = 1", "unknown key 'part_syze' (did you mean part-size?)", "allowed are acl,"),
        ("MaxRetries = 1", "unknown key 'MaxRetries' (did you mean MaxRetry?)", "max-retry"),
        (
            'part-size = "1MiB"',
            "part-size = '1MiB': part size 1 MiB is not between 5 MiB and 5 GiB",
            "",
        ),
        ("part_size = 10", "part_size = 10: part size 10 B is not between", ""),
        ("chunksize = 100", "chunksize = 100: part size 100 B is not between", ""),
        (
            'concurrency = "many"',
            "concurrency = 'many': 'many' is not a number, auto, or bounds such as auto:1-32",
            "",
        ),
        ("concurrency = 0", "concurrency = 0: 0 is less than 1", ""),
        ('concurrency = "auto:9-4"', "'auto:9-4': concurrency 9 to 4, from 9, is no range", ""),
        ("processes = 0", "processes = 0: 0 is less than 1", ""),
        ("processes = true", 'processes = True: a whole number or "auto" is needed', ""),
        ("MaxThread = true", 'MaxThread = True: a whole number, "auto" or such as', ""),
        ('overwrite = "maybe"', "overwrite = 'maybe':", "always"),
        ("MaxRetry = 3\nmax-retry = 4", "MaxRetry and max-retry are the same setting", ""),
        ('srcfileIndex = "x"', "srcfileIndex needs srcdir", ""),
        ('srcfileIndex = 3\nsrcdir = "."', "srcfileIndex = 3: a text in quotes is needed", ""),
        ('srcdir = ["."]', "srcdir = ['.']: a text in quotes is needed", ""),
        ("s3bucket = 1", "s3bucket = 1: a text in quotes is needed", ""),
        ('s3bucket = "s3://demo"', "s3bucket = 's3://demo': 's3:' is not a bucket name", ""),
        ("IgnoreSmallFile = 2", "IgnoreSmallFile = 2: 0 or 1 is needed", ""),
        ("part-size = ", "is not TOML", "https://toml.io"),
        ("a = 1\nb = 2", "line 1: unknown key 'a'; line 2: unknown key 'b'", ""),
        ('exclude = [["a"]]', "exclude = [['a']]: a text in quotes or a list of them", ""),
        ("[[exclude]]\na = 1", "exclude = [{'a': 1}]: a text in quotes or a list of them", ""),
        ('exclude = ["!"]', "exclude = ['!']: ", ""),
        ("metadata = {project = {x=1}}", 'a table such as { key = "value" } is needed', ""),
        ("metadata = 1", 'metadata = 1: a table such as { key = "value" } is needed', ""),
        ('region = ["a", "b"]', "region = ['a', 'b']: a text in quotes is needed", ""),
        ("direct = 1", "direct = 1: true or false is needed", ""),
        ("retry-step = true", "retry-step = True: a number of seconds or a time such as", ""),
        ("min-size = 1.5", "min-size = 1.5: a number of bytes or a size such as", ""),
        (
            "key-prefix = 5\nx = 1",
            "line 1: key-prefix = 5: a text in quotes is needed; line 2: unknown key",
            "",
        ),
        ('limit-rate = "fast"', "limit-rate = 'fast': 'fast' is not a rate: write 20MiB/s", ""),
        ("limit-rate = true", 'limit-rate = True: a rate such as "20MiB/s"', ""),
        ('destination = "demo/x"', "destination = 'demo/x': 'demo/x' is not an S3 URI", ""),
        ('endpoint-url = "foo"', "endpoint-url = 'foo': 'foo' is not an endpoint URL", ""),
        ('endpoint-url = ["https://u:secret@foo"]', "endpoint-url = ...: a text in quotes", ""),
        ('s3bucket = { a = "https://u:secret@foo" }', "s3bucket = ...: a text in quotes", ""),
        ("retry-step = true", "", "hint: asyncup put --help"),
        ('endpoint_url = "u:secret@foo"', "endpoint_url = '***@foo': '***@foo' is not", ""),
    ],
)
def test_what_cannot_be(bucket: Bucket, place: Path, text: str, message: str, hint: str) -> None:
    """An unknown key or a bad value names the file, the key, and what is allowed."""
    path = config(place, text)
    ended = planned(place, bucket, "d/large", str(bucket.place))
    assert (ended.code, ended.out) == (2, "")
    assert f"error: {path.name}" in ended.err
    assert message in ended.err
    assert hint in ended.err
    assert "Traceback" not in ended.err
    assert "secret" not in ended.err


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("3", 3),
        (3, 3),
        ("auto", Adaptive()),
        ("auto:2-64", Adaptive(least=2, start=8, most=64)),
        ("auto:10-20", Adaptive(least=10, start=10, most=20)),
        ("auto:1-2", Adaptive(least=1, start=2, most=2)),
    ],
)
def test_numbers_of_slots(text: str | int, slots: int | Adaptive) -> None:
    """A number is pinned, auto is 1 to 32, and bounds can be named."""
    assert readers.concurrency(text) == slots


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "auto:", "auto:3", "auto:0-4", "auto:4-3"])
def test_what_is_no_number_of_slots(text: str) -> None:
    """What cannot be understood, or cannot be, is refused."""
    with pytest.raises(typer.BadParameter):
        readers.concurrency(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1), (4, 4), ("auto", 0)])
def test_numbers_of_processes(text: str | int, number: int) -> None:
    """A number is one, and auto is what the engine takes for as many as pay."""
    assert readers.processes(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "auto:2", "٣"])
def test_what_is_no_number_of_processes(text: str) -> None:
    """What cannot be understood, or cannot be, is refused."""
    with pytest.raises(typer.BadParameter):
        readers.processes(text)


def test_slots_from_everywhere(bucket: Bucket, place: Path) -> None:
    """File, environment and flag take a number as well as bounds."""
    config(place, 'concurrency = "auto:1-4"')
    arguments = ("d/large", str(bucket.place))
    assert planned(place, bucket, *arguments).code == 0
    assert planned(place, bucket, *arguments, ASYNCUP_CONCURRENCY="auto").code == 0
    config(place, "MaxThread = 5")
    assert planned(place, bucket, *arguments, "-c", "auto:2-3").code == 0


def test_bad_environment(bucket: Bucket, place: Path) -> None:
    """A bad value in the environment is named by its variable, a bad flag by its name."""
    arguments = ("d/large", str(bucket.place))
    ended = planned(place, bucket, *arguments, ASYNCUP_CONCURRENCY="x")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ASYNCUP_CONCURRENCY: ")
    assert ended.err.endswith("hint: asyncup put --help\n")
    ended = planned(place, bucket, *arguments, "-c", "x")
    assert ended.err.startswith("error: --concurrency: ")


def test_lists_in_the_environment(bucket: Bucket, tmp_path: Path) -> None:
    """A variable holds one value a line, for values have spaces in them."""
    place = tree(tmp_path / "d", {"a b": b"1", "c d": b"2", "e": b"3"})
    env = {"ASYNCUP_EXCLUDE": "a b\nc d", "ASYNCUP_METADATA": "title=My film\ncolor=blue"}
    assert asyncup("put", place, str(bucket.place), env={**bucket.env, **env}).code == 0
    assert bucket.objects() == {"e": b"3"}
    assert bucket.head("e")["Metadata"] == {"title": "My film", "color": "blue"}


@pytest.mark.parametrize("command", [("put", "-n", "file"), ("status",), ("config", "show")])
def test_a_variable_that_is_misspelt(tmp_path: Path, command: tuple[str, ...]) -> None:
    """It is told with what was meant, and what is not like any as well; nothing fails by it.

    One that another command has is none of these, and its value is not shown.
    """
    (tmp_path / "file").touch()
    given = {"ASYNCUP_PART_SIZ": "hunter2", "ASYNCUP_XXXX": "", "ASYNCUP_DOWNLOAD": "1"}
    # Where nobody listens.
    env = {**given, "ASYNCUP_DESTINATION": "s3://bucket/", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ended = asyncup(*command, env=env, cwd=tmp_path)
    told = [line for line in ended.err.splitlines() if "ASYNCUP_" in line or "mean" in line]
    assert told == [
        "warning: ASYNCUP_PART_SIZ is set, and no option has a variable of this name",
        "hint: did you mean ASYNCUP_PART_SIZE?",
        "warning: ASYNCUP_XXXX is set, and no option has a variable of this name",
    ]
    assert "hunter2" not in ended.err
    assert ended.code == asyncup(*command, env=dict(list(env.items())[2:]), cwd=tmp_path).code


def test_who_wants_errors_only_is_not_told_of_variables(tmp_path: Path) -> None:
    """A misspelt one is none: nothing fails by it."""
    ended = asyncup("put", "-q", "missing", "s3://b/", env={"ASYNCUP_XXXX": "1"}, cwd=tmp_path)
    assert ended.err.startswith("error: ")
    assert "ASYNCUP_XXXX" not in ended.err


@pytest.mark.parametrize("command", [("completion", "bash"), ("schema",), ("put", "--help")])
def test_what_takes_no_variable_warns_of_none(command: tuple[str, ...]) -> None:
    """What a shell reads as it starts is not followed by warnings in each of its windows."""
    ended = asyncup(*command, env={"ASYNCUP_PART_SIZ": "1"})
    assert (ended.code, ended.err) == (0, "")
