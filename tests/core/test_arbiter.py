"""What became of a request to complete: every combination of what S3 may say."""

from dataclasses import replace

import pytest

from asyncup.core.arbiter import Outcome, arbitrate
from asyncup.core.checksums import RunningChecksums, composite_md5_etag
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectHead,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)


def checksums_of(data: bytes) -> Checksums:
    running = RunningChecksums([ChecksumAlgorithm.MD5])
    running.update(data)
    return running.result()


PARTS = [checksums_of(b"one"), checksums_of(b"two")]
RECEIPTS = [Receipt(Part(n, 0, 3), f"opaque-{n}", each) for n, each in enumerate(PARTS, 1)]
WITH_MD5S = [replace(each, etag=each.checksums[ChecksumAlgorithm.MD5].hex()) for each in RECEIPTS]
UPLOAD = Upload(ObjectURI("bucket", "key"), "id")
WITH_CRC = replace(UPLOAD, algorithm=ChecksumAlgorithm.CRC64NVME, whole=True)
WHOLE = checksums_of(b"onetwo")[ChecksumAlgorithm.CRC64NVME]
CRC = {ChecksumAlgorithm.CRC64NVME: WHOLE}
WRONG = {ChecksumAlgorithm.CRC64NVME: bytes(8)}
OURS = ObjectHead(6, "opaque", checksums=CRC)
BY_ETAG = ObjectHead(6, composite_md5_etag(PARTS) or "")
BY_SIZE = ObjectHead(6, "opaque")


@pytest.mark.parametrize(
    ("head", "replaces", "outcome"),
    [
        pytest.param(None, "", Outcome.START_OVER, id="nothing"),
        pytest.param(OURS, "", Outcome.DONE, id="by-checksum"),
        pytest.param(OURS, "opaque", Outcome.DONE, id="by-checksum-though-it-was-there-before"),
        pytest.param(BY_ETAG, "", Outcome.DONE, id="by-etag"),
        pytest.param(replace(OURS, checksums=WRONG), "", Outcome.START_OVER, id="another-content"),
        pytest.param(replace(OURS, size=5), "", Outcome.START_OVER, id="another-size"),
        pytest.param(BY_SIZE, "", Outcome.READ_BACK, id="new-and-of-this-size"),
        pytest.param(BY_SIZE, "older", Outcome.READ_BACK, id="replaced-and-of-this-size"),
        pytest.param(BY_SIZE, "opaque", Outcome.START_OVER, id="of-this-size-but-not-new"),
        pytest.param(replace(BY_SIZE, etag=""), "", Outcome.READ_BACK, id="nothing-to-tell-by"),
    ],
)
def test_where_the_upload_is_gone_the_object_decides(
    head: ObjectHead | None, replaces: str, outcome: Outcome
) -> None:
    """Only an object that is shown to be ours, is done; where S3 cannot show it, its bytes may."""
    found = arbitrate(UPLOAD, RECEIPTS, head, is_pending=False, replaces=replaces)
    assert found is outcome


@pytest.mark.parametrize(
    ("upload", "receipts"), [(WITH_CRC, RECEIPTS), (UPLOAD, WITH_MD5S)], ids=["checksums", "MD5s"]
)
def test_a_server_that_could_show_more_is_not_believed_by_a_size(
    upload: Upload, receipts: list[Receipt]
) -> None:
    """Where our object would tell its checksum or an MD5, a new one that does not is not ours."""
    found = arbitrate(upload, receipts, BY_SIZE, is_pending=False, replaces="")
    assert found is Outcome.START_OVER


@pytest.mark.parametrize("head", [None, OURS, BY_ETAG, BY_SIZE])
def test_where_the_upload_is_pending_it_is_completed(head: ObjectHead | None) -> None:
    """An equal object may be an older one, and a pending upload is not to be left behind."""
    outcome = arbitrate(UPLOAD, RECEIPTS, head, is_pending=True, replaces="")
    assert outcome is Outcome.COMPLETE_AGAIN
