"""When one process has too much to do: what its thread has computed tells."""

from asyncup.core.processes import BUSY, LONG_ENOUGH, Burden


def test_the_share_is_that_since_it_was_told_last() -> None:
    """Each share is of a time of its own: what was before says nothing about now."""
    burden = Burden(100.0, 7.0)
    assert burden.share(104.0, 9.0) == 0.5
    assert burden.share(108.0, 13.0) == 1.0
    assert burden.share(112.0, 13.0) == 0.0


def test_a_moment_tells_nothing() -> None:
    """Over a moment, a thread that reads one block looks busy; nothing is forgotten meanwhile."""
    burden = Burden(0.0, 0.0)
    assert burden.share(LONG_ENOUGH - 0.1, 1.0) is None
    assert burden.share(LONG_ENOUGH, 1.5) == 1.5 / LONG_ENOUGH


def test_what_is_too_much_leaves_some_time() -> None:
    """A thread waits a little between blocks also where it is what holds up the rest."""
    assert 0.5 < BUSY < 0.95
