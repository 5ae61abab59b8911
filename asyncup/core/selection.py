"""Which files go up, which are skipped, and why; the only door to pathspec.

Patterns are those of gitignore (https://git-scm.com/docs/gitignore), matched against the path
relative to the source. An exclude wins over an include.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from asyncup.core.model import Fingerprint, ObjectHead, Proof
from asyncup.core.options import Limits, Overwrite
from asyncup.core.sizes import format_size

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the user wants of the files that are there; sizes in bytes."""

    include: "GitIgnoreSpec | None" = None
    exclude: "GitIgnoreSpec | None" = None
    min_size: int | None = None
    max_size: int | None = None
    small: int | None = None

    @classmethod
    def of(
        cls,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        small: int | None = None,
    ) -> Self:
        """Make filters of patterns; `small` is the size below which files are skipped.

        Raises:
            ValueError: a pattern is none.
        """
        return cls(
            include=_spec(list(include)),
            exclude=_spec(list(exclude)),
            min_size=min_size,
            max_size=max_size,
            small=small,
        )

    def prunes(self, directory: str) -> bool:
        """Return whether nothing below this directory can be wanted, so it need not be read.

        A negated pattern (`!keep.bin`) may want something back, so all has to be looked at.
        """
        if self.exclude is None or any(each.include is False for each in self.exclude.patterns):
            return False
        return self.exclude.match_file(f"{directory}/")

    def reason_to_skip(self, relative: str, size: int) -> str | None:
        """Say why a file is not wanted; None if it is."""
        if self.exclude is not None and self.exclude.match_file(relative):
            return "excluded by pattern"
        if self.include is not None and not self.include.match_file(relative):
            return "not included by any pattern"
        if self.min_size is not None and size < self.min_size:
            return f"smaller than {format_size(self.min_size)}"
        if self.max_size is not None and size > self.max_size:
            return f"larger than {format_size(self.max_size)}"
        if self.small is not None and size < self.small:
            return f"smaller than one part ({format_size(self.small)})"
        return None


def _spec(patterns: list[str]) -> "GitIgnoreSpec | None":
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


@dataclass(frozen=True, slots=True)
class Stay:
    """Why an object that S3 holds is left as it is.

    If it was shown to be the file, `proof` says by what, and `fingerprint` what file that was.
    """

    reason: str
    proof: Proof = Proof.SIZE
    fingerprint: Fingerprint | None = None


def reason_to_leave(size: int | None, at_s3: ObjectHead | None, policy: Overwrite) -> str | None:
    """Say why an object that S3 already holds is left as it is; None if the file is to go up.

    `size` is None for a stream, which equals nothing until it was read.
    """
    if at_s3 is None or policy is Overwrite.ALWAYS:
        return None
    if policy is Overwrite.NEVER:
        return "S3 already holds an object with this key"
    if at_s3.size == size:
        return f"S3 already holds it with the same size ({format_size(at_s3.size)})"
    return None


def key_problem(key: str, limits: Limits) -> str | None:
    """Say why a key cannot be one; None if it can.

    A file name that is not UTF-8 reaches Python with surrogates in it (PEP 383), and has no
    UTF-8 form that would lead back to the file.
    """
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return "the name is not UTF-8, as keys in S3 have to be"
    if length > limits.max_key_bytes:
        return f"the key is {length} bytes long, S3 takes {limits.max_key_bytes}"
    return None
