"""Requests that carry bytes, made by ourselves once botocore has shown how.

Measured: to put together a request and to read its answer takes botocore longer than to send a
small file. But all that it has to find out, where a bucket is and what requests for it are signed
for, is the same for all its keys. So it makes the first request for each bucket, and whatever is
out of the ordinary; what it does with that is what is done here again.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserFactory

from asyncup.core.identity import Keys
from asyncup.edges.body import PartBody
from asyncup.edges.s3_clock import SigningClock, is_clocked
from asyncup.edges.s3_wire import Answer
from asyncup.edges.sigv4 import Scope, Unsigned, sign

_OPERATIONS = ("PutObject", "UploadPart")

_IN_PLACE = {"Bucket", "Key"}
"""Parameters that are in the URL, and what a request is called by."""

_HEADER_TEXT = ("header", "string")

_PLAIN_NAME = re.compile(r"[a-z0-9._-]+")
"""Names of metadata that are headers as they are, each another one."""

_OWN_KEYS = {"request_credentials", "identity_cache"}
"""By these, botocore signs with other keys than ours: those of S3 Express."""

_PORTS = {"http": ":80", "https": ":443"}
"""What is left out of hosts."""

_SAFE = "-._~"
"""What S3 wants left as it is, beside letters and digits (UriEncode).

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""


def encoded(text: str, safe: str = "") -> str:
    """Write text as it is in URLs."""
    return quote(text, safe=_SAFE + safe)


@dataclass(frozen=True, slots=True)
class _Route:
    """Where the objects of a bucket are: `base` is what their URLs begin with, up to the key."""

    base: str
    host: str
    path: str
    scope: Scope
    agent: str

    @classmethod
    def of(cls, url: str, key: str, scope: Scope, agent: str) -> Self | None:
        """Read it from the URL of an object; None if that does not end as they do."""
        whole, _, _ = url.partition("?")
        base = whole.removesuffix(encoded(key, "/"))
        place = urlsplit(base)
        if base == whole or not base.endswith("/") or place.scheme not in _PORTS:
            return None
        host = place.netloc.lower().removesuffix(_PORTS[place.scheme])
        return None if "@" in host else cls(base, host, place.path, scope, agent)


@dataclass(frozen=True, slots=True)
class _Form:
    """How an operation is written: where its parameters go, and where its answer tells what.

    Attributes:
        model: botocore's own.
        headers: names of headers by those of parameters.
        queries: names in the URL by those of parameters.
        told: names of what an answer tells by those of its headers, in small letters.
    """

    model: Any
    headers: Mapping[str, str]
    queries: Mapping[str, str]
    told: Mapping[str, str]

    @classmethod
    def of(cls, model: Any) -> Self:  # noqa: ANN401 - botocore's
        """Read it from botocore's model; of an answer, only what is text."""
        sent, told = _placed(model.input_shape), _placed(model.output_shape)
        return cls(
            model,
            {name: at for name, where, at, _ in sent if where == "header"},
            {name: at for name, where, at, _ in sent if where == "querystring"},
            {at.lower(): name for name, where, at, kind in told if (where, kind) == _HEADER_TEXT},
        )

    def headers_for(self, params: Mapping[str, object]) -> dict[str, str] | None:
        """Return the headers for parameters; None if anything is out of the ordinary."""
        found: dict[str, str] = {}
        for name, value in params.items():
            if name == "Metadata" and isinstance(value, Mapping):
                if not all(map(_PLAIN_NAME.fullmatch, value)):
                    return None
                found.update((f"x-amz-meta-{each}", told) for each, told in value.items())
            elif name in self.headers and isinstance(value, str):
                found[self.headers[name]] = str(value)
            elif name not in _IN_PLACE and name not in self.queries:
                return None
        return found if all(map(_is_plain, found.values())) else None

    def query_for(self, params: Mapping[str, object]) -> str:
        """Return the query of the URL, in order."""
        found = sorted((at, params[name]) for name, at in self.queries.items() if name in params)
        return "&".join(f"{at}={encoded(str(value))}" for at, value in found)


