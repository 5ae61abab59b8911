"""The way to S3, the bucket and this machine, as far as they can be looked at from here."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from asyncup.core.bucket import days_to_live, name_problem
from asyncup.core.diagnosis import Finding, Verdict, fine, unknown
from asyncup.core.errors import AccessDenied
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, Options
from asyncup.core.sizes import format_duration, format_size
from asyncup.edges.inspection import InspectedGateway
from asyncup.edges.yardstick import measure_source, measure_split_dir

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ON_TIME = timedelta(seconds=60)
_REFUSED = timedelta(minutes=15)
"""How far off a clock may be for AWS: RequestTimeTooSkewed."""

_SOON = timedelta(days=14)
"""Before a certificate ends, it is told."""

_USUAL_PART = 16 * MIB
_SHORT_DAYS = 7
"""An upload of terabytes may take as long."""

_RULE = (
    '{"ID":"unfinished-uploads","Status":"Enabled","Filter":{"Prefix":""},'
    '"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":14}}'
)
_RULES = f'{{"Rules":[{_RULE}]}}'


@dataclass(frozen=True, slots=True)
class Way:
    """Looks at how S3 is reached; `now` is the time of day."""

    gateway: InspectedGateway
    place: ObjectURI
    now: Callable[[], datetime]

    async def credentials(self) -> Finding:
        """Say where the credentials come from, and until when they hold."""
        seen = await self.gateway.credentials()
        told = f"key {seen.access_key_id}, from {seen.source}"
        if seen.expires is None:
            return fine(f"{told}; they have no end that is known")
        left = (seen.expires - self.now()).total_seconds()
        ends = f"{seen.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if left > 0:
            return fine(f"{told}; until {ends} (in {format_duration(left)}), read again by then")
        return Finding(
            verdict=Verdict.WARNING,
            told=f"{told}; they have ended at {ends}, by this machine's clock",
            hint="get new temporary credentials (for SSO: aws sso login)",
        )

    async def proxy(self) -> Finding:
        """Say what proxy the environment names."""
        proxy = self.gateway.proxy()
        return fine("none" if proxy is None else f"all goes through {proxy}")

    async def tls(self) -> Finding:
        """Look at the certificate where requests go: the bucket may be part of the name."""
        if self.gateway.proxy() is not None:
            return unknown("it goes through a proxy: the first request shows whether it is trusted")
        endpoint = self.gateway.endpoint
        seen = await self.gateway.tls(self.place.bucket)
        if seen is None:
            if urlsplit(endpoint).hostname in _LOOPBACK:
                return fine(f"none is needed: {endpoint} is this machine")
            return Finding(
                verdict=Verdict.WARNING,
                told=f"none: what goes to {endpoint} can be read and changed on its way",
                hint="name an https:// endpoint with --endpoint-url",
            )
        if seen.expires is None:
            return Finding(
                verdict=Verdict.WARNING,
                told=f"{seen.version}, and the certificate of {seen.host} is not checked",
                hint="trust its issuer with --ca-bundle instead of --no-verify-ssl",
            )
        issuer = f" of {seen.issuer}" if seen.issuer else ""
        told = f"{seen.version} to {seen.host}, a certificate{issuer} until {seen.expires:%Y-%m-%d}"
        if seen.expires - self.now() < _SOON:
            hint = "whoever keeps the server has to renew it"
            return Finding(verdict=Verdict.WARNING, told=told, hint=hint)
        return fine(told)

    async def bucket(self) -> Finding:
        """Ask S3 for next to nothing about the bucket."""
        try:
            await self.gateway.list_objects(self.place, 1)
        except AccessDenied:
            # Who says so knows who asks; whether that may be done is looked at by itself.
            return fine(f"{self.gateway.endpoint} answers, and denies to list objects")
        return fine(f"{self.gateway.endpoint} answers, and has the bucket {self.place.bucket}")

    async def clock(self) -> Finding:
        """Compare this machine's clock with S3's."""
        ahead = self.gateway.ahead
        if ahead is None:
            return unknown("S3 has not told the time")
        off = abs(ahead)
        if off < _ON_TIME:
            return fine("within a minute of S3's")
        side = "behind" if ahead > timedelta() else "ahead of"
        told = f"{format_duration(off.total_seconds())} {side} S3's"
        if off >= _REFUSED:
            told += (
                "; requests are signed by S3's, but certificates and credentials are judged by it"
            )
        hint = "set this machine's clock, for example with NTP"
        return Finding(verdict=Verdict.WARNING, told=told, hint=hint)

    async def region(self) -> Finding:
        """Compare the region that is asked for with the bucket's own."""
        asked, told = self.gateway.region, self.gateway.bucket_region
        if told is None:
            return unknown(f"the server does not tell; requests are signed for {asked}")
        if told == asked:
            return fine(f"{told}, as is asked for")
        return Finding(
            verdict=Verdict.WARNING,
            told=f"the bucket is in {told}, and {asked} is asked for: requests go a longer way",
            hint=f"name it: --region {told}",
        )

    async def lifecycle(self) -> Finding:
        """Look for a rule that deletes uploads that are never finished."""
        rules = await self.gateway.lifecycle_rules(self.place.bucket)
        days = days_to_live(rules, self.place.key)
        if days is None:
            return Finding(
                verdict=Verdict.WARNING,
                told="no lifecycle rule deletes uploads that are never finished: they cost money",
                hint=self._how_to_add_a_rule(has_others=bool(rules)),
            )
        told = f"a lifecycle rule deletes those that are not finished in {days} days"
        if days >= _SHORT_DAYS:
            return fine(told)
        hint = "an upload that takes longer is deleted on its way: give the rule more days"
        return Finding(verdict=Verdict.WARNING, told=told, hint=hint)

    def _how_to_add_a_rule(self, *, has_others: bool) -> str:
        if has_others:
            # The command replaces all rules of the bucket.
            return f"add this to the rules of {self.place.bucket}: {_RULE}"
        return (
            f"aws s3api put-bucket-lifecycle-configuration --bucket {self.place.bucket} "
            f"--lifecycle-configuration '{_RULES}'"
        )


def name_finding(bucket: str) -> Finding:
    """Look at the name of a bucket."""
    problem = name_problem(bucket)
    if problem is None:
        return fine(f"{bucket} is a name that AWS takes")
    return Finding(
        verdict=Verdict.WARNING,
        told=f"{bucket} is no name of a bucket of AWS: {problem}",
        hint="other servers may take it; with --addressing-style path it need not be part of a "
        "host's name",
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """Looks at this machine's disks."""

    options: Options
    split_dir: Path
    sources: tuple[Path, ...]

    async def disk(self) -> Finding:
        """Write a chunk file."""
        seen = await measure_split_dir(self.split_dir, time.monotonic)
        wanted = (self.options.slots.most + self.options.ahead) * _USUAL_PART
        told = (
            f"{self.split_dir}: room for {format_size(seen.room)} of chunk files, "
            f"written at {format_size(seen.rate)}/s"
        )
        if seen.room >= wanted:
            return fine(told)
        return Finding(
            verdict=Verdict.WARNING,
            told=f"{told}; {format_size(wanted)} are taken at most",
            hint="name another disk with --split-dir, or use --direct; there are fewer parts in "
            "flight otherwise",
        )

    async def read(self) -> Finding:
        """Read of the sources."""
        rate = await measure_source(self.sources)
        return fine(f"read at {format_size(rate)}/s")
