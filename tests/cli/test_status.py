"""`asyncup status` and `asyncup resume`: what is not finished is seen, and gone on with."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import Ended, asyncup, finish, lines, start, tree
from tests.proxy import Fate, Proxy, Request, let_pass, proxy_to
from tests.s3 import Bucket
from tests.told import read_lines

LARGE = os.urandom(22 << 20)
NO_FILE = "/dev/null"
"""What is there, and cannot be uploaded: quickly made, a command that is not done."""


class Gate:
    """Lets two parts of the way through and no more, until it is open."""

    def __init__(self) -> None:
        self.is_open = False
        self._two = let_pass(2)

    def __call__(self, request: Request) -> Fate:
        return Fate.PASS if self.is_open else self._two(request)


class Place:
    """A directory with a large file, a state directory, and a way to S3 that can be opened."""

    def __init__(self, bucket: Bucket, directory: Path, proxy: Proxy, gate: Gate) -> None:
        self.bucket = bucket
        self.directory = tree(directory / "w", {"large": LARGE})
        self.state = directory / "state"
        self.env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        self._proxy = proxy
        self._gate = gate

    def broken_off(
        self,
        look: Callable[[], None] = lambda: None,
        by: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Upload, and break off when S3 has two parts of five; look at it before that."""
        process = start(
            *("put", self.directory / "large", str(self.bucket.place), "--part-size=5MiB"),
            *("--concurrency=2", "--stop-grace=0.1s", f"--state-dir={self.state}"),
            env=self.env,
        )
        self._proxy.wait_until(lambda seen: len(seen.parts()) == 2)
        look()
        process.send_signal(by)
        finish(process)
        self._gate.is_open = True

    def run(self, command: str, *more: str | Path, **env: str) -> Ended:
        """Run a command about what is not finished, from elsewhere."""
        state = f"--state-dir={self.state}"
        return asyncup(command, state, *more, env={**self.bucket.env, **env}, cwd=Path("/"))

    def command(self) -> dict[str, Any]:
        """Return what is told of the one command."""
        (told,) = self.run("status", "--json").events("command_found")
        return told


@pytest.fixture
def place(bucket: Bucket, tmp_path: Path) -> Iterator[Place]:
    """Return a place of this test's own."""
    gate = Gate()
    with proxy_to(bucket.server.endpoint_url, gate) as proxy:
        yield Place(bucket, tmp_path, proxy, gate)


def test_nothing(place: Place) -> None:
    """Where nothing was ever begun, that is said, and nothing is made."""
    ended = place.run("status")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "nothing is running, and nothing is unfinished\n"
    resumed = place.run("resume")
    assert (resumed.code, resumed.err) == (0, "nothing that is not running is unfinished\n")
    assert not place.state.exists()


def test_a_run_is_seen(place: Place) -> None:
    """While it is under way: the command with its process, and each upload with its parts."""
    seen: list[Ended] = []

    def look() -> None:
        seen.extend((place.run("status"), place.run("status", "--json")))

    place.broken_off(look)
    text, told = seen
    (command,) = told.events("command_found")
    (upload,) = told.events("unfinished_upload_found")
    # How far it is, its note tells every other second.
    assert command["state"] == "running"
    assert (upload["is_running"], upload["parts_committed"]) == (True, 2)
    assert upload["bytes_committed"] == 10 << 20
    assert told.events()[-1]["type"] == "summary"
    assert lines(text.out, f"{command['name']} running: asyncup put {place.directory}/large")
    assert lines(text.out, f"process {command['pid']}")
    assert lines(text.out, f"{place.bucket.place}large: 2 parts at S3, 10 MiB of 22 MiB")


