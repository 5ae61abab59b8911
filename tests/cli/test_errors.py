"""Bad input: a clear message, a hint, the right exit status, and nothing lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.kit import Ended, asyncup, tree
from tests.proxy import Answer, Fate, Request, error_answer, proxy_to
from tests.s3 import Bucket

LARGE = os.urandom(11 << 20)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a small file."""
    return tree(tmp_path, {"file": b"some bytes"}) / "file"


def refused(ended: Ended, code: int, message: str, hint: str = "") -> None:
    """Check how a command ended that could not do its work."""
    assert message in ended.err
    assert hint in ended.err
    assert (ended.code, ended.out) == (code, "")
    assert "Traceback" not in ended.err


def test_no_such_file(bucket: Bucket) -> None:
    """A file that is not there: status 3."""
    ended = asyncup("put", "/no/such/file", str(bucket.place), env=bucket.env)
    refused(ended, 3, "error: read /no/such/file: no such file or directory")


def test_no_such_bucket(bucket: Bucket, file: Path) -> None:
    """A bucket that is not there: status 4, and what to check."""
    ended = asyncup("put", file, "s3://no-such-bucket-here/", env=bucket.env)
    refused(ended, 4, "NoSuchBucket", "hint: check the bucket's name and the --endpoint-url")


@pytest.mark.parametrize("overwrite", ["size", "always"])
def test_wrong_access_key(bucket: Bucket, file: Path, overwrite: str) -> None:
    """An access key that the server does not know: status 4, at once, and no key is printed."""
    env = {**bucket.env, "AWS_ACCESS_KEY_ID": "AKIAWRONGWRONG"}
    ended = asyncup("put", file, str(bucket.place), "--overwrite", overwrite, env=env)
    refused(ended, 4, "InvalidAccessKeyId", "hint: check the access key and the secret")
    assert bucket.env["AWS_SECRET_ACCESS_KEY"] not in ended.err


def test_wrong_secret(bucket: Bucket, file: Path) -> None:
    """A secret that does not fit: status 4, and the secret is not printed."""
    env = {**bucket.env, "AWS_SECRET_ACCESS_KEY": "very-secret-and-wrong"}
    ended = asyncup("put", file, str(bucket.place), env=env)
    refused(ended, 4, "SignatureDoesNotMatch", "hint: check the access key and the secret")
    assert "very-secret" not in ended.err


