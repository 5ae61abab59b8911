"""The options of the commands: name, environment variable and help of each, in one place.

Where a value comes from is typer's business: flag, environment, `default_map` (the configuration
file), default, in falling order.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from asyncup.cli.config import load_into_context
from asyncup.core.options import Limits, Overwrite
from asyncup.core.sizes import format_size, parse_duration, parse_size

T = TypeVar("T")


def _option(*flags: str, panel: str, text: str, **more: Any) -> Any:  # noqa: ANN401 - typer's
    """Return an option; its first flag also names its environment variable."""
    name = flags[0].split("/")[0].lstrip("-").upper().replace("-", "_")
    more.setdefault("metavar", "")
    return typer.Option(
        *flags,
        envvar=f"ASYNCUP_{name}",
        help=text,
        rich_help_panel=panel,
        show_envvar=False,
        **more,
    )


def _parser(read: Callable[[str], T]) -> Callable[[Any], T]:
    """Return a parser for typer; a number of a configuration file is no text yet."""

    def parse(value: Any) -> T:  # noqa: ANN401 - TOML has any
        try:
            return read(str(value))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _part_size(text: str) -> int:
    found, low, high = parse_size(text), Limits().min_part_size, Limits().max_part_size
    if not low <= found <= high:
        bounds = f"{format_size(low)} and {format_size(high)}"
        raise ValueError(f"{format_size(found)} is not between {bounds}, the limits of S3")
    return found


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise ValueError(f"{text!r} is not KEY=VALUE")
    return key, value


_size = _parser(parse_size)
_duration = _parser(parse_duration)

_WHAT = "What to upload"
_HOW = "How to upload"
_RETRIES = "When it fails"
_WHERE = "Where to, and as whom"
_OBJECT = "What the objects are like"
_OUTPUT = "Output"

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE... s3://BUCKET/PREFIX/",
        help="Files, directories, or - for standard input; then where to. A directory's files "
        "keep their relative paths; a single file goes to exactly this key unless it ends in /.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    _option(
        "--config",
        panel=_OUTPUT,
        text="Instead of asyncup.toml here or in the user's configuration directory",
        metavar="FILE",
        is_eager=True,
        callback=load_into_context,
    ),
]
Source = Annotated[list[Path] | None, _option("--source", panel=_WHAT, text="", hidden=True)]
Destination = Annotated[str | None, _option("--destination", panel=_WHAT, text="", hidden=True)]

Recursive = Annotated[
    bool,
    _option("--recursive/--no-recursive", panel=_WHAT, text="Also what lies in directories below"),
]
Follow = Annotated[
    bool,
    _option("--follow/--no-follow", panel=_WHAT, text="Go where links to directories lead"),
]
Include = Annotated[
    list[str] | None,
    _option(
        "--include",
        panel=_WHAT,
        metavar="PATTERN",
        text="Only files that match (as in .gitignore); repeatable",
    ),
]
Exclude = Annotated[
    list[str] | None,
    _option(
        "--exclude",
        panel=_WHAT,
        metavar="PATTERN",
        text="No files that match (as in .gitignore); repeatable",
    ),
]
MinSize = Annotated[
    int | None,
    _option("--min-size", panel=_WHAT, text="No smaller files", parser=_size, metavar="SIZE"),
]
MaxSize = Annotated[
    int | None,
    _option("--max-size", panel=_WHAT, text="No larger files", parser=_size, metavar="SIZE"),
]
SkipSmall = Annotated[
    bool,
    _option("--skip-small/--no-skip-small", panel=_WHAT, text="No files smaller than one part"),
]
FilesFrom = Annotated[
    str | None,
    _option(
        "--files-from",
        panel=_WHAT,
        text="Upload the files that FILE lists, one a line (- for standard input); keys keep the "
        "paths as listed. With one SOURCE, a directory, they are relative to it",
        metavar="FILE",
    ),
]
Null = Annotated[
    bool, _option("--null", "-0", panel=_WHAT, text="The list of --files-from is NUL-separated")
]
KeyPrefix = Annotated[
    str,
    _option("--key-prefix", panel=_WHAT, text="Put this before every key's name", metavar="TEXT"),
]
OverwritePolicy = Annotated[
    Overwrite,
    _option(
        "--overwrite",
        panel=_WHAT,
        metavar="always|never|size",
        text="When to replace an object that is there: size is, if its size differs",
    ),
]

PartSize = Annotated[
    int,
    _option(
        "--part-size",
        panel=_HOW,
        text="Of each part, 5MiB to 5GiB; raised where a file would need over 10,000 parts",
        parser=_parser(_part_size),
        metavar="SIZE",
        show_default="16MiB",
    ),
]
Concurrency = Annotated[
    int,
    _option(
        "--concurrency",
        "-c",
        panel=_HOW,
        metavar="N",
        text="Parts in flight at once, over all files",
        min=1,
    ),
]
Direct = Annotated[
    bool,
    _option(
        "--direct/--no-direct", panel=_HOW, text="Send from the files themselves, not chunk files"
    ),
]
SplitDir = Annotated[
    Path | None,
    _option(
        "--split-dir",
        panel=_HOW,
        text="Where chunk files are kept; else in the user's cache directory",
        metavar="DIR",
        show_default=False,
    ),
]
MaxRetry = Annotated[
    int, _option("--max-retry", panel=_RETRIES, metavar="N", text="Attempts for each part", min=1)
]
RetryStep = Annotated[
    float,
    _option(
        "--retry-step",
        panel=_RETRIES,
        text="Attempt n is followed by a delay of n times this",
        parser=_duration,
        metavar="TIME",
        show_default="5s",
    ),
]
RetryCap = Annotated[
    float,
    _option(
        "--retry-cap",
        panel=_RETRIES,
        text="And never longer than this, unless S3 asks for it",
        parser=_duration,
        metavar="TIME",
        show_default="60s",
    ),
]
StallTimeout = Annotated[
    float,
    _option(
        "--stall-timeout",
        panel=_RETRIES,
        text="A part whose bytes do not move for this long is sent again",
        parser=_duration,
        metavar="TIME",
        show_default="30s",
    ),
]
StopGrace = Annotated[
    float,
    _option(
        "--stop-grace",
        panel=_RETRIES,
        text="After Ctrl-C, parts in flight have this long to arrive",
        parser=_duration,
        metavar="TIME",
        show_default="10s",
    ),
]

Profile = Annotated[
    str | None,
    _option("--profile", panel=_WHERE, metavar="NAME", text="Profile of the AWS configuration"),
]
Region = Annotated[
    str | None, _option("--region", panel=_WHERE, metavar="NAME", text="Region of the bucket")
]
EndpointURL = Annotated[
    str | None,
    _option(
        "--endpoint-url", panel=_WHERE, text="URL of an S3 server that is not AWS", metavar="URL"
    ),
]
PathStyle = Annotated[
    bool,
    _option(
        "--path-style/--no-path-style", panel=_WHERE, text="Bucket in the path, not the host name"
    ),
]
CABundle = Annotated[
    Path | None,
    _option(
        "--ca-bundle", panel=_WHERE, text="Certificates to trust, in PEM format", metavar="FILE"
    ),
]
VerifySSL = Annotated[
    bool,
    _option("--verify-ssl/--no-verify-ssl", panel=_WHERE, text="Check the server's certificate"),
]

StorageClass = Annotated[
    str | None,
    _option(
        "--storage-class", panel=_OBJECT, metavar="NAME", text="Such as STANDARD_IA, DEEP_ARCHIVE"
    ),
]
SSE = Annotated[
    str | None,
    _option(
        "--sse", panel=_OBJECT, metavar="NAME", text="Encryption: AES256, aws:kms or aws:kms:dsse"
    ),
]
SSEKMSKeyID = Annotated[
    str | None,
    _option("--sse-kms-key-id", panel=_OBJECT, metavar="ID", text="KMS key for --sse aws:kms"),
]
ACL = Annotated[
    str | None, _option("--acl", panel=_OBJECT, metavar="NAME", text="Canned ACL, such as private")
]
Metadata = Annotated[
    list[Any] | None,
    _option(
        "--metadata",
        panel=_OBJECT,
        text="User metadata; repeatable",
        parser=_parser(_pair),
        metavar="KEY=VALUE",
    ),
]
Tag = Annotated[
    list[Any] | None,
    _option(
        "--tag",
        panel=_OBJECT,
        text="Object tag; repeatable",
        parser=_parser(_pair),
        metavar="KEY=VALUE",
    ),
]
ContentType = Annotated[
    str | None,
    _option(
        "--content-type",
        panel=_OBJECT,
        metavar="TYPE",
        text="Media type; else guessed from the name",
        show_default=False,
    ),
]
CacheControl = Annotated[
    str | None,
    _option("--cache-control", panel=_OBJECT, metavar="TEXT", text="Cache-Control header"),
]
ContentEncoding = Annotated[
    str | None,
    _option("--content-encoding", panel=_OBJECT, metavar="TEXT", text="Content-Encoding header"),
]

DryRun = Annotated[
    bool, _option("--dry-run", "-n", panel=_OUTPUT, text="Show what would be done, and do nothing")
]
Quiet = Annotated[bool, _option("--quiet", "-q", panel=_OUTPUT, text="No progress, only errors")]
Plain = Annotated[
    bool, _option("--plain", panel=_OUTPUT, text="Plain lines instead of live panels")
]
Json = Annotated[
    bool, _option("--json", panel=_OUTPUT, text="Events as JSON lines on standard output")
]
Debug = Annotated[
    bool, _option("--debug", panel=_OUTPUT, text="Show where in the code an error came from")
]

DemoFiles = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...", help="Files to upload instead of samples", show_default=False
    ),
]
DemoSize = Annotated[
    int,
    typer.Option(
        "--size", help="Of the largest sample", parser=_size, metavar="SIZE", show_default="256MiB"
    ),
]
DemoDataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Keep the server's data and the samples here, not in a temporary directory",
        metavar="DIR",
        show_default=False,
    ),
]
DemoKeep = Annotated[
    bool, typer.Option("--keep", help="Leave the server running, and say how to use it")
]