@pytest.mark.parametrize(("by", "state"), [(signal.SIGKILL, "killed"), (signal.SIGINT, "stopped")])
def test_what_was_broken_off_is_gone_on_with(place: Place, by: signal.Signals, state: str) -> None:
    """By its name, from anywhere; nothing is left of it then, here and there."""
    place.broken_off(by=by)
    told = place.command()
    assert (told["state"], told["obstacle"]) == (state, None)
    shown = place.run("status")
    assert shown.err == ""
    assert shown.out.startswith(f"{told['name']} {state}: asyncup put ")
    assert "warning" not in shown.out
    if by is signal.SIGINT:
        assert (told["bytes_committed"], told["bytes_found"]) == (10 << 20, len(LARGE))
        assert lines(shown.out, "0/1 files · 10 MiB of 22 MiB")
    ended = place.run("resume", told["name"], "--json")
    assert ended.code == 0, ended.err
    assert len(ended.events("part_kept")) == 2
    assert ended.events()[-1]["type"] == "summary"
    assert (place.bucket.objects(), place.bucket.pending()) == ({"large": LARGE}, [])
    assert place.run("status").out == ""


def test_the_same_command_by_hand_ends_it_as_well(place: Place) -> None:
    """Also with other options: it is the same upload."""
    place.broken_off()
    put = ("put", place.directory / "large", str(place.bucket.place), "--quiet")
    assert asyncup(*put, f"--state-dir={place.state}", env=place.env).code == 0
    assert place.run("status").out == ""


def test_it_is_run_as_it_was(place: Place, tmp_path: Path) -> None:
    """With its variables, none of today's, in its directory; relative paths lead where they led."""
    tree(tmp_path / "w", {"d/a": b"1"})
    env = {**place.bucket.env, "ASYNCUP_KEY_PREFIX": "x@-"}
    put = ("put", "d", "missing", str(place.bucket.place), f"--state-dir={place.state}")
    assert asyncup(*put, env=env, cwd=tmp_path / "w").code == 1
    assert place.command()["state"] == "failed"
    assert "missing: no such file" in place.command()["last_error"]
    tree(tmp_path / "w", {"missing": b"2"})
    ended = place.run("resume", ASYNCUP_KEY_PREFIX="y-", ASYNCUP_DRY_RUN="1")
    assert ended.code == 0, ended.err
    assert place.bucket.objects() == {"x@-a": b"1", "x@-missing": b"2"}


