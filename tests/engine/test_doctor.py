"""The doctor: what it finds, in which order, and that nothing of it is left behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asyncup.core.bucket import LifecycleRule
from asyncup.core.capabilities import Capabilities
from asyncup.core.diagnosis import (
    CHECKS,
    RATE_SLOTS,
    CheckMade,
    DiagnosisFinished,
    DiagnosisStarted,
    LeftBehind,
    RateMeasured,
    Verdict,
    most_bytes,
)
from asyncup.core.errors import (
    AccessDenied,
    CertificateRejected,
    ConnectionLost,
    CredentialsMissing,
    Fault,
    Interrupted,
    Throttled,
)
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectURI
from asyncup.core.options import Options, S3Config
from asyncup.edges.hints import Hints
from asyncup.engine.doctor import Doctor, Subject
from tests.engine.kit import Ears, no_task_is_left
from tests.fakes3 import Request
from tests.inspected import CREDENTIALS, TLS, InspectedFake
from tests.loop import run

PLACE = ObjectURI("test-bucket", "films/")
PROBE = "films/asyncup-doctor-"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trials send little: what is small is the same."""
    monkeypatch.setattr("asyncup.engine.trial.TRIAL_PART", 4096)
    monkeypatch.setattr("asyncup.engine.doctor.TRIAL_PART", 4096)
    monkeypatch.setattr("asyncup.edges.yardstick.WRITTEN", 4096)


@pytest.fixture
def s3() -> InspectedFake:
    """Return a server that can do everything."""
    return InspectedFake()


class Examined:
    """A doctor on its way, and what it tells."""

    def __init__(self, s3: InspectedFake, directory: Path, subject: Subject | None = None) -> None:
        self.ears = Ears()
        self.options = Options(split_dir=directory / "chunks", state_dir=directory / "state")
        self.doctor = Doctor(
            subject or Subject(place=PLACE, with_rate=False),
            options=self.options,
            s3=S3Config(),
            listener=self.ears,
            gateway=s3,
            now=lambda: NOW,
        )
        self.s3 = s3
        self.code: int | None = None

    def run(self) -> "Examined":
        """Let it come to its end."""

        async def main() -> int:
            code = await self.doctor.run()
            assert no_task_is_left()
            return code

        self.code = run(main())
        return self

    def made(self, check: str) -> CheckMade:
        """Return what was found by a check."""
        (made,) = [each for each in self.ears.of(CheckMade) if each.check == check]
        return made

    def is_clean(self) -> bool:
        """Whether there is nothing at S3."""
        return not (self.s3.uploads or self.s3.objects)


def test_a_server_that_can_do_everything(s3: InspectedFake, tmp_path: Path) -> None:
    """Every check is made, in order, and fine; it was told first what is sent; all is gone."""
    keys: set[str] = set()

    def watch(_: Request) -> None:
        keys.update(s3.objects, (each.upload.uri.key for each in s3.uploads.values()))

    s3.watch = watch
    examined = Examined(s3, tmp_path).run()
    asked = [check.name for check in CHECKS if check.name not in {"rate", "source"}]
    made = examined.ears.of(CheckMade)
    assert [each.check for each in made] == asked
    assert [(each.check, each.told) for each in made if each.verdict is not Verdict.OK] == []
    started, finished = examined.ears.heard[0], examined.ears.heard[-1]
    assert started == DiagnosisStarted(uri=PLACE, most_bytes=most_bytes(with_rate=False))
    assert isinstance(finished, DiagnosisFinished)
    assert (finished.ok, finished.exit_code, examined.code) == (len(asked), 0, 0)
    assert examined.is_clean()
    assert {each[: len(PROBE)] for each in keys} == {PROBE}


def test_a_key_stands_for_what_is_below_it(s3: InspectedFake, tmp_path: Path) -> None:
    """Nothing is written beside it."""
    subject = Subject(place=ObjectURI("test-bucket", "films"), with_rate=False)
    examined = Examined(s3, tmp_path, subject).run()
    (started,) = examined.ears.of(DiagnosisStarted)
    assert started.uri == PLACE


def requests_of(s3: InspectedFake, directory: Path) -> int:
    """Return how many requests there are in all."""
    Examined(s3, directory).run()
    return len(s3.requests)


