"""What stays the same through a history, and how it is drawn."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from asyncup.core.options import Adaptive, ChecksumPolicy, Limits, OnChange, Options, Overwrite
from tests.simulation.line import Mishap, Weather
from tests.simulation.server import KINDS, Habits

LIMITS = Limits(min_part_size=10, max_part_size=10_000, max_parts=50, part_size_step=10)
CONCURRENCY: list[int | Adaptive] = [1, 2, 3, 8, Adaptive(most=12), Adaptive(start=2, most=4)]

FINE = Weather()

PART_SIZES = {False: [10, 20, 50, 100], True: [50, 100]}
"""By whether it is a stream: the part size of one cannot grow with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habitat:
    """What stays the same through a history.

    `ends` are how runs may end at all, `care` is how often somebody compares what is there, or
    looks for what is pending: a history that has a bit of everything in it shows less than one
    that has much of something.
    """

    kind: str
    habits: Habits
    options: Options
    weather: Weather
    ends: tuple[str, ...]
    changes: float
    lifecycle: float
    company: float
    strangers: float
    care: float
    losses: float
    streams: bool


def habitat_of(random: Random, root: Path) -> Habitat:
    """Draw what a history is like."""
    streams = random.random() < 0.15
    kind = random.choice(list(KINDS))
    habits = KINDS[kind]
    options = Options(
        part_size=random.choice(PART_SIZES[streams]),
        concurrency=random.choice(CONCURRENCY),
        read_ahead=random.choice([0, 1, 2]),
        direct=random.random() < 0.4,
        split_dir=root / "split",
        state_dir=root / "state" if random.random() < 0.6 else None,
        checksum=random.choice(_policies(habits)),
        on_change=random.choice(list(OnChange)),
        overwrite=random.choice(list(Overwrite)),
        max_retry=random.choice([2, 4, 8]),
        retry_step=random.choice([0.0, 1.0]),
        retry_cap=3.0,
        give_up_after=20.0,
        stop_grace=random.choice([0.0, 0.5, 20.0]),
        limits=LIMITS,
    )
    ends = ["none", "cancel at a step", "cancel at an event", "stop", "crash", "expiry", "outage"]
    company = random.choice([0.0, 0.0, 0.5])
    if habits.is_sloppy:
        # Where two send to one upload, such a server makes an object of the parts of both.
        company = 0.0
    return Habitat(
        kind=kind,
        habits=habits,
        options=options,
        weather=_weather(random, habits),
        ends=tuple(random.sample(ends, random.randint(1, len(ends)))),
        changes=random.choice([0.0, 0.0, 0.3, 0.8]),
        lifecycle=random.choice([0.0, 0.0, 0.3]),
        company=company,
        strangers=0.7 if company else 0.0,
        care=random.choice([0.0, 0.0, 0.2, 0.5]),
        losses=random.choice([0.0, 0.0, 0.5]),
        streams=streams,
    )


def _policies(habits: Habits) -> list[ChecksumPolicy]:
    """Return the policies that a server can follow."""
    return [
        policy
        for policy in ChecksumPolicy
        if policy.algorithm is None or policy.algorithm in habits.algorithms
    ]


def _weather(random: Random, habits: Habits) -> Weather:
    mishaps = set(random.sample(list(Mishap), random.randint(0, 5)))
    if habits.is_sloppy:
        # Such a server makes objects of whatever came late; no look before could tell.
        mishaps = (mishaps | {Mishap.FORGOTTEN}) - {Mishap.LATE}
    return Weather(
        mishaps=tuple(sorted(mishaps)),
        rate=random.choice([0.02, 0.1, 0.1, 0.3]),
        delay=random.choice([0.0, 0.1, 2.0]),
    )