def test_no_credentials(bucket: Bucket, file: Path) -> None:
    """No credentials anywhere: status 4, and where they are looked for."""
    env = {"AWS_ENDPOINT_URL": bucket.env["AWS_ENDPOINT_URL"]}
    ended = asyncup("put", file, str(bucket.place), env=env)
    refused(ended, 4, "Unable to locate credentials", "hint: set AWS_ACCESS_KEY_ID")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FILE"], "no destination"),
        (["FILE", "s3://"], "is not an S3 URI"),
        (["FILE", "s3://ab/"], "'ab' is not a bucket name"),
        (["FILE", "s3://bad bucket/"], "is not a bucket name"),
        (["s3://bucket/x"], "nothing to upload was named"),
        (["FILE", "s3://one/", "s3://two/"], "one S3 URI is needed"),
        (["s3://one/", "FILE"], "one S3 URI is needed"),
        (["-", "s3://bucket/prefix/"], "standard input has no name"),
        (["-", "FILE", "s3://bucket/key"], "standard input can only be uploaded alone"),
        (["FILE", "s3://bucket/", "--part-size=1MiB"], "1 MiB is not between 5 MiB and 5 GiB"),
        (["FILE", "s3://bucket/", "--part-size=6GiB"], "6 GiB is not between 5 MiB and 5 GiB"),
        (["FILE", "s3://bucket/", "--part-size=big"], "'big' is not a size"),
        (["FILE", "s3://bucket/", "--concurrency=0"], "--concurrency"),
        (["FILE", "s3://bucket/", "--min-rate=fast/s"], "'fast' is not a size"),
        (["FILE", "s3://bucket/", "--retry-step=soon"], "'soon' is not a duration"),
        (["FILE", "s3://bucket/", "--overwrite=maybe"], "--overwrite"),
        (["FILE", "s3://bucket/", "--metadata=x"], "'x' is not KEY=VALUE"),
        (["FILE", "s3://bucket/", "--metadata=a b=x"], "'a b' cannot be the name of a header"),
        (["FILE", "s3://bucket/", "--metadata=ä=x"], "'ä' cannot be the name of a header"),
        (["FILE", "s3://bucket/", "--metadata=a=ä"], "--metadata: 'ä' cannot be sent as a header"),
        (["FILE", "s3://bucket/", "--metadata=a=b\nc"], r"'b\nc' cannot be sent as a header"),
        (["FILE", "s3://bucket/", "--metadata=a=1", "--metadata=A=2"], "'a' is given twice"),
        (["FILE", "s3://bucket/", "--tag=a=1", "--tag=a=2"], "--tag: 'a' is given twice"),
        (["FILE", "s3://bucket/", "--sse=aes"], "'aes' is none of AES256, aws:kms, aws:kms:dsse"),
        (["FILE", "s3://bucket/", "--sse-kms-key-id=k"], "a KMS key needs --sse aws:kms or"),
        (["FILE", "s3://bucket/", "--sse-kms-key-id=k", "--sse=AES256"], "a KMS key needs --sse"),
        (["FILE", "s3://bucket/", "--content-type=a\nb"], "--content-type: 'a\\nb' cannot be"),
        (["FILE", "s3://bucket/", "--no-such-option"], "No such option"),
        (["FILE", "s3://bucket/", "--profile=nobody"], "no profile 'nobody'"),
        (["FILE", "s3://bucket/", "--endpoint-url=server"], "'server' is not an endpoint URL"),
        (["FILE", "s3://bucket/", "--ca-bundle=/no/such"], "read the CA bundle /no/such"),
        (["FILE", "s3://bucket/", "--config=/no/such"], "no configuration file /no/such"),
        (["s3://bucket/", "--files-from=/no/such"], "read the list /no/such"),
        (["FILE", "s3://bucket/", "--files-from=-"], "is no directory, as --files-from needs"),
        ([], "no destination"),
    ],
)
def test_bad_usage(file: Path, arguments: list[str], message: str) -> None:
    """What cannot be meant: status 2, before anything is asked of S3."""
    given = [str(file) if each == "FILE" else each for each in arguments]
    ended = asyncup("put", *given, env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    refused(ended, 2, "")
    assert message in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "message", "meant"),
    [
        ("put FILE s3://bucket/ --part-siz=5MiB", "No such option: --part-siz", "--part-size"),
        ("put FILE s3://bucket/ --no-recurse", "No such option: --no-recurse", "--no-recursive"),
        ("putt FILE s3://bucket/", "No such command 'putt'", "put"),
        ("cp FILE s3://bucket/", "No such command 'cp'", "put"),
        ("verify --dowload", "No such option: --dowload", "--download"),
        ("put FILE s3://bucket/ --overwrite=newer", "--overwrite: 'newer' is not one of", "never"),
        ("put FILE s3://bucket/ --profile=prdo", "no profile 'prdo' in the AWS con", "prod"),
        ("put FILE s3:/bucket/x", "'s3:/bucket/x' is not an S3 URI", "s3://bucket/x"),
        ("put FILE FILE S3://bucket/", "'S3://bucket/' is not an S3 URI", "s3://bucket/"),
        ("pending S3:bucket", "'S3:bucket' is not an S3 URI", "s3://bucket"),
        (
            "abort https://films.s3.eu-west-1.amazonaws.com/a/b?X-Amz-Signature=secret",
            "'https://films.s3.eu-west-1.amazonaws.com/a/b' is not an S3 URI",
            "s3://films/a/b",
        ),
    ],
)
def test_what_was_meant(file: Path, arguments: str, message: str, meant: str) -> None:
    """Whoever misspelt something reads how it is spelt, and no secret."""
    tree(file.parent, {"home/aws-config": b"[default]\n[profile prod]\nregion = eu-west-1\n"})
    given = [str(file) if each == "FILE" else each for each in arguments.split()]
    ended = asyncup(*given, env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    refused(ended, 2, f"error: {message}")
    assert ended.err.endswith(f"hint: did you mean {meant}?\n")
    assert "secret" not in ended.err


def test_an_argument_is_no_option(file: Path) -> None:
    """Its name is not what was meant by an option that is none: the help tells what there is."""
    ended = asyncup("demo", "--files", str(file))
    refused(ended, 2, "error: No such option: --files", "hint: asyncup demo --help")


def test_a_misspelt_uri_does_not_go_where_the_file_says(file: Path) -> None:
    """Where the configuration has a destination, a misspelt one is no file to send there."""
    config = tree(file.parent, {"c.toml": b'destination = "s3://bucket/"'}) / "c.toml"
    ended = asyncup("put", file, "s3:/other/", "--config", config)
    refused(ended, 2, "'s3:/other/' is not an S3 URI", "hint: did you mean s3://other/?")


def test_a_file_may_have_the_name_of_a_uri(bucket: Bucket, tmp_path: Path) -> None:
    """What is there under the name that was given is meant."""
    place = tree(tmp_path / "w", {"s3:/bucket/x": b"1"})
    config = tree(tmp_path, {"c.toml": f'destination = "{bucket.place}"'.encode()}) / "c.toml"
    ended = asyncup("put", "s3:/bucket/x", "--config", config, cwd=place, env=bucket.env)
    assert (ended.code, bucket.objects()) == (0, {"x": b"1"})


def test_what_is_missing(file: Path) -> None:
    """An argument that was left out is named."""
    refused(asyncup("abort", cwd=file.parent), 2, "error: Missing argument 's3://BUCKET/KEY'")


@pytest.mark.parametrize("overwrite", ["size", "always"])
def test_bucket_of_another_region(bucket: Bucket, file: Path, overwrite: str) -> None:
    """S3 says where the bucket is, and there the file goes."""
    redirect = error_answer("PermanentRedirect", 301, "x-amz-bucket-region: eu-west-3")

    def script(_: Request) -> Fate | Answer:
        return redirect if len(proxy.requests) == 1 else Fate.PASS

    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], script) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        ended = asyncup("put", file, str(bucket.place), "--overwrite", overwrite, env=env)
    assert (ended.code, bucket.objects()) == (0, {"file": b"some bytes"})


