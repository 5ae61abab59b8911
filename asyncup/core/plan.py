"""A size and the limits of S3 in, parts out.

Promises, for every plan: the parts cover the file without gap or overlap, are numbered 1 to n
with n within the limit, are all of one size but the last, which is no larger. (Cloudflare R2
refuses uneven parts, and only when all of them have been sent.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.model import Part
from asyncup.core.options import USUAL_PART_SIZE, Limits
from asyncup.core.sizes import format_size


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """How one source is cut; `size` and `part_size` in bytes, `size` None for an open stream."""

    size: int | None
    part_size: int

    @property
    def is_single(self) -> bool:
        """Whether one PutObject carries it all."""
        return self.size is not None and self.size <= self.part_size

    @property
    def count(self) -> int:
        """The number of parts; a file that fits in one request has one, also if it is empty.

        Raises:
            ValueError: nobody knows the number of parts of an open stream.
        """
        if self.size is None:
            raise ValueError("an open stream has no number of parts")
        return max(1, -(-self.size // self.part_size))

    def part(self, number: int) -> Part:
        """Return the part of this number; of a stream, what it is if the stream goes on.

        Raises:
            IndexError: the plan has no such part.
        """
        offset = (number - 1) * self.part_size
        if number < 1 or (self.size is not None and number > self.count):
            raise IndexError(f"no part {number}")
        if self.size is None:
            return Part(number, offset, self.part_size)
        return Part(number, offset, min(self.part_size, self.size - offset))

    def parts(self) -> Iterator[Part]:
        """Yield the parts in order; without end for a stream."""
        number = 0
        while self.size is None or number < self.count:
            number += 1
            yield self.part(number)

    def closed_at(self, size: int) -> "UploadPlan":
        """Return the plan of a stream that turned out to have this many bytes."""
        return UploadPlan(size, self.part_size)


SEVERAL = 32
"""Parts that a file is to have at least: on a link that loses packets, many connections carry what
one cannot, and less is in flight when it breaks.
"""


def usual_part_size(size: int | None, limits: Limits) -> int:
    """Return the part size that suits a file, if nothing else is asked for."""
    usual, step = min(USUAL_PART_SIZE, limits.max_part_size), limits.part_size_step
    if size is None or size <= usual:
        return usual
    return min(usual, max(limits.min_part_size, -(-size // (SEVERAL * step)) * step))


def make_plan(size: int | None, part_size: int | None, limits: Limits) -> UploadPlan:
    """Cut `size` bytes into parts of `part_size`, or larger ones where they would be too many.

    A part size of None is the usual one.

    Raises:
        SourceUnsuitable: no part size makes an object of this size.
    """
    if part_size is None:
        part_size = usual_part_size(size, limits)
    if size is None:
        return UploadPlan(None, part_size)
    if size > limits.max_object_size:
        raise SourceUnsuitable(
            f"{size} bytes are more than an S3 object can hold, {limits.max_object_size} "
            f"({format_size(limits.max_object_size)})",
            hint="split the file into several objects",
        )
    if part_size * limits.max_parts >= size:
        return UploadPlan(size, part_size)
    return UploadPlan(size, smallest_part_size(size, limits))


def smallest_part_size(size: int, limits: Limits) -> int:
    """Return the smallest round part size with which `size` bytes need no more than all parts."""
    exact = -(-size // limits.max_parts)
    step = limits.part_size_step
    return min(-(-exact // step) * step, limits.max_part_size)


def request_count(plan: UploadPlan) -> int:
    """Return how many requests a new upload costs at S3 if nothing fails, checks included.

    One part: PutObject. More: list pending uploads, create, the parts, list them (1,000 a page),
    head, complete, head.
    """
    if plan.is_single:
        return 1
    pages = -(-plan.count // 1000)
    return 1 + 1 + plan.count + pages + 1 + 1 + 1
