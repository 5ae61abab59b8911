"""What is remembered of a server spares requests, and changes nothing about what is proven."""

from asyncio import run as run_really
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core.capabilities import Capabilities
from asyncup.core.errors import ChecksumUnsupported
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.options import ChecksumPolicy, Options, S3Config
from asyncup.edges.channel import start_process
from asyncup.edges.hints import Hints
from asyncup.edges.s3 import S3
from asyncup.engine.means import open_means
from tests.engine.kit import OPTIONS, URI, jobs, make_file, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

REFUSES = Capabilities(takes_checksums=False)
SILENT = Capabilities(answers_continue=False)


def hinted(state_dir: Path, known: Capabilities, bucket: str = URI.bucket) -> Options:
    """Let it be remembered that a bucket of the fake is so, and return the options for that."""
    hints = Hints(state_dir, FakeS3().endpoint)
    hints.learn(bucket, known)
    assert hints.keep()
    return replace(OPTIONS, state_dir=state_dir)


def put(s3: FakeS3, directory: Path, options: Options) -> UploadResult:
    """Upload a file of many parts."""
    file = make_file(directory, 1050)

    async def main() -> UploadResult:
        async with uploader(s3, directory, options=options) as up:
            return await up.put(file, URI)

    result = run(main())
    assert s3.objects[URI.key].data == file.read_bytes()
    return result


def test_a_server_that_refuses_is_not_asked_again(tmp_path: Path) -> None:
    """One request less, and the same proof."""
    s3 = FakeS3(algorithms=())
    asked = put(s3, tmp_path, OPTIONS)
    assert s3.count("create_multipart_upload") == 2
    s3 = FakeS3(algorithms=())
    result = put(s3, tmp_path, hinted(tmp_path / "state", REFUSES))
    assert s3.count("create_multipart_upload") == 1
    assert result.proof is asked.proof is Proof.ETAG


def test_a_run_learns_by_itself(tmp_path: Path) -> None:
    """Of a batch, the first file finds out for all."""
    s3 = FakeS3(algorithms=())
    files = [(make_file(tmp_path, 1050, str(n)), ObjectURI(URI.bucket, str(n))) for n in range(3)]

    async def main() -> None:
        options = replace(OPTIONS, concurrency=1, read_ahead=0)
        async with uploader(s3, tmp_path, options=options) as up:
            assert (await up.put_all(jobs(files))).done == 3

    run(main())
    assert s3.count("create_multipart_upload") == 4


@pytest.mark.parametrize(
    ("known", "bucket"),
    [(REFUSES, "another-bucket"), (Capabilities(takes_checksums=True), URI.bucket)],
)
def test_other_hints_change_nothing(tmp_path: Path, known: Capabilities, bucket: str) -> None:
    """Of another bucket, or that it takes them: what the server answers now counts."""
    for algorithms in ((), FakeS3().algorithms):
        s3 = FakeS3(algorithms=algorithms)
        options = hinted(tmp_path / "state", known, bucket)
        result = put(s3, tmp_path, options)
        assert result.proof is (Proof.CRC64NVME if algorithms else Proof.ETAG)


def test_a_hint_that_is_wrong_does_no_harm(tmp_path: Path) -> None:
    """A server that has learned meanwhile gets the same bytes, shown to be there by their MD5s."""
    result = put(FakeS3(), tmp_path, hinted(tmp_path / "state", REFUSES))
    assert result.proof is Proof.ETAG


def test_who_names_a_checksum_is_not_hinted(tmp_path: Path) -> None:
    """It is asked for, and that it is not taken is an error, whatever was seen before."""
    options = hinted(tmp_path / "state", REFUSES)
    named = replace(options, checksum=ChecksumPolicy.CRC64NVME)
    assert put(FakeS3(), tmp_path, named).proof is Proof.CRC64NVME
    with pytest.raises(ChecksumUnsupported):
        put(FakeS3(algorithms=()), tmp_path, named)


@pytest.mark.parametrize("known", [SILENT, REFUSES], ids=["silent", "not looked at"])
def test_who_does_not_answer_is_not_waited_for(tmp_path: Path, known: Capabilities) -> None:
    """Neither this process nor its workers ask a server that was silent about it."""
    endpoint = "http://127.0.0.1:1"
    hints = Hints(tmp_path, endpoint)
    hints.learn("bucket", known)
    assert hints.keep()
    config = S3Config(
        endpoint_url=endpoint,
        region="us-east-1",
        access_key_id="AKID",
        secret_access_key="none",  # noqa: S106 - it opens nothing
    )

    async def main() -> None:
        async with AsyncExitStack() as stack:
            means = await open_means(
                stack,
                Options(state_dir=tmp_path, processes=0),
                print,
                s3=config,
                gateway=None,
                start_worker=start_process,
            )
            assert means.crew is not None
            told = {each._opening.asks_first for each in means.crew._workers}
            assert isinstance(means.gateway, S3)
            asks = means.gateway._requests.waits_for_continue
            assert told | {asks} == {known is not SILENT}

    run_really(main())
