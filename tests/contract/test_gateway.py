"""What every gateway promises the engine: one suite for that in memory and that to a real server.

If the fake lies, it fails here.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from asyncup.core.errors import (
    AsyncupError,
    BucketMissing,
    ChecksumRejected,
    ObjectMissing,
    PartsMismatch,
    PartTooSmall,
    PreconditionFailed,
    S3Error,
    UploadMissing,
)
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectURI, Upload
from tests.bodies import body_of, checksums_of, receipt
from tests.contract.kit import CRC, FIRST, LAST, Place

Check = Callable[[Place], Awaitable[None]]
Run = Callable[[Check], None]


def md5(data: bytes) -> str:
    """Return the ETag that S3 gives without KMS."""
    return checksums_of(data)[ChecksumAlgorithm.MD5].hex()


def etag_of_parts(*parts: bytes) -> str:
    """Return the ETag that S3 gives to an object of these parts."""
    digests = b"".join(checksums_of(part)[ChecksumAlgorithm.MD5] for part in parts)
    return f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"  # noqa: S324 - as S3 does it


def test_put_object_is_there(check: Run) -> None:
    """An object that was put has its size and, without KMS, its MD5 as ETag."""

    async def body(place: Place) -> None:
        stored = await place.put(place.uri, b"hello")
        head = await place.gateway.head_object(place.uri)
        assert head is not None
        assert (head.size, head.etag) == (5, md5(b"hello"))
        assert stored.etag == head.etag

    check(body)


def test_empty_object(check: Run) -> None:
    """A file of no bytes is an object of no bytes."""

    async def body(place: Place) -> None:
        await place.put(place.uri, b"")
        head = await place.gateway.head_object(place.uri)
        assert head is not None
        assert head.size == 0

    check(body)


def test_head_of_nothing_is_none(check: Run) -> None:
    """What is not there is None, not an error."""

    async def body(place: Place) -> None:
        assert await place.gateway.head_object(place.uri) is None

    check(body)


def test_put_with_wrong_md5_is_rejected(check: Run) -> None:
    """Bytes that are not those of the MD5 are refused, and nothing is stored."""

    async def body(place: Place) -> None:
        with body_of(b"hello", place.directory) as sent, pytest.raises(ChecksumRejected):
            await place.gateway.put_object(
                place.uri, sent, checksums_of(b"hallo"), ObjectAttributes()
            )
        assert await place.gateway.head_object(place.uri) is None

    check(body)


def test_list_objects_by_prefix_and_limit(check: Run) -> None:
    """A list has the first keys in order, and says whether these are all."""

    async def body(place: Place) -> None:
        for name in ("b", "a", "ab", "d/e", "c"):
            await place.put(place.uri / f"/{name}", name.encode())
        below = place.uri / "/"
        every = await place.gateway.list_objects(below, 100)
        names = [key.removeprefix(below.key) for key in every.objects]
        assert (names, every.is_whole) == (["a", "ab", "b", "c", "d/e"], True)
        assert [head.size for head in every.objects.values()] == [1, 2, 1, 1, 3]
        some = await place.gateway.list_objects(below, 3)
        assert (len(some.objects), some.is_whole) == (3, False)

    check(body)


def test_list_objects_finds_one_key(check: Run) -> None:
    """Asked for one key below itself, a list begins with it, whatever else begins with it.

    A server that keeps objects as files refuses the key below it.
    """

    async def body(place: Place) -> None:
        for name in ("x1", "x"):
            await place.put(place.uri / f"/{name}", name.encode())
        refused = pytest.raises(S3Error)
        with nullcontext() if place.expected.takes_keys_below_keys else refused:
            await place.put(place.uri / "/x/y", b"x/y")
        found = (await place.gateway.list_objects(place.uri / "/x", 1)).objects
        assert {key: head.size for key, head in found.items()} == {place.uri.key + "/x": 1}
        found = (await place.gateway.list_objects(place.uri / "/nothing", 1)).objects
        assert found == {}

    check(body)


def test_upload_in_parts(check: Run) -> None:
    """Parts become an object whose checksum is that of the file, and its ETag that of the parts.

    A server that does not know the checksum does not say that it took it.
    """

    async def body(place: Place) -> None:
        upload = await place.create()
        known = place.expected.echoes_crc64nvme
        assert (upload.algorithm, upload.whole) == (CRC if known else None, known)
        receipts = await place.send_both(upload)
        stored = await place.gateway.complete_multipart_upload(upload, receipts)
        head = await place.gateway.head_object(place.uri)
        assert head is not None
        etag = etag_of_parts(FIRST, LAST)
        assert stored.etag == (etag if place.expected.completes_with_etag else "")
        assert head.etag == (etag if place.expected.keeps_etag else md5(FIRST + LAST))
        assert place.holds(head, FIRST + LAST)
        assert await place.gateway.list_multipart_uploads(place.uri) == []

    check(body)


def test_upload_without_checksum_algorithm(check: Run) -> None:
    """An upload of no algorithm takes parts by their MD5."""

    async def body(place: Place) -> None:
        upload = await place.create(None)
        assert upload.algorithm is None
        receipts = await place.send_both(upload)
        await place.gateway.complete_multipart_upload(upload, receipts)
        head = await place.gateway.head_object(place.uri)
        assert head is not None
        assert head.size == len(FIRST + LAST)

    check(body)


@pytest.mark.parametrize("algorithm", [CRC, None])
def test_wrong_part_is_rejected(check: Run, algorithm: ChecksumAlgorithm | None) -> None:
    """A part whose bytes are not those of its checksum is refused, and not listed.

    Some servers give up the whole upload then.
    """

    async def body(place: Place) -> None:
        upload = await place.create(algorithm)
        with body_of(b"hello", place.directory) as sent, pytest.raises(ChecksumRejected):
            await place.gateway.upload_part(upload, 1, sent, checksums_of(b"hallo"))
        if place.expected.keeps_upload_after_refusal:
            assert (await place.gateway.list_parts(upload)).parts == []
        else:
            with pytest.raises(UploadMissing):
                await place.gateway.list_parts(upload)

    check(body)


def test_parts_are_listed_on_all_pages(check: Run) -> None:
    """Every part is listed once, in order, however many pages it takes, with its checksum."""

    async def body(place: Place) -> None:
        upload = await place.create()
        for number in (5, 1, 4, 2, 3):
            await place.send(upload, number, b"x" * number)
        listed = (await place.gateway.list_parts(upload)).parts
        assert [(part.number, part.size) for part in listed] == [(n, n) for n in range(1, 6)]
        assert [part.etag for part in listed] == [md5(b"x" * n) for n in range(1, 6)]
        told = [part.checksums.get(CRC) for part in listed]
        sent = [checksums_of(b"x" * n)[CRC] for n in range(1, 6)]
        assert told == (sent if place.expected.lists_checksums else [None] * 5)

    check(body)


def test_no_parts_yet(check: Run) -> None:
    """An upload of which nothing has arrived is there, and has no parts."""

    async def body(place: Place) -> None:
        assert (await place.gateway.list_parts(await place.create())).parts == []

    check(body)


def test_part_sent_again_replaces(check: Run) -> None:
    """A part sent again is listed, and is the one that completing takes by its ETag.

    A server that cannot do that says so, and the part that was sent before is the one that counts.
    """

    async def body(place: Place) -> None:
        upload = await place.create()
        data, etag = b"first", await place.send(upload, 1, b"first")
        if place.expected.takes_parts_again:
            data, etag = b"second one", await place.send(upload, 1, b"second one")
        else:
            with pytest.raises(S3Error, match="NotImplemented"):
                await place.send(upload, 1, b"second one")
        before = [len(b"first")] if place.expected.lists_replaced_parts else []
        listed = (await place.gateway.list_parts(upload)).parts
        assert sorted(part.size for part in listed) == [*before, len(data)]
        assert (len(data), etag) in [(part.size, part.etag) for part in listed]
        await place.gateway.complete_multipart_upload(upload, [receipt(1, 0, data, etag)])
        head = await place.gateway.head_object(place.uri)
        assert head is not None
        assert place.holds(head, data)

    check(body)


def test_pending_uploads_of_exactly_this_key(check: Run) -> None:
    """Pending uploads are listed over all pages, the newest first, and no longer key's."""

    async def body(place: Place) -> None:
        longer = replace(place, uri=place.uri / "-longer")
        await longer.create()
        ids = []
        for _ in range(3):
            ids.append((await place.create()).upload_id)
            await longer.create()
        found = await place.gateway.list_multipart_uploads(place.uri)
        assert sorted(upload.upload_id for upload in found) == sorted(ids)
        dates = [upload.initiated for upload in found if upload.initiated is not None]
        assert dates == sorted(dates, reverse=True)
        assert len(dates) == 3

    check(body)