def test_region_that_has_to_be_named(bucket: Bucket, file: Path) -> None:
    """Where it leads nowhere to go there: status 4, and the region to name."""
    redirect = error_answer("PermanentRedirect", 301, "x-amz-bucket-region: eu-west-3")
    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], lambda _: redirect) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        ended = asyncup("put", file, str(bucket.place), env=env)
    refused(ended, 4, "PermanentRedirect", "the bucket is in another region: --region eu-west-3")


def test_split_dir_that_cannot_be(bucket: Bucket, file: Path, tmp_path: Path) -> None:
    """A split directory that cannot be made: status 3, and the other ways."""
    ended = asyncup("put", file, str(bucket.place), "--split-dir", file / "below", env=bucket.env)
    refused(ended, 3, f"keep chunk files in {file}/below: Not a directory", "--direct")
    assert tmp_path.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 16 MiB; that takes root, which CI is."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.fail("mounting a small disk takes root: run this test as root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_disk_too_small_for_the_window(bucket: Bucket, tmp_path: Path, small_disk: Path) -> None:
    """A window that does not fit is known before the start: status 3, with the space needed."""
    tree(tmp_path, {"large": os.urandom(60 << 20)})
    ended = asyncup(
        *("put", tmp_path / "large", str(bucket.place), "--split-dir", small_disk),
        *("--part-size=5MiB", "--concurrency=8"),
        env=bucket.env,
    )
    refused(ended, 3, "50 MiB needed, 16 MiB free", "hint: free some space")
    assert (bucket.pending(), list(small_disk.iterdir())) == ([], [])


def test_disk_that_fills_up(bucket: Bucket, tmp_path: Path, small_disk: Path) -> None:
    """A disk that fills up meanwhile: status 3, nothing wrong, and the next run resumes."""
    data = os.urandom(31 << 20)
    tree(tmp_path, {"large": data})
    hog = small_disk / "hog"
    arguments = (
        *("put", tmp_path / "large", str(bucket.place), "--split-dir", small_disk),
        *("--part-size=5MiB", "--concurrency=1"),
    )

    def fill(request: Request) -> Fate:
        if request.method == "POST" and not hog.exists():
            with suppress(OSError):
                hog.write_bytes(bytes(20 << 20))
        return Fate.PASS

    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], fill) as proxy:
        ended = asyncup(*arguments, env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url})
    # That the disk runs full in the middle of a write is seen to where chunk files are tested.
    refused(ended, 3, "15 MiB needed, 0 B free", "hint: free some space")
    assert list(small_disk.iterdir()) == [hog]
    hog.unlink()
    assert asyncup(*arguments, env=bucket.env).code == 0
    assert (bucket.objects(), bucket.pending()) == ({"large": data}, [])


def test_file_that_shrinks(bucket: Bucket, tmp_path: Path) -> None:
    """A file that is cut while it travels: status 3, what it has lost, and no object."""
    tree(tmp_path, {"large": LARGE})

    def shrink(request: Request) -> Fate:
        if request.part_number == 1:
            os.truncate(tmp_path / "large", 6 << 20)
        return Fate.PASS

    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], shrink) as proxy:
        ended = asyncup(
            *("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"),
            *("--direct", "--concurrency=1"),
            env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url},
        )
    refused(ended, 3, "the file changed on the way: it had 11534336 bytes and has 6291456 now")
    assert bucket.objects() == {}


