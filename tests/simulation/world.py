"""All that outlives a process in a simulation: the server, the disks, requests on their way."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Protocol

from asyncup.core.errors import S3Error
from asyncup.core.model import ObjectURI
from tests.simulation.disk import Snapshot, SourceFile
from tests.simulation.server import SimulatedS3


@dataclass(slots=True)
class Agenda:
    """What is to happen at which step."""

    _items: list[tuple[int, int, Callable[[], object]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def at(self, step: int, action: Callable[[], object]) -> None:
        """Let something happen at a step."""
        heapq.heappush(self._items, (step, next(self._order), action))

    def reach(self, step: int) -> None:
        """Let happen all that is due."""
        while self._items and self._items[0][0] <= step:
            heapq.heappop(self._items)[2]()

    def clear(self) -> None:
        """Forget what did not come to pass."""
        self._items.clear()


class Moment:
    """A moment, to tell later what files and objects have been since then."""

    def __init__(self, world: "World") -> None:
        self._world = world
        versions = world.server.versions
        self._states = {uri: len(file.states) - 1 for uri, file in world.files.items()}
        self._versions = {uri: len(versions[uri.key]) - 1 for uri in world.files}

    def files(self, uri: ObjectURI) -> list[bytes]:
        """Return all that the file has been."""
        return self._world.files[uri].states[self._states[uri] :]

    def objects(self, uri: ObjectURI) -> list[bytes | None]:
        """Return all that the object has been; None stands for a time when there was none."""
        versions, before = self._world.server.versions[uri.key], self._versions[uri]
        return [None, *versions] if before < 0 else [*versions[before:]]

    def may_be_equal(self, uri: ObjectURI) -> bool:
        """Return whether the object has been the file at any time."""
        return not set(self.objects(uri)).isdisjoint(self.files(uri))

    def may_differ(self, uri: ObjectURI) -> bool:
        """Return whether there has been an object that was not the file."""
        files = self.files(uri)
        return any(held != data for held in self.objects(uri) if held is not None for data in files)


class Named(Protocol):
    """Somebody with a name."""

    name: str


@dataclass(slots=True)
class World:
    """What one history is about.

    Attributes:
        acknowledged: parts of which some process was told that S3 holds them: by upload, number.
        network: requests that arrive when nobody waits for them any more.
        is_watched: whether there is anybody for whom it is worth to put things into words.
        at_work: who works on a key, by the journal that should keep off others.
        violations: what was promised and is not so.
        has_strayed: whether requests arrived late at all, or others wrote to the keys.
        journal_is_damaged: whether something was done to a journal.
    """

    root: Path
    random: Random
    server: SimulatedS3
    files: dict[ObjectURI, SourceFile]
    show: Callable[[str], None]
    is_watched: bool
    acknowledged: dict[tuple[str, int], ObjectURI] = field(default_factory=dict)
    network: Agenda = field(default_factory=Agenda)
    violations: list[str] = field(default_factory=list)
    has_strayed: bool = False
    journal_is_damaged: bool = False
    at_work: "dict[tuple[Path, ObjectURI], Named]" = field(default_factory=dict)
    steps: int = 0
    older_journal: Snapshot | None = None

    def violated(self, promise: str) -> None:
        """Take note of a promise that was not kept."""
        self.show(f"VIOLATED: {promise}")
        self.violations.append(promise)

    def step(self) -> None:
        """Let arrive what was given up long ago."""
        self.steps += 1
        self.network.reach(self.steps)

    def later(self, who: str, verb: str, effect: Callable[[], object]) -> None:
        """Let a request arrive when nobody waits for its answer any more."""
        self.has_strayed = True

        def arrive() -> None:
            try:
                effect()
            except S3Error as error:
                self.show(f"    {who}: {verb} arrives late, and is refused: {error}")
            else:
                self.show(f"    {who}: {verb} arrives late")

        self.network.at(self.steps + some_steps(self.random), arrive)

    def let_all_arrive(self) -> None:
        """Let everything that is on its way arrive, or be lost for ever."""
        if self.random.random() < 0.7:
            self.network.reach(1 << 62)
        self.network.clear()

    def abort_some_upload(self) -> None:
        """Do what a lifecycle rule does."""
        if self.server.uploads:
            upload_id = self.random.choice(sorted(self.server.uploads))
            del self.server.uploads[upload_id]
            self.show(f"    lifecycle rule: aborts {upload_id}")

    def let_a_stranger_write(self) -> None:
        """Let somebody else store an object of the same size where one is to go."""
        uri = self.random.choice(list(self.files))
        self.has_strayed = True
        data = self.random.randbytes(len(self.files[uri].data))
        self.server.store_strange(uri.key, data)
        self.show(f"    stranger: stores {uri}")

    def change_some_file(self, unit: int) -> None:
        """Let somebody write to a file."""
        uri = self.random.choice(list(self.files))
        self.show(f"    file: {self.files[uri].change(self.random, unit)}")


def some_steps(random: Random) -> int:
    """Return a number of steps, as often below 10 as between 100 and 1,000."""
    return int(10 ** random.uniform(0, 3.2))
