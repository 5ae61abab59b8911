"""Those who look after what is at S3: who compare it with files, list or abort what is pending."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from asyncup.core import aftercare, events
from asyncup.core.aftercare import PendingUploadFound
from asyncup.core.errors import JournalLocked, ObjectMismatch, ObjectMissing, ObjectUnproven
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.core.verification import Download
from asyncup.edges.journal_rows import to_bytes
from asyncup.engine.cleanup import Cleanup, Pending
from asyncup.engine.verifier import Verifier
from tests.simulation.line import Weather
from tests.simulation.process import End, Process
from tests.simulation.server import drive
from tests.simulation.world import Moment, World

NOW = datetime(2026, 1, 8, tzinfo=UTC)


class Verify(Process):
    """Compares all objects with their files; whatever it says has to be so."""

    def __init__(
        self, world: World, name: str, options: Options, weather: Weather, download: Download
    ) -> None:
        super().__init__(world, name, options, weather)
        self._download = download
        self._since: dict[ObjectURI, Moment] = {}
        self._proven = 0

    async def work(self) -> End:
        """Compare."""
        async with Verifier(
            options=self.options,
            gateway=self.line,
            download=self._download,
            listener=self._hear,
        ) as verifier:
            self.tool = verifier
            result = await verifier.verify_all(self.jobs())
        if (result.exit_code == 0) is not (self._proven == len(self.world.files)):
            self.world.violated(f"{self.name} ends with {result.exit_code}: {result}")
        return self.end_of(result)

    def _hear(self, event: Event, /) -> None:
        if self.witness.is_over:
            return
        match event:
            case events.FileStarted():
                self._since[event.uri] = Moment(self.world)
            case aftercare.ObjectVerified():
                self._proven += 1
                self._need(event, event.uri, is_true=self._since[event.uri].may_be_equal(event.uri))
            case aftercare.VerifyFailed() if event.uri is not None:
                self._judge(event, event.uri, self._since[event.uri])
            case _:
                pass
        self.witness(event)

    def _judge(self, event: aftercare.VerifyFailed, uri: ObjectURI, since: Moment) -> None:
        match event.error:
            case ObjectMismatch():
                self._need(event, uri, is_true=since.may_differ(uri))
            case ObjectMissing():
                self._need(event, uri, is_true=None in since.objects(uri))
            case ObjectUnproven():
                self._need(event, uri, is_true=self._nobody_can_tell(uri, since))
            case _:
                pass

    def _nobody_can_tell(self, uri: ObjectURI, since: Moment) -> bool:
        """Return whether S3 does not tell enough to know better without a download."""
        objects, files = since.objects(uri), since.files(uri)
        if self._download is not Download.NEVER:
            return False
        if len(objects) > 1 or len(files) > 1:
            return True
        stored = self.world.server.objects[uri.key]
        if len(stored.data) != len(files[0]) or stored.head.checksums or stored.head.composite:
            return False
        # An ETag of MD5s can only show that they are equal, and only to whom knows the parts.
        are_parts_known = len(stored.part_sizes) == 1 or self.world.server.tells_parts
        return self.world.server.opaque_etags or not are_parts_known or objects != files

    def _need(self, event: Event, uri: ObjectURI, *, is_true: bool) -> None:
        if not is_true:
            sizes = [len(each) for each in self._since[uri].files(uri)]
            self.world.violated(f"{self.name} is wrong about {uri}, of {sizes} bytes: {event}")


@dataclass(frozen=True, slots=True)
class Place:
    """A key or a prefix, to look for what is pending there; `exact`: only at this key."""

    uri: ObjectURI
    exact: bool = False

    def holds(self, key: str) -> bool:
        """Return whether a key is here."""
        own = self.uri.key
        prefix = own if own.endswith("/") or not own else f"{own}/"
        return key == own or (key.startswith(prefix) and not self.exact)


class Clean(Process):
    """Lists what is pending at a place, and aborts a share of it, from 0 to 1."""

    def __init__(
        self,
        world: World,
        name: str,
        options: Options,
        weather: Weather,
        place: Place,
        share: float,
    ) -> None:
        super().__init__(world, name, options, weather)
        self._place = place
        self._share = share

    async def work(self) -> End:
        """List, and abort."""
        random = self.world.random
        async with Cleanup(options=self.options, gateway=self.line, listener=self._hear) as cleanup:
            self.tool = cleanup
            before = self._pending()
            listed = cleanup.list(self._place.uri, NOW, exact=self._place.exact)
            found = [each async for each in listed]
            self._check_list(before, [each.found for each in found])
            chosen: Sequence[Pending] = [each for each in found if random.random() < self._share]
            return self.end_of(await cleanup.abort_all(chosen))

    def _pending(self) -> dict[str, tuple[ObjectURI, int, int]]:
        """Return what is pending here: key, number of parts, and bytes, by upload ID."""
        held = {}
        for upload_id, stored in self.world.server.uploads.items():
            if self._place.holds(stored.upload.uri.key):
                parts = drive(self.world.server.list_parts(stored.upload)).parts
                size = sum(part.size for part in parts)
                held[upload_id] = (stored.upload.uri, len(parts), size)
        return held

    def _check_list(
        self,
        before: dict[str, tuple[ObjectURI, int, int]],
        found: Sequence[PendingUploadFound],
    ) -> None:
        """All is told that was pending all the time, as it is, and nothing that never was."""
        after = self._pending()
        told = {each.upload_id: (each.uri, each.parts, each.size) for each in found}
        lasting = dict(before.items() & after.items())
        if len(told) != len(found):
            self.world.violated(f"{self.name} was told something twice: {found}")
        for upload_id, held in lasting.items():
            if told.get(upload_id) != held:
                self.world.violated(f"{self.name} was told {told.get(upload_id)} for {held}")
        # Of what was aborted, the journal may remember parts that are still there.
        known = {*before, *after, *self.world.server.leftovers}
        if self.witness.is_alone and (more := told.keys() - known):
            self.world.violated(f"{self.name} was told what is not pending: {sorted(more)}")

    def _hear(self, event: Event, /) -> None:
        if self.witness.is_over:
            return
        match event:
            case events.UploadAborted():
                self.witness.rests(event.uri)
                self._check_gone(event.upload_id)
            case aftercare.AbortFailed():
                self.witness.rests(event.uri)
                if isinstance(event.error, JournalLocked) and self.witness.is_alone:
                    self.world.violated(f"{self.name} was refused, for nobody: {event.error}")
            case _:
                pass
        self.witness(event)

    def _check_gone(self, upload_id: str) -> None:
        """Neither S3 nor the journal knows anything of what was aborted."""
        if upload_id in self.world.server.held:
            self.world.violated(f"{self.name} has aborted {upload_id}, and S3 holds parts of it")
        if self.options.state_dir is None or self.witness.reason:
            return
        with closing(sqlite3.connect(self.options.state_dir / "journal.sqlite")) as database:
            select = "SELECT * FROM uploads WHERE upload_id = ?"
            if database.execute(select, (to_bytes(upload_id),)).fetchall():
                self.world.violated(f"{self.name} has aborted {upload_id}, the journal knows it")
            orphans = "SELECT * FROM receipts WHERE id NOT IN (SELECT id FROM uploads)"
            if not self.world.journal_is_damaged and database.execute(orphans).fetchall():
                self.world.violated(f"{self.name} has left receipts of {upload_id}")
