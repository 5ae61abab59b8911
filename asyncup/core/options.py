"""The engine's knobs, and the limits of S3, as frozen values that validate themselves."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from asyncup.core.errors import UsageError
from asyncup.core.model import ChecksumAlgorithm
from asyncup.core.rates import RateLimit
from asyncup.core.sizes import format_size

KIB = 1 << 10
MIB = 1 << 20

USUAL_PART_SIZE = 16 * MIB
"""The part size of large files and of streams, if nothing else is asked for."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes; sizes in bytes.

    The defaults are those of AWS: parts of 5 MiB to 5 GiB (the last one may be shorter), 10,000
    of them, so objects of up to 48.8 TiB
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), and keys of up to 1,024
    bytes of UTF-8 (.../userguide/object-keys.html).

    `part_size_step` is asyncup's own: a part size that has to grow is rounded up to it.
    """

    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    max_key_bytes: int = 1024
    part_size_step: int = MIB

    def part_size_problem(self, size: int) -> str:
        """Say that no part can have this size."""
        low, high = format_size(self.min_part_size), format_size(self.max_part_size)
        # Rounded, 5 MiB less one byte is 5 MiB.
        shown = f"{size} B" if format_size(size) in {low, high} else format_size(size)
        return f"part size {shown} is not between {low} and {high}"

    @property
    def max_object_size(self) -> int:
        """The size in bytes of the largest object that parts can make."""
        return self.max_parts * self.max_part_size


class Overwrite(StrEnum):
    """When an object that S3 already holds is replaced."""

    ALWAYS = "always"
    NEVER = "never"
    SIZE = "size"
    CHECKSUM = "checksum"


class ChecksumPolicy(StrEnum):
    """By what S3 is to check each part, and the object where it can.

    `auto` is CRC64NVME where the server takes it, else MD5. A named checksum that the server does
    not take is an error. `none` sends none; what can be shown at the end is shown all the same.
    """

    AUTO = "auto"
    CRC64NVME = "crc64nvme"
    CRC32C = "crc32c"
    SHA256 = "sha256"
    MD5 = "md5"
    NONE = "none"

    @property
    def algorithm(self) -> ChecksumAlgorithm | None:
        """The algorithm that S3 is to be told in any case."""
        return _NAMED.get(self)

    @property
    def for_parts(self) -> ChecksumAlgorithm | None:
        """The algorithm to ask S3 for when a multipart upload is created."""
        return ChecksumAlgorithm.CRC64NVME if self is ChecksumPolicy.AUTO else self.algorithm

    @property
    def otherwise(self) -> frozenset[ChecksumAlgorithm]:
        """What to compute of a part where S3 takes no algorithm."""
        return frozenset() if self is ChecksumPolicy.NONE else frozenset({ChecksumAlgorithm.MD5})

    @property
    def for_objects(self) -> frozenset[ChecksumAlgorithm]:
        """What to compute of an object that goes in one request."""
        return self.otherwise if self.algorithm is None else frozenset({self.algorithm})


_NAMED = {
    ChecksumPolicy.CRC64NVME: ChecksumAlgorithm.CRC64NVME,
    ChecksumPolicy.CRC32C: ChecksumAlgorithm.CRC32C,
    ChecksumPolicy.SHA256: ChecksumAlgorithm.SHA256,
}


class OnChange(StrEnum):
    """What to do about a file that changes while it is uploaded.

    `fail` leaves it, with its parts, for a later run; `restart` aborts its upload and begins
    again; `patch` compares every part and sends again those that differ.
    """

    FAIL = "fail"
    RESTART = "restart"
    PATCH = "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive:
    """As many parts in flight as turn out to bring most: `start` first, `least` to `most` later.

    Raises:
        UsageError: they are not in this order.
    """

    least: int = 1
    start: int = 8
    most: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.start <= self.most:
            raise UsageError(
                f"concurrency {self.least} to {self.most}, from {self.start}, is no range above 0"
            )

    @classmethod
    def between(cls, least: int, most: int) -> "Adaptive":
        """Return what begins as usual, as far as these bounds let it."""
        return cls(least=least, start=max(least, min(cls().start, most)), most=most)

    @classmethod
    def pinned(cls, number: int) -> "Adaptive":
        """Return what stays at a number."""
        return cls(least=number, start=number, most=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to upload; sizes in bytes, times in seconds.

    Args:
        part_size: of each part; raised where a file would need more parts than the limit. None is
            what suits the file: 16 MiB, or less where it would have only a few parts.
        concurrency: parts in flight at once, over all files; a number stays as it is.
        read_ahead: parts that wait as chunk files for a place in flight.
        processes: that read and send parts; 1 is this one alone, 0 is as many as pay.
        direct: send from the file itself, without chunk files.
        split_dir: where chunk files are kept; None is a folder in the user's cache directory.
        overwrite: when an object that is already there is replaced.
        checksum: by what S3 is to check what arrives.
        on_change: what to do about a file that changes while it is uploaded.
        state_dir: where the journal is kept; None is without one: S3's own lists are enough to
            resume, but what they name has to be read again here.
        max_retry: attempts for each request before its file fails.
        retry_step: the delay grows by this with every attempt.
        retry_cap: and never beyond this, unless the server asks for more.
        stall_timeout: a request whose bytes do not move for this long is dropped and sent again.
        complete_timeout: S3 may take minutes to put 10,000 parts together.
        give_up_after: how long S3 may be out of reach before the run ends.
        limit_rate: the most that goes out, of all parts together, by the time of day.
        min_rate: in bytes per second; a part that travels more slowly is sent again on another
            connection, 0 for none.
        stop_grace: how long parts in flight may go on after `stop()`.
        limits: what the server takes.

    Raises:
        UsageError: values that cannot work, all of them in one message.
    """

    part_size: int | None = None
    concurrency: int | Adaptive = field(default_factory=Adaptive)
    read_ahead: int = 2
    processes: int = 1
    direct: bool = False
    split_dir: Path | None = None
    overwrite: Overwrite = Overwrite.SIZE
    checksum: ChecksumPolicy = ChecksumPolicy.AUTO
    on_change: OnChange = OnChange.FAIL
    state_dir: Path | None = None
    max_retry: int = 30
    retry_step: float = 5.0
    retry_cap: float = 60.0
    stall_timeout: float = 30.0
    complete_timeout: float = 600.0
    give_up_after: float = 86_400.0
    limit_rate: RateLimit = field(default_factory=RateLimit)
    min_rate: int = 0
    stop_grace: float = 10.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise UsageError("; ".join(problems))

    def _problems(self) -> list[str]:
        low, high = self.limits.min_part_size, self.limits.max_part_size
        size = self.part_size
        rules = (
            (size is None or low <= size <= high, self.limits.part_size_problem(size or 0)),
            (
                not isinstance(self.concurrency, int) or self.concurrency >= 1,
                f"concurrency {self.concurrency} is less than 1",
            ),
            (self.processes >= 0, f"processes {self.processes} is less than 0"),
            (self.read_ahead >= 0, f"read ahead {self.read_ahead} is less than 0"),
            (self.max_retry >= 1, f"max retry {self.max_retry} is less than 1"),
            (self.retry_step >= 0, f"retry step {self.retry_step} is negative"),
            (self.retry_cap >= 0, f"retry cap {self.retry_cap} is negative"),
            (self.stall_timeout > 0, f"stall timeout {self.stall_timeout} is not above 0"),
            (self.complete_timeout > 0, f"complete timeout {self.complete_timeout} is not above 0"),
            (self.give_up_after >= 0, f"give up after {self.give_up_after} is negative"),
            (self.min_rate >= 0, f"min rate {self.min_rate} is negative"),
            (self.stop_grace >= 0, f"stop grace {self.stop_grace} is negative"),
        )
        return [problem for fine, problem in rules if not fine]

    @property
    def slots(self) -> Adaptive:
        """Between which numbers of parts in flight there may be a choice."""
        given = self.concurrency
        return Adaptive.pinned(given) if isinstance(given, int) else given

    @property
    def ahead(self) -> int:
        """How many parts may wait on the disk beside those in flight."""
        return 0 if self.direct else self.read_ahead


class AddressingStyle(StrEnum):
    """Where in a URL the bucket stands; the names are those of the AWS configuration."""

    PATH = "path"
    VIRTUAL = "virtual"
    AUTO = "auto"
    """In the path at an endpoint of one's own, else in the host name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """Which S3, and as whom; None means what every AWS tool would take.

    Args:
        profile: a section of the AWS configuration and credentials files.
        region: such as `eu-central-1`.
        endpoint_url: of another server than AWS, such as `http://127.0.0.1:9000`.
        addressing_style: whether the bucket stands in the path or in the host name.
        ca_bundle: a file of certificates to trust instead of the system's.
        verify_ssl: whether the server's certificate is checked at all.
        congestion_control: how TCP finds its rate, by the name the system has for it: `bbr`.
        access_key_id, secret_access_key, session_token: instead of the chain of credentials.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    addressing_style: AddressingStyle | None = None
    ca_bundle: Path | None = None
    verify_ssl: bool = True
    congestion_control: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
