"""What S3 lists of a pending upload, against the file: the part size, and what becomes of parts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.checksums import RunningChecksums
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)
from asyncup.core.options import MIB, Limits
from asyncup.core.plan import UploadPlan, make_plan
from asyncup.core.proof import is_md5_etag
from asyncup.core.resume import (
    RULES,
    Action,
    Resumption,
    Unusable,
    algorithms_to_compare,
    decide,
    known_algorithm,
    match_upload,
)

AWS = Limits()
TINY = Limits(min_part_size=5, max_part_size=40, max_parts=12, part_size_step=1)
NO_FIT = Unusable("its parts are not parts of a file of this size")
CRC64NVME, SHA256, MD5 = (
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.SHA256,
    ChecksumAlgorithm.MD5,
)


def listed(sizes: Mapping[int, int]) -> list[ListedPart]:
    """Return parts as S3 lists them, of sizes by number."""
    return [ListedPart(number, size, f"etag-{number}") for number, size in sizes.items()]


def of_plan(plan: UploadPlan, numbers: Iterable[int]) -> list[ListedPart]:
    """Return these parts of a plan as S3 lists them."""
    return listed({number: plan.part(number).size for number in numbers})


def by_number(parts: Iterable[ListedPart]) -> dict[int, list[ListedPart]]:
    """Return parts as a resumption has them, where every number is listed once."""
    return {part.number: [part] for part in parts}


@pytest.mark.parametrize("size", [50, None])
def test_where_nothing_is_listed_the_wanted_plan_is_taken(size: int | None) -> None:
    """A pending upload without parts has no part size yet, so today's is as good as any."""
    wanted = UploadPlan(size, 7)

    assert match_upload([], wanted, TINY) == Resumption(wanted, {})


@pytest.mark.parametrize("wanted", [5, 10, 15, 20, 40])
@pytest.mark.parametrize(
    ("size", "sizes", "part_size"),
    [
        pytest.param(100, dict.fromkeys(range(1, 11), 10), 10, id="all"),
        pytest.param(95, dict.fromkeys(range(1, 10), 10), 10, id="all-but-the-last"),
        pytest.param(95, {**dict.fromkeys(range(1, 10), 10), 10: 5}, 10, id="all-and-a-short-last"),
        pytest.param(95, {1: 10, 2: 10}, 10, id="the-first-ones"),
        pytest.param(95, {2: 10, 5: 10, 9: 10}, 10, id="gaps"),
        pytest.param(95, {9: 10, 10: 5}, 10, id="the-last-ones"),
        pytest.param(95, {10: 5, 3: 10}, 10, id="in-no-order"),
        pytest.param(95, {1: 10}, 10, id="only-the-first"),
        pytest.param(95, {7: 10}, 10, id="only-one-in-between"),
        pytest.param(94, {10: 4}, 10, id="only-a-last-one-below-the-smallest-part-size"),
        pytest.param(11, {2: 1}, 10, id="only-a-last-one-of-one-byte"),
        pytest.param(80, {1: 40, 2: 40}, 40, id="the-largest-part-size"),
        pytest.param(60, dict.fromkeys(range(1, 13), 5), 5, id="the-smallest-part-size"),
        pytest.param(40, {1: 40}, 40, id="one-part-is-all"),
    ],
)
def test_the_part_size_is_that_of_the_listed_parts(
    size: int, sizes: dict[int, int], part_size: int, wanted: int
) -> None:
    """The part size belongs to the upload: whatever is wanted today, it goes on with its own."""
    parts = listed(sizes)

    match = match_upload(parts, make_plan(size, wanted, TINY), TINY)

    assert match == Resumption(UploadPlan(size, part_size), by_number(parts))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        pytest.param(95, {11: 10}, id="beyond-the-end"),
        pytest.param(95, {1: 10, 2: 10, 12: 10}, id="one-beyond-the-end"),
        pytest.param(95, {10: 10}, id="the-last-would-be-shorter"),
        pytest.param(1000, {1: 40}, id="more-than-all-parts-of-any-size"),
        pytest.param(200, {1: 10, 2: 10}, id="more-than-all-parts-of-this-size"),
        pytest.param(95, {1: 41, 2: 41}, id="above-the-largest-part-size"),
        pytest.param(100, {1: 4, 2: 4}, id="below-the-smallest-part-size"),
        pytest.param(95, {1: 4}, id="a-short-first-part"),
        pytest.param(94, {8: 4}, id="a-last-part-that-leaves-uneven-ones-before"),
        pytest.param(10, {1: 16}, id="larger-than-the-file"),
        pytest.param(0, {1: 10}, id="the-file-is-empty-now"),
        pytest.param(50, {1: 0}, id="an-empty-part"),
    ],
)
@pytest.mark.parametrize("wanted", [5, 10, 40])
def test_an_upload_of_no_use_is_told(size: int, sizes: dict[int, int], wanted: int) -> None:
    """Where no part size makes the listed parts parts of this file, the upload is left alone."""
    assert match_upload(listed(sizes), UploadPlan(size, wanted), TINY) == NO_FIT


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        pytest.param(100, {1: 10, 2: 10, 3: 10, 4: 3}, id="the-last-part-was-short"),
        pytest.param(100, {1: 10, 9: 10, 10: 9}, id="one-byte-was-missing"),
        pytest.param(101, {9: 10, 10: 7}, id="another-part-is-needed"),
    ],
)
def test_a_file_that_has_grown_goes_on(size: int, sizes: dict[int, int]) -> None:
    """The upload of a file that has grown is resumed; only the part that was its last misfits."""
    parts = listed(sizes)

    match = match_upload(parts, UploadPlan(size, 20), TINY)

    assert match == Resumption(UploadPlan(size, 10), by_number(parts))


