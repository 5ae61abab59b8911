"""The options of the commands: name, environment variable and help of each, in one place.

Where a value comes from is typer's business: flag, environment, `default_map` (the configuration
file), default, in falling order.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from asyncup.cli import completion, readers
from asyncup.cli.config import load_into_context
from asyncup.cli.panels import panel
from asyncup.core.options import AddressingStyle, ChecksumPolicy, OnChange, Overwrite

_what = panel("What to upload")
_how = panel("How to upload")
_where = panel("Where to, and as whom")
_object = panel("What the objects are like")
_output = panel("Output")

_SIZE = {"parser": readers.size, "metavar": "SIZE"}
_PAIR = {"parser": readers.pair, "metavar": "KEY=VALUE"}
_HEADER = {"parser": readers.header}
_PATTERN = {"parser": readers.pattern, "metavar": "PATTERN"}

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE... s3://BUCKET/PREFIX/",
        help="Files, directories, or - for standard input; then where to. A directory's files "
        "keep their relative paths; a single file goes to exactly this key unless it ends in /.",
        show_default=False,
        autocompletion=completion.places,
    ),
]
Source = Annotated[list[Path] | None, _what("--source", "", hidden=True)]
Destination = Annotated[str | None, _what("--destination", "", hidden=True, parser=readers.uri)]
Recursive = Annotated[
    bool, _what("--recursive/--no-recursive", "Also what lies in directories below")
]
Follow = Annotated[bool, _what("--follow/--no-follow", "Go where links to directories lead")]
Include = Annotated[
    list[Any] | None,
    _what("--include", "Only files that match (as in .gitignore); repeatable", **_PATTERN),
]
Exclude = Annotated[
    list[Any] | None,
    _what("--exclude", "No files that match (as in .gitignore); repeatable", **_PATTERN),
]
MinSize = Annotated[int | None, _what("--min-size", "No smaller files", **_SIZE)]
MaxSize = Annotated[int | None, _what("--max-size", "No larger files", **_SIZE)]
SkipSmall = Annotated[bool, _what("--skip-small/--no-skip-small", "No files smaller than one part")]
FilesFrom = Annotated[
    str | None,
    _what(
        "--files-from",
        "Upload the files that FILE lists, one a line (- for standard input); keys keep the "
        "paths as listed. With one SOURCE, a directory, they are relative to it",
        metavar="FILE",
    ),
]
Null = Annotated[bool, _what("--null -0", "The list of --files-from is NUL-separated")]
KeyPrefix = Annotated[
    str, _what("--key-prefix", "Put this before every key's name", metavar="TEXT")
]
OverwritePolicy = Annotated[
    Overwrite,
    _what(
        "--overwrite",
        "When to replace an object that is there: size is, if its size differs; checksum is, if "
        "it cannot be shown to be the file",
        metavar="always|never|size|checksum",
    ),
]

PartSize = Annotated[
    int | None,
    _how(
        "--part-size",
        "Of each part, 5MiB to 5GiB; raised where a file would need over 10,000 parts",
        parser=readers.part_size,
        metavar="SIZE",
        show_default="16MiB, less below 512MiB",
    ),
]
Concurrency = Annotated[
    Any,
    _how(
        "--concurrency -c",
        "Parts in flight at once, over all files: a number, or as many as bring most, 1 to 32 or "
        "LOW to HIGH",
        parser=readers.concurrency,
        metavar="N|auto|auto:LOW-HIGH",
    ),
]
Processes = Annotated[
    Any,
    _how(
        "--processes",
        "Processes that read and send parts, for fast links and many cores: a number, or auto",
        parser=readers.processes,
        metavar="N|auto",
    ),
]
LimitRate = Annotated[
    Any,
    _how(
        "--limit-rate",
        "The most that goes out, as 20MiB/s; or by the time of day, as '08:00=2MiB/s 19:00=off'. "
        "SIGUSR1 halves it, SIGUSR2 doubles it",
        parser=readers.rate,
        metavar="RATE",
        show_default="off",
    ),
]
Direct = Annotated[
    bool, _how("--direct/--no-direct", "Send from the files themselves, not chunk files")
]
Checksum = Annotated[
    ChecksumPolicy,
    _how(
        "--checksum",
        "By what S3 checks what arrives: auto is crc64nvme where it takes it, else md5",
        metavar="auto|crc64nvme|crc32c|sha256|md5|none",
    ),
]
OnChangePolicy = Annotated[
    OnChange,
    _how(
        "--on-change",
        "About a file that changes on the way: leave it, begin again, or send what differs",
        metavar="fail|restart|patch",
    ),
]
Receipts = Annotated[
    Path | None,
    _how(
        "--receipts",
        "Append a line of JSON for each object to FILE, with its checksum; asyncup verify reads it",
        metavar="FILE",
    ),
]
StateDir = Annotated[
    Path | None,
    _how(
        "--state-dir",
        "Where the journal of unfinished uploads is kept; else in the user's state directory",
        metavar="DIR",
    ),
]
SplitDir = Annotated[
    Path | None,
    _how(
        "--split-dir",
        "Where chunk files are kept; else in the user's cache directory",
        metavar="DIR",
    ),
]

Profile = Annotated[
    str | None,
    _where(
        "--profile",
        "Profile of the AWS configuration",
        metavar="NAME",
        autocompletion=completion.profiles,
    ),
]
Region = Annotated[str | None, _where("--region", "Region of the bucket", metavar="NAME")]
EndpointURL = Annotated[
    str | None,
    _where(
        "--endpoint-url",
        "URL of an S3 server that is not AWS",
        parser=readers.endpoint,
        metavar="URL",
    ),
]
Addressing = Annotated[
    AddressingStyle | None,
    _where(
        "--addressing-style",
        "Where the bucket stands: in the path, or in the host name; auto is in the path with an "
        "endpoint of your own, else in the host name",
        metavar="path|virtual|auto",
        show_default="the AWS configuration's, else auto",
    ),
]
CABundle = Annotated[
    Path | None, _where("--ca-bundle", "Certificates to trust, in PEM format", metavar="FILE")
]
VerifySSL = Annotated[
    bool, _where("--verify-ssl/--no-verify-ssl", "Check the server's certificate")
]
CongestionControl = Annotated[
    str | None,
    _where(
        "--congestion-control",
        "TCP's, such as bbr on a link that loses packets",
        metavar="NAME",
        show_default="the system's",
    ),
]

StorageClass = Annotated[
    str | None,
    _object("--storage-class", "Such as STANDARD_IA, DEEP_ARCHIVE", metavar="NAME", **_HEADER),
]
SSE = Annotated[
    str | None,
    _object(
        "--sse",
        "Encryption: AES256, aws:kms or aws:kms:dsse",
        parser=readers.sse,
        metavar="NAME",
    ),
]
SSEKMSKeyID = Annotated[
    str | None,
    _object("--sse-kms-key-id", "KMS key for --sse aws:kms", metavar="ID", **_HEADER),
]
ACL = Annotated[
    str | None, _object("--acl", "Canned ACL, such as private", metavar="NAME", **_HEADER)
]
Metadata = Annotated[
    list[Any] | None,
    _object(
        "--metadata", "User metadata; repeatable", parser=readers.metadata, metavar="KEY=VALUE"
    ),
]
Tag = Annotated[list[Any] | None, _object("--tag", "Object tag; repeatable", **_PAIR)]
ContentType = Annotated[
    str | None,
    _object("--content-type", "Media type; else guessed from the name", metavar="TYPE", **_HEADER),
]
CacheControl = Annotated[
    str | None, _object("--cache-control", "Cache-Control header", metavar="TEXT", **_HEADER)
]
ContentEncoding = Annotated[
    str | None, _object("--content-encoding", "Content-Encoding header", metavar="TEXT", **_HEADER)
]

ConfigFile = Annotated[
    Path | None,
    _output(
        "--config",
        "Instead of asyncup.toml here or in the user's configuration directory",
        metavar="FILE",
        is_eager=True,
        callback=load_into_context,
    ),
]
DryRun = Annotated[bool, _output("--dry-run -n", "Show what would be done, and do nothing")]
Quiet = Annotated[bool, _output("--quiet -q", "No progress, only errors")]
Plain = Annotated[bool, _output("--plain", "Plain lines instead of live panels")]
Json = Annotated[bool, _output("--json", "Events as JSON lines on standard output")]
LogFile = Annotated[
    Path | None,
    _output("--log-file", "Append events as JSON lines to FILE, with the time", metavar="FILE"),
]
LogFileSize = Annotated[
    int,
    _output(
        "--log-file-size",
        "At this size, FILE becomes FILE.1, that FILE.2, up to FILE.5; 0 lets it grow",
        show_default="16MiB",
        **_SIZE,
    ),
]
MetricsFile = Annotated[
    Path | None,
    _output(
        "--metrics-file",
        "Replace FILE every 5 s with how it stands, as OpenMetrics text",
        metavar="FILE",
    ),
]
Report = Annotated[
    Path | None,
    _output(
        "--report",
        "When it is over, replace FILE with a page of HTML that tells how it went",
        metavar="FILE",
    ),
]
Debug = Annotated[bool, _output("--debug", "Show where in the code an error came from")]

DemoFiles = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...", help="Files to upload instead of samples", show_default=False
    ),
]
DemoSize = Annotated[
    int,
    typer.Option(
        "--size",
        help="Of the largest sample",
        parser=readers.size,
        metavar="SIZE",
        show_default="256MiB",
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
