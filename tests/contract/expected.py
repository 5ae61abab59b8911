"""What is to be expected of each server: the one place where it may differ from AWS.

The tests assert the one or the other, so that a server that changes its ways is noticed as well.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a server does; the defaults are what AWS does.

    Args:
        echoes_crc64nvme: knows the checksum: verifies it, and tells that of an object.
        lists_checksums: tells the checksum of each part in a list of parts.
        lists_replaced_parts: goes on listing the part that one sent again has replaced.
        takes_parts_again: lets a part be sent again with other bytes.
        keeps_upload_after_refusal: a part or a completion that it refuses leaves the rest there.
        completes_with_etag: tells the ETag of the object that it makes of parts.
        keeps_etag: the ETag of an object made of parts is, and stays, that made of their MD5s.
        refuses_small_parts: only the last part may be smaller than 5 MiB.
        takes_keys_below_keys: `x` and `x/y` can both be objects.
        checks_absence_on_put, checks_absence_on_complete: `If-None-Match: *` is obeyed.
        tells_part_sizes: HeadObject tells the size of one part, and how many there are.
    """

    echoes_crc64nvme: bool = True
    lists_checksums: bool = True
    lists_replaced_parts: bool = False
    takes_parts_again: bool = True
    keeps_upload_after_refusal: bool = True
    completes_with_etag: bool = True
    keeps_etag: bool = True
    refuses_small_parts: bool = True
    takes_keys_below_keys: bool = True
    checks_absence_on_put: bool = True
    checks_absence_on_complete: bool = True
    tells_part_sizes: bool = True


EXPECTED = {
    "fake": Expected(),
    # SeaweedFS 4.48
    "weed": Expected(lists_checksums=False, lists_replaced_parts=True),
    # rclone 1.75, on a directory: parts go into one file as they arrive.
    "rclone": Expected(
        echoes_crc64nvme=False,
        lists_checksums=False,
        takes_parts_again=False,
        keeps_upload_after_refusal=False,
        keeps_etag=False,
        refuses_small_parts=False,
        takes_keys_below_keys=False,
        checks_absence_on_put=False,
        checks_absence_on_complete=False,
        tells_part_sizes=False,
    ),
    # LocalStack 4.12
    "localstack": Expected(),
    # Ceph 16.2
    "ceph": Expected(
        echoes_crc64nvme=False,
        lists_checksums=False,
        completes_with_etag=False,
        checks_absence_on_complete=False,
        tells_part_sizes=False,
    ),
}