def test_the_part_size_that_most_parts_have_is_taken() -> None:
    """A single odd part does not decide over all the others."""
    parts = listed({1: 10, 2: 20, 3: 10, 4: 10})

    match = match_upload(parts, UploadPlan(100, 20), TINY)

    assert match == Resumption(UploadPlan(100, 10), by_number(parts))


@pytest.mark.parametrize(("wanted", "part_size"), [(10, 10), (20, 20), (5, 20), (40, 20)])
def test_where_the_listed_parts_leave_it_open_the_wanted_part_size_decides(
    wanted: int, part_size: int
) -> None:
    """Of part sizes that fit equally well, today's is taken if it is one, else the largest."""
    parts = listed({1: 10, 2: 20})

    match = match_upload(parts, UploadPlan(100, wanted), TINY)

    assert match == Resumption(UploadPlan(100, part_size), by_number(parts))


def test_what_was_sent_before_under_a_number_is_listed_with_it() -> None:
    """A server that lists two parts of one number leaves both to be compared, in its order."""
    parts = [ListedPart(1, 7, "old"), ListedPart(2, 10, "two"), ListedPart(1, 10, "new")]

    match = match_upload(parts, UploadPlan(25, 5), TINY)

    assert match == Resumption(UploadPlan(25, 10), {1: [parts[0], parts[2]], 2: [parts[1]]})


@pytest.mark.parametrize(
    ("sizes", "part_size"),
    [
        pytest.param({1: 10}, 10, id="the-first"),
        pytest.param({1: 10, 2: 10, 3: 10}, 10, id="some"),
        pytest.param({2: 10, 4: 10}, 10, id="gaps"),
        pytest.param({1: 10, 2: 10, 3: 3}, 10, id="and-a-short-last"),
        pytest.param({1: 10, 2: 8, 3: 8}, 10, id="and-the-ends-of-two-shorter-streams"),
        pytest.param({12: 40}, 40, id="the-last-number-there-is"),
    ],
)
@pytest.mark.parametrize("wanted", [5, 10, 20, 40])
def test_a_stream_goes_on_with_the_part_size_of_its_upload(
    sizes: dict[int, int], part_size: int, wanted: int
) -> None:
    """Of a stream, the listed parts alone tell the part size; its last one may be a short one."""
    parts = listed(sizes)

    match = match_upload(parts, UploadPlan(None, wanted), TINY)

    assert match == Resumption(UploadPlan(None, part_size), by_number(parts))


def test_a_stream_that_was_too_long_can_begin_again_with_larger_parts() -> None:
    """An upload without room for a further part is left for one with the larger parts wanted."""
    full = listed(dict.fromkeys(range(1, 13), 10))

    assert isinstance(match_upload(full, UploadPlan(None, 20), TINY), Unusable)
    assert isinstance(match_upload(full, UploadPlan(None, 10), TINY), Resumption)
    assert isinstance(match_upload(full, UploadPlan(120, 20), TINY), Resumption)


@pytest.mark.parametrize("sizes", [{1: 4}, {1: 41}, {13: 10}])
def test_a_stream_cannot_go_on_with_what_the_limits_forbid(sizes: dict[int, int]) -> None:
    """Parts too small, too large or too many are none that a stream could go on with."""
    assert match_upload(listed(sizes), UploadPlan(None, 10), TINY) == NO_FIT


