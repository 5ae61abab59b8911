"""`asyncup put` against a real server: what goes where, what is skipped, and what it says."""

import hashlib
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.kit import COMMAND, asyncup, finish, lines, start, tree
from tests.s3 import Bucket

SMALL = b"some bytes"
LARGE = os.urandom(11 << 20)
PARTS = "--part-size=5MiB"


def test_file_to_a_prefix(bucket: Bucket, tmp_path: Path) -> None:
    """A destination that ends in a slash gets the file's name."""
    tree(tmp_path, {"a b.txt": SMALL})
    ended = asyncup("put", tmp_path / "a b.txt", f"{bucket.place}x/", env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"x/a b.txt": SMALL})
    assert ended.out == f"{bucket.place}x/a b.txt\t{_md5(SMALL)}\n"
    assert "1 file uploaded" in ended.err


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 - an ETag


def test_file_to_an_exact_key(bucket: Bucket, tmp_path: Path) -> None:
    """A destination without a slash at the end is the key itself."""
    tree(tmp_path, {"a.txt": SMALL})
    assert asyncup("put", tmp_path / "a.txt", f"{bucket.place}b.bin", env=bucket.env).code == 0
    assert bucket.objects() == {"b.bin": SMALL}


def test_several_files(bucket: Bucket, tmp_path: Path) -> None:
    """Several sources take the destination for a prefix, with or without its slash."""
    tree(tmp_path, {"a": SMALL, "b": b"", "d/c": LARGE})
    sources = [tmp_path / "a", tmp_path / "b", tmp_path / "d"]
    ended = asyncup("put", *sources, f"{bucket.place}x", PARTS, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"x/a": SMALL, "x/b": b"", "x/c": LARGE})


def test_directory(bucket: Bucket, tmp_path: Path) -> None:
    """All below a directory goes up under its relative path: nested, hidden, odd, empty, large."""
    files = {
        "top.txt": SMALL,
        ".hidden/.file": b"h",
        "with space/ünïcödé 名.bin": b"u",
        "empty": b"",
        "deep/er/and/deeper.bin": LARGE,
        "%41+plus&more": b"p",
    }
    ended = asyncup(
        "put",
        tree(tmp_path / "d", files),
        bucket.place.as_prefix().__str__(),
        PARTS,
        env=bucket.env,
    )
    assert (ended.code, bucket.objects()) == (0, files)
    assert bucket.pending() == []
    assert len(ended.out.splitlines()) == len(files)


def test_no_recursive(bucket: Bucket, tmp_path: Path) -> None:
    """--no-recursive takes a directory's own files only."""
    tree(tmp_path / "d", {"a": SMALL, "sub/b": SMALL})
    ended = asyncup("put", tmp_path / "d", str(bucket.place), "--no-recursive", env=bucket.env)
    assert (ended.code, list(bucket.objects())) == (0, ["a"])


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_standard_input(bucket: Bucket, data: bytes) -> None:
    """A dash uploads standard input under the key that is given."""
    ended = asyncup("put", "-", f"{bucket.place}stream", PARTS, env=bucket.env, stdin=data)
    assert (ended.code, bucket.objects()) == (0, {"stream": data})


def test_standard_input_from_a_file(bucket: Bucket, tmp_path: Path) -> None:
    """Standard input may be a file instead of a pipe."""
    tree(tmp_path, {"a": LARGE})
    with (tmp_path / "a").open("rb") as stdin:
        code = subprocess.call(
            [COMMAND, "put", "-", f"{bucket.place}s", PARTS, "-q"],
            stdin=stdin,
            env={**os.environ, **bucket.env},
            stdout=subprocess.DEVNULL,
        )
    assert (code, bucket.objects()) == (0, {"s": LARGE})


def test_include_and_exclude(bucket: Bucket, tmp_path: Path) -> None:
    """Patterns are those of .gitignore; an exclude wins."""
    tree(tmp_path / "d", {"a.bin": b"1", "b.tmp": b"2", "x/c.bin": b"3", "cache/d.bin": b"4"})
    ended = asyncup(
        *("put", tmp_path / "d", str(bucket.place)),
        *("--include", "*.bin", "--exclude", "cache/"),
        env=bucket.env,
    )
    assert (ended.code, sorted(bucket.objects())) == (0, ["a.bin", "x/c.bin"])
    assert "2 skipped" in ended.err


def test_sizes(bucket: Bucket, tmp_path: Path) -> None:
    """--min-size and --max-size bound what goes up."""
    tree(tmp_path / "d", {"1": b"x" * 999, "2": b"x" * 1000, "3": b"x" * 2048, "4": b"x" * 2049})
    ended = asyncup(
        *("put", tmp_path / "d", str(bucket.place), "--min-size=1KB", "--max-size=2KiB"),
        env=bucket.env,
    )
    assert (ended.code, sorted(bucket.objects())) == (0, ["2", "3"])


