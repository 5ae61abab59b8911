"""What histories have brought to light, each in the few lines that are enough to show it."""

import asyncio
from contextlib import closing, suppress
from pathlib import Path

from asyncup.core.model import Part
from asyncup.edges.chunks import ChunkStore
from asyncup.engine.source import FileSource
from tests.simulation.clock import SteppingLoop


def stage_until(split_dir: Path, file: Path, stop_at: int) -> bool:
    """Stage a part, cancel that at a step, and say whether it was not done before."""
    steps, stopped = 0, False

    def step() -> None:
        nonlocal steps, stopped
        steps += 1
        if steps == stop_at:
            stopped = task.cancel()

    loop = SteppingLoop(step, lambda: 0.0)
    with ChunkStore(split_dir) as chunks, closing(loop):
        task = loop.create_task(FileSource(file, chunks).stage(Part(1, 0, 100), frozenset()))
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task).release()
        assert list(split_dir.rglob("*-part*")) == []
    return stopped


def test_staging_that_is_stopped_leaves_no_chunk_file(tmp_path: Path) -> None:
    """At whatever step the staging of a part is cancelled, its chunk file goes with it."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
    steps = 1
    while stage_until(tmp_path / "split", file, steps):
        steps += 1
    assert steps > 5