def test_error_as_json(bucket: Bucket, file: Path) -> None:
    """With --json, an error that ends the run is an event, too."""
    ended = asyncup("put", file, "s3://ab/", "--json", env=bucket.env)
    event, _ = ended.events()
    assert ended.code == 2
    assert (event["type"], event["error"]["name"], event["error"]["exit_code"]) == (
        "error",
        "UsageError",
        2,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--part-size=big"], "--part-size: 'big' is not a size"),
        (["--no-such-option"], "No such option: --no-such-option"),
        (["--config=bad.toml"], "bad.toml: line 1: unknown key 'x'"),
    ],
)
@pytest.mark.parametrize("asked_by", ["flag", "environment"])
def test_usage_error_as_json(file: Path, arguments: list[str], message: str, asked_by: str) -> None:
    """Also a command line or a configuration that cannot be read is told as an event."""
    tree(file.parent, {"bad.toml": b"x = 1"})
    flag, env = (["--json"], {}) if asked_by == "flag" else ([], {"ASYNCUP_JSON": "1"})
    ended = asyncup("put", "file", "s3://bucket/", *arguments, *flag, cwd=file.parent, env=env)
    (event,) = ended.events("error")
    assert (ended.code, event["error"]["name"], event["error"]["exit_code"]) == (2, "UsageError", 2)
    assert event["error"]["message"].startswith(message)
    assert ended.err.startswith(f"error: {message}")


def test_debug_shows_where(bucket: Bucket, file: Path) -> None:
    """--debug adds the traceback."""
    ended = asyncup("put", file, "s3://ab/", "--debug", env=bucket.env)
    assert ended.code == 2
    assert "Traceback" in ended.err


@pytest.mark.parametrize("mode", ["--plain", "--json"])
def test_debug_shows_where_a_file_failed(bucket: Bucket, file: Path, mode: str) -> None:
    """--debug adds the traceback of an error that one file ended in, too."""
    given = ("put", file, "s3://no-such-bucket-here/", "--overwrite=always", mode)
    ended = asyncup(*given, "--debug", env=bucket.env)
    assert ended.code == 4
    assert "Traceback" in ended.err
    assert "asyncup.core.errors.BucketMissing: " in ended.err
    assert "Traceback" not in asyncup(*given, env=bucket.env).err


def test_https_to_a_port_without_it(bucket: Bucket, file: Path) -> None:
    """A server that speaks no TLS is told at once, with what is wrong about the URL."""
    url = bucket.env["AWS_ENDPOINT_URL"].replace("http:", "https:")
    ended = asyncup("put", file, str(bucket.place), "--endpoint-url", url, env=bucket.env)
    refused(ended, 2, "the server does not speak TLS at this port", "hint: write http:// instead")
    assert "attempt" not in ended.err


def test_half_of_the_credentials(bucket: Bucket, file: Path) -> None:
    """Half a pair of keys: status 4, as without any."""
    env = {**bucket.env, "AWS_SECRET_ACCESS_KEY": ""}
    ended = asyncup("put", file, str(bucket.place), env=env)
    refused(ended, 4, "find credentials: Partial credentials found in env", "hint: check the")


@pytest.mark.parametrize("url", ["ftp://u:hunter2@h", "u:hunter2@host", "http://u:hunter2@h:9000"])
@pytest.mark.parametrize("option", ["--endpoint-url", "AWS_ENDPOINT_URL", "ASYNCUP_ENDPOINT_URL"])
def test_passwords_in_urls_are_not_shown(bucket: Bucket, file: Path, url: str, option: str) -> None:
    """A URL with a password in it is refused before it is used, and shown without it."""
    flags, env = ([option, url], {}) if option.startswith("-") else ([], {option: url})
    ended = asyncup("put", file, str(bucket.place), *flags, env={**bucket.env, **env})
    refused(ended, 2, "")
    assert "hunter2" not in ended.err


def test_gives_up_on_a_dead_server(file: Path) -> None:
    """A server that is not there: what is tried is told, then status 4, and that it can resume."""
    with proxy_to("http://127.0.0.1:1") as proxy:
        url = proxy.url
    ended = asyncup(
        *("put", file, "s3://bucket/", "--max-retry=3", "--retry-step=0", "--endpoint-url", url),
        env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
    )
    hint = "hint: check the network, --endpoint-url and --region; then run the same command again"
    refused(ended, 4, "gave up after 3 attempts", hint)
    assert ended.err.count("warning: attempt") == 1
    assert ended.err.count("warning: offline, next try in") == 2


def test_completing_takes_too_long(bucket: Bucket, tmp_path: Path) -> None:
    """The user says how long S3 may take to put an object together; the parts stay at S3."""
    tree(tmp_path, {"large": LARGE})

    def silent(request: Request) -> Fate:
        return Fate.SILENCE if request.is_complete else Fate.PASS

    arguments: list[str | Path] = ["put", tmp_path / "large", str(bucket.place), "--part-size=5MiB"]
    impatient = ["--complete-timeout=1s", "--max-retry=1"]
    with proxy_to(bucket.env["AWS_ENDPOINT_URL"], silent) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        ended = asyncup(*arguments, *impatient, env=env)
    refused(ended, 4, "no answer within 1 s")
    assert asyncup(*arguments, env=bucket.env).code == 0
    assert bucket.objects() == {"large": LARGE}