def _placed(shape: Any) -> list[tuple[str, str, str, str]]:  # noqa: ANN401 - botocore's
    """Return the name, the place, the name there and the kind of all that a shape has."""
    return [
        (name, each.serialization.get("location", ""), each.serialization["name"], each.type_name)
        for name, each in shape.members.items()
        if "name" in each.serialization
    ]


def _is_plain(text: str) -> bool:
    """Whether text is in a header as it is, and signed as it is."""
    return text.isascii() and text.isprintable() and text == " ".join(text.split()) != ""


class Direct:
    """Makes requests that carry bytes, over the connections of a client of aiobotocore.

    Args:
        client: shows where buckets are, and has the connections.
        keys: gives what to sign with.
        clock: the time to sign by.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - made at run time
        keys: Callable[[], Awaitable[Keys | None]],
        clock: SigningClock,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._session = client._endpoint.http_session  # noqa: SLF001 - it shows it nowhere else
        self._parser = ResponseParserFactory().create_parser("rest-xml")
        models = client.meta.service_model
        self._forms = {each: _Form.of(models.operation_model(each)) for each in _OPERATIONS}
        self._routes: dict[object, _Route] = {}
        client.meta.events.register("before-sign.s3", self._learn)

    def _learn(
        self,
        request: Any,  # noqa: ANN401 - botocore's
        signature_version: object,
        signing_name: str,
        region_name: str,
        **_: object,
    ) -> None:
        """See where botocore sends a request about an object, and what it signs it for."""
        place = request.context.get("input_params", {})
        signing = request.context.get("signing", {})
        if "Key" not in place or not is_clocked(signature_version) or _OWN_KEYS & signing.keys():
            return
        scope = Scope(
            signing.get("region") or region_name, signing.get("signing_name") or signing_name
        )
        agent = str(request.headers.get("User-Agent", ""))
        route = _Route.of(request.url, place["Key"], scope, agent)
        if route is not None:
            self._routes[place["Bucket"]] = route

    def forget(self, bucket: object) -> None:
        """Let botocore find a bucket anew."""
        self._routes.pop(bucket, None)

    async def send(
        self,
        operation: str,
        params: Mapping[str, object],
        body: PartBody,
        *,
        expects: bool,
        look: Callable[..., None],
    ) -> Answer | None:
        """Make a request and return its answer; None if it is one for botocore.

        Args:
            operation: PutObject or UploadPart.
            params: as botocore has them, without the body.
            body: the bytes.
            expects: whether S3 is asked first if they are welcome.
            look: is called with what botocore's `before-parse` tells, before an answer is read.

        Raises: as a client of botocore.
        """
        route, form = self._routes.get(params["Bucket"]), self._forms[operation]
        headers = None if route is None else form.headers_for(params)
        keys = None if headers is None else await self._keys()
        if route is None or headers is None or keys is None:
            return None
        key, query = encoded(str(params["Key"]), "/"), form.query_for(params)
        unsigned = Unsigned("PUT", route.host, f"{route.path}{key}", query, headers)
        signed = sign(unsigned, route.scope, keys, self._clock.now())
        signed |= {"User-Agent": route.agent, "Content-Length": str(len(body))}
        if expects:
            signed["Expect"] = "100-continue"
        url = f"{route.base}{key}?{query}" if query else f"{route.base}{key}"
        request = AWSPreparedRequest("PUT", url, signed, body, stream_output=False)
        return await self._read(form, await self._session.send(request), look)

    async def _read(
        self,
        form: _Form,
        answer: Any,  # noqa: ANN401 - aiobotocore's
        look: Callable[..., None],
    ) -> Answer:
        # aiobotocore's own dictionary takes as long to read as all the rest of this.
        headers = {name.lower(): value for name, value in answer.raw.headers.items()}
        told = {
            "status_code": answer.status_code,
            "headers": headers,
            "body": await answer.content,
            "context": {"operation_name": form.model.name},
        }
        look(operation_model=form.model, response_dict=told)
        if answer.status_code == HTTPStatus.OK:
            return {form.told[at]: each for at, each in headers.items() if at in form.told}
        parsed: Answer = self._parser.parse(told, form.model.output_shape)
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise ClientError(parsed, form.model.name)
        return parsed
