"""How files are cut: what holds for every plan."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.model import Part
from asyncup.core.options import GIB, MIB, Limits
from asyncup.core.plan import UploadPlan, make_plan, request_count, smallest_part_size

AWS = Limits()
TINY = Limits(min_part_size=5, max_part_size=40, max_parts=7, part_size_step=3)
LARGEST = AWS.max_object_size

SIZES = st.one_of(
    st.integers(0, LARGEST),
    # Around the ends of parts, where mistakes of one byte are made.
    st.builds(
        lambda number, part_size, more: min(LARGEST, max(0, number * part_size + more)),
        st.integers(0, AWS.max_parts),
        st.sampled_from([5 * MIB, 16 * MIB, 17 * MIB, 100_000_000, GIB, 5 * GIB]),
        st.integers(-1, 1),
    ),
)
WANTED = st.one_of(
    st.integers(AWS.min_part_size, AWS.max_part_size),
    st.integers(5, 5 * 1024).map(lambda mebibytes: mebibytes * MIB),
)


def check_parts(size: int, wanted: int, limits: Limits, parts: list[Part], part_size: int) -> None:
    """Fail unless the parts keep every promise of the module."""
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert 1 <= len(parts) <= limits.max_parts
    assert wanted <= part_size <= limits.max_part_size
    assert {part.size for part in parts[:-1]} <= {part_size}
    assert parts[-1].size <= part_size
    assert parts[-1].size > 0 or size == 0
    end = 0
    for part in parts:
        assert part.offset == end
        end += part.size
    assert end == size


def tiny_plans() -> Iterator[tuple[int, int]]:
    """Yield every size that the tiny limits allow, with every part size that can be wanted."""
    for size in range(TINY.max_object_size + 1):
        for wanted in range(TINY.min_part_size, TINY.max_part_size + 1):
            yield size, wanted


def test_every_tiny_plan_keeps_all_promises() -> None:
    """No gap, no overlap, no uneven part, no part too many: for every size there can be."""
    for size, wanted in tiny_plans():
        plan = make_plan(size, wanted, TINY)
        parts = list(plan.parts())

        assert plan.count == len(parts), (size, wanted)
        check_parts(size, wanted, TINY, parts, plan.part_size)


def test_every_tiny_part_size_is_the_smallest_round_one_that_fits() -> None:
    """A part size is raised only to a multiple of the step, or the largest, that none is below."""
    for size in range(TINY.max_object_size + 1):
        round_sizes = [*range(0, TINY.max_part_size, TINY.part_size_step), TINY.max_part_size]
        fitting = [each for each in round_sizes if each * TINY.max_parts >= size]

        assert smallest_part_size(size, TINY) == fitting[0], size
        for wanted in range(TINY.min_part_size, TINY.max_part_size + 1):
            plan = make_plan(size, wanted, TINY)
            assert plan.part_size in {wanted, fitting[0]}, (size, wanted)


def test_a_round_part_size_that_fits_is_kept() -> None:
    """A wanted part size is not raised as long as it makes no part too many."""
    for size, wanted in tiny_plans():
        is_round = wanted % TINY.part_size_step == 0 or wanted == TINY.max_part_size
        if is_round and wanted * TINY.max_parts >= size:
            assert make_plan(size, wanted, TINY).part_size == wanted, size


def test_a_tiny_file_too_large_is_refused() -> None:
    """One byte more than all parts can hold is refused, whatever part size is wanted."""
    for wanted in range(TINY.min_part_size, TINY.max_part_size + 1):
        with pytest.raises(SourceUnsuitable):
            make_plan(TINY.max_object_size + 1, wanted, TINY)


@given(SIZES, WANTED, st.data())
def test_any_plan_keeps_all_promises(size: int, wanted: int, data: st.DataObject) -> None:
    """Up to 48.8 TiB, parts follow each other without a gap, within the limits of AWS."""
    plan = make_plan(size, wanted, AWS)
    number = data.draw(st.integers(1, plan.count), label="part number")
    part, last = plan.part(number), plan.part(plan.count)

    assert 1 <= plan.count <= 10_000
    assert max(wanted, AWS.min_part_size) <= plan.part_size <= AWS.max_part_size
    assert plan.part(1).offset == 0
    assert part.number == number
    if number > 1:
        before = plan.part(number - 1)
        assert before.offset + before.size == part.offset
    assert part.size == plan.part_size or number == plan.count
    assert last.offset + last.size == size
    assert last.size <= plan.part_size


@given(SIZES, WANTED)
def test_the_part_size_is_the_wanted_one_or_round(size: int, wanted: int) -> None:
    """A part size that was not asked for is a number of whole MiB, so that people can read it."""
    plan = make_plan(size, wanted, AWS)

    assert plan.part_size == wanted or plan.part_size % MIB == 0
    assert plan.part_size == wanted or (plan.part_size - MIB) * AWS.max_parts < size


@pytest.mark.parametrize(
    ("size", "part_size", "count"),
    [
        pytest.param(0, 16 * MIB, 1, id="empty"),
        pytest.param(1, 16 * MIB, 1, id="one-byte"),
        pytest.param(16 * MIB, 16 * MIB, 1, id="one-part"),
        pytest.param(16 * MIB + 1, 16 * MIB, 2, id="one-part-and-a-byte"),
        pytest.param(10**9, 16 * MIB, 60, id="1GB"),
        pytest.param(10**11, 16 * MIB, 5_961, id="100GB"),
        pytest.param(160_000 * MIB, 16 * MIB, 10_000, id="all-parts-full"),
        pytest.param(160_000 * MIB + 1, 17 * MIB, 9_412, id="all-parts-full-and-a-byte"),
        pytest.param(10**12, 96 * MIB, 9_935, id="1TB"),
        pytest.param(10**13, 954 * MIB, 9_997, id="10TB"),
        pytest.param(50 * 10**12, 4_769 * MIB, 9_999, id="50TB"),
        pytest.param(LARGEST - 1, 5 * GIB, 10_000, id="one-byte-below-the-largest"),
        pytest.param(LARGEST, 5 * GIB, 10_000, id="48.8TiB"),
    ],
)
def test_plans_of_files_of_all_sizes(size: int, part_size: int, count: int) -> None:
    """A part size that would need too many parts is raised to the smallest MiB that fits."""
    plan = make_plan(size, 16 * MIB, AWS)

    assert (plan.size, plan.part_size, plan.count) == (size, part_size, count)
    check_parts(size, 16 * MIB, AWS, list(plan.parts()), plan.part_size)


@pytest.mark.parametrize("part_size", [5 * MIB, 16 * MIB, 5 * GIB])
def test_one_byte_more_than_an_object_can_hold_is_refused(part_size: int) -> None:
    """A file that no part size fits is refused before anything is sent, and the hint mends it."""
    with pytest.raises(SourceUnsuitable, match="more than an S3 object can hold") as caught:
        make_plan(LARGEST + 1, part_size, AWS)
    assert caught.value.hint == "split the file into several objects"


def test_an_empty_file_is_one_empty_part() -> None:
    """An empty file has one part without bytes, so that there is something to send."""
    plan = make_plan(0, 16 * MIB, AWS)

    assert list(plan.parts()) == [Part(1, 0, 0)]
    assert plan.is_single


@pytest.mark.parametrize(
    ("size", "is_single"), [(0, True), (9, True), (10, True), (11, False), (None, False)]
)
def test_what_fits_in_one_part_goes_in_one_request(size: int | None, *, is_single: bool) -> None:
    """A file no larger than one part needs no multipart upload; nobody knows this of a stream."""
    assert UploadPlan(size, 10).is_single is is_single


@pytest.mark.parametrize("number", [-1, 0, 4, 10_000])
def test_a_part_beyond_the_plan_is_refused(number: int) -> None:
    """Parts that the file does not have cannot be asked for."""
    with pytest.raises(IndexError):
        UploadPlan(25, 10).part(number)


def test_an_open_stream_has_no_last_part() -> None:
    """The parts of a stream go on for ever, each full, until it turns out where it ends."""
    plan = make_plan(None, 10, TINY)

    assert list(islice(plan.parts(), 3)) == [Part(1, 0, 10), Part(2, 10, 10), Part(3, 20, 10)]
    assert plan.part(50) == Part(50, 490, 10)
    with pytest.raises(ValueError, match="open stream"):
        _ = plan.count
    with pytest.raises(IndexError):
        plan.part(0)


@given(st.integers(0, 500), st.integers(1, 40))
def test_a_stream_that_ends_keeps_its_parts(size: int, part_size: int) -> None:
    """When a stream ends, its plan is that of a file: all parts but the last are as they were."""
    opened = UploadPlan(None, part_size)
    closed = opened.closed_at(size)
    parts = list(closed.parts())

    assert closed == UploadPlan(size, part_size)
    assert parts[:-1] == list(islice(opened.parts(), closed.count - 1))
    assert sum(part.size for part in parts) == size


@pytest.mark.parametrize(
    ("size", "requests"),
    [
        pytest.param(0, 1, id="put"),
        pytest.param(10, 1, id="put-a-full-part"),
        pytest.param(11, 1 + 1 + 2 + 1 + 1 + 1 + 1, id="two-parts"),
        pytest.param(10_000, 1 + 1 + 1_000 + 1 + 1 + 1 + 1, id="one-page-of-parts"),
        pytest.param(10_001, 1 + 1 + 1_001 + 2 + 1 + 1 + 1, id="two-pages-of-parts"),
        pytest.param(100_000, 1 + 1 + 10_000 + 10 + 1 + 1 + 1, id="all-parts"),
    ],
)
def test_requests_are_counted_before_they_cost(size: int, requests: int) -> None:
    """Beside the parts, an upload is looked for, created, listed, completed and looked at."""
    assert request_count(UploadPlan(size, 10)) == requests


def test_a_part_size_that_fits_is_kept_though_it_is_not_round() -> None:
    """Only a part size that would need too many parts is raised."""
    size, part_size = 57_000_000_000, 5_767_168
    assert make_plan(size, part_size, Limits()).part_size == part_size