def test_nothing_is_left_wherever_it_is_stopped(tmp_path: Path) -> None:
    """Ctrl-C at any request: it ends soon, and everything that was made is removed."""
    total = requests_of(InspectedFake(), tmp_path)
    assert total > 30
    for number in range(1, total + 1):
        s3 = InspectedFake()
        examined = Examined(s3, tmp_path)

        def stop(
            _: Request, s3: InspectedFake = s3, at: int = number, it: Examined = examined
        ) -> None:
            if len(s3.requests) == at:
                it.doctor.stop()

        s3.watch = stop
        try:
            examined.run()
        except Interrupted:
            assert examined.doctor.may_be_left is None
        assert examined.is_clean(), f"stopped at request {number}"
        assert examined.ears.of(LeftBehind) == []


@pytest.mark.parametrize("after", [False, True], ids=["request", "answer"])
def test_nothing_is_left_whatever_is_lost(tmp_path: Path, *, after: bool) -> None:
    """Any one request, or its answer, may be lost: it goes again, and nothing stays."""
    verbs = {
        *("create_multipart_upload", "upload_part", "complete_multipart_upload", "list_parts"),
        *("put_object", "head_object", "list_multipart_uploads", "list_objects"),
        *("abort_multipart_upload", "delete_object", "lifecycle_rules"),
    }
    for verb in verbs:
        s3 = InspectedFake()
        s3.fail(verb, after=after)
        examined = Examined(s3, tmp_path).run()
        assert (verb, examined.code, examined.is_clean()) == (verb, 0, True)


def test_an_upload_whose_answers_are_all_lost_is_removed(s3: InspectedFake, tmp_path: Path) -> None:
    """What nobody knows the ID of is found by its key."""
    s3.fail("create_multipart_upload", after=True, times=99)
    examined = Examined(s3, tmp_path).run()
    assert examined.made("create").verdict is Verdict.FAILED
    assert s3.count("create_multipart_upload") == 3
    assert (examined.code, examined.is_clean()) == (4, True)


def test_an_s3_that_goes_away(s3: InspectedFake, tmp_path: Path) -> None:
    """What may be left then is told, and nobody waits for each of its parts by itself."""
    gone = ConnectionLost(Fault(action="connect"))
    asked: list[str] = []

    def leave(_: int, event: object) -> None:
        if isinstance(event, CheckMade) and event.check == "part_numbers":
            s3.watch = refuse

    def refuse(request: Request) -> None:
        asked.append(request.verb)
        raise gone

    examined = Examined(s3, tmp_path)
    examined.ears.act = leave
    examined.run()
    left = examined.ears.of(LeftBehind)
    assert len(s3.uploads) == 2
    assert {each.upload_id for each in left} == {*s3.uploads, None}
    assert {each.error for each in left} == {gone}
    assert asked[-4:] == ["put_object", *3 * ["list_multipart_uploads"]]


def test_what_cannot_be_removed_is_told(s3: InspectedFake, tmp_path: Path) -> None:
    """With the command that does; an upload would work all the same."""
    denied = AccessDenied(Fault(action="delete", operation="DeleteObject", code="AccessDenied"))
    s3.fail("delete_object", denied, times=99)
    s3.fail("abort_multipart_upload", denied, times=99)
    examined = Examined(s3, tmp_path).run()
    assert examined.code == 0
    for check in ("abort", "delete_object"):
        assert examined.made(check).verdict is Verdict.WARNING
        assert examined.made(check).policy is not None
    left = examined.ears.of(LeftBehind)
    assert {each.upload_id for each in left} == {*s3.uploads, None}
    (key,) = s3.objects
    assert f"aws s3 rm s3://test-bucket/{key}" in {each.hint for each in left}
    assert len(s3.objects[key].data) == 1024  # of several, the last one is the smallest
    for upload_id in s3.uploads:
        assert any(f"--yes --upload-id {upload_id}" in each.hint for each in left)


