"""What is promised of a process while it runs: checked at each of its requests and events."""

import os
from collections.abc import Callable

from asyncup.core import aftercare, events
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, UploadResult
from asyncup.core.options import Options, Overwrite
from tests.simulation.line import Asked
from tests.simulation.world import Moment, World

_NOISE = (events.BytesSent, aftercare.BytesRead)


class Witness:
    """Listens to one process and reads along on its line.

    Attributes:
        is_alone: whether no other process is at work on the same keys.
        ignored: uploads that it has named as of no use to it, or deleted.
        heard: how many events there were.
        reason: why it was told to be without a journal, if it was.
    """

    def __init__(self, world: World, name: str, options: Options) -> None:
        self.world = world
        self.name = name
        self.is_alone = True
        self.ignored: set[str] = set()
        self.heard = 0
        self.reason = ""
        self.results: dict[ObjectURI, UploadResult | None] = {}
        self.at_event: Callable[[int, Event], None] = lambda _, __: None
        self._options = options
        self._is_over = False
        # Those of the dead are removed by the first run that keeps some of its own.
        self._chunks_before = self._chunks() if options.direct else 0
        self._known = dict(world.acknowledged)
        self._since = Moment(world)
        self._current: dict[ObjectURI, str] = {}
        self._sent: dict[ObjectURI, str] = {}

    def end(self) -> None:
        """Hear nothing any more: the process has ended, in whatever way."""
        self._is_over = True
        self.rests(None)

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._is_over

    # What it hears.

    def __call__(self, event: Event, /) -> None:
        if self._is_over:
            return
        if self.world.is_watched and not isinstance(event, _NOISE):
            self.world.show(f"  {self.name}: {event}")
        self.heard += 1
        self._note_upload(event)
        self._note_part(event)
        self._note_end(event)
        self.at_event(self.heard, event)

    def _note_upload(self, event: Event) -> None:
        match event:
            case events.UploadCreated() | events.UploadResumed():
                self._current[event.uri] = event.upload_id
            case events.PendingUploadIgnored():
                self.ignored.add(event.upload_id)
            case events.UploadAborted():
                self.ignored.add(event.upload_id)
                self._current.pop(event.uri, None)
            case _:
                pass

    def _note_part(self, event: Event) -> None:
        match event:
            case events.PartUploaded():
                self._check_disk()
                self._acknowledged(event.uri, event.part_number, self._sent.get(event.uri, ""))
            case events.PartKept():
                self._acknowledged(event.uri, event.part_number, self._current.get(event.uri, ""))
            case events.PartDiscarded():
                self._discarded(event.uri, event.part_number)
            case _:
                pass

    def _note_end(self, event: Event) -> None:
        match event:
            case events.UploadFailed() | events.UploadInterrupted():
                self.rests(event.uri)
            case events.UploadCompleted():
                self.rests(event.uri)
                self.results[event.uri] = event.result
                self._completed(event.uri, event.result)
            case events.FileSkipped() if event.uri is not None:
                self.results[event.uri] = None
                self._skipped(event.uri, event.reason)
            case events.JournalUnavailable():
                self.reason = event.reason
            case _:
                pass

    def _check_disk(self) -> None:
        """There are never more chunk files than the window has places."""
        window = self._options.slots.most + self._options.ahead
        most = window + self._chunks_before
        if self.is_alone and (found := self._chunks()) > most:
            self.world.violated(f"{self.name} keeps {found} chunk files, not {most}")

    def _chunks(self) -> int:
        split_dir = self._options.split_dir
        if split_dir is None or not split_dir.exists():
            return 0
        runs = [each for each in split_dir.iterdir() if each.is_dir()]
        return sum(len(os.listdir(each)) for each in runs)  # noqa: PTH208 - only to count them

    def _acknowledged(self, uri: ObjectURI, number: int, upload_id: str) -> None:
        if upload_id:
            self._known[upload_id, number] = uri
            self.world.acknowledged[upload_id, number] = uri

    def _discarded(self, uri: ObjectURI, number: int) -> None:
        for known in (self._known, self.world.acknowledged):
            for key in [key for key, at in known.items() if at == uri and key[1] == number]:
                del known[key]

    def _completed(self, uri: ObjectURI, result: UploadResult) -> None:
        """A success is that of an object which is the file, as it was at some time in this run."""
        data = self.world.server.history.get((uri.key, result.etag))
        if data not in self._since.files(uri):
            told = "nothing" if data is None else f"{len(data)} other bytes"
            self.world.violated(f"{self.name} said {uri} is done, and S3 holds {told}")
        elif result.size != len(data or b""):
            self.world.violated(f"{self.name} told a wrong size of {uri}")

    def _skipped(self, uri: ObjectURI, reason: str) -> None:
        """What is left because it is proven to be there has been there in this run."""
        if "proven" in reason and not self._since.may_be_equal(uri):
            self.world.violated(f"{self.name} said that S3 holds {uri}, and it does not")

    # What it asks for.

    def requested(self, verb: str, what: Asked) -> None:
        """Take note of a request that reaches the server now, or later."""
        if self._is_over:
            return
        told = f" {what.upload_id}" if what.upload_id else ""
        told += f" part {what.number}" if what.number else ""
        self.world.show(f"  {self.name}: > {verb}{told}")
        if what.upload_id and verb != "list_parts":
            self._works(what.uri)
        if verb in {"put_object", "upload_part"}:
            self._sent[what.uri] = what.upload_id
        if verb in {"put_object", "complete_multipart_upload"}:
            self._stores(what)
        elif verb == "upload_part":
            self._sends(what)
        elif verb == "create_multipart_upload":
            self._creates(what.uri)

    def later(self, verb: str, effect: Callable[[], object]) -> None:
        """Let a request arrive some time later, when nobody waits for its answer any more."""
        if not self._is_over:
            self.world.later(self.name, verb, effect)

    def _works(self, uri: ObjectURI) -> None:
        """No two processes of one journal are at work on the same key."""
        if self._options.state_dir is None or self.reason:
            return
        owner = self.world.at_work.setdefault((self._options.state_dir, uri), self)
        if owner is not self:
            self.world.violated(f"{self.name} works on {uri} beside {owner.name}")

    def rests(self, uri: ObjectURI | None) -> None:
        """Take note that it is not at work any more on a key, or on any."""
        for key in [key for key, owner in self.world.at_work.items() if owner is self]:
            if uri in {key[1], None}:
                del self.world.at_work[key]

    def _stores(self, what: Asked) -> None:
        """Nothing is replaced that was to be left."""
        if self._options.overwrite is Overwrite.NEVER and not what.only_if_absent:
            self.world.violated(f"{self.name} would replace {what.uri}")

    def _sends(self, what: Asked) -> None:
        """No part is sent again that was acknowledged, unless something was said against it."""
        key = (what.upload_id, what.number)
        if what.upload_id in self.world.server.aborted:
            return
        if key in self._known and key not in self.world.server.forgotten and self.is_alone:
            self.world.violated(f"{self.name} sent part {what.number} of {what.upload_id} again")

    def _creates(self, uri: ObjectURI) -> None:
        """No upload is begun beside one that holds parts, unless that was named as of no use."""
        held = {upload_id for (upload_id, _), at in self._known.items() if at == uri}
        forgotten = held & set(self.world.server.uploads) - self.ignored
        if forgotten and self.is_alone:
            self.world.violated(f"{self.name} began anew beside {', '.join(sorted(forgotten))}")
