"""A command and an upload that are not finished, as tests tell of them."""

from datetime import UTC, datetime

from asyncup.core.model import ObjectURI
from asyncup.core.standing import CommandFound, State, UnfinishedUploadFound

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

COMMAND = CommandFound(
    name="1a2b3c4d",
    state=State.RUNNING,
    arguments=["put", "caf\udce9", "s3://bucket/"],
    directory="/srv",
    pid=7,
    started=MOMENT,
    updated=MOMENT,
    files_found=2,
    files_done=1,
    files_failed=0,
    bytes_found=50 << 20,
    bytes_committed=20 << 20,
    bytes_in_flight=5 << 20,
    rate=8 << 20,
    eta=4,
    last_error=None,
    exit_code=None,
    obstacle=None,
)

UPLOAD = UnfinishedUploadFound(
    uri=ObjectURI("bucket", "big.bin"),
    upload_id="id",
    endpoint="http://server",
    source="big.bin",
    size=50 << 20,
    part_size=20 << 20,
    parts_committed=1,
    bytes_committed=20 << 20,
    initiated=MOMENT,
    is_running=True,
)
