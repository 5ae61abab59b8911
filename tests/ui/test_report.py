"""The report: a page that stands alone, tells the truth, and lets no name do any harm."""

import asyncio
import math
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from asyncup.core import aftercare, conditions, events
from asyncup.core.chronicle import FILES
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import (
    AccessDenied,
    ConnectionLost,
    Fault,
    ObjectMismatch,
    SourceUnreadable,
    UsageError,
)
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.ui.report import Report
from tests.browser import CHROMIUM, complaints_of, opened, requests_of
from tests.html_pages import HOSTILE, Page

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
URI = ObjectURI("bucket", "dir/big.bin")
LOST = ConnectionLost(Fault(action=f"upload part 2 of {URI}", message="reset by peer"))
DENIED = AccessDenied(
    Fault(action="create", message="no"), hint="allow <s3:PutObject> on 'bucket/*'"
)
ASKED = {"What": ["dir", "<other>"], "Where to": ["s3://bucket/dir/"], "Server": ["AWS"]}


def started(name: str, size: int | None = 50, parts: int | None = 3) -> list[Event]:
    uri = ObjectURI("bucket", name)
    return [
        events.FileFound(name, uri, size),
        events.FileStarted(name, uri, size, 20, parts),
        events.PartStarted(uri, 1, 20, 1),
    ]


def completed(name: str, size: int = 50, proof: Proof = Proof.CRC64NVME) -> Event:
    uri = ObjectURI("bucket", name)
    result = UploadResult(uri=uri, size=size, etag="e", proof=proof, part_size=20, parts=3)
    return events.UploadCompleted(name, uri, result)


def finished(exit_code: int = 0) -> Event:
    return events.RunFinished(1, 0, 0, 0, exit_code)