@st.composite
def uploads(draw: st.DrawFn, limits: Limits, unit: int) -> tuple[UploadPlan, set[int]]:
    """Draw the plan of a pending upload, and the numbers of the parts that S3 lists of it.

    A file of one part goes in one request, so there are at least two.
    """
    smallest, largest = limits.min_part_size // unit, limits.max_part_size // unit
    part_size = unit * draw(st.integers(smallest, largest))
    count = draw(st.integers(2, limits.max_parts))
    last = draw(st.integers(1, part_size) | st.just(part_size))
    plan = UploadPlan((count - 1) * part_size + last, part_size)
    numbers = draw(st.sets(st.integers(1, count), min_size=1, max_size=12))
    return plan, numbers | draw(st.sampled_from([set(), {count}, {1}]))


def check_match(plan: UploadPlan, numbers: set[int], wanted: int, limits: Limits) -> None:
    """Fail unless an upload of which these parts are listed goes on without losing any."""
    parts = of_plan(plan, sorted(numbers))
    match = match_upload(parts, make_plan(plan.size, wanted, limits), limits)

    assert isinstance(match, Resumption)
    assert match.listed == by_number(parts)
    assert [match.plan.part(each.number).size for each in parts] == [each.size for each in parts]
    if numbers != {plan.count}:
        assert match.plan == plan


@given(uploads(TINY, 1), st.integers(TINY.min_part_size, TINY.max_part_size))
def test_any_upload_of_a_file_is_found_again(
    upload: tuple[UploadPlan, set[int]], wanted: int
) -> None:
    """Whatever parts are listed, all fit the plan found, the original one if one is not the last.

    Of the last part alone, nobody can tell whether it is a short last one, or one of many.
    """
    check_match(*upload, wanted, TINY)


@given(uploads(AWS, MIB), st.integers(AWS.min_part_size, AWS.max_part_size))
def test_any_upload_of_a_huge_file_is_found_again(
    upload: tuple[UploadPlan, set[int]], wanted: int
) -> None:
    """The same holds for files of up to 48.8 TiB, within the limits of AWS."""
    check_match(*upload, wanted, AWS)


HELLO = b"hello"


def checksums_of(data: bytes, algorithms: Iterable[ChecksumAlgorithm]) -> Checksums:
    """Return what asyncup computes over these bytes."""
    running = RunningChecksums(algorithms)
    running.update(data)
    return running.result()


HERE = checksums_of(HELLO, ChecksumAlgorithm)
MD5_OF_HELLO = HERE[MD5].hex()
GOOD = {algorithm: HERE[algorithm] for algorithm in ChecksumAlgorithm}
BAD = {algorithm: b"\0" * len(value) for algorithm, value in GOOD.items()}

JUDGED = [
    pytest.param(4, "opaque", {}, "other size", id="shorter"),
    pytest.param(6, MD5_OF_HELLO, {}, "other size", id="longer"),
    pytest.param(6, "e", {SHA256: GOOD[SHA256]}, "other size", id="size-first"),
    *(
        pytest.param(5, "opaque", {each: GOOD[each]}, "checksum equal", id=f"{each.name}-equal")
        for each in ChecksumAlgorithm
    ),
    *(
        pytest.param(5, "opaque", {each: BAD[each]}, "checksum differs", id=f"{each.name}-differs")
        for each in ChecksumAlgorithm
    ),
    pytest.param(
        5,
        "opaque",
        {CRC64NVME: GOOD[CRC64NVME], SHA256: GOOD[SHA256]},
        "checksum equal",
        id="both-equal",
    ),
    pytest.param(
        5,
        "opaque",
        {CRC64NVME: GOOD[CRC64NVME], SHA256: BAD[SHA256]},
        "checksum differs",
        id="one-of-two-differs",
    ),
    pytest.param(
        5, "0" * 32, {SHA256: GOOD[SHA256]}, "checksum equal", id="the-etag-is-no-matter-then"
    ),
    pytest.param(
        5, MD5_OF_HELLO, {SHA256: BAD[SHA256]}, "checksum differs", id="nor-can-it-save-a-part"
    ),
    pytest.param(5, MD5_OF_HELLO, {}, "MD5 equal", id="etag-equal"),
    pytest.param(5, "0" * 32, {}, "MD5 differs", id="etag-differs"),
    *(
        pytest.param(
            5,
            etag,
            {},
            "nothing to compare",
            id=f"opaque-{number}",
        )
        for number, etag in enumerate(
            ["", "opaque", f"{MD5_OF_HELLO}-1", MD5_OF_HELLO.upper(), f'"{MD5_OF_HELLO}"']
        )
    ),
]


FIVE = Part(1, 0, 5)
RECEIPT = Receipt(FIVE, "opaque", HERE)