def test_skip_small(bucket: Bucket, tmp_path: Path) -> None:
    """--skip-small leaves out what is smaller than one part."""
    tree(tmp_path / "d", {"small": SMALL, "large": LARGE})
    ended = asyncup("put", tmp_path / "d", str(bucket.place), PARTS, "--skip-small", env=bucket.env)
    assert (ended.code, list(bucket.objects())) == (0, ["large"])


def test_files_from(bucket: Bucket, tmp_path: Path) -> None:
    """A list names files; keys keep the paths as listed; a missing one holds up no other."""
    tree(tmp_path, {"a": b"1", "d/b c": b"2", "d/e": b"3"})
    tree(tmp_path, {"list": b"a\nd/b c\n\nnothing\r\nd/e"})
    ended = asyncup(
        *("put", "--files-from", "list", str(bucket.place)), env=bucket.env, cwd=tmp_path
    )
    assert (ended.code, bucket.objects()) == (1, {"a": b"1", "d/b c": b"2", "d/e": b"3"})
    assert "error: read nothing: no such file or directory" in ended.err


def test_files_from_standard_input_with_null(bucket: Bucket, tmp_path: Path) -> None:
    """A NUL-separated list on standard input may hold any name; it is relative to the source."""
    tree(tmp_path / "d", {"line\nbreak": b"1", "x/y": b"2", "z": b"3"})
    ended = asyncup(
        *("put", tmp_path / "d", "--files-from=-", "-0", str(bucket.place)),
        env=bucket.env,
        stdin=b"line\nbreak\0x/y\0",
    )
    assert (ended.code, sorted(bucket.objects())) == (0, ["line\nbreak", "x/y"])


def test_files_from_lists_files_only(bucket: Bucket, tmp_path: Path) -> None:
    """What `find` lists beside files, directories, is told and not walked."""
    tree(tmp_path, {"d/a": b"1", "d/old": b"2"})
    ended = asyncup(
        *("put", "--files-from=-", str(bucket.place)),
        env=bucket.env,
        cwd=tmp_path,
        stdin=b"d\nd/a\n",
    )
    assert (ended.code, bucket.objects()) == (0, {"d/a": b"1"})
    assert "skipped d: a directory; what is in it has to be listed itself" in ended.err


def test_files_from_cannot_go_up(bucket: Bucket, tmp_path: Path) -> None:
    """A listed path with .. has no key: it is refused, and the others go on."""
    tree(tmp_path, {"list": b"a\n../etc/passwd\nb\n", "a": b"1", "b": b"2"})
    ended = asyncup("put", "--files-from=list", str(bucket.place), env=bucket.env, cwd=tmp_path)
    assert (ended.code, bucket.objects()) == (1, {"a": b"1", "b": b"2"})
    assert "error: skip ../etc/passwd: a key cannot go up with '..'\nhint: list" in ended.err


def test_links_and_special_files(bucket: Bucket, tmp_path: Path) -> None:
    """Links to files are followed; what is no file is told and skipped, and the status says so."""
    place = tree(tmp_path / "d", {"real": SMALL, "sub/in": b"i"})
    (place / "link").symlink_to("real")
    (place / "dirlink").symlink_to("sub")
    (place / "broken").symlink_to("nowhere")
    (place / "self").symlink_to("self")
    os.mkfifo(place / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(place / "socket"))
        ended = asyncup("put", place, str(bucket.place), env=bucket.env)
    assert ended.code == 1
    assert bucket.objects() == {"real": SMALL, "link": SMALL, "sub/in": b"i"}
    assert len(lines(ended.err, "error: ")) == 4
    assert lines(ended.err, f"{place}/fifo: a named pipe, not a file")
    assert lines(ended.err, f"{place}/socket: a socket, not a file")
    assert lines(ended.err, f"{place}/broken: a symbolic link to nothing")
    assert lines(ended.err, f"{place}/self: Too many levels of symbolic links")
    assert lines(ended.err, f"skipped {place}/dirlink: a symbolic link to a directory")


def test_follow(bucket: Bucket, tmp_path: Path) -> None:
    """--follow goes where links to directories lead, but not round in circles."""
    place = tree(tmp_path / "d", {"sub/in": b"i"})
    (place / "dirlink").symlink_to("sub")
    (place / "sub" / "up").symlink_to("..")
    ended = asyncup("put", place, str(bucket.place), "--follow", env=bucket.env)
    assert ended.code == 1
    assert bucket.objects() == {"sub/in": b"i", "dirlink/in": b"i"}
    assert len(lines(ended.err, "leads back to a directory above it")) == 2


