"""By what S3 is to check an object that goes in one request, as far as it is known."""

from asyncup.core.model import ChecksumAlgorithm, Checksums, ObjectHead
from asyncup.core.options import ChecksumPolicy

_OWN = ChecksumAlgorithm.CRC64NVME


class ObjectCheck:
    """What to tell S3 of objects, learned from what it answers.

    `auto` begins with Content-MD5, which nearly every server checks. One that answers it with a
    right CRC64NVME, which nobody had told it, has computed that of what arrived, as AWS does. From
    then on it is told the CRC64NVME instead, which costs next to nothing, and MD5 a lot. That a
    server repeats what it is told shows less: some do, and check nothing.
    """

    def __init__(self, policy: ChecksumPolicy) -> None:
        self._policy = policy
        self._is_computed = False

    @property
    def algorithm(self) -> ChecksumAlgorithm | None:
        """What S3 is to be told; None is Content-MD5, or nothing if it is not known."""
        return _OWN if self._is_computed else self._policy.algorithm

    @property
    def algorithms(self) -> frozenset[ChecksumAlgorithm]:
        """What to compute of an object for that."""
        return frozenset({_OWN}) if self._is_computed else self._policy.for_objects

    def hear(self, told: ChecksumAlgorithm | None, answer: ObjectHead, ours: Checksums) -> bool:
        """Take in the answer to an object that was sent with `told`; whether it was checked by it.

        Not everything behind an address is the same server: one that does not answer with what it
        was told is not told that again.
        """
        if told is None:
            own = ours.values.get(_OWN)
            is_right = own is not None and answer.checksums.get(_OWN) == own
            self._is_computed = self._policy is ChecksumPolicy.AUTO and is_right
            return True
        if told in answer.checksums:
            return True
        self._is_computed = False
        return False
