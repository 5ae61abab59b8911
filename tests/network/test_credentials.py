"""Keys that run out in the middle of a run of the installed command."""

import json
from pathlib import Path
from typing import Any

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB
from asyncup.embedded import EmbeddedServer
from tests.cli.kit import finish, start
from tests.proxy import Answer, Fate, Request, error_answer, proxy_to
from tests.s3 import Bucket

DATA = bytes(range(256)) * (4 * 5 * MIB // 256)


class Keys:
    """Keys that a process of the user's gives, and that S3 refuses while they are `expired`."""

    def __init__(self, directory: Path, server: EmbeddedServer) -> None:
        self.expired = False
        self._parts = 0
        self._asked = directory / "asked"
        keys = directory / "keys.json"
        told = {"AccessKeyId": server.access_key, "SecretAccessKey": server.secret_key}
        keys.write_text(json.dumps({"Version": 1, **told}))
        process = directory / "process"
        process.write_text(f"#!/bin/sh\necho asked >> {self._asked}\ncat {keys}\n")
        process.chmod(0o700)
        self.config = directory / "config"
        self.config.write_text(f"[default]\nregion = us-east-1\ncredential_process = {process}\n")

    @property
    def asked(self) -> int:
        """How often the process was run."""
        return len(self._asked.read_text().splitlines())

    def script(self, request: Request) -> Fate | Answer:
        """Let keys run out with the third part that comes, whichever that is."""
        if request.part_number is not None:
            self._parts += 1
            self.expired = self.expired or self._parts == 3
        return error_answer("ExpiredToken", 400) if self.expired else Fate.PASS


@pytest.fixture
def bucket(weed: EmbeddedServer, prefix: ObjectURI) -> Bucket:
    """Return a place of this test's own."""
    return Bucket(weed, prefix)


def test_a_run_waits_for_new_keys(weed: EmbeddedServer, bucket: Bucket, tmp_path: Path) -> None:
    """It says what it waits for, reads them where they came from, goes on, and loses no part."""
    keys, file = Keys(tmp_path, weed), tmp_path / "file"
    file.write_bytes(DATA)
    asked_before = 0
    seen: list[dict[str, Any]] = []
    with proxy_to(weed.endpoint_url, keys.script) as proxy:
        process = start(
            *("put", file, str(bucket.place), "--json", "--part-size=5MiB", "--concurrency=1"),
            env={"AWS_CONFIG_FILE": str(keys.config), "AWS_ENDPOINT_URL": proxy.url},
        )
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(json.loads(line))
            if seen[-1]["type"] == "went_offline":
                asked_before = asked_before or keys.asked
                # The second probe, too, had asked for new ones, and got the same.
                if seen[-1]["probes"] == 2:
                    keys.expired = False
        ended = finish(process)
    assert ended.code == 0, seen[-5:]
    assert bucket.objects() == {"file": DATA}
    offline = [event for event in seen if event["type"] == "went_offline"]
    assert {event["error"]["name"] for event in offline} == {"CredentialsExpired"}
    assert "aws sso login" in offline[0]["error"]["hint"]
    assert keys.asked > asked_before > 1
    assert sorted(proxy.parts()) == [1, 2, 3, 4]


def test_keys_that_were_never_good(weed: EmbeddedServer, bucket: Bucket, tmp_path: Path) -> None:
    """Nobody waits for those: the run ends at once, and says what to do."""
    keys, file = Keys(tmp_path, weed), tmp_path / "file"
    file.write_bytes(DATA)
    keys.expired = True
    with proxy_to(weed.endpoint_url, keys.script) as proxy:
        ended = finish(
            start(
                *("put", file, str(bucket.place)),
                env={"AWS_CONFIG_FILE": str(keys.config), "AWS_ENDPOINT_URL": proxy.url},
            )
        )
    assert ended.code == 4
    assert "ExpiredToken" in ended.err
    assert "hint: get new temporary credentials (for SSO: aws sso login)" in ended.err