REMEMBERED = [
    pytest.param(ListedPart(1, 5, "opaque"), RECEIPT, "journal", id="etag"),
    pytest.param(
        ListedPart(1, 5, "new", {SHA256: GOOD[SHA256]}), RECEIPT, "stored checksum", id="checksum"
    ),
    pytest.param(ListedPart(1, 4, "opaque"), RECEIPT, "other size", id="another-size"),
    pytest.param(ListedPart(1, 5, "new"), RECEIPT, "nothing to compare", id="another-etag"),
    pytest.param(ListedPart(1, 5, "0" * 32), RECEIPT, "unread", id="another-md5"),
    pytest.param(
        ListedPart(1, 5, "opaque", {SHA256: BAD[SHA256]}), RECEIPT, "unread", id="other-checksum"
    ),
    pytest.param(
        ListedPart(1, 5, "opaque", {SHA256: GOOD[SHA256]}),
        replace(RECEIPT, checksums=Checksums(5, {CRC64NVME: GOOD[CRC64NVME]})),
        "unread",
        id="a-checksum-that-nobody-computed",
    ),
    pytest.param(
        ListedPart(1, 5, "opaque"),
        replace(RECEIPT, part=Part(1, 5, 5)),
        "nothing to compare",
        id="of-another-range",
    ),
    pytest.param(ListedPart(1, 5, MD5_OF_HELLO), None, "unread", id="nothing-remembered"),
]


@pytest.mark.parametrize(("part", "receipt", "rule"), REMEMBERED)
def test_what_the_journal_remembers_spares_reading(
    part: ListedPart, receipt: Receipt | None, rule: str
) -> None:
    """A part stays unread if the journal has it as S3 lists it, by checksum if there is one."""
    verdict = decide(FIVE, [part], receipt)

    assert verdict.rule == rule
    assert verdict.listed is part


def test_every_rule_decides_something_here() -> None:
    """The tables above leave out no rule, and each does what its place says."""
    decided = {row.values[-1] for row in (*JUDGED, *REMEMBERED)}

    assert decided == {rule.name for rule in RULES}


@pytest.mark.parametrize(("size", "etag", "checksums", "rule"), JUDGED)
def test_a_listed_part_stays_only_if_its_bytes_are_proven(
    size: int, etag: str, checksums: dict[ChecksumAlgorithm, bytes], rule: str
) -> None:
    """A part stays if all its checksums, or without any its MD5, are those of the local bytes."""
    part = ListedPart(1, size, etag, checksums)

    # Computed is what is asked for, and no more: that has to suffice.
    verdict = decide(FIVE, [part], local=checksums_of(HELLO, algorithms_to_compare([part])))

    assert verdict.rule == rule
    assert verdict.action is (Action.KEEP if rule.endswith("equal") else Action.SEND)


RIGHT = ListedPart(1, 5, "right", {SHA256: GOOD[SHA256]})
WRONG = ListedPart(1, 5, "wrong", {SHA256: BAD[SHA256]})
BY_MD5 = ListedPart(1, 5, MD5_OF_HELLO)
OPAQUE = ListedPart(1, 5, "opaque")
SHORT = ListedPart(1, 4, "short")


@pytest.mark.parametrize(
    ("parts", "judged", "rule"),
    [
        ([WRONG, RIGHT], RIGHT, "checksum equal"),
        ([RIGHT, WRONG], RIGHT, "checksum equal"),
        ([SHORT, BY_MD5], BY_MD5, "MD5 equal"),
        ([WRONG, BY_MD5], BY_MD5, "MD5 equal"),
        ([WRONG, SHORT], WRONG, "checksum differs"),
        ([SHORT, OPAQUE, WRONG], SHORT, "other size"),
    ],
)
def test_of_parts_with_one_number_the_right_one_stays(
    parts: list[ListedPart], judged: ListedPart, rule: str
) -> None:
    """Where S3 lists several parts of one number, that one stays which holds the local bytes."""
    verdict = decide(FIVE, parts, local=checksums_of(HELLO, algorithms_to_compare(parts)))

    assert verdict.listed is judged
    assert verdict.rule == rule