@pytest.mark.parametrize("name", ["with space", "ünïcödé", "100%+&=?#", "a'b\"c<d>"])
def test_odd_keys(check: Run, name: str) -> None:
    """A key of odd characters is the same key in every list."""

    async def body(place: Place) -> None:
        odd = replace(place, uri=place.uri / f"/{name}")
        upload = await odd.create()
        found = await place.gateway.list_multipart_uploads(odd.uri)
        assert [each.upload_id for each in found] == [upload.upload_id]
        await place.put(odd.uri, b"x")
        listed = await place.gateway.list_objects(odd.uri, 1)
        assert odd.uri.key in listed.objects
        assert len(listed.objects) == 1 or odd.uri.key in listed.unsure
        assert await place.gateway.head_object(odd.uri) is not None

    check(body)


def test_abort(check: Run) -> None:
    """An aborted upload is gone, and may be aborted again."""

    async def body(place: Place) -> None:
        upload = await place.create()
        await place.send(upload, 1, b"x")
        await place.gateway.abort_multipart_upload(upload)
        await place.gateway.abort_multipart_upload(upload)
        with pytest.raises(UploadMissing):
            await place.gateway.list_parts(upload)
        with pytest.raises(UploadMissing):
            await place.send(upload, 2, b"x")
        assert list(await place.gateway.list_multipart_uploads(place.uri)) == []

    check(body)