DENIED = {
    "list_objects": ("list_objects", "ListObjectsV2", "s3:ListBucket"),
    "list_multipart_uploads": (
        "list_uploads",
        "ListMultipartUploads",
        "s3:ListBucketMultipartUploads",
    ),
    "create_multipart_upload": ("create", "CreateMultipartUpload", "s3:PutObject"),
    "upload_part": ("upload_part", "UploadPart", "s3:PutObject"),
    "list_parts": ("list_parts", "ListParts", "s3:ListMultipartUploadParts"),
    "complete_multipart_upload": ("complete", "CompleteMultipartUpload", "s3:PutObject"),
    "head_object": ("head_object", "HeadObject", "s3:GetObject"),
    "put_object": ("put_object", "PutObject", "s3:PutObject"),
}


@pytest.mark.parametrize("verb", DENIED)
def test_each_permission_is_missed_by_itself(s3: InspectedFake, tmp_path: Path, verb: str) -> None:
    """What is denied fails, with the policy that allows it; what needs it was not tried."""
    check, operation, action = DENIED[verb]
    denied = AccessDenied(Fault(action="ask", operation=operation, code="AccessDenied"))
    s3.fail(verb, denied, times=999)
    examined = Examined(s3, tmp_path).run()
    made = examined.made(check)
    assert made.verdict is Verdict.FAILED
    assert f'"{action}"' in (made.policy or "")
    assert examined.code == 4
    failed = [each for each in examined.ears.of(CheckMade) if each.verdict is Verdict.FAILED]
    assert failed == [made]
    needs = {each.name for each in CHECKS if check in each.needs}
    for name in needs - {"rate"}:
        assert examined.made(name).verdict is Verdict.UNKNOWN
        assert examined.made(name).blocked_by == check
    assert (examined.is_clean(), examined.ears.of(LeftBehind)) == (True, [])


@pytest.mark.parametrize(
    ("message", "hint", "action"),
    [
        ("not authorized to perform: kms:GenerateDataKey on resource: arn:k", None, "kms:Decrypt"),
        (
            "not authorized to perform: s3:PutObject on resource: arn:b with an explicit deny",
            "denies s3:PutObject explicitly",
            None,
        ),
    ],
)
def test_what_aws_says_of_a_denial_counts(
    s3: InspectedFake, tmp_path: Path, message: str, hint: str | None, action: str | None
) -> None:
    """The key that may not be used is what has to be allowed; against a Deny, no Allow helps."""
    fault = Fault(action="create", operation="CreateMultipartUpload", message=message)
    s3.fail("create_multipart_upload", AccessDenied(fault), times=99)
    made = Examined(s3, tmp_path).run().made("create")
    assert (action or "") in (made.policy or "")
    assert (made.policy is None) is (action is None)
    assert (hint or "") in (made.hint or "")


def test_what_is_denied_says_nothing_of_the_server(s3: InspectedFake, tmp_path: Path) -> None:
    """Whether it can do something is not known where it may not be tried."""
    denied = AccessDenied(Fault(action="ask", operation="UploadPart", code="AccessDenied"))
    s3.fail("upload_part", denied, number=10_000)
    made = Examined(s3, tmp_path).run().made("part_numbers")
    assert made.verdict is Verdict.UNKNOWN
    assert '"s3:PutObject"' in (made.policy or "")


Setting = Callable[[InspectedFake], None]


def has(**changes: object) -> Setting:
    """Return what changes a fake."""

    def change(s3: InspectedFake) -> None:
        for name, value in changes.items():
            assert hasattr(s3, name)
            setattr(s3, name, value)

    return change


LOST = ConnectionLost(Fault(action="connect"))
UNTRUSTED = CertificateRejected(Fault(action="connect"), hint="--ca-bundle")


