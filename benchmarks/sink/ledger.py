"""What a sink remembers of what it has discarded: sizes, ETags, and checksums that it was told."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count

Checksums = Mapping[str, str]
"""By algorithm, as S3 writes them; nobody has checked them."""


@dataclass(frozen=True, slots=True)
class Held:
    """An object or a part that has arrived whole; `size` is in bytes."""

    size: int
    etag: str
    checksums: Checksums
    content_type: str = ""


@dataclass(slots=True)
class Pending:
    """An upload that is neither completed nor aborted."""

    name: str
    algorithm: str
    kind: str
    content_type: str
    parts: dict[int, Held] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What happened since the last reset.

    Attributes:
        received: bytes of all bodies of objects and parts that arrived whole, without framing.
        broken: bodies that ended early, or were not what was announced.
        requests: how many arrived, by operation.
    """

    received: int = 0
    broken: int = 0
    requests: Counter[str] = field(default_factory=Counter)


class Refused(Exception):
    """A request that S3 would refuse, with its code."""


class Ledger:
    """Objects by bucket and key, and pending uploads by ID. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = count(1)
        self._kept: dict[str, dict[str, Pending]] = {}
        self.objects: dict[str, Held] = {}
        self.pending: dict[str, Pending] = {}
        self.refused: set[str] = set()
        self.tally = Tally()

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.objects, self.pending = {}, {}
            self.refused = set()
            self.tally = Tally()

    def keep(self, state: str) -> None:
        """Remember the uploads that are pending now, as a state with a name."""
        with self._lock:
            self._kept[state] = deepcopy(self.pending)

    def restore(self, state: str) -> None:
        """Go back to a state that was kept, as if nothing had happened since."""
        self.reset()
        with self._lock:
            self.pending = deepcopy(self._kept[state])

    def count_request(self, operation: str) -> None:
        """Count a request.

        Raises:
            Refused: such requests are to fail.
        """
        with self._lock:
            self.tally.requests[operation] += 1
            if operation in self.refused:
                raise Refused("AccessDenied")

    def count_broken(self) -> None:
        """Count a body that did not arrive whole."""
        with self._lock:
            self.tally.broken += 1

    def put(self, name: str, size: int, checksums: Checksums, content_type: str) -> Held:
        """Hold an object that came in one request."""
        with self._lock:
            self.tally.received += size
            held = self.objects[name] = Held(size, self._etag(), checksums, content_type)
            return held

    def create(self, upload: Pending) -> str:
        """Begin an upload, and return its ID."""
        with self._lock:
            upload_id = f"upload-{next(self._ids)}"
            self.pending[upload_id] = upload
            return upload_id

    def put_part(self, upload_id: str, number: int, size: int, checksums: Checksums) -> Held:
        """Hold a part.

        Raises:
            Refused: there is no such upload.
        """
        with self._lock:
            upload = self._upload(upload_id)
            self.tally.received += size
            held = upload.parts[number] = Held(size, self._etag(), checksums)
            return held

    def forget_part(self, number: int) -> None:
        """Hold a part of every pending upload no more."""
        with self._lock:
            for upload in self.pending.values():
                upload.parts.pop(number, None)

    def complete(self, upload_id: str, numbers: Sequence[int], checksums: Checksums) -> Held:
        """Make an object of parts.

        Raises:
            Refused: there is no such upload, or no such part.
        """
        with self._lock:
            upload = self._upload(upload_id)
            if not numbers or not upload.parts.keys() >= set(numbers):
                raise Refused("InvalidPart")
            size = sum(upload.parts[number].size for number in numbers)
            etag = f"{self._etag()}-{len(numbers)}"
            del self.pending[upload_id]
            held = self.objects[upload.name] = Held(size, etag, checksums, upload.content_type)
            return held

    def abort(self, upload_id: str) -> None:
        """Forget an upload.

        Raises:
            Refused: there is no such upload.
        """
        with self._lock:
            self._upload(upload_id)
            del self.pending[upload_id]

    def delete(self, name: str) -> None:
        """Forget an object, if there is one."""
        with self._lock:
            self.objects.pop(name, None)

    def find(self, name: str) -> Held:
        """Return an object.

        Raises:
            Refused: there is none.
        """
        if name not in self.objects:
            raise Refused("NoSuchKey")
        return self.objects[name]

    def find_parts(self, upload_id: str) -> dict[int, Held]:
        """Return the parts of an upload, by number.

        Raises:
            Refused: there is no such upload.
        """
        with self._lock:
            return dict(sorted(self._upload(upload_id).parts.items()))

    def find_objects(self, prefix: str) -> dict[str, Held]:
        """Return the objects whose bucket and key begin so, in order."""
        with self._lock:
            return {
                name: self.objects[name] for name in sorted(self.objects) if name.startswith(prefix)
            }

    def find_pending(self, prefix: str) -> dict[str, Pending]:
        """Return the uploads of objects whose bucket and key begin so, by ID."""
        with self._lock:
            return {key: each for key, each in self.pending.items() if each.name.startswith(prefix)}

    def summary(self) -> dict[str, object]:
        """Return what there is and what happened, for who looks from outside."""
        with self._lock:
            return {
                "received": self.tally.received,
                "broken": self.tally.broken,
                "requests": dict(self.tally.requests),
                "objects": len(self.objects),
                "size": sum(each.size for each in self.objects.values()),
                "pending": len(self.pending),
                "cpu": time.process_time(),
            }

    def _etag(self) -> str:
        # It can't be taken for an MD5: nobody has computed one.
        return f"discarded-{next(self._ids)}"

    def _upload(self, upload_id: str) -> Pending:
        if upload_id not in self.pending:
            raise Refused("NoSuchUpload")
        return self.pending[upload_id]