def test_completing_other_parts_than_held(check: Run) -> None:
    """Completing with an ETag that S3 does not hold makes nothing.

    Some servers give up the whole upload then.
    """

    async def body(place: Place) -> None:
        upload = await place.create()
        first, last = await place.send_both(upload)
        with pytest.raises(PartsMismatch):
            await place.gateway.complete_multipart_upload(
                upload, [first, replace(last, etag="0" * 32)]
            )
        assert await place.gateway.head_object(place.uri) is None
        given_up = pytest.raises(UploadMissing)
        with nullcontext() if place.expected.keeps_upload_after_refusal else given_up:
            await place.gateway.complete_multipart_upload(upload, [first, last])

    check(body)


def test_completing_with_a_small_part_in_the_middle(check: Run) -> None:
    """Only the last part may be smaller than the minimum, where there is one."""

    async def body(place: Place) -> None:
        upload = await place.create()
        small = receipt(1, 0, LAST, await place.send(upload, 1, LAST))
        last = receipt(2, len(LAST), LAST, await place.send(upload, 2, LAST))
        refused = pytest.raises(PartTooSmall)
        with refused if place.expected.refuses_small_parts else nullcontext():
            await place.gateway.complete_multipart_upload(upload, [small, last])

    check(body)


def test_no_such_bucket(check: Run) -> None:
    """Every verb that can tell says that the bucket is not there."""

    async def body(place: Place) -> None:
        nowhere = replace(place, uri=ObjectURI("no-such-bucket", "key"))
        gateway = place.gateway
        asked: list[Callable[[], Awaitable[object]]] = [
            lambda: nowhere.put(nowhere.uri, b"x"),
            nowhere.create,
            lambda: gateway.list_objects(nowhere.uri, 1),
            lambda: gateway.list_multipart_uploads(nowhere.uri),
        ]
        for ask in asked:
            with pytest.raises(BucketMissing) as caught:
                await ask()
            assert str(nowhere.uri) in str(caught.value)

    check(body)


