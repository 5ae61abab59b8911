"""What became of a request to complete whose answer was lost, or was not what it should be.

The same silence follows an object that was made, one that was not, and an upload that a lifecycle
rule aborted meanwhile. Two questions settle it: does S3 still list the upload's parts, and what
object does the key lead to?
"""

from collections.abc import Sequence
from enum import StrEnum

from asyncup.core.model import ObjectHead, Proof, Receipt, Upload
from asyncup.core.proof import etag_of, prove


class Outcome(StrEnum):
    """What is to be done now."""

    DONE = "done"
    READ_BACK = "read back"
    COMPLETE_AGAIN = "complete again"
    START_OVER = "start over"


def arbitrate(
    upload: Upload,
    receipts: Sequence[Receipt],
    head: ObjectHead | None,
    *,
    is_pending: bool,
    replaces: str,
) -> Outcome:
    """Decide by what S3 says now.

    Args:
        upload: the upload that was to be completed.
        receipts: the parts that the object is to consist of.
        head: the object that the key leads to, None if there is none.
        is_pending: whether S3 still lists the upload.
        replaces: the ETag of the object that was there before completing was asked for.
    """
    if is_pending:
        # Also if an equal object is there: it may be an older one. Completing twice is harmless.
        return Outcome.COMPLETE_AGAIN
    if head is None:
        return Outcome.START_OVER
    proof = prove(head, [receipt.checksums for receipt in receipts])
    if not isinstance(proof, Proof):
        return Outcome.START_OVER
    expected = etag_of(receipts)
    if proof.is_by_content or head.etag == expected:
        return Outcome.DONE
    # Where a server tells no more than a size, only its bytes show whose an object is that was not
    # there before. Where it would tell more of the one that was to be made, one of which it does
    # not is another one.
    is_blind = upload.algorithm is None and expected is None
    is_new = head.etag != replaces or not head.etag
    return Outcome.READ_BACK if is_blind and is_new else Outcome.START_OVER
