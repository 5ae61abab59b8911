"""What is remembered of files that are done."""

from asyncup.core.model import Fingerprint
from asyncup.edges.remembered import Remembered

ONE, OTHER = Fingerprint(1, 2, 3, 1 << 63), Fingerprint(1, 2, 3, 5)
PATH = "caf\udce9/file"


def test_a_file_is_known_as_it_was() -> None:
    """It is the same, or another one, or nobody knows it; whatever its name is."""
    remembered = Remembered()
    assert remembered.is_same(PATH, ONE) is None
    remembered.add(PATH, ONE)
    assert remembered.is_same(PATH, ONE) is True
    assert remembered.is_same(PATH, OTHER) is False
    remembered.add(PATH, OTHER)
    assert remembered.is_same(PATH, OTHER) is True
    remembered.forget(PATH)
    assert remembered.is_same(PATH, OTHER) is None
    remembered.close()


def test_after_the_end_nothing_is_known() -> None:
    """A thread that is late is told nothing, and does no harm."""
    remembered = Remembered()
    remembered.add(PATH, ONE)
    remembered.close()
    remembered.add(PATH, ONE)
    assert remembered.is_same(PATH, ONE) is None
