"""Signatures of our own are those that botocore makes."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncup.core.identity import Keys
from asyncup.edges.s3_direct import encoded
from asyncup.edges.sigv4 import Scope, Unsigned, sign

PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
NAMES = st.sampled_from(["Content-MD5", "x-amz-meta-b", "X-Amz-Tagging", "If-None-Match", "x-amz"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


class Clocked(S3SigV4Auth):  # type: ignore[misc] # botocore ships no types
    """botocore's signature at a given time, of a body that is not signed."""

    def __init__(self, keys: Keys, scope: Scope, now: datetime) -> None:
        given = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        super().__init__(given, scope.service, scope.region)
        self._now = now

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self._now.strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Unsigned]:
    """Draw a request, and its URL."""
    host = draw(st.sampled_from(["b.s3.amazonaws.com", "127.0.0.1:8333", "[::1]:9000"]))
    key = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    asked = draw(st.dictionaries(st.sampled_from(["partNumber", "uploadId", "a"]), PRINTABLE))
    query = "&".join(f"{name}={encoded(value)}" for name, value in sorted(asked.items()))
    url = f"https://{host}/bucket/{encoded(key, '/')}" + f"?{query}" * bool(query)
    headers = draw(st.dictionaries(NAMES, PRINTABLE))
    return url, Unsigned("PUT", host, urlsplit(url).path, query, headers)


@settings(max_examples=200, deadline=None)
@given(
    asked=requests(),
    scope=st.builds(Scope, st.sampled_from(["us-east-1", "eu-west-1"]), st.just("s3")),
    keys=st.builds(Keys, PRINTABLE, PRINTABLE, st.none() | PRINTABLE),
    now=MOMENTS,
)
def test_as_botocore(asked: tuple[str, Unsigned], scope: Scope, keys: Keys, now: datetime) -> None:
    """Whatever the key, the query, the headers and the credentials are, both sign alike."""
    url, request = asked
    theirs = AWSRequest("PUT", url, request.headers)
    theirs.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    Clocked(keys, scope, now).add_auth(theirs)
    assert sign(request, scope, keys, now) == dict(theirs.headers.items())
