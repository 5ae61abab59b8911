"""Task groups that fail with one error instead of a group of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncup.core.errors import AsyncupError


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks together; if some fail, raise the error that matters, with the others as notes.

    An error of ours matters more than a surprise only if there is no surprise: a bug is not to
    hide behind a broken connection.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        first, *others = sorted(_leaves(failed), key=lambda each: isinstance(each, AsyncupError))
        for other in others:
            first.add_note(f"also: {other}")
        raise first from first.__cause__


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
