"""What the system itself tells of changes, by watchfiles."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from asyncup.edges.watching import tell_changes


class Hinted:
    """Everything that was told, and whoever waits for some of it."""

    def __init__(self) -> None:
        self.everywhere = 0
        self.paths: set[str] = set()
        self._changed = asyncio.Event()

    def __call__(self, paths: set[str] | None) -> None:
        self.everywhere += paths is None
        self.paths |= paths or set()
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so because of what was told."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()


def test_changes_are_told_from_the_first_hint_on(tmp_path: Path) -> None:
    """New files, also in new directories, writes, and what is renamed into it; deeper as well."""
    elsewhere = tmp_path / "elsewhere"
    place = tmp_path / "in"
    place.mkdir()
    elsewhere.write_bytes(b"")

    async def main() -> None:
        hinted = Hinted()
        telling = asyncio.create_task(tell_changes(place, hinted))
        await hinted.until(lambda: hinted.everywhere == 1)
        (place / "new").write_bytes(b"")
        elsewhere.rename(place / "renamed")
        (place / "sub").mkdir()
        wanted = {str(place / name) for name in ("new", "renamed", "sub")}
        await hinted.until(lambda: wanted <= hinted.paths)
        (place / "sub" / "deep").write_bytes(b"")
        await hinted.until(lambda: str(place / "sub" / "deep") in hinted.paths)
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling

    asyncio.run(main())


def test_a_name_that_is_no_text_ends_it(tmp_path: Path) -> None:
    """What cannot be told is no reason to be silent: it is said that there is no more to come."""

    async def main() -> str:
        hinted = Hinted()
        telling = asyncio.create_task(tell_changes(tmp_path, hinted))
        await hinted.until(lambda: hinted.everywhere == 1)
        (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"")
        return await telling

    assert "decode" in asyncio.run(main())


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Why there is nothing to tell is said, and nothing raised."""
    reason = asyncio.run(tell_changes(tmp_path / "gone", Hinted()))
    assert "No" in reason
