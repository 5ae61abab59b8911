"""What stands between the command and S3 for a while: portals, tired servers, wrong certificates.

A proxy plays them on loopback, so this runs everywhere. The engine's view of single faults is in
`test_faults.py`; here the installed command meets them in the middle of a run.
"""

import random
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import make_certificate
from tests.cli.kit import Ended, asyncup, tree
from tests.network.upload import Running
from tests.proxy import Answer, Fate, Request, Script, error_answer, proxy_to
from tests.s3 import Bucket

LARGE = random.Random("interference").randbytes(11 << 20)
HURRY = (
    "--part-size=5MiB",
    *("--concurrency=2", "--stall-timeout=2s", "--retry-step=0.2s", "--retry-cap=1s"),
)
FEW = "--max-retry=2"
PAGE = "<html><body>Please log in to the network</body></html>"
PORTALS = {
    "302": Answer(302, "", ("Location: http://login.example/?next=/",)),
    "307": Answer(307, "", ("Location: http://login.example/?next=/",)),
    "200": Answer(200, PAGE, ("Content-Type: text/html",)),
    "403": Answer(403, PAGE, ("Content-Type: text/html",)),
    "511": Answer(511, PAGE, ("Content-Type: text/html",)),
}
FAULTS: dict[str, Answer | Fate] = {
    "503": error_answer("SlowDown", 503, "Retry-After: 1"),
    "429 of a proxy": Answer(429, PAGE, ("Retry-After: 1",)),
    "500": error_answer("InternalError", 500),
    "truncated": Fate.TRUNCATE,
    "corrupted": Fate.CORRUPT,
    "reset": Fate.RESET,
    "lost": Fate.LOSE_ANSWER,
    "silent": Fate.SILENCE,
    "a head that never ends": Fate.DRIP_HEAD,
    "a body that never ends": Fate.DRIP_BODY,
}


class Upload:
    """A file that the command takes to a server that is near, past what a script does."""

    def __init__(self, bucket: Bucket, directory: Path) -> None:
        tree(directory, {"large": LARGE})
        self._bucket = bucket
        self._directory = directory
        self.url = bucket.server.endpoint_url
        self.arguments = ("put", str(directory / "large"), str(bucket.place), "--json", *HURRY)

    def run(self, script: Script, *options: str) -> Ended:
        """Upload it through a proxy."""
        with proxy_to(self.url, script) as proxy:
            return asyncup(*self.arguments, *options, env=self.env(proxy.url))

    def env(self, url: str) -> dict[str, str]:
        """Return the environment that leads to a proxy."""
        return {**self._bucket.env, "AWS_ENDPOINT_URL": url}

    def start(self, url: str, *options: str) -> Running:
        """Begin to upload it through a proxy."""
        arguments = [*self.arguments, *options]
        return Running.begin(arguments, self.env(url), self._directory / "stderr")

    def check(self, ended: Ended) -> None:
        """Check that a command has ended well, and the object is the file."""
        assert ended.code == 0, ended.out[-1000:] + ended.err
        assert self._bucket.objects() == {"large": LARGE}
        assert self._bucket.pending() == []


@pytest.fixture
def upload(bucket: Bucket, tmp_path: Path) -> Upload:
    """Return a file that is ready to go."""
    return Upload(bucket, tmp_path)


def from_part(number: int, answer: Answer | Fate, times: float) -> Script:
    """Return a script for which everything meets a fate, so many times, from a part on."""
    begun, left = False, times

    def script(request: Request) -> Fate | Answer:
        nonlocal begun, left
        begun = begun or request.part_number == number
        if begun and left:
            left -= 1
            return answer
        return Fate.PASS

    return script


@pytest.mark.parametrize("early", [True, False], ids=["at once", "after the body"])
@pytest.mark.parametrize("portal", PORTALS)
def test_portal_for_a_while(upload: Upload, portal: str, *, early: bool) -> None:
    """A network that wants a log-in first is an outage: it ends, and costs no attempts."""
    answer = replace(PORTALS[portal], early=early)
    ended = upload.run(from_part(2, answer, times=6), FEW)
    upload.check(ended)
    assert ended.events("went_offline")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_goes_where_a_portal_points(upload: Upload, status: int) -> None:
    """No request, and so neither a file's bytes nor a session token, follows a redirect."""
    with proxy_to(upload.url, lambda _: Answer(200, PAGE)) as login:
        location = f"Location: {login.url}/?next=/"
        answer = Answer(status, "", (location,), early=True)
        upload.check(upload.run(from_part(2, answer, times=3)))
    assert login.requests == []


@pytest.mark.parametrize("portal", PORTALS)
def test_portal_that_stays(upload: Upload, portal: str) -> None:
    """It ends with status 75 when that was long enough, and the run can be gone on with."""
    answer = replace(PORTALS[portal], early=True)
    ended = upload.run(from_part(2, answer, times=float("inf")), FEW, "--give-up-after=2s")
    assert ended.code == 75, ended.out[-1000:] + ended.err
    upload.check(upload.run(lambda _: Fate.PASS))


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_for_a_while(upload: Upload, fault: str) -> None:
    """A server that wants to be left alone, or whose exchanges break or hang, three times."""
    upload.check(upload.run(from_part(2, FAULTS[fault], times=3)))


def test_wrong_certificate_for_a_while(upload: Upload, tmp_path: Path) -> None:
    """Somebody in between, who comes while the run goes on, is waited out."""
    right, wrong = (make_certificate(made_directory(tmp_path / name)) for name in ("a", "b"))

    def script(request: Request) -> Fate:
        # From the second part on, every connection ends, and the next one meets the other.
        if request.part_number == 2 and not gone:
            gone.append(request)
            proxy.show(wrong)
        return Fate.RESET if gone and not back.is_set() else Fate.PASS

    gone: list[Request] = []
    back = threading.Event()
    with (
        proxy_to(upload.url, script, right) as proxy,
        closing(upload.start(proxy.url, FEW, f"--ca-bundle={right.issuer}")) as running,
    ):
        offline = running.wait_for("went_offline")
        assert offline["error"]["name"] == "CertificateRejected"
        back.set()
        proxy.show(right)
        upload.check(running.finish())


def made_directory(path: Path) -> Path:
    """Make a directory."""
    path.mkdir()
    return path