def test_a_probe_is_answered(check: Run) -> None:
    """Whether there is an object, or even a bucket, is nothing to a probe: S3 has answered."""

    async def body(place: Place) -> None:
        await place.gateway.probe(place.uri)
        await place.put(place.uri, b"x")
        await place.gateway.probe(place.uri)
        await place.gateway.probe(ObjectURI("no-such-bucket", "key"))

    check(body)


def test_credentials_that_were_given_stay(check: Run) -> None:
    """Who was told which keys to use has no others, and goes on with them."""

    async def body(place: Place) -> None:
        assert not await place.gateway.renew_credentials()
        await place.gateway.probe(place.uri)

    check(body)


def test_errors_are_ours(check: Run) -> None:
    """Whatever a gateway raises is in the tree of errors, with the action it was about."""

    async def body(place: Place) -> None:
        missing = Upload(place.uri, "no-such-upload")
        with pytest.raises(AsyncupError, match=f"part 7 of {re.escape(str(place.uri))}"):
            await place.send(missing, 7, b"x")

    check(body)


def test_get_object(check: Run) -> None:
    """An object is read back as it is; one that is not there is missing."""

    async def body(place: Place) -> None:
        data = FIRST + LAST
        await place.put(place.uri, data)
        async with place.gateway.get_object(place.uri) as blocks:
            assert b"".join([block async for block in blocks]) == data
        with pytest.raises(ObjectMissing):
            async with place.gateway.get_object(place.uri / "-nothing"):
                pass

    check(body)


def test_the_size_of_a_part(check: Run) -> None:
    """An object tells the size of its first part, and how many it has, where the server can."""

    async def body(place: Place) -> None:
        upload = await place.create()
        receipts = await place.send_both(upload)
        await place.gateway.complete_multipart_upload(upload, receipts)
        head = await place.gateway.head_object(place.uri, part_number=1)
        assert head is not None
        told = (len(FIRST), 2) if place.expected.tells_part_sizes else (head.size, None)
        assert (head.size, head.parts) == told

    check(body)


def test_pending_uploads_below_a_prefix(check: Run) -> None:
    """All pending uploads whose keys begin so are found, with their keys."""

    async def body(place: Place) -> None:
        uris = [place.uri / each for each in ("/a", "/b c", "/d")]
        for uri in uris:
            await replace(place, uri=uri).create()
        below = place.uri / "/"
        found = await place.gateway.list_multipart_uploads(below, below=True)
        assert sorted(each.uri.key for each in found) == [uri.key for uri in uris]
        for each in found:
            await place.gateway.abort_multipart_upload(each)
        assert await place.gateway.list_multipart_uploads(below, below=True) == []

    check(body)


def test_only_if_absent(check: Run) -> None:
    """What is not to be replaced is not, in one request or of parts; where the server obeys."""

    async def body(place: Place) -> None:
        await place.put(place.uri, b"first")
        refused = pytest.raises(PreconditionFailed)
        with (
            refused if place.expected.checks_absence_on_put else nullcontext(),
            body_of(b"other", place.directory) as sent,
        ):
            checksums = checksums_of(b"other")
            await place.gateway.put_object(
                place.uri, sent, checksums, ObjectAttributes(), only_if_absent=True
            )
        upload = await place.create()
        receipts = await place.send_both(upload)
        refused = pytest.raises(PreconditionFailed)
        with refused if place.expected.checks_absence_on_complete else nullcontext():
            await place.gateway.complete_multipart_upload(upload, receipts, only_if_absent=True)

    check(body)
