"""How far one file is, part by part."""

from dataclasses import dataclass, field
from datetime import datetime

from asyncup.core.model import ObjectURI
from asyncup.core.part_map import PartMap, PartState


@dataclass(slots=True)
class FileProgress:
    """One file on its way; sizes in bytes.

    `attempts` counts those at each part that is in flight or waits for its next one. `lost` is how
    far it was before it was looked at anew.
    """

    source: str
    uri: ObjectURI
    size: int | None
    part_size: int
    parts: int | None
    committed: int = 0
    kept: int = 0
    parts_done: int = 0
    compared: int = 0
    completing: bool = False
    in_flight: dict[int, int] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    map: PartMap = field(init=False, compare=False)
    upload_id: str = ""
    abort_dates: dict[str, datetime] = field(default_factory=dict)
    lost: "FileProgress | None" = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self.map = PartMap(self.parts)

    @property
    def position(self) -> int:
        """Bytes acknowledged or on their way, of this run and earlier ones."""
        return self.committed + sum(self.in_flight.values())

    def plan(self, part_size: int, parts: int | None) -> None:
        """Take note of how the file is cut, before anything is known of its parts."""
        self.part_size, self.parts, self.map = part_size, parts, PartMap(parts)

    def size_of(self, number: int) -> int:
        """Return the size of a part; that of the last one of a stream may be less."""
        before = (number - 1) * self.part_size
        return self.part_size if self.size is None else min(self.part_size, self.size - before)

    def begin(self, number: int, attempt: int) -> int:
        """Take note of a part that begins to travel; return the bytes that went for it in vain.

        S3 may have acknowledged it in this run before, and not have kept it.
        """
        self.in_flight[number] = 0
        self.attempts[number] = attempt
        self.map[number] = PartState.IN_FLIGHT
        return 0 if self.lost is None else self.lost.forget(number)

    def forget(self, number: int) -> int:
        """Take back what was acknowledged of a part in this run, and return how much that is."""
        if number > len(self.map) or self.map[number] is not PartState.ACKNOWLEDGED:
            return 0
        self.map[number] = PartState.TO_COME
        return self.size_of(number)

    def lose(self, number: int, state: PartState) -> int:
        """Take back what an attempt has sent, and return how much that is."""
        self.map[number] = state
        return self.in_flight.pop(number, 0)

    def acknowledge(self, number: int, size: int, state: PartState) -> None:
        """Take note of a part that S3 has."""
        self.in_flight.pop(number, None)
        self.attempts.pop(number, None)
        self.committed += size
        self.parts_done += 1
        self.map[number] = state
