"""By what objects are checked: never by less, and not by MD5 where that is for nothing."""

import pytest

from asyncup.core.model import ChecksumAlgorithm, Checksums, ObjectHead
from asyncup.core.object_check import ObjectCheck
from asyncup.core.options import ChecksumPolicy
from tests.bodies import checksums_of

CRC64, MD5 = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.MD5
OURS = checksums_of(b"hello")
TOLD = ObjectHead(size=5, etag="e", checksums={CRC64: OURS[CRC64]})
SILENT = ObjectHead(size=5, etag="e")
WRONG = ObjectHead(size=5, etag="e", checksums={CRC64: b"\0" * 8})


def test_computed() -> None:
    """A server that computes a CRC64NVME by itself is told that from then on, and no MD5."""
    check = ObjectCheck(ChecksumPolicy.AUTO)
    assert (check.algorithm, check.algorithms) == (None, frozenset({MD5}))
    assert check.hear(None, TOLD, OURS)
    assert (check.algorithm, check.algorithms) == (CRC64, frozenset({CRC64}))


@pytest.mark.parametrize("answer", [SILENT, WRONG])
def test_not_computed(answer: ObjectHead) -> None:
    """One that tells none, or a wrong one, goes on getting MD5s."""
    check = ObjectCheck(ChecksumPolicy.AUTO)
    assert check.hear(None, answer, OURS)
    assert check.algorithm is None


def test_nothing_to_compare() -> None:
    """Two that are missing are not alike: where none was computed here, nothing is learned."""
    check = ObjectCheck(ChecksumPolicy.AUTO)
    assert check.hear(None, SILENT, Checksums(OURS.size, {}))
    assert check.algorithm is None


def test_unlearned() -> None:
    """One that does not answer with what it was told has not checked it, and gets MD5s again."""
    check = ObjectCheck(ChecksumPolicy.AUTO)
    check.hear(None, TOLD, OURS)
    assert check.hear(CRC64, TOLD, OURS)
    assert not check.hear(CRC64, SILENT, OURS)
    assert (check.algorithm, check.algorithms) == (None, frozenset({MD5}))


@pytest.mark.parametrize("policy", [each for each in ChecksumPolicy if each != "auto"])
def test_named(policy: ChecksumPolicy) -> None:
    """What the user has named stays."""
    check = ObjectCheck(policy)
    check.hear(policy.algorithm, TOLD, OURS)
    assert (check.algorithm, check.algorithms) == (policy.algorithm, policy.for_objects)
