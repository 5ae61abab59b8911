"""One upload, stopped at every single event, softly and hard: what was acknowledged stays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from asyncup.core import events
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from tests.simulation.clock import Crash
from tests.simulation.disk import SourceFile
from tests.simulation.habitat import FINE, LIMITS
from tests.simulation.history import place
from tests.simulation.process import End, Put, Run
from tests.simulation.server import BUCKET, KINDS, SimulatedS3
from tests.simulation.world import World

URI = ObjectURI(BUCKET, "file")
SIZE = 430
OPTIONS = Options(part_size=100, concurrency=2, read_ahead=1, limits=LIMITS)


def crash() -> None:
    """End everything where it stands."""
    raise Crash


@dataclass(slots=True)
class Scene:
    """A world with one file, and runs in it."""

    world: World
    options: Options

    @classmethod
    def make(cls, root: Path, kind: str, options: Options) -> "Scene":
        """Begin with an empty server and a file that nobody has seen."""
        file = SourceFile(root / "file")
        file.write(Random(0).randbytes(SIZE))
        server = SimulatedS3(KINDS[kind], min_part_size=LIMITS.min_part_size)
        world = World(root, Random(0), server, {URI: file}, lambda _: None, is_watched=False)
        return cls(world, options)

    def run(self, stop: Callable[[Run, int], None]) -> tuple[End, list[Event]]:
        """Upload the file; `stop` is called at each event, with its number."""
        heard: list[Event] = []
        process = Put(self.world, "run", self.options, FINE)
        run = Run(self.world, process)

        def listen(number: int, event: Event) -> None:
            heard.append(event)
            stop(run, number)

        process.witness.at_event = listen
        return run.go(), heard


def softly(run: Run, number: int, stop_at: int) -> None:
    """Cancel everything at an event, as the second Ctrl-C does."""
    if number == stop_at:
        run.first.cancel()


def hard(run: Run, number: int, stop_at: int) -> None:
    """Lose the power at an event: no clean-up is run."""
    if number == stop_at:
        run.agenda.at(0, crash)


def numbers(heard: list[Event], kind: type[events.PartUploaded | events.PartStarted]) -> set[int]:
    """Return the parts that events of a kind are about."""
    return {event.part_number for event in heard if isinstance(event, kind)}


PLACES = [("AWS-like", True), *((kind, False) for kind in KINDS)]
"""Kinds of servers, and whether parts are sent from the file itself."""


@pytest.mark.parametrize("ending", [softly, hard])
@pytest.mark.parametrize("journal", [False, True], ids=["no journal", "journal"])
@pytest.mark.parametrize(
    ("kind", "direct"), [("AWS-like", True), *((kind, False) for kind in KINDS)]
)
def test_stop_at_every_event(
    kind: str, ending: Callable[[Run, int, int], None], *, journal: bool, direct: bool
) -> None:
    """Stopped at any event and run again, the object is the file, and nothing is left over.

    No part that S3 had acknowledged is sent twice, unless there is neither a journal nor anything
    at S3 to compare it by. A crash runs no clean-up, and the next run sees what was on the disk.
    """
    is_blind = kind in {"opaque", "poorest"} and not journal
    stop_at, ended = 0, End.CRASHED
    while ended is not End.DONE:
        stop_at += 1
        with place() as root:
            state_dir = root / "state" if journal else None
            options = replace(OPTIONS, split_dir=root / "split", state_dir=state_dir, direct=direct)
            scene = Scene.make(root, kind, options)
            ended, heard = scene.run(lambda run, n, at=stop_at: ending(run, n, at))  # type: ignore[misc]
            assert ended in {End.DONE, End.CRASHED, End.CANCELLED}
            acknowledged = numbers(heard, events.PartUploaded)
            again, heard = scene.run(lambda _, __: None)
            assert again is End.DONE
            assert scene.world.violations == []
            assert scene.world.server.objects[URI.key].data == scene.world.files[URI].data
            assert scene.world.server.uploads == {}
            if not is_blind:
                assert acknowledged.isdisjoint(numbers(heard, events.PartStarted))
            assert direct or list((root / "split").iterdir()) == []
            assert not journal or list((root / "state" / "runs").iterdir()) == []
    assert stop_at > 20