def test_unreadable_file(bucket: Bucket, tmp_path: Path) -> None:
    """A file that this user may not read is told, and the others go on."""
    place = tree(tmp_path / "d", {"mine": SMALL, "not mine": SMALL})
    (place / "not mine").chmod(0)
    # Root reads everything, until it gives that right away.
    humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    under = humble if os.geteuid() == 0 else []
    ended = asyncup("put", place, str(bucket.place), env=bucket.env, under=under)
    assert (ended.code, bucket.objects()) == (1, {"mine": SMALL})
    assert f"error: read {place}/not mine: Permission denied" in ended.err


def test_names_that_are_not_utf8(bucket: Bucket, tmp_path: Path) -> None:
    """A name that cannot be a key is refused, shown readably, and the rest goes on."""
    place = tree(tmp_path / "d", {"good": SMALL, "bad-\udcff": SMALL})
    ended = asyncup("put", place, str(bucket.place), env=bucket.env)
    assert (ended.code, bucket.objects()) == (1, {"good": SMALL})
    assert r"bad-\xff: the name is not UTF-8" in ended.err


def test_second_run_skips(bucket: Bucket, tmp_path: Path) -> None:
    """What is there with the same size is skipped, and told why; what is not, is not."""
    place = tree(tmp_path / "d", {"same": b"12345", "other": b"123", "large": LARGE})
    assert asyncup("put", place, str(bucket.place), PARTS, env=bucket.env).code == 0
    tree(place, {"same": b"54321", "other": b"1234"})
    ended = asyncup("put", place, str(bucket.place), PARTS, env=bucket.env)
    assert ended.code == 0
    assert bucket.objects() == {"same": b"12345", "other": b"1234", "large": LARGE}
    assert f"skipped {place}/same: S3 already holds it with the same size (5 B)" in ended.err
    assert "1 file uploaded" in ended.err
    assert "2 skipped" in ended.err


@pytest.mark.parametrize(("policy", "replaced"), [("always", True), ("never", False)])
def test_overwrite(bucket: Bucket, tmp_path: Path, policy: str, *, replaced: bool) -> None:
    """--overwrite decides about objects that are there."""
    tree(tmp_path, {"a": b"old"})
    assert asyncup("put", tmp_path / "a", str(bucket.place), env=bucket.env).code == 0
    tree(tmp_path, {"a": b"newer"})
    ended = asyncup("put", tmp_path / "a", str(bucket.place), "--overwrite", policy, env=bucket.env)
    assert ended.code == 0
    assert bucket.objects() == {"a": b"newer" if replaced else b"old"}


def test_dry_run(bucket: Bucket, tmp_path: Path) -> None:
    """--dry-run prints what would be done and why not, and does nothing."""
    place = tree(tmp_path / "d", {"there": SMALL, "new": SMALL, "large": LARGE, "x.tmp": b""})
    asyncup("put", place / "there", str(bucket.place), env=bucket.env)
    ended = asyncup(
        *("put", place, str(bucket.place), PARTS, "--exclude=*.tmp", "--dry-run"), env=bucket.env
    )
    assert (ended.code, ended.err, list(bucket.objects())) == (0, "", ["there"])
    assert sorted(ended.out.splitlines()) == sorted(
        [
            f"upload {place}/large -> {bucket.place}large: 11 MiB, 3 parts of 5 MiB, 9 requests",
            f"upload {place}/new -> {bucket.place}new: 10 B, 1 part, 1 request",
            f"skip {place}/there: S3 already holds it with the same size (10 B)",
            f"skip {place}/x.tmp: excluded by pattern",
            "dry run: 2 files, 11 MiB, 10 requests; 2 skipped, 0 failed",
        ]
    )


def test_key_prefix(bucket: Bucket, tmp_path: Path) -> None:
    """--key-prefix is put before each name as it is."""
    tree(tmp_path / "d", {"a": SMALL})
    ended = asyncup("put", tmp_path / "d", str(bucket.place), "--key-prefix=x-", env=bucket.env)
    assert (ended.code, list(bucket.objects())) == (0, ["x-a"])


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["one request", "parts"])
def test_attributes(bucket: Bucket, tmp_path: Path, data: bytes) -> None:
    """What the object is to be like is what S3 tells of it afterwards."""
    tree(tmp_path, {"a.json": data})
    ended = asyncup(
        *("put", tmp_path / "a.json", str(bucket.place), PARTS),
        *("--metadata", "color=blue", "--metadata", "size=x=y", "--tag", "a=1", "--tag", "b=c d"),
        *("--cache-control", "no-cache", "--content-encoding", "identity"),
        *("--storage-class", "STANDARD_IA"),
        env=bucket.env,
    )
    assert ended.code == 0
    head = bucket.head("a.json")
    assert head["Metadata"] == {"color": "blue", "size": "x=y"}
    assert {tag["Key"]: tag["Value"] for tag in head["Tags"]} == {"a": "1", "b": "c d"}
    assert head["ContentType"] == "application/json"
    assert (head["CacheControl"], head["ContentEncoding"]) == ("no-cache", "identity")
    assert head["StorageClass"] == "STANDARD_IA"


