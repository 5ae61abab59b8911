"""Engine tests that hold in one process as in several: a module asks for it by `usefixtures`."""

import pytest

from tests.engine import kit


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
def alone_and_in_a_crew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every uploader of a test have so many processes."""
    monkeypatch.setattr(kit, "processes", request.param)
