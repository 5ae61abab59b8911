"""One suite, and the gateways that `--servers` asks for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from tests.conftest import servers_of
from tests.contract.expected import EXPECTED
from tests.contract.kit import Place, open_gateway

Check = Callable[[Place], Awaitable[None]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each check on each gateway."""
    if "check" in metafunc.fixturenames:
        metafunc.parametrize("check", servers_of(metafunc.config), indirect=True)


@pytest.fixture
def check(
    request: pytest.FixtureRequest, tmp_path: Path, prefix: ObjectURI
) -> Callable[[Check], None]:
    """Return what runs a check on a gateway."""
    name: str = request.param
    server = None if name == "fake" else request.getfixturevalue(name)

    def run(body: Check) -> None:
        async def main() -> None:
            async with open_gateway(server) as gateway:
                await body(Place(gateway, prefix / "object", tmp_path, EXPECTED[name]))

        asyncio.run(main())

    return run