@pytest.mark.parametrize(
    ("parts", "algorithms"),
    [
        ([RIGHT], {SHA256}),
        ([ListedPart(1, 5, MD5_OF_HELLO, {SHA256: b""})], {SHA256}),
        ([ListedPart(1, 5, "x", {SHA256: b"", CRC64NVME: b""})], {SHA256, CRC64NVME}),
        ([BY_MD5], {MD5}),
        ([OPAQUE], set()),
        ([RIGHT, BY_MD5, OPAQUE], {SHA256, MD5}),
    ],
)
def test_only_what_can_be_compared_is_computed(
    parts: list[ListedPart], algorithms: set[ChecksumAlgorithm]
) -> None:
    """An MD5 is slow: it is computed only for a part that nothing else can prove."""
    assert algorithms_to_compare(parts) == algorithms


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ([10], None),
        ([4], "size differs: 4 at S3, 10 here"),
        ([11], "size differs: 11 at S3, 10 here"),
        ([4, 10], None),
        ([4, 7], "size differs: 4 at S3, 10 here"),
    ],
)
def test_a_part_of_another_size_is_not_read(sizes: list[int], reason: str | None) -> None:
    """Where the sizes differ the bytes do, and reading them would tell nothing more."""
    parts = [ListedPart(2, size, "0" * 32) for size in sizes]

    verdict = decide(Part(2, 10, 10), parts)

    assert verdict.action is (Action.READ if reason is None else Action.SEND)
    assert reason in {None, verdict.reason}


@pytest.mark.parametrize(
    ("etag", "is_md5"),
    [
        ("d41d8cd98f00b204e9800998ecf8427e", True),
        ("D41D8CD98F00B204E9800998ECF8427E", False),
        ("d41d8cd98f00b204e9800998ecf8427e-1", False),
        ("d41d8cd98f00b204e9800998ecf8427", False),
        ("d41d8cd98f00b204e9800998ecf8427e0", False),
        ("d41d8cd98f00b204e9800998ecf8427g", False),
        ("d41d8cd98f00b204e9800998ecf8427e\n", False),
        ("", False),
    ],
)
def test_an_etag_may_be_an_md5_by_its_form(etag: str, *, is_md5: bool) -> None:
    """32 lower-case hexadecimal digits may be an MD5, all else is opaque."""
    assert is_md5_etag(etag) is is_md5


UPLOAD = Upload(ObjectURI("bucket", "key"), "id")
WITH_CRC = ListedPart(1, 5, "a", {CRC64NVME: GOOD[CRC64NVME]})
WITH_SHA = ListedPart(2, 5, "b", {SHA256: GOOD[SHA256]})
WITH_BOTH = ListedPart(3, 5, "c", {**WITH_CRC.checksums, **WITH_SHA.checksums})
WITHOUT = ListedPart(4, 5, "d")


@pytest.mark.parametrize(
    ("upload", "parts", "known"),
    [
        pytest.param(UPLOAD, [], UPLOAD, id="nothing-listed"),
        pytest.param(UPLOAD, [WITHOUT], UPLOAD, id="no-checksums"),
        pytest.param(
            UPLOAD,
            [WITH_CRC, WITHOUT],
            replace(UPLOAD, algorithm=CRC64NVME, whole=True),
            id="crc64nvme",
        ),
        pytest.param(
            UPLOAD, [WITH_SHA, WITH_SHA], replace(UPLOAD, algorithm=SHA256, whole=False), id="sha"
        ),
        pytest.param(UPLOAD, [WITH_CRC, WITH_SHA], UPLOAD, id="parts-of-two-minds"),
        pytest.param(UPLOAD, [WITH_BOTH], UPLOAD, id="a-part-of-two-minds"),
        pytest.param(
            replace(UPLOAD, algorithm=CRC64NVME, whole=True),
            [WITH_SHA],
            replace(UPLOAD, algorithm=CRC64NVME, whole=True),
            id="told-already",
        ),
    ],
)
def test_an_upload_goes_on_with_the_algorithm_of_its_parts(
    upload: Upload, parts: list[ListedPart], known: Upload
) -> None:
    """Where S3 does not tell the algorithm of an upload, its parts do if they agree."""
    assert known_algorithm(upload, parts) == known


def test_a_short_last_part_alone_does_not_set_the_part_size() -> None:
    """If only the last part arrived, and is large enough to be a part, today's size still fits."""
    size = 7 * 16 * MIB + 6 * MIB + 1
    wanted = make_plan(size, 16 * MIB, Limits())
    match = match_upload(listed({8: 6 * MIB + 1}), wanted, Limits())
    assert isinstance(match, Resumption)
    assert match.plan == wanted


def test_a_flag_does_not_cut_a_stream_smaller_than_its_parts() -> None:
    """A stream's part size is that of its full parts, also if a short one has today's size."""
    parts = listed({1: 16 * MIB, 2: 16 * MIB, 3: 5 * MIB})
    match = match_upload(parts, UploadPlan(None, 5 * MIB), Limits())
    assert isinstance(match, Resumption)
    assert match.plan.part_size == 16 * MIB