def test_each_goes_where_it_went(place: Place) -> None:
    """No variable of another command, or of today, leads one to another S3."""
    url = place.bucket.env["AWS_ENDPOINT_URL"]
    plain = {**place.bucket.env, "AWS_ENDPOINT_URL": ""}
    ways = {
        "a": {**plain, "AWS_ENDPOINT_URL": url},
        "b": {**plain, "AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "c": {**plain, "AWS_ENDPOINT_URL": url},
    }
    for name, env in ways.items():
        os.mkfifo(place.directory / name)
        put = ("put", name, str(place.bucket.place), f"--state-dir={place.state}")
        assert asyncup(*put, env=env, cwd=place.directory).code == 3
    given = [each["arguments"] for each in place.run("status", "--json").events("command_found")]
    assert place.run("resume", "--json").code == 3
    # How it was told of is no part of what is kept of them.
    found = place.run("status", "--json").events("command_found")
    assert [each["arguments"] for each in found] == given
    for name in ways:
        (place.directory / name).unlink()
    tree(place.directory, {name: name.encode() for name in ways})
    ended = place.run("resume", "--json", AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert ended.code == 0, ended.err
    assert place.bucket.objects() == {name: name.encode() for name in ways}


def test_no_secret_is_noted(place: Place) -> None:
    """No key is in any file of the state directory, and no variable that could have one."""
    place.broken_off()
    held = b"".join(path.read_bytes() for path in place.state.rglob("*") if path.is_file())
    assert place.bucket.env["AWS_SECRET_ACCESS_KEY"].encode() not in held
    assert b"AWS_SECRET" not in held
    assert b"AWS_ACCESS_KEY" not in held


def test_a_stream_cannot_be_resumed(place: Place) -> None:
    """It is refused with what to do instead; all others go on."""
    put = ("put", "-", f"{place.bucket.place}s", "--endpoint-url=http://127.0.0.1:1")
    more = (f"--state-dir={place.state}", "--max-retry=1")
    assert asyncup(*put, *more, env=place.bucket.env, stdin=b"x").code == 4
    told = place.command()
    ended = place.run("resume")
    assert ended.code == 2
    assert f"resume {told['name']}: it reads standard input: run the same command" in ended.err
    assert f"hint: asyncup put - {place.bucket.place}s" in ended.err


def test_each_command_has_its_summary(place: Place, tmp_path: Path) -> None:
    """Also those that are refused, each with its own status, and those that come after them."""
    (tmp_path / "gone").mkdir()
    common = (str(place.bucket.place), f"--state-dir={place.state}")
    assert asyncup("put", NO_FILE, *common, env=place.env, cwd=tmp_path / "gone").code == 3
    (tmp_path / "gone").rmdir()
    nobody = ("--endpoint-url=http://127.0.0.1:1", "--max-retry=1")
    stream = ("put", "-", f"{place.bucket.place}s", common[1], *nobody)
    assert asyncup(*stream, env=place.bucket.env, stdin=b"x").code == 4
    os.mkfifo(place.directory / "late")
    assert asyncup("put", "late", *common, env=place.env, cwd=place.directory).code == 3
    (place.directory / "late").unlink()
    tree(place.directory, {"late": b"1"})
    ended = place.run("resume", "--json")
    assert [each["exit_code"] for each in ended.events("summary")] == [3, 2, 0]
    assert len(ended.events("error")) == 2
    assert (ended.code, place.bucket.objects()) == (1, {"late": b"1"})


def test_what_is_running_is_not_run_twice(place: Place) -> None:
    """Named, it is refused with its process, status 5; unnamed, it is left alone."""
    seen: list[Ended] = []

    def look() -> None:
        seen.extend((place.run("resume", place.command()["name"]), place.run("resume")))

    place.broken_off(look)
    named, unnamed = seen
    assert (named.code, unnamed.code) == (5, 0)
    assert "is at work on it" in named.err


def test_a_name_that_is_none(place: Place) -> None:
    """Status 2, and where to look; nothing is begun, and with --json it is told so."""
    place.broken_off()
    ended = place.run("resume", place.command()["name"], "nobody", "--json")
    assert ended.code == 2
    assert "resume nobody: nothing unfinished is called so\nhint: asyncup status" in ended.err
    assert [event["type"] for event in ended.events()] == ["error", "summary"]


def test_a_directory_that_is_gone(place: Place, tmp_path: Path) -> None:
    """Status 3: its relative paths lead nowhere."""
    (tmp_path / "gone").mkdir()
    put = ("put", NO_FILE, str(place.bucket.place), f"--state-dir={place.state}")
    assert asyncup(*put, env=place.bucket.env, cwd=tmp_path / "gone").code == 3
    (tmp_path / "gone").rmdir()
    ended = place.run("resume")
    assert ended.code == 3
    assert f"go to {tmp_path}/gone: No such file or directory" in ended.err


def test_a_note_that_cannot_be_read(place: Place) -> None:
    """It is told, with how to be rid of it."""
    tree(place.state, {"commands/abc.json": b""})
    for command in ("status", "resume"):
        ended = place.run(command)
        assert ended.code == 0
        assert "note of command abc cannot be read; asyncup status --forget abc" in ended.err
    assert place.run("status", "--forget", "abc").code == 0
    assert "abc" not in place.run("status").err


def test_forgetting(place: Place) -> None:
    """What is given up is shown no more; a name that is none is refused."""
    place.broken_off()
    name = place.command()["name"]
    assert place.run("status", "--forget", "nobody").code == 2
    ended = place.run("status", "--forget", name)
    assert ended.code == 0
    assert name not in ended.out
    assert place.run("resume").code == 0
    assert place.bucket.objects() == {}


def test_what_is_aborted_is_not_gone_on_with(place: Place) -> None:
    """Its command is let go of with it; one that has more to do than that is not."""
    put = ("put", NO_FILE, str(place.bucket.place), f"--state-dir={place.state}")
    assert asyncup(*put, env=place.env, cwd=place.directory).code == 3
    kept = place.command()["name"]
    place.broken_off()
    assert len(place.run("status", "--json").events("command_found")) == 2
    ended = place.run("abort", f"{place.bucket.place}large", "--yes", **place.env)
    assert ended.code == 0, ended.err
    assert place.command()["name"] == kept


def test_what_is_aborted_one_by_one_is_let_go_of_with_the_last(place: Place) -> None:
    """What is known of a command is as much as is still to be done."""
    place.broken_off()
    note = next(place.state.glob("commands/*.json"))
    told = json.loads(note.read_text())
    more = f"{place.bucket.place}more"
    note.write_text(json.dumps(told | {"unfinished": [more, *told["unfinished"]]}))
    upload = f"{place.bucket.place}large"
    assert place.run("abort", upload, "--yes", **place.env).code == 0
    assert json.loads(note.read_text()) == told | {"unfinished": [more]}
    assert place.command()["name"] == told["name"]


def test_watching(place: Place) -> None:
    """It is told again and again, until Ctrl-C, which is a good end."""
    place.broken_off()
    process = start(
        *("status", "--watch", "--json", f"--state-dir={place.state}"), env=place.bucket.env
    )
    assert process.stdout is not None
    told = read_lines(process.stdout.readline().decode() for _ in range(4))
    kinds = ["command_found", "unfinished_upload_found"]
    assert [event["type"] for event in told] == kinds * 2
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert (ended.code, ended.events()[-1]["exit_code"]) == (0, 0)


def test_watching_ends_with_its_reader(place: Place) -> None:
    """Nobody is told anything for ever who does not listen."""
    place.broken_off()
    process = start("status", "--watch", f"--state-dir={place.state}", env=place.env)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr is not None
    process.stderr.close()


def test_another_choice_is_another_command(place: Place, tmp_path: Path) -> None:
    """One that is done takes nothing from another one of the same place that is not."""
    tree(tmp_path / "d", {"a.x": b"1", "b.y": b"2"})
    (tmp_path / "d" / "c.x").symlink_to("nowhere")
    put = ("put", tmp_path / "d", str(place.bucket.place), f"--state-dir={place.state}")
    assert asyncup(*put, "--include=*.x", env=place.env).code == 1
    (tmp_path / "d" / "c.x").unlink()
    assert asyncup(*put, "--include=*.y", env=place.env).code == 0
    assert "--include=*.x" in place.command()["arguments"]


def test_another_server_is_another_command(place: Place) -> None:
    """What is unfinished at one S3 is not forgotten for another one, however that is named."""
    put = ("put", NO_FILE, str(place.bucket.place), f"--state-dir={place.state}")
    nobody = "http://127.0.0.1:1"
    assert asyncup(*put, env=place.env, cwd=place.directory).code == 3
    assert asyncup(*put, f"--endpoint-url={nobody}", env=place.env, cwd=place.directory).code == 3
    env = {**place.env, "AWS_ENDPOINT_URL_S3": f"{nobody}/"}
    assert asyncup(*put, env=env, cwd=place.directory).code == 3
    assert len(place.run("status", "--json").events("command_found")) == 2


def test_a_list_elsewhere_is_another_command(place: Place, tmp_path: Path) -> None:
    """Where the files of a list are is where the command was given, unless it names the place."""
    tree(tmp_path, {"list": b"a\n", "one/b": b"", "other/b": b"", "third/b": b""})
    for directory in ("one", "other", "third"):
        os.mkfifo(tmp_path / directory / "a")
    put = ("put", f"--files-from={tmp_path}/list", f"--state-dir={place.state}")
    to = str(place.bucket.place)
    for directory in ("one", "other"):
        assert asyncup(*put, to, env=place.env, cwd=tmp_path / directory).code
        assert asyncup(*put, tmp_path / "third", to, env=place.env, cwd=tmp_path / directory).code
    assert len(place.run("status", "--json").events("command_found")) == 3


def test_a_password_in_a_url_is_not_noted(place: Place) -> None:
    """It is refused, and not even the note of what was refused has it."""
    put = ("put", place.directory / "large", str(place.bucket.place))
    env = {**place.env, "AWS_ENDPOINT_URL": "http://u:hunter2@h:9000"}
    assert asyncup(*put, f"--state-dir={place.state}", env=env).code == 2
    held = b"".join(path.read_bytes() for path in place.state.rglob("*") if path.is_file())
    assert b"hunter2" not in held


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["https://h/k?X-Amz-Signature=hunter2"], "https://h/k"),
        (["--key-prefix=https://u:hunter2@h/"], "--key-prefix=https://h/"),
        (["--endpoint-url", "u:hunter2@h"], "***@h"),
        (["--endpoint-url=https://u:hunter2@h:9000"], "--endpoint-url=https://***@h:9000"),
        ([], None),
    ],
)
def test_a_secret_on_the_command_line_is_not_noted(
    place: Place, given: list[str], kept: str | None
) -> None:
    """In no shape of an argument, and in no variable; what cannot be run again says so."""
    env = {**place.env, "ASYNCUP_ENDPOINT_URL": place.env["AWS_ENDPOINT_URL"]}
    if kept is None:
        env["ASYNCUP_INCLUDE"] = "x\nhttps://u:hunter2@h/"
    last = f"--endpoint-url={place.env['AWS_ENDPOINT_URL']}"
    to = (str(place.bucket.place), last, f"--state-dir={place.state}")
    assert asyncup("put", NO_FILE, *given, *to, env=env, cwd=place.directory).code in (1, 3)
    held = b"".join(path.read_bytes() for path in place.state.rglob("*") if path.is_file())
    assert b"hunter2" not in held
    told = place.command()
    assert kept is None or kept in told["arguments"]
    assert "a URL in it has a secret" in told["obstacle"]
    assert place.run("resume").code == 2