@pytest.mark.parametrize(
    ("change", "check", "verdict", "told"),
    [
        (has(algorithms=()), "checksum", Verdict.LACKING, "refuses to hear of it"),
        (has(algorithms=(ChecksumAlgorithm.SHA1,)), "checksum", Verdict.LACKING, "not know it"),
        (has(algorithms=()), "full_object", Verdict.LACKING, "by their ETags"),
        (has(checks_bytes=False), "checks", Verdict.WARNING, "is taken that does not fit"),
        (has(lists_checksums=False), "listed_checksums", Verdict.LACKING, "by its journal"),
        (has(checks_size=False), "object_size", Verdict.LACKING, "not compared"),
        (has(checks_conditions=False), "if_none_match", Verdict.WARNING, "not heeded"),
        (has(most_parts=1000), "part_numbers", Verdict.WARNING, "not taken"),
        (has(is_even=True), "uneven_parts", Verdict.LACKING, "of one size"),
        (has(waits_for_continue=False), "continue", Verdict.LACKING, "without asking"),
        (has(takes_trailers=False), "trailer", Verdict.LACKING, "asyncup sends none"),
        (has(endpoint="http://s3.example"), "trailer", Verdict.UNKNOWN, "over TLS only"),
        (has(algorithms=(), opaque_etags=True), "head_object", Verdict.WARNING, "the size"),
        (has(rules=[]), "lifecycle", Verdict.WARNING, "cost money"),
        (has(rules=[LifecycleRule("", 3)]), "lifecycle", Verdict.WARNING, "in 3 days"),
        (has(ahead=timedelta(minutes=-2)), "clock", Verdict.WARNING, "2m 00s ahead of S3's"),
        (has(ahead=timedelta(hours=1)), "clock", Verdict.WARNING, "1h 00m behind S3's; requests"),
        (has(ahead=None), "clock", Verdict.UNKNOWN, "not told the time"),
        (has(bucket_region="us-east-2"), "region", Verdict.WARNING, "is in us-east-2"),
        (has(bucket_region=None), "region", Verdict.UNKNOWN, "does not tell"),
        (has(proxy_seen="http://***@proxy"), "proxy", Verdict.OK, "through http://***@proxy"),
        (has(proxy_seen="http://proxy"), "tls", Verdict.UNKNOWN, "first request shows"),
        (has(tls_seen=None), "tls", Verdict.WARNING, "can be read and changed"),
        (has(tls_seen=None, endpoint="http://[::1]:1"), "tls", Verdict.OK, "this machine"),
        (has(), "tls", Verdict.OK, "to test-bucket.s3.example, a certificate of Some Issuer until"),
        (has(tls_seen=replace(TLS, expires=None)), "tls", Verdict.WARNING, "not checked"),
        (
            has(tls_seen=replace(TLS, expires=NOW + timedelta(days=3))),
            *("tls", Verdict.WARNING, "until 2026-11-30"),
        ),
        (has(tls_seen=UNTRUSTED), "tls", Verdict.FAILED, "connect"),
        (
            has(credentials_seen=replace(CREDENTIALS, expires=NOW + timedelta(hours=2))),
            *("credentials", Verdict.OK, "until 2026-11-27 14:00 UTC (in 2h 00m)"),
        ),
        (
            has(credentials_seen=replace(CREDENTIALS, expires=NOW - timedelta(hours=2))),
            *("credentials", Verdict.WARNING, "have ended at 2026-11-27 10:00 UTC"),
        ),
    ],
)
def test_what_is_otherwise_is_told(
    s3: InspectedFake,
    tmp_path: Path,
    change: Setting,
    check: str,
    verdict: Verdict,
    told: str,
) -> None:
    """Of each thing that can be another way: what is, and whether an upload would work with it."""
    change(s3)
    examined = Examined(s3, tmp_path).run()
    made = examined.made(check)
    assert (made.verdict, told in made.told) == (verdict, True), made.told
    assert (examined.code == 0) is (verdict is not Verdict.FAILED)
    assert examined.is_clean()


@pytest.mark.parametrize(
    ("change", "check", "also"),
    [
        (has(credentials_seen=CredentialsMissing(Fault(action="find"))), "credentials", "tls"),
        (has(tls_seen=LOST), "tls", "credentials"),
        (has(bucket="another"), "bucket", "clock"),
    ],
)
def test_without_a_way_nothing_is_tried(
    s3: InspectedFake, tmp_path: Path, change: Setting, check: str, also: str
) -> None:
    """Nothing that needs S3 is called fine, or failed; what does not need it is looked at."""
    change(s3)
    examined = Examined(s3, tmp_path).run()
    assert examined.code == 4
    assert examined.made(check).verdict is Verdict.FAILED
    assert examined.made(also).verdict is Verdict.OK
    assert examined.made("split_dir").verdict is Verdict.OK
    for name in ("create", "put_object", "full_object", "trailer"):
        assert examined.made(name).verdict is Verdict.UNKNOWN
        assert examined.made(name).blocked_by == check
    assert s3.count("create_multipart_upload") == 0


