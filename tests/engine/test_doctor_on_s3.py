"""The doctor on a way to a real server where something is wrong: one failure, with a hint."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core.diagnosis import CheckMade, Verdict
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options, S3Config
from asyncup.embedded import EmbeddedServer
from asyncup.engine.doctor import Doctor, Subject
from tests.engine.kit import Ears
from tests.proxy import Answer, Script, error_answer, proxy_to
from tests.s3 import config_of

ID = "x-amz-request-id: 1"
PLACE = ObjectURI("test-bucket", "examined/")


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let little be written to the disk, and nobody wait."""
    monkeypatch.setattr("asyncup.edges.yardstick.WRITTEN", 4096)
    monkeypatch.setattr("asyncup.engine.doctor._PAUSE", 0.0)


def examine(
    config: S3Config, directory: Path, place: ObjectURI = PLACE
) -> tuple[int, dict[str, CheckMade]]:
    """Return the status, and what was found by each check."""
    ears = Ears()
    doctor = Doctor(
        Subject(place=place, with_rate=False),
        options=Options(split_dir=directory, stall_timeout=5),
        s3=config,
        listener=ears,
    )
    code = asyncio.run(doctor.run())
    return code, {made.check: made for made in ears.of(CheckMade)}


def the_failure(made: dict[str, CheckMade]) -> CheckMade:
    """Return the one check that failed; nothing that needs S3 is called fine."""
    (failed,) = [each for each in made.values() if each.verdict is Verdict.FAILED]
    for name in ("create", "put_object", "full_object"):
        assert made[name].verdict is Verdict.UNKNOWN
    assert made["split_dir"].verdict is Verdict.OK
    return failed


@pytest.mark.parametrize(
    ("changes", "check", "code", "hint"),
    [
        ({"secret_access_key": "wrong"}, "bucket", 4, "check the access key and the secret"),
        ({"profile": "none"}, "settings", 2, "aws configure list-profiles"),
        ({"endpoint_url": "ftp://host"}, "settings", 2, "write http://host"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "bucket", 4, "check the --endpoint-url"),
        ({"access_key_id": None, "secret_access_key": None}, "credentials", 4, "--profile"),
    ],
    ids=["secret", "profile", "scheme", "endpoint", "no keys"],
)
def test_settings_that_are_wrong(
    weed: EmbeddedServer,
    tmp_path: Path,
    changes: dict[str, str | None],
    check: str,
    code: int,
    hint: str,
) -> None:
    """Each is found by the check that it belongs to."""
    config = replace(config_of(weed), **changes)  # type: ignore[arg-type] # names of its fields
    status, made = examine(config, tmp_path)
    failed = the_failure(made)
    assert (failed.check, status) == (check, code)
    assert hint in (failed.hint or "")


def test_half_a_pair_of_keys(
    weed: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With them, S3 is not even opened: what would need that was not tried because of them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    config = replace(config_of(weed), access_key_id=None, secret_access_key=None)
    status, made = examine(config, tmp_path)
    failed = the_failure(made)
    assert (failed.check, status) == ("credentials", 4)
    assert made["tls"].blocked_by == made["clock"].blocked_by == "credentials"


def test_a_bucket_that_is_not_there(weed: EmbeddedServer, tmp_path: Path) -> None:
    """S3 has answered, so the clock is known."""
    status, made = examine(config_of(weed), tmp_path, ObjectURI("no-such-bucket"))
    assert (the_failure(made).check, status) == ("bucket", 4)
    assert "NoSuchBucket" in made["bucket"].told
    assert made["clock"].verdict is Verdict.OK


DATE = "Date: Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (error_answer("ExpiredToken", 400, ID), "get new temporary credentials"),
        (error_answer("RequestTimeTooSkewed", 403, ID, DATE), "set this machine's clock"),
        (error_answer("PermanentRedirect", 301, ID), "--region"),
        (error_answer("SecondLevelDomainForbidden", 403, ID), "--addressing-style virtual"),
        (Answer(200, "<html>log in</html>", ("Content-Type: text/html",)), "captive portal"),
    ],
    ids=["expired", "clock", "region", "path", "portal"],
)
def test_what_s3_says_at_once(
    weed: EmbeddedServer, tmp_path: Path, answer: Answer, hint: str
) -> None:
    """Credentials that have ended, a clock that is wrong, somebody else who answers."""
    script: Script = lambda _: answer  # noqa: E731 - it is one
    with proxy_to(weed.endpoint_url, script) as proxy:
        status, made = examine(config_of(weed, proxy.url), tmp_path)
    failed = the_failure(made)
    assert (failed.check, status) == ("bucket", 4)
    assert hint in (failed.hint or "")
    if answer.headers[-1] == DATE:
        assert made["clock"].verdict is Verdict.WARNING
        assert "behind S3's; requests are signed by S3's" in made["clock"].told
    assert os.listdir(tmp_path / "home") == []  # noqa: PTH208 - nothing is written elsewhere
