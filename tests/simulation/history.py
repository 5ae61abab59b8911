"""From a seed to a history: runs with all that goes wrong, and a last one with nothing of it."""

import random as chance
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from asyncup.core.model import ObjectURI
from asyncup.core.options import Adaptive, ChecksumPolicy, Limits, OnChange, Options, Overwrite
from asyncup.edges.journal import Journal
from tests.simulation.clock import Crash
from tests.simulation.disk import Snapshot, SourceFile, lose_journal, random_size
from tests.simulation.line import Mishap, Weather
from tests.simulation.process import End, Process, Run
from tests.simulation.server import BUCKET, KINDS, Habits, SimulatedS3
from tests.simulation.world import World, some_steps

LIMITS = Limits(min_part_size=10, max_part_size=10_000, max_parts=50, part_size_step=10)
CONCURRENCY: list[int | Adaptive] = [1, 2, 3, 8, Adaptive(most=12), Adaptive(start=2, most=4)]
MOST_RUNS = 6
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - for speed alone

FINE = Weather()

PART_SIZES = {False: [10, 20, 50, 100], True: [50, 100]}
"""By whether it is a stream: the part size of one cannot grow with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habitat:
    """What stays the same through a history.

    `ends`, `troubles` and `losses` are what may happen at all: a history that has a bit of
    everything in it shows less than one that has much of something.
    """

    kind: str
    habits: Habits
    options: Options
    weather: Weather
    ends: tuple[str, ...]
    changes: float
    lifecycle: float
    company: float
    strangers: float
    losses: float
    streams: bool


def habitat_of(random: Random, root: Path) -> Habitat:
    """Draw what a history is like."""
    streams = random.random() < 0.15
    kind = random.choice(list(KINDS))
    habits = KINDS[kind]
    options = Options(
        part_size=random.choice(PART_SIZES[streams]),
        concurrency=random.choice(CONCURRENCY),
        read_ahead=random.choice([0, 1, 2]),
        direct=random.random() < 0.4,
        split_dir=root / "split",
        state_dir=root / "state" if random.random() < 0.6 else None,
        checksum=random.choice(_policies(habits)),
        on_change=random.choice(list(OnChange)),
        overwrite=random.choice([Overwrite.SIZE, Overwrite.ALWAYS, Overwrite.NEVER]),
        max_retry=random.choice([2, 4, 8]),
        retry_step=random.choice([0.0, 1.0]),
        retry_cap=3.0,
        stop_grace=random.choice([0.0, 0.5, 20.0]),
        limits=LIMITS,
    )
    ends = ["none", "cancel at a step", "cancel at an event", "stop", "crash", "expiry"]
    company = random.choice([0.0, 0.0, 0.5])
    return Habitat(
        kind=kind,
        habits=habits,
        options=options,
        weather=_weather(random, habits),
        ends=tuple(random.sample(ends, random.randint(1, len(ends)))),
        changes=random.choice([0.0, 0.0, 0.3, 0.8]),
        lifecycle=random.choice([0.0, 0.0, 0.3]),
        company=company,
        strangers=0.3 if company else 0.0,
        losses=random.choice([0.0, 0.0, 0.5]),
        streams=streams,
    )


def _policies(habits: Habits) -> list[ChecksumPolicy]:
    """Return the policies that a server can follow."""
    return [
        policy
        for policy in ChecksumPolicy
        if policy.algorithm is None or policy.algorithm in habits.algorithms
    ]


def _weather(random: Random, habits: Habits) -> Weather:
    mishaps = set(random.sample(list(Mishap), random.randint(0, 5)))
    if habits.is_sloppy:
        # Such a server makes objects of whatever came late; no look before could tell.
        mishaps = (mishaps | {Mishap.FORGOTTEN}) - {Mishap.LATE}
    return Weather(
        mishaps=tuple(sorted(mishaps)),
        rate=random.choice([0.02, 0.1, 0.1, 0.3]),
        delay=random.choice([0.0, 0.1, 2.0]),
    )


class History:
    """One seed's series of runs."""

    def __init__(self, seed: int, root: Path, show: Callable[[str], None] | None) -> None:
        self._random = random = Random(seed)
        self._habitat = habitat_of(random, root)
        server = SimulatedS3(self._habitat.habits, min_part_size=LIMITS.min_part_size)
        self._unit = self._habitat.options.part_size
        files = {}
        for number in range(random.choice([1, 1, 1, 2, 3])):
            file = SourceFile(root / f"file-{number}")
            file.write(random.randbytes(random_size(random, self._unit)))
            files[ObjectURI(BUCKET, file.path.name)] = file
        tell = show or (lambda _: None)
        self.world = World(root, random, server, files, tell, show is not None)
        tell(f"seed {seed}: {self._habitat}")

    def tell(self) -> list[str]:
        """Let it happen and return the promises that were not kept."""
        world = self.world
        for number in range(1, MOST_RUNS + 1):
            ended = self._run(number).go()
            if world.violations:
                return world.violations
            self._between()
            if ended is End.DONE:
                break
        world.let_all_arrive()
        self._last_run()
        return world.violations

    def _options(self) -> Options:
        """Return a run's options: the user may have changed some."""
        options, random = self._habitat.options, self._random
        if random.random() < 0.2:
            options = replace(options, part_size=random.choice(PART_SIZES[self._habitat.streams]))
        if random.random() < 0.2:
            options = replace(options, direct=not options.direct)
        if random.random() < 0.1:
            options = replace(options, overwrite=Overwrite.ALWAYS)
        return options

    def _process(self, name: str, options: Options, weather: Weather) -> Process:
        return Process(self.world, name, options, weather, streams=self._habitat.streams)

    def _run(self, number: int) -> Run:
        habitat, random = self._habitat, self._random
        process = self._process(f"run {number}", self._options(), habitat.weather)
        run = Run(self.world, process)
        self._arrange_end(run, random.choice(habitat.ends))
        if random.random() < habitat.company:
            self._arrange_company(run)
        while random.random() < habitat.changes:
            self._at(run, lambda: self.world.change_some_file(self._unit))
        while random.random() < habitat.lifecycle:
            self._at(run, self.world.abort_some_upload)
        if random.random() < habitat.strangers:
            self._at(run, self.world.let_a_stranger_write)
        return run

    def _at(self, run: Run, action: Callable[[], object]) -> None:
        run.agenda.at(some_steps(self._random), action)

    def _arrange_end(self, run: Run, end: str) -> None:
        process = run.first
        self.world.show(f"{process.name}: {end}, {process.options.overwrite}")
        match end:
            case "cancel at a step":
                self._at(run, process.cancel)
            case "cancel at an event":
                at = self._random.randint(1, 40)
                process.witness.at_event = lambda n, _: process.cancel() if n == at else None
            case "stop":
                self._at(run, process.stop)
            case "crash":
                self._at(run, self._crash)
            case "expiry":
                self._at(run, process.line.expire)
            case _:
                pass

    def _crash(self) -> None:
        self.world.show("  the machine loses its power")
        raise Crash

    def _arrange_company(self, run: Run) -> None:
        """Let another process begin on the same files, with the same journal or its own."""
        options = replace(self._options(), split_dir=self.world.root / "split-2")
        if self._random.random() < 0.6:
            options = replace(options, state_dir=self.world.root / "state-2")
        if self._random.random() < 0.3:
            options = replace(options, split_dir=run.first.options.split_dir)
        other = self._process(f"{run.first.name} (other)", options, self._habitat.weather)
        run.others.append(other)

        def begin() -> None:
            self.world.has_strayed = True
            for process in run.processes:
                process.witness.is_alone = False
            other.start()

        self._at(run, begin)
        if self._random.random() < 0.3:
            self._at(run, other.cancel)

    def _between(self) -> None:
        """Let things happen while nobody is at work."""
        habitat, random, world = self._habitat, self._random, self.world
        if random.random() < habitat.changes / 2:
            world.change_some_file(self._unit)
        if random.random() < habitat.lifecycle / 2:
            world.abort_some_upload()
        state_dir = habitat.options.state_dir
        if state_dir is None or not state_dir.exists():
            return
        if random.random() < habitat.losses:
            world.journal_is_damaged = True
            world.show(f"    {lose_journal(state_dir, world.older_journal, random)}")
        elif random.random() < habitat.losses:
            world.older_journal = Snapshot.take([state_dir], world.root / "older")

    def _last_run(self) -> None:
        world, options = self.world, self._habitat.options
        options = replace(options, direct=False, max_retry=5, overwrite=self._last_overwrite())
        process = self._process("last run", options, FINE)
        world.show(f"last run: {options.overwrite}")
        ended = Run(world, process).go()
        if ended is not End.DONE:
            world.violated(f"the last run is not done: {ended}: {process.error}")
            return
        for uri, file in world.files.items():
            held = world.server.objects.get(uri.key)
            if held is None or held.data != file.data:
                world.violated(f"{uri} is not the file after the last run")
        self._check_nothing_is_left(process)

    def _last_overwrite(self) -> Overwrite:
        """Return a policy that does not allow to leave an object which is not the file."""
        for uri, file in self.world.files.items():
            held = self.world.server.objects.get(uri.key)
            if held is not None and held.data != file.data:
                return Overwrite.ALWAYS
        return self._random.choice([Overwrite.ALWAYS, Overwrite.SIZE])

    def _check_nothing_is_left(self, process: Process) -> None:
        world, options = self.world, process.options
        if not world.journal_is_damaged and process.witness.reason:
            world.violated(f"no journal, for no reason: {process.witness.reason}")
        self._check_uploads(process)
        self._check_split_dir()
        if options.state_dir is not None and not process.witness.reason:
            self._check_journal(process, options.state_dir)

    def _check_split_dir(self) -> None:
        if left := sorted(each.name for each in (self.world.root / "split").iterdir()):
            self.world.violated(f"the last run has left chunk files: {left}")

    def _check_uploads(self, process: Process) -> None:
        """Every upload that is pending was named, if this run had any reason to look."""
        for upload_id, pending in self.world.server.uploads.items():
            result = process.witness.results[pending.upload.uri]
            has_looked = result is not None and result.attempts > 0 and result.parts > 1
            if has_looked and upload_id not in process.witness.ignored:
                self.world.violated(f"{upload_id} is pending, and was not named")

    def _check_journal(self, process: Process, state_dir: Path) -> None:
        """The journal knows of nothing but of what is pending at S3."""
        with Journal(state_dir, self.world.server.endpoint, self.world.violated) as journal:
            for record in journal.uploads():
                has_looked = process.witness.results[record.upload.uri] is not None
                if has_looked and record.upload.upload_id not in self.world.server.uploads:
                    self.world.violated(f"the journal has {record.upload.upload_id}, S3 has not")
        with closing(sqlite3.connect(state_dir / "journal.sqlite")) as database:
            for table in ("claims", "runs"):
                if rows := database.execute(f"SELECT * FROM {table}").fetchall():  # noqa: S608
                    self.world.violated(f"the journal's {table} are not empty: {rows}")
        left = sorted(path.name for path in (state_dir / "runs").iterdir())
        if left and not self.world.journal_is_damaged:
            self.world.violated(f"beside the journal lies {left}")


@contextmanager
def place() -> Iterator[Path]:
    """Give a directory that lasts as long as the context, in memory if there is such a place."""
    where = IN_MEMORY if IN_MEMORY.is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="asyncup-simulation-", dir=where))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def simulate(seed: int, show: Callable[[str], None] | None = None) -> list[str]:
    """Return the promises that the history of a seed shows to be broken."""
    # The engine's own chance: how long it waits for another attempt.
    chance.seed(seed)
    with place() as root:
        return History(seed, root, show).tell()
