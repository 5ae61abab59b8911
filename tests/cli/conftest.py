"""A place in a real bucket for each test of the command."""

import pytest

from asyncup.core.model import ObjectURI
from asyncup.embedded import EmbeddedServer
from tests.s3 import Bucket


@pytest.fixture
def bucket(weed: EmbeddedServer, prefix: ObjectURI) -> Bucket:
    """Return a place of this test's own."""
    return Bucket(weed, prefix)
