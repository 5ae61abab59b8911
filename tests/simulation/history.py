"""From a seed to a history: runs with all that goes wrong, and a last one with nothing of it."""

import random as chance
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from asyncup.core.errors import ObjectUnproven
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options, Overwrite
from asyncup.core.verification import Download
from asyncup.edges.journal import Journal
from tests.simulation.aftercare import Clean, Place, Verify
from tests.simulation.clock import Crash
from tests.simulation.disk import Snapshot, SourceFile, lose_journal, random_size
from tests.simulation.habitat import FINE, LIMITS, PART_SIZES, habitat_of
from tests.simulation.line import Weather
from tests.simulation.process import End, Process, Put, Run
from tests.simulation.server import BUCKET, SimulatedS3
from tests.simulation.world import World, some_steps

MOST_RUNS = 6
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - for speed alone

OTHER_KEYS = ("file", "file-0/inner", "file-00")
"""Where somebody else has begun uploads: above, below and beside the key of a file."""


class History:
    """One seed's series of runs."""

    def __init__(self, seed: int, root: Path, show: Callable[[str], None] | None) -> None:
        self._random = random = Random(seed)
        self._habitat = habitat_of(random, root)
        # What else is drawn is the same without workers.
        self._of_workers = Random(f"workers of {seed}")
        self._processes = self._of_workers.choice([1, 1, 1, 2, 3])
        server = SimulatedS3(self._habitat.habits, min_part_size=LIMITS.min_part_size)
        self._unit = self._habitat.options.part_size or 0
        files = {}
        for number in range(random.choice([1, 1, 1, 2, 3])):
            file = SourceFile(root / f"file-{number}")
            file.write(random.randbytes(random_size(random, self._unit)))
            files[ObjectURI(BUCKET, file.path.name)] = file
        tell = show or (lambda _: None)
        self.world = World(root, random, server, files, tell, show is not None)
        tell(f"seed {seed}: {self._habitat}")
        if self._habitat.care:
            for key in OTHER_KEYS:
                server.leave_pending(key, random.randbytes(self._unit))

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
        options = replace(options, processes=self._processes)
        if random.random() < 0.2:
            options = replace(options, part_size=random.choice(PART_SIZES[self._habitat.streams]))
        if random.random() < 0.2:
            options = replace(options, direct=not options.direct)
        if random.random() < 0.1:
            options = replace(options, overwrite=Overwrite.ALWAYS)
        return options

    def _put(self, name: str, options: Options, weather: Weather) -> Put:
        return Put(self.world, name, options, weather, streams=self._habitat.streams)

    def _run(self, number: int) -> Run:
        habitat, random = self._habitat, self._random
        process = self._put(f"run {number}", self._options(), habitat.weather)
        run = Run(self.world, process)
        self._arrange_end(run, random.choice(habitat.ends))
        while self._processes > 1 and self._of_workers.random() < 0.4:
            run.agenda.at(some_steps(self._of_workers), process.lose_workers)
        if random.random() < habitat.care:
            self._at(run, self._begin(run, self._carer(f"{process.name} (care)")))
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
            case "outage":
                # Some are longer than they are waited for.
                seconds = self._random.choice([0.1, 1.0, 5.0, 15.0, 40.0])
                self._at(run, lambda: process.line.go_dark(seconds))
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
        other = self._put(f"{run.first.name} (other)", options, self._habitat.weather)
        begin = self._begin(run, other)

        def intrude() -> None:
            self.world.has_strayed = True
            for process in run.processes:
                process.witness.is_alone = False
            begin()

        self._at(run, intrude)
        if self._random.random() < 0.3:
            self._at(run, other.cancel)

    def _begin(self, run: Run, other: Process) -> Callable[[], object]:
        """Return what lets another process begin beside those of a run."""
        run.others.append(other)
        other.witness.is_alone = False
        return other.start

    def _carer(self, name: str) -> Process:
        """Return a process that compares what is there, or looks for what is pending."""
        random, options = self._random, self._habitat.options
        weather = random.choice([FINE, self._habitat.weather])
        if random.random() < (0.7 if self.world.server.objects else 0.3):
            return Verify(self.world, name, options, weather, random.choice(list(Download)))
        if random.random() < 0.2:
            options = replace(options, state_dir=random.choice([None, self.world.root / "state-2"]))
        uri = random.choice([ObjectURI(BUCKET, ""), *self.world.files])
        place = Place(uri, exact=bool(uri.key) and random.random() < 0.5)
        return Clean(self.world, name, options, weather, place, random.choice([0.0, 0.5, 1.0, 1.0]))

    def _between(self) -> None:
        """Let things happen while nobody is at work."""
        habitat, random, world = self._habitat, self._random, self.world
        if random.random() < habitat.changes / 2:
            world.change_some_file(self._unit)
        if random.random() < habitat.lifecycle / 2:
            world.abort_some_upload()
        if random.random() < habitat.care:
            run = Run(world, self._carer("care"))
            self._arrange_end(run, random.choice(["none", "none", *habitat.ends]))
            run.go()
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
        process = self._put("last run", options, FINE)
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
        if self._random.random() < self._habitat.care:
            self._look_after(options)

    def _look_after(self, options: Options) -> None:
        """With nothing in the way, all is shown to be equal, and nothing stays pending."""
        world, download = self.world, self._random.choice(list(Download))
        verify = Verify(world, "last look", options, FINE, download)
        ended = Run(world, verify).go()
        # It is rightly not proven where S3 tells too little.
        if ended is not End.DONE and not isinstance(verify.error, ObjectUnproven):
            world.violated(f"the last look did not show all: {verify.error}")
        world.let_a_stranger_write()
        Run(world, Verify(world, "another look", options, FINE, download)).go()
        clean = Clean(world, "clean-up", options, FINE, Place(ObjectURI(BUCKET, "")), 1.0)
        if Run(world, clean).go() is not End.DONE or world.server.uploads:
            world.violated(f"{sorted(world.server.uploads)} are still pending: {clean.error}")

    def _last_overwrite(self) -> Overwrite:
        """Return a policy that does not allow to leave an object which is not the file."""
        for uri, file in self.world.files.items():
            held = self.world.server.objects.get(uri.key)
            if held is not None and held.data != file.data:
                return self._random.choice([Overwrite.ALWAYS, Overwrite.CHECKSUM])
        return self._random.choice([Overwrite.ALWAYS, Overwrite.CHECKSUM, Overwrite.SIZE])

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
            if pending.upload.uri not in self.world.files:
                continue
            result = process.witness.results[pending.upload.uri]
            has_looked = result is not None and result.attempts > 0 and result.parts > 1
            if has_looked and upload_id not in process.witness.ignored:
                self.world.violated(f"{upload_id} is pending, and was not named")

    def _check_journal(self, process: Process, state_dir: Path) -> None:
        """The journal knows of nothing but of what is pending at S3."""
        with Journal(state_dir, self.world.server.endpoint, self.world.violated) as journal:
            for record in journal.uploads():
                has_looked = process.witness.results[record.upload.uri] is not None
                if has_looked and record.upload.upload_id not in self.world.server.held:
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
