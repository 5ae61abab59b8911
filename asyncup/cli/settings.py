"""What the user asked for, from typer's values to the engine's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncup.core.errors import UsageError
from asyncup.core.model import ObjectAttributes, ObjectURI, not_a_uri
from asyncup.core.options import Options, S3Config
from asyncup.core.spelling import meant_uri
from asyncup.edges.places import default_state_dir

STDIN = "-"
_VERBS = {"put": "upload", "verify": "verify"}
SSE_NAMES = ("AES256", "aws:kms", "aws:kms:dsse")

Params = Mapping[str, Any]


def options_of(params: Params) -> Options:
    """Return how to upload; a command that lacks an option takes its default."""
    names = (
        "part_size",
        "concurrency",
        "processes",
        "direct",
        "split_dir",
        "overwrite",
        "checksum",
        "on_change",
        "max_retry",
        "retry_step",
        "retry_cap",
        "stall_timeout",
        "give_up_after",
        "min_rate",
        "stop_grace",
        "complete_timeout",
    )
    given = {name: params[name] for name in names if name in params}
    if params.get("limit_rate") is not None:
        given["limit_rate"] = params["limit_rate"]
    if "state_dir" in params:
        given["state_dir"] = params["state_dir"] or default_state_dir()
    return Options(**given)


def s3_config_of(params: Params) -> S3Config:
    """Return which S3, and as whom."""
    names = ("profile", "region", "endpoint_url", "addressing_style", "ca_bundle", "verify_ssl")
    given = {name: params[name] for name in names}
    return S3Config(**given, congestion_control=params.get("congestion_control"))


def attributes_of(params: Params) -> ObjectAttributes:
    """Return what the objects are to be like.

    Raises:
        UsageError: something does not fit together.
    """
    if problems := list(_odd_attributes(params)):
        raise UsageError("; ".join(problems), hint="asyncup put --help")
    names = ("storage_class", "sse", "sse_kms_key_id", "acl", "content_type", "cache_control")
    return ObjectAttributes(
        **{name: params[name] for name in names},
        content_encoding=params["content_encoding"],
        metadata=dict(params["metadata"] or ()),
        tags=dict(params["tag"] or ()),
    )


def _odd_attributes(params: Params) -> Iterator[str]:
    # Names of headers, as those of metadata become, know no case; tags do.
    yield from _twice("--metadata", [key.lower() for key, _ in params["metadata"] or ()])
    yield from _twice("--tag", [key for key, _ in params["tag"] or ()])
    if params["sse_kms_key_id"] is not None and params["sse"] not in SSE_NAMES[1:]:
        yield f"--sse-kms-key-id: a KMS key needs --sse {' or '.join(SSE_NAMES[1:])}"


def _twice(option: str, keys: list[str]) -> Iterator[str]:
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"{option}: {key!r} is given twice"


@dataclass(frozen=True, slots=True)
class Places:
    """Where from and where to; a source `-` is standard input."""

    sources: tuple[str, ...]
    destination: ObjectURI

    @property
    def is_stdin(self) -> bool:
        """Whether a stream is to be uploaded, not files."""
        return self.sources == (STDIN,)


def places_of(params: Params, command: str = "put") -> Places:
    """Return where from and where to: the arguments, or else what the configuration says.

    Raises:
        UsageError: something is missing, or does not fit together.
    """
    usage = f"asyncup {command} SOURCE... s3://bucket/prefix/"
    given = list(params["paths"] or ())
    uris = [each for each in given if each.startswith("s3://")]
    if len(uris) > 1 or (uris and given[-1] != uris[0]):
        raise UsageError("one S3 URI is needed, as the last argument", hint=usage)
    if given and not uris and meant_uri(given[-1]) and not Path(given[-1]).exists():
        # Taken for a file, it would send the others to where the configuration says.
        raise not_a_uri(given[-1])
    destination = uris[0] if uris else params["destination"]
    sources = [each for each in given if each not in uris]
    if not sources:
        sources = [str(each) for each in params["source"] or ()]
    if destination is None:
        raise UsageError("no destination: the last argument is not an S3 URI", hint=usage)
    if not sources and params["files_from"] is None:
        raise UsageError(f"nothing to {_VERBS[command]} was named", hint=usage)
    places = Places(tuple(sources), ObjectURI.parse(destination))
    for problem in _problems(places, params["files_from"]):
        raise UsageError(problem, hint=usage)
    return places


def _problems(places: Places, files_from: str | None) -> Iterator[str]:
    if STDIN in places.sources:
        if len(places.sources) > 1 or files_from is not None:
            yield "standard input can only be uploaded alone"
        if places.destination.is_prefix:
            yield f"standard input has no name, and {places.destination} does not give it one"
    if files_from is not None and len(places.sources) > 1:
        yield "with --files-from, at most one source can be named: the directory it is about"
    if files_from is not None and places.sources and not Path(places.sources[0]).is_dir():
        yield f"{places.sources[0]} is no directory, as --files-from needs"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as far as it can be judged without a look at S3."""

    places: Places
    options: Options
    attributes: ObjectAttributes


def asked_for(params: Params) -> Asked:
    """Return what was asked for.

    Raises:
        UsageError: it cannot be.
    """
    return Asked(places_of(params), options_of(params), attributes_of(params))