def test_content_type(bucket: Bucket, tmp_path: Path) -> None:
    """A media type that is given is not guessed."""
    tree(tmp_path, {"a.json": SMALL})
    asyncup(
        *("put", tmp_path / "a.json", str(bucket.place), "--content-type", "text/x-own"),
        env=bucket.env,
    )
    assert bucket.head("a.json")["ContentType"] == "text/x-own"


def test_direct(bucket: Bucket, tmp_path: Path) -> None:
    """--direct needs no place for chunk files at all."""
    tree(tmp_path, {"a": LARGE, "no directory": b""})
    ended = asyncup(
        *("put", tmp_path / "a", str(bucket.place), PARTS, "--direct"),
        *("--split-dir", tmp_path / "no directory"),
        env=bucket.env,
    )
    assert (ended.code, bucket.objects()) == (0, {"a": LARGE})


def test_chunk_files_are_gone(bucket: Bucket, tmp_path: Path) -> None:
    """A finished run leaves nothing in the split directory."""
    tree(tmp_path, {"a": LARGE})
    ended = asyncup(
        *("put", tmp_path / "a", str(bucket.place), PARTS, "--split-dir", tmp_path / "split"),
        env=bucket.env,
    )
    assert (ended.code, list((tmp_path / "split").iterdir())) == (0, [])


def test_empty_directory(bucket: Bucket, tmp_path: Path) -> None:
    """A directory of nothing is nothing to do: said, and no error."""
    (tmp_path / "d").mkdir()
    ended = asyncup("put", tmp_path / "d", str(bucket.place), env=bucket.env)
    assert (ended.code, ended.out, bucket.objects()) == (0, "", {})
    assert "nothing to upload" in ended.err


def test_quiet(bucket: Bucket, tmp_path: Path) -> None:
    """--quiet leaves the objects on standard output, and errors."""
    place = tree(tmp_path / "d", {"a": SMALL})
    os.mkfifo(place / "fifo")
    ended = asyncup("put", place, str(bucket.place), "-q", env=bucket.env)
    assert ended.code == 1
    assert ended.out == f"{bucket.place}a\t{_md5(SMALL)}\n"
    assert ended.err == f"error: skip {place}/fifo: a named pipe, not a file\n"


def test_json(bucket: Bucket, tmp_path: Path) -> None:
    """--json tells every event as a line, and nothing else on either stream."""
    place = tree(tmp_path / "d", {"large": LARGE, "small": SMALL})
    ended = asyncup("put", place, str(bucket.place), PARTS, "--json", env=bucket.env)
    assert (ended.code, ended.err) == (0, "")
    kinds = [event["type"] for event in ended.events() if event["type"] != "progress"]
    assert sorted(set(kinds)) == [
        "file_found",
        "file_started",
        "part_started",
        "part_uploaded",
        "run_finished",
        "scan_finished",
        "summary",
        "upload_completed",
        "upload_completing",
        "upload_created",
    ]
    assert kinds[-2:] == ["run_finished", "summary"]
    assert {event["schema"] for event in ended.events()} == {1}
    parts = [e for e in ended.events("part_uploaded") if e["uri"].endswith("large")]
    assert sorted((e["part_number"], e["size"]) for e in parts) == [
        (1, 5 << 20),
        (2, 5 << 20),
        (3, 1 << 20),
    ]
    results = {e["uri"]: e["result"] for e in ended.events("upload_completed")}
    large = results[f"{bucket.place}large"]
    assert (large["size"], large["parts"], large["proof"]) == (len(LARGE), 3, "crc64nvme")


def test_closed_standard_output(bucket: Bucket, tmp_path: Path) -> None:
    """If nobody reads the list of objects, they are uploaded all the same."""
    place = tree(tmp_path / "d", {str(number): SMALL for number in range(20)})
    process = start("put", place, str(bucket.place), env=bucket.env)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    ended = finish(process)
    assert (ended.code, len(bucket.objects())) == (0, 20)
