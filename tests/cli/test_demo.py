"""`asyncup demo`: the main job, shown on a server of its own."""

import os
import re
import select
import signal
import subprocess
from pathlib import Path

from tests.cli.kit import COMMAND, asyncup, lines, tree
from tests.proxy import proxy_to
from tests.s3 import Bucket


def test_demo(tmp_path: Path) -> None:
    """It uploads, breaks off, resumes, compares, says so, and leaves nothing behind."""
    ended = asyncup("demo", "--size=150MiB", "--data-dir", tmp_path / "demo")
    assert ended.code == 0
    said = [line for line in ended.err.splitlines() if line.startswith("demo: ")]
    assert re.fullmatch(r"demo: stopped when S3 held \d+ parts of the largest file", said[4])
    assert said[-1] == "demo: 5 objects read back, 184 MiB: every byte equals the files"
    assert lines(ended.err, "to go on: asyncup put")
    (resumed,) = lines(ended.err, "resuming s3://demo/largest.bin: S3 lists")
    (uploaded,) = lines(ended.err, "s3://demo/largest.bin 150 MiB in 30 parts, ")
    assert resumed.split("S3 lists ")[1].split()[0] in uploaded
    url = said[2].split("serves ")[1].split(",")[0]
    assert "Could not connect" in _put(tmp_path, url)


def _put(directory: Path, url: str) -> str:
    tree(directory, {"file": b"x"})
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": url}
    return asyncup("put", directory / "file", "s3://demo/", "--max-retry=1", env=env).err


def test_demo_of_given_files_that_keeps_the_server(tmp_path: Path) -> None:
    """--keep leaves a server that the printed settings reach, and says how to end it."""
    given = tree(tmp_path / "mine", {"a": b"some bytes", "b/c": b"more"})
    ended = asyncup("demo", given, "--keep", "--data-dir", tmp_path / "demo")
    assert ended.code == 0
    assert lines(ended.err, "demo: 2 objects read back, 14 B: every byte equals the files")
    exports = dict(re.findall(r"^ +export (\w+)=(\S+)$", ended.err, re.MULTILINE))
    (pid,) = re.findall(r"^ +kill (\d+) ", ended.err, re.MULTILINE)
    try:
        again = asyncup("put", given / "a", "s3://demo/again/", env=exports)
        assert (again.code, again.out.split("\t")[0]) == (0, "s3://demo/again/a")
    finally:
        os.kill(int(pid), signal.SIGTERM)


def test_settings_of_the_user_are_not_followed(bucket: Bucket, tmp_path: Path) -> None:
    """Whatever files and variables say of a server, the demo goes to its own and to no other."""
    home = tree(tmp_path / "own", {"a": b"x", "w/asyncup.toml": b""})
    with proxy_to(bucket.server.endpoint_url) as proxy:
        settings = f'endpoint-url = "{proxy.url}"\nkey-prefix = "x/"\nprofile = "nobody"\n'
        (home / "w" / "asyncup.toml").write_text(settings, encoding="utf-8")
        config = f"[default]\nendpoint_url = {proxy.url}\n[profile mine]\n"
        (home / "config").write_text(config, encoding="utf-8")
        env = {
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_PROFILE": "not-there",
            "AWS_SESSION_TOKEN": "of-another-server",
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ENDPOINT_URL_S3": proxy.url,
            "ASYNCUP_ENDPOINT_URL": proxy.url,
            "ASYNCUP_KEY_PREFIX": "y/",
            "http_proxy": proxy.url,
        }
        ended = asyncup("demo", home / "a", cwd=home / "w", env=env)
        assert lines(ended.err, "demo: 1 objects read back, 1 B: every byte equals the files")
        assert (ended.code, proxy.requests) == (0, [])


def test_exports_lead_to_the_kept_server(bucket: Bucket, tmp_path: Path) -> None:
    """What --keep prints can be typed in a shell that is set up for another server."""
    given = tree(tmp_path / "mine", {"a": b"some bytes"})
    ended = asyncup("demo", given, "--keep", "--data-dir", tmp_path / "demo")
    (pid,) = re.findall(r"^ +kill (\d+) ", ended.err, re.MULTILINE)
    printed = re.findall(r"^ +((?:unset|export|asyncup) .+)$", ended.err, re.MULTILINE)
    script = "\n".join(printed).replace("put FILE", f"put {given / 'a'}")
    env = {
        **os.environ,
        **bucket.env,
        "PATH": f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_PROFILE": "not-there",
        "AWS_SESSION_TOKEN": "of-another-server",
        "AWS_ENDPOINT_URL_S3": bucket.env["AWS_ENDPOINT_URL"],
    }
    try:
        done = subprocess.run(
            ["bash", "-euc", f"{script} --overwrite=always --max-retry=1"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\t")[0] == "s3://demo/a"
    finally:
        os.kill(int(pid), signal.SIGTERM)


def test_demo_again_in_the_same_place(tmp_path: Path) -> None:
    """The objects of an earlier demo are left, and not taken for those of this one."""
    arguments = ("demo", "--size=6MiB", "--data-dir", tmp_path / "demo")
    assert asyncup(*arguments).code == 0
    ended = asyncup(*arguments)
    assert ended.code == 0, ended.err
    assert lines(ended.err, "demo: 5 objects read back")
    assert re.search(r"s3://demo/\d{8}-\d{6}/largest.bin 6 MiB.* verified by", ended.err)


def test_failed_demo_keeps_no_server(tmp_path: Path) -> None:
    """--keep is for a demo that went well; a server that nobody was told of is stopped."""
    given = tree(tmp_path / "mine", {"a": b"x"})
    (given / "dangling").symlink_to("nowhere")
    ended = asyncup("demo", given, "--keep", "--data-dir", tmp_path / "demo")
    assert ended.code == 1
    assert "export" not in ended.err
    (url,) = re.findall(r"it serves (\S+),", ended.err)
    assert "Could not connect" in _put(tmp_path, url)


def test_kept_server_leaves_nothing_behind(tmp_path: Path) -> None:
    """What is printed for the end stops the server and removes its data and its sockets."""
    given = tree(tmp_path / "mine", {"a": b"x"})
    ended = asyncup("demo", given, "--keep", env={"TMPDIR": str(tmp_path)})
    assert ended.code == 0, ended.err
    (directory,) = tmp_path.glob("asyncup-demo-*")
    (pid,) = re.findall(r"^ +kill (\d+) ", ended.err, re.MULTILINE)
    (remove,) = re.findall(r"^ +(rm -rf .+)$", ended.err, re.MULTILINE)
    server = os.pidfd_open(int(pid))
    os.kill(int(pid), signal.SIGTERM)
    select.select([server], [], [])
    os.close(server)
    subprocess.run(["bash", "-euc", remove], check=True)
    assert not directory.exists()
    # Others may run servers here, too: only those of its own ports are its own.
    ports = re.findall(r"seaweedfs-\S+-(\d+)\.sock", remove)
    assert len(ports) >= 4
    sockets = [each for port in ports for each in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")]  # noqa: S108 - its choice
    assert sockets == []


def test_demo_of_nothing(tmp_path: Path) -> None:
    """A file that is not there is told before a server is started."""
    ended = asyncup("demo", tmp_path / "nothing")
    assert ended.code == 3
    assert "no such file" in ended.err
    assert "SeaweedFS" not in ended.err
