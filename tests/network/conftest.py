"""One link and one server behind it for all tests of a process; each begins in fine weather."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.embedded import EmbeddedServer
from tests.network.link import Link, open_link
from tests.network.names import NameServer, asked_at_the_far_end, name_server
from tests.network.namespaces import missing
from tests.network.store import BUCKET, Store, open_store
from tests.network.upload import Upload
from tests.s3 import Bucket


@pytest.fixture(scope="session")
def the_link() -> Iterator[Link]:
    """Make a link; where that cannot be, fail in CI, and skip elsewhere."""
    if (what := missing()) is not None:
        told = f"needs {what}"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    with open_link() as link, asked_at_the_far_end(link):
        yield link


@pytest.fixture
def link(the_link: Link) -> Link:
    """Return the link in fine weather, with no connections."""
    the_link.clear()
    return the_link


@pytest.fixture(scope="session")
def the_store(the_link: Link, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Run a server at the far end of the link."""
    the_link.clear()
    with open_store(the_link, tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture
def store(link: Link, the_store: Store) -> Store:
    """Return the server; it runs, and can be reached."""
    del link
    the_store.start_again()
    return the_store


@pytest.fixture
def upload(link: Link, store: Store, tmp_path: Path, prefix: ObjectURI) -> Iterator[Upload]:
    """Return a file that is ready to go; what was begun with it ends with the test."""
    upload = Upload(link, store, tmp_path, ObjectURI(BUCKET, prefix.key))
    yield upload
    upload.end()


@pytest.fixture
def bucket(weed: EmbeddedServer, prefix: ObjectURI) -> Bucket:
    """Return a place on a server that is near: what lies between is a proxy."""
    return Bucket(weed, prefix)


@pytest.fixture
def names(link: Link) -> Iterator[NameServer]:
    """Run a name server for the client."""
    with name_server(link) as server:
        yield server