def test_what_was_refused_is_not_gone_on_with(place: Place) -> None:
    """Nothing was begun: there is no note, or the one that there was before it."""
    put = ("put", place.directory / "large", str(place.bucket.place), f"--state-dir={place.state}")
    refused = {**place.env, "AWS_PROFILE": "nobody"}
    assert asyncup(*put, env=refused).code == 2
    assert place.run("status").out == ""
    place.broken_off()
    before = place.command()
    assert asyncup(*put, env=refused).code == 2
    assert place.command() | {"time": before["time"]} == before
    assert place.run("resume").code == 0
    assert place.bucket.objects() == {"large": LARGE}


def test_a_misspelt_file_leaves_no_note(place: Place) -> None:
    """There is nothing to go on with; what was there of the same command before stays."""
    put = ("put", place.directory / "lrage", str(place.bucket.place), f"--state-dir={place.state}")
    ended = asyncup(*put, env=place.env)
    assert (ended.code, "lrage: no such file" in ended.err) == (3, True)
    assert place.run("status").out == ""
    place.broken_off()
    (place.directory / "large").rename(place.directory / "elsewhere")
    before = place.command()
    assert place.run("resume").code == 3
    assert place.command() | {"time": before["time"]} == before


def test_a_dry_run_leaves_no_note(place: Place) -> None:
    """It begins nothing that could be gone on with."""
    put = ("put", place.directory, "/no/such", str(place.bucket.place), "-n")
    assert asyncup(*put, f"--state-dir={place.state}", env=place.bucket.env).code == 1
    assert place.run("status").out == ""
