"""A diagnosis that has one of each kind of finding."""

from asyncup.core.diagnosis import (
    Area,
    CheckMade,
    DiagnosisFinished,
    DiagnosisStarted,
    LeftBehind,
    Verdict,
)
from asyncup.core.errors import AccessDenied, Fault
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI

PLACE = ObjectURI("bucket", "films/")
DENIED = AccessDenied(
    Fault(action="list s3://bucket/films/", operation="ListObjectsV2", code="AccessDenied"),
    hint="the policy has to allow s3:ListBucket",
)
POLICY = '{"Version": "2012-10-17", "Statement": []}'


def made(
    check: str,
    area: Area,
    verdict: Verdict,
    told: str,
    *,
    error: AccessDenied | None = None,
    blocked_by: str | None = None,
) -> CheckMade:
    """Return what came of a check; of an error, a hint and a policy."""
    return CheckMade(
        check=check,
        area=area,
        title=check.replace("_", " "),
        verdict=verdict,
        told=told,
        hint=error.hint if error else None,
        policy=POLICY if error else None,
        error=error,
        blocked_by=blocked_by,
    )


STARTED = DiagnosisStarted(uri=PLACE, most_bytes=16 << 20)
FAILED = made("list_objects", Area.PERMISSIONS, Verdict.FAILED, str(DENIED), error=DENIED)
LEFT = LeftBehind(uri=PLACE / "x", upload_id="id", hint="asyncup abort it", error=DENIED)
FINISHED = DiagnosisFinished(
    ok=1, lacking=1, warnings=2, failed=1, unknown=3, concurrency=4, exit_code=4
)

DIAGNOSIS: list[Event] = [
    STARTED,
    made("tls", Area.WAY, Verdict.OK, "TLSv1.3, a certificate of \x1b[2Jsome issuer"),
    FAILED,
    made("create", Area.PERMISSIONS, Verdict.UNKNOWN, "not tried: first 'x'", blocked_by="x"),
    made("complete", Area.PERMISSIONS, Verdict.UNKNOWN, "not tried: first 'x'", blocked_by="x"),
    made("trailer", Area.SERVER, Verdict.UNKNOWN, "over TLS only"),
    made("checksum", Area.SERVER, Verdict.LACKING, "not known"),
    LEFT,
    FINISHED,
]
