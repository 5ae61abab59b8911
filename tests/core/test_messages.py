"""Messages between processes: each is one line, and is read as what was written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from asyncup.core import messages
from asyncup.core.errors import ConnectionLost, Fault, SourceChanged
from asyncup.core.identity import Identity, Keys
from asyncup.core.messages import (
    Alive,
    Answer,
    CalledOff,
    CallOff,
    Failed,
    Grant,
    Message,
    Moved,
    ObjectTaken,
    OpenS3,
    PartTaken,
    Persevere,
    PutObject,
    Ration,
    ReadSpan,
    Send,
    Span,
    SpanRead,
    Stuck,
    UploadPart,
    Want,
    decode,
    encode,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Upload,
)
from asyncup.core.options import S3Config

URI = ObjectURI("bucket", "dir/é\n\u2028 key")
# A name that is no text in any encoding, as Python has it.
SPAN = Span(Path("odd\udcff\nname"), 5 << 40, 5 << 30)
CHECKSUMS = Checksums(5 << 30, {ChecksumAlgorithm.CRC64NVME: bytes(range(248, 256))})
IDENTITY = Identity(Keys("AKIA", "secret", "token"), -3600.25)
UPLOAD = Upload(
    URI,
    "upload-id",
    ChecksumAlgorithm.SHA256,
    whole=True,
    initiated=datetime(2026, 1, 1, tzinfo=UTC),
    abort_date=None,
)
ATTRIBUTES = ObjectAttributes(sse="aws:kms", metadata={"a": "b"}, tags={"é": "ü"})

MESSAGES: list[Message] = [
    OpenS3(
        s3=S3Config(profile="p", endpoint_url="https://s3.example", ca_bundle=Path("ca.pem")),
        concurrency=32,
        stall_timeout=30.0,
        asks_first=True,
        agent="asyncup/1",
    ),
    OpenS3(s3=S3Config(), concurrency=1, stall_timeout=0.5, asks_first=False, agent=""),
    ReadSpan(
        call=1,
        span=SPAN,
        algorithms=frozenset({ChecksumAlgorithm.MD5, ChecksumAlgorithm.SHA256}),
        into=Path("/cache/run/000001-part00001"),
        is_end=True,
    ),
    ReadSpan(call=1, span=SPAN, algorithms=frozenset(), into=None, is_end=False),
    UploadPart(
        call=2,
        span=SPAN,
        checksums=CHECKSUMS,
        identity=IDENTITY,
        is_limited=False,
        upload=UPLOAD,
        number=10_000,
    ),
    PutObject(
        call=3,
        span=SPAN,
        checksums=Checksums(0),
        identity=Identity(None, 0.0),
        is_limited=True,
        uri=URI,
        attributes=ATTRIBUTES,
        algorithm=ChecksumAlgorithm.CRC32C,
        only_if_absent=True,
    ),
    CallOff(4),
    Grant(5, 32 << 10),
    Grant(5, None),
    Ration(),
    Alive(),
    Moved(6, 5 << 40, 0.25, loses=True),
    Want(7, 16 << 20),
    Stuck(7, 30.5),
    Persevere(7, 1.0),
    SpanRead(8, CHECKSUMS, has_more=True),
    PartTaken(9, "etag"),
    ObjectTaken(
        10,
        ObjectHead(
            5,
            "etag",
            "version",
            {ChecksumAlgorithm.CRC32: b"1234"},
            parts=2,
            attributes=ATTRIBUTES,
        ),
    ),
    CalledOff(11),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    """Whatever is in its texts, a message is one line of ASCII, and nothing of it is lost."""
    line = encode(message)
    assert line.isascii()
    assert line.find(b"\n") == len(line) - 1
    assert decode(line) == message


@pytest.mark.parametrize(
    "error", [ConnectionLost(Fault(action="upload", code="x")), SourceChanged("read: changed")]
)
def test_an_answer_may_be_an_error(error: ConnectionLost | SourceChanged) -> None:
    """What fails in a worker is the same error where it is waited for."""
    answer = decode(encode(Failed(1, error)))
    assert isinstance(answer, Failed)
    assert type(answer.error) is type(error)
    assert str(answer.error) == str(error)


def test_every_message_can_be_read() -> None:
    """Nobody can add a message that only one side knows."""
    bases = {Message, Answer, Send}
    there = {each for each in vars(messages).values() if isinstance(each, type)}
    said = {each for each in there if issubclass(each, Message)} - bases
    assert said == set(messages._KINDS.values())
    assert said == {type(message) for message in MESSAGES} | {Failed}


def test_secrets_are_not_printed() -> None:
    """What shows a message by accident shows no secret."""
    shown = repr(MESSAGES)
    assert "AKIA" in shown
    assert "secret'" not in shown
    assert "token'" not in shown