class File:
    """Remembers all that was written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str, /) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass


class Run:
    """A report of a run, and a clock that is set by hand."""

    def __init__(self, slots: int | None = None, *, is_verifying: bool = False) -> None:
        self.seconds = 100.0
        self.file = File()
        self.report = Report(
            self.file,
            lambda: self.seconds,
            lambda: NOW + timedelta(seconds=self.seconds - 100),
            asked=ASKED,
            slots=slots,
            is_verifying=is_verifying,
        )

    def tell(self, *moments: Event | float) -> "Run":
        """Let events happen; a number is so many seconds that go by."""
        with self.report:
            for each in moments:
                if isinstance(each, Event):
                    self.report(each)
                else:
                    self.seconds += each
        return self

    def text(self, exit_code: int = 0) -> str:
        """Return the page that is left in the end."""
        self.report.end(exit_code)
        (page,) = self.file.written
        return page

    def page(self, exit_code: int = 0) -> Page:
        """Return it as it is read."""
        return Page(self.text(exit_code))


STORY: list[Event | float] = [
    *started("dir/big.bin"),
    events.ScanFinished(),
    conditions.SlotsChanged(4, SlotsReason.TRIED),
    1.0,
    events.BytesSent(URI, 1, 20),
    events.PartUploaded(URI, 1, 20, "e", 1),
    events.PartKept(URI, 3, 10, "the same"),
    events.PartStarted(URI, 2, 20, 1),
    events.BytesSent(URI, 2, 15),
    1.0,
    events.RetryScheduled(URI, 2, 1, 1.0, LOST),
    conditions.WentOffline(LOST, 1.0, 1),
    2.0,
    conditions.WentOnline(2.0),
    events.PartStarted(URI, 2, 20, 2),
    events.BytesSent(URI, 2, 20),
    1.0,
    events.PartUploaded(URI, 2, 20, "e", 2),
    completed("dir/big.bin"),
    *started("dir/small", 1, 1),
    events.UploadFailed("dir/small", ObjectURI("bucket", "dir/small"), DENIED),
    events.FileSkipped("dir/there", "it is there", ObjectURI("bucket", "dir/there"), 7),
    events.AttributesDiffer(URI, ["acl"]),
    events.RunFinished(uploaded=1, skipped=1, failed=1, interrupted=0, exit_code=1),
]


def test_the_summary() -> None:
    """What, where, when, how it ended, how much, how fast, and what has proven it."""
    assert Run().tell(*STORY).page(1).facts() == {
        **ASKED,
        "Began": ["2026-01-01 12:00:00 UTC"],
        "Ended": ["2026-01-01 12:00:05 UTC", "after 5s"],
        "Exit status": ["1"],
        "Files": ["1 uploaded", "1 skipped", "1 failed"],
        "At S3": ["50 B of 51 B"],
        "Kept from earlier runs": ["10 B"],
        "Sent by this run": ["40 B", "8 B/s on average"],
        "Sent in vain": ["15 B", "by 1 retry"],
        "S3 out of reach": ["1 time", "for 2s in all"],
        "Proof": ["1 by crc64nvme"],
    }


def test_the_files() -> None:
    """Each with what became of it, why, and how; what failed comes first."""
    _, *rows = Run().tell(*STORY).page(1).table("Files")
    told = f"failedcreate: no{'hint: '}{DENIED.hint}"
    assert rows == [
        ["dir/smalls3://bucket/dir/small", told, "1 B", "", "1", "1", "", "5s", "0s"],
        [
            *("dir/big.bins3://bucket/dir/big.bin", "uploaded", "50 B", "crc64nvme"),
            *("3 (1 kept)", "3", "15 B", "0s", "5s"),
        ],
        ["dir/theres3://bucket/dir/there", "skippedit is there", "7 B", *[""] * 4, "5s", "0s"],
    ]


def test_the_errors() -> None:
    """Each kind, how often it was met, when, and what mends it."""
    _, *rows = Run().tell(*STORY).page(1).table("Errors")
    assert rows == [
        ["ConnectionLost", "2", "2s", "2s", str(LOST)],
        ["AccessDenied", "1", "5s", "5s", f"{DENIED}hint: {DENIED.hint}"],
    ]


def test_an_error_that_belongs_to_no_file() -> None:
    """It is told, too, without the secrets of a URL in it."""
    run = Run().tell()
    run.report.error(SourceUnreadable("reach https://me:secret@host/?X-Amz-Signature=1: no"))
    text = run.text(4)
    assert "secret" not in text
    assert "Signature" not in text
    _, row = Page(text).table("Errors")
    assert row[:2] == ["SourceUnreadable", "1"]


def test_warnings() -> None:
    """Those that no picture or table tells, and of very many how many more there are."""
    (warning,) = Run().tell(*STORY).page(1).texts("li")
    assert warning == f"{URI} is not stored as asked for: acl"
    discarded = [events.PartDiscarded(URI, number, 1, "it differs") for number in range(1, 71)]
    told = Run().tell(*discarded).page().texts("li")
    assert (len(told), told[-1]) == (51, "and 20 more")


@pytest.mark.parametrize(
    ("exit_code", "kind", "words"),
    [
        (0, "verdict done", "All is done."),
        (1, "verdict", "Some files failed"),
        (3, "verdict", "The source"),
        (4, "verdict", "S3 refused"),
        (5, "verdict", "Another run"),
        (75, "verdict stopped", "nothing is lost"),
        (130, "verdict stopped", "It was stopped"),
        (-9, "verdict", "It failed."),
    ],
)
def test_how_it_ended(exit_code: int, kind: str, words: str) -> None:
    """In words, with the exit status beside."""
    page = Run().tell(*started("dir/big.bin"), 1.0).page(exit_code)
    (verdict,) = [each for each in page.all("p") if "verdict" in str(each.get("class"))]
    assert str(verdict.get("class")).split() == kind.split()
    assert words in str(verdict.text)
    assert page.facts()["Exit status"] == [str(exit_code)]


def test_of_a_refused_command_nothing_is_told() -> None:
    """What an earlier run has left stays there."""
    run = Run().tell()
    run.report.end(UsageError.exit_code)
    assert run.file.written == []


def test_a_run_that_was_cut_off() -> None:
    """Without a word of an end: what was on its way was stopped."""
    page = Run().tell(*started("dir/big.bin"), 3.0).page(130)
    _, row = page.table("Files")
    assert row[1:4] == ["stopped", "50 B", ""]
    assert page.facts()["Files"] == ["1 stopped or never begun"]
    (lane,) = [each for each in page.all("rect") if each.get("class") == "lane open"]
    assert lane.get("width") == "864"


def test_it_stands_alone() -> None:
    """It names nothing to load, and its policy lets a browser load nothing, whoever asks for it."""
    page = Run().tell(*STORY).page(1)
    for element in page.root.iter():
        names = {name.lower() for name in element.attrib}
        assert not names & {"src", "href", "srcset", "style", "xlink:href", "action"}
        assert not any(name.startswith("on") for name in names)
    (style,), (script,) = page.texts("style"), page.texts("script")
    assert not re.search(r"url\(|@import|https?:", style + script)
    policy = next(
        str(each.get("content")) for each in page.all("meta") if each.get("http-equiv") is not None
    )
    allowed = dict(each.split(" ", 1) for each in policy.split("; "))
    assert allowed == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "style-src": hash_of(style),
        "script-src": hash_of(script),
    }


def hash_of(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_name(name: str) -> None:
    """Wherever it is told: in tables, pictures and the summary; it adds no element."""
    uri = ObjectURI("bucket", name)
    story = [
        *started(name),
        events.UploadFailed(name, uri, ConnectionLost(Fault(action=name, message=name))),
        events.PendingUploadIgnored(uri, name, name),
    ]
    hostile, tame = Run().tell(*story), Run().tell(*started("x"), *_renamed(story, "x"))
    page = hostile.page(4)
    assert [each.tag for each in page.root.iter()] == [
        each.tag for each in tame.page(4).root.iter()
    ]
    if name.isprintable():
        assert page.table("Files")[1][0] == f"{name}s3://bucket/{name}"
        assert name in page.texts("text", "name")


def _renamed(story: Sequence[Event], name: str) -> list[Event]:
    """Return the end of such a story of another name."""
    uri = ObjectURI("bucket", name)
    assert len(story) == 5
    return [
        events.UploadFailed(name, uri, ConnectionLost(Fault(action=name, message=name))),
        events.PendingUploadIgnored(uri, name, name),
    ]


LONG: list[Event | float] = [
    *started("dir/big.bin", 200_000, 10_000),
    *(
        each
        for number in range(1, 10_001, 40)
        for each in (events.PartStarted(URI, number, 20, 1), events.BytesSent(URI, number, 20), 7e4)
    ),
]
SHAPES: dict[str, list[Event | float]] = {
    "nothing": [],
    "an instant": [*started("dir/big.bin"), completed("dir/big.bin")],
    "less than a bin": [0.01, *STORY[:12], 0.01],
    "a story": STORY,
    "months and ten thousand parts": LONG,
    "a stream": [*started("dir/big.bin", None, None), 2.0, completed("dir/big.bin", 1 << 44)],
    "taken back": [*started("dir/big.bin"), events.BytesSent(URI, 1, -5), 1.0],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_stay_in_their_frames(shape: str) -> None:
    """Whatever a run was like: all is a number, nothing is outside, no time is told twice."""
    for label, picture in Run().tell(*SHAPES[shape]).page().pictures().items():
        _, _, width, height = map(float, str(picture.get("viewBox")).split())
        for element in picture.iter():
            x, y = float(element.get("x", 0)), float(element.get("y", 0))
            right = x + float(element.get("width", 0))
            below = y + float(element.get("height", 0))
            points = [float(n) for n in re.findall(r"[^ ,]+", element.get("points", ""))]
            assert all(map(math.isfinite, (x, y, right, below, *points))), label
            assert 0 <= x <= right <= width + 3, label
            assert 0 <= y <= below <= height + 0.1, label
            assert all(0 <= n <= width for n in points[::2]), label
            assert all(0 <= n <= height for n in points[1::2]), label
        words = [each.text for each in picture.iter("text")]
        assert len(words) == len(set(words)), label


def test_slots_that_never_change_are_drawn() -> None:
    """So many as were asked for, from the beginning to the end."""
    page = Run(slots=4).tell(*started("dir/big.bin"), 5.0).page()
    picture = page.pictures()["Parts in flight, slots and retries, over time"]
    (line,) = [each for each in picture.iter("polyline") if each.get("class") == "slots"]
    points = [each.split(",") for each in str(line.get("points")).split()]
    assert len({height for _, height in points}) == 1
    assert float(points[-1][0]) > float(points[0][0])
    assert "slots" in page.texts("span", "slots")


def test_it_does_not_grow() -> None:
    """Of very many files some are listed, those that failed first; the others are counted."""
    moments: list[Event | float] = []
    for number in range(FILES + 100):
        moments += [*started(f"{number}"), 1.0, completed(f"{number}", proof=Proof.ETAG)]
    moments += [
        *started("broken"),
        events.UploadFailed("broken", ObjectURI("bucket", "broken"), DENIED),
    ]
    page = Run().tell(*moments).page(1)
    _, first, *rows = page.table("Files")
    assert first[0] == "brokens3://bucket/broken"
    assert len(rows) == FILES - 1
    assert "Not listed: 101 that were uploaded." in page.texts("p")
    assert len(page.texts("text", "name")) == 16
    assert f"and {FILES + 100 - 15} more files" in page.texts("p")
    assert page.facts()["Proof"] == [f"{FILES + 100} by etag"]


def compared(name: str, size: int = 50) -> list[Event]:
    uri = ObjectURI("bucket", name)
    return [
        events.FileFound(name, uri, size),
        events.FileStarted(name, uri, size, size, 1),
        aftercare.BytesRead(uri, size),
    ]


def test_of_objects_that_are_compared() -> None:
    """By what each is proven, what is not and why; nothing is said of parts, none is sent."""
    other, cut = ObjectURI("bucket", "other"), ObjectURI("bucket", "cut")
    differs = ObjectMismatch(Fault(action=f"verify {other}", message="it differs"))
    run = Run(is_verifying=True).tell(
        *compared("dir/big.bin"),
        2.0,
        aftercare.ObjectVerified("dir/big.bin", URI, 50, Proof.CRC64NVME),
        *compared("other", 30),
        aftercare.VerifyFailed("other", other, differs),
        *compared("cut", 7),
        aftercare.VerifyInterrupted("cut", cut),
        aftercare.VerifyFinished(verified=1, skipped=0, failed=1, interrupted=1, exit_code=130),
    )
    page = run.page(130)
    assert page.texts("h1") == ["asyncup: 1 object verified"]
    facts = page.facts()
    assert facts["Files"] == ["1 verified", "1 failed", "1 stopped or never begun"]
    assert (facts["Proven"], facts["Proof"]) == (["50 B of 87 B"], ["1 by crc64nvme"])
    assert not {"At S3", "Sent by this run", "Sent in vain"} & facts.keys()
    head, *rows = page.table("Files")
    assert head == ["file", "became", "size", "proof", "began after", "took"]
    assert rows[0][:4] == ["others3://bucket/other", f"failed{differs}", "30 B", ""]
    assert rows[1][1:4] == ["stopped", "7 B", ""]
    assert rows[2][1:] == ["verified", "50 B", "crc64nvme", "0s", "2s"]
    assert page.table("Errors")[1][0] == "ObjectMismatch"
    assert (page.pictures(), page.texts("li")) == ({}, [])


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium")
def test_in_a_browser(tmp_path: Path) -> None:
    """It loads nothing, its script sorts, no other runs, and it fits a telephone, light or dark."""
    story = [each for name in HOSTILE for each in (*started(name, len(name)), completed(name))]
    path = tmp_path / "run.html"
    path.write_text(Run().tell(*STORY, *story).text(1), encoding="utf-8")
    asyncio.run(_look_at(path, tmp_path / "profile"))


async def _look_at(path: Path, profile: Path) -> None:
    async with opened(path, profile) as browser:
        sizes = "[...document.querySelectorAll('section:last-of-type tbody tr')].map("
        sizes += "row => Number(row.cells[2].dataset.sort))"
        button = "document.querySelectorAll('section:last-of-type th button')[2]"
        before = await browser.value(sizes)
        for order in (sorted(before), sorted(before, reverse=True)):
            await browser.value(f"{button}.click()")
            assert await browser.value(sizes) == order != before
        colours = []
        for scheme in ("light", "dark"):
            feature = {"name": "prefers-color-scheme", "value": scheme}
            await browser.call("Emulation.setEmulatedMedia", features=[feature])
            colours.append(await browser.value("getComputedStyle(document.body).backgroundColor"))
        assert colours == ["rgb(255, 255, 255)", "rgb(15, 18, 22)"]
        await browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=360,
            height=800,
            deviceScaleFactor=1,
            mobile=False,
        )
        assert await browser.value("document.documentElement.scrollWidth") <= 360
        assert complaints_of(browser) == []
        assert requests_of(browser) == [path.as_uri()]