def test_a_rule_is_added_to_others(s3: InspectedFake, tmp_path: Path) -> None:
    """Where there are rules, no command is told that would replace them."""
    s3.rules = []
    alone = Examined(s3, tmp_path).run().made("lifecycle").hint or ""
    s3.rules = [LifecycleRule("other/", 3)]
    beside = Examined(s3, tmp_path).run().made("lifecycle").hint or ""
    assert "put-bucket-lifecycle-configuration" in alone
    assert "put-bucket-lifecycle-configuration" not in beside
    assert "AbortIncompleteMultipartUpload" in beside


def test_the_rate_is_measured(s3: InspectedFake, tmp_path: Path) -> None:
    """With few and with many parts in flight, for seconds; what is on its way is dropped."""
    s3.pace = lambda request: 3.0 if request.size == 4096 and s3.count("put_object") > 1 else 0.0
    examined = Examined(s3, tmp_path, Subject(place=PLACE)).run()
    rates = examined.ears.of(RateMeasured)
    assert [each.concurrency for each in rates] == list(RATE_SLOTS)
    assert rates[0].rate < rates[1].rate < rates[2].rate
    assert "--concurrency 16 brings" in examined.made("rate").told
    assert examined.ears.of(DiagnosisFinished)[0].concurrency == 16
    assert examined.is_clean()


def test_a_rate_that_breaks_off(s3: InspectedFake, tmp_path: Path) -> None:
    """What was measured before counts, and what ended it is told."""
    s3.pace = lambda request: 3.0 if request.size == 4096 and s3.count("put_object") > 1 else 0.0
    slow = Throttled(Fault(action="upload", code="SlowDown"))

    def listen(_: int, event: object) -> None:
        if isinstance(event, RateMeasured) and event.concurrency == 4:
            s3.fail("upload_part", slow)

    examined = Examined(s3, tmp_path, Subject(place=PLACE))
    examined.ears.act = listen
    made = examined.run().made("rate")
    assert (made.verdict, "SlowDown" in made.told) == (Verdict.WARNING, True)
    assert "--concurrency 4 brings" in made.told


def test_the_sources_are_read(s3: InspectedFake, tmp_path: Path) -> None:
    """Where there is something to read; where not, that fails, with the status of a source."""
    (tmp_path / "there").write_bytes(b"x" * 5000)
    there = Subject(place=PLACE, with_rate=False, sources=(tmp_path / "there",))
    gone = replace(there, sources=(tmp_path / "gone",))
    assert Examined(s3, tmp_path, there).run().made("source").verdict is Verdict.OK
    examined = Examined(s3, tmp_path, gone).run()
    assert (examined.made("source").verdict, examined.code) == (Verdict.FAILED, 3)


def test_what_was_seen_is_remembered(s3: InspectedFake, tmp_path: Path) -> None:
    """Of the server and the bucket, in the state directory; nothing where nothing was seen."""
    s3.algorithms = ()
    state = Examined(s3, tmp_path).run().options.state_dir
    hints = Hints(state, s3.endpoint)
    seen = Capabilities(takes_checksums=False, answers_continue=True)
    assert hints.of("test-bucket") == seen
    other = InspectedFake()
    other.endpoint = "https://other.example"
    other.bucket = "another"
    Examined(other, tmp_path).run()
    assert Hints(state, other.endpoint).of("test-bucket") == Capabilities()


def test_attributes_are_those_of_an_upload(s3: InspectedFake, tmp_path: Path) -> None:
    """Encryption and the like are tried as an upload would ask for them."""
    wanted = ObjectAttributes(sse="aws:kms", sse_kms_key_id="key")
    seen: list[ObjectAttributes] = []

    def watch(_: Request) -> None:
        seen.extend(each.attributes for each in s3.uploads.values())

    s3.watch = watch
    subject = Subject(place=PLACE, with_rate=False, attributes=wanted)
    assert Examined(s3, tmp_path, subject).run().code == 0
    assert set(map(repr, seen)) == {repr(wanted)}
