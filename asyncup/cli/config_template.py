"""A configuration file to begin with: every option with its default, and none of them set."""

import textwrap
from collections.abc import Iterator
from typing import Any

from asyncup import __version__
from asyncup.cli.values import shape_of
from asyncup.core.toml_text import written

_WIDTH = 98

_HEAD = (
    f"Configuration of asyncup {__version__}. Remove the # before an option to set it. Variables "
    "ASYNCUP_... and options on the command line count more. `asyncup config check` looks this "
    "file over, `asyncup config show` tells what is in force, and why."
)

_ABOUT = {
    "source": "Files and directories to upload, if the command line names none",
    "destination": "Where to, if the command line does not say",
}
"""What needs no help on the command line, where both are arguments."""

_SUCH_AS: dict[str, object] = {
    "source": ["film.mov", "photos"],
    "destination": "s3://my-bucket/backup/",
    "include": ["*.mov"],
    "exclude": ["*.tmp", "cache/"],
    "min_size": "1KiB",
    "max_size": "1TiB",
    "files_from": "list.txt",
    "part_size": "16MiB",
    "split_dir": "/var/tmp/asyncup",  # noqa: S108 - to be read, not used
    "receipts": "receipts.jsonl",
    "state_dir": "/var/lib/asyncup",
    "profile": "default",
    "region": "eu-central-1",
    "endpoint_url": "https://s3.example.com",
    "addressing_style": "virtual",
    "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
    "storage_class": "STANDARD_IA",
    "sse": "aws:kms",
    "sse_kms_key_id": "alias/backup",
    "acl": "private",
    "metadata": {"project": "archive"},
    "tag": {"project": "archive"},
    "content_type": "video/mp4",
    "cache_control": "no-cache",
    "content_encoding": "gzip",
}
"""Values to show the form by, for options that have no default."""


def template(options: dict[str, Any]) -> str:
    """Return a file in which every option is a comment, after what it does."""
    lines = [*_prose(_HEAD)]
    panel = None
    for option in options.values():
        if option.rich_help_panel != panel:
            panel = option.rich_help_panel
            lines += ["", "", f"# === {panel} ==="]
        lines += ["", *_about(option)]
    return "\n".join(lines) + "\n"


def default_of(option: Any) -> str | None:  # noqa: ANN401 - typer's, private
    """Return the default as TOML has it, None if there is none."""
    if option.name == "limit_rate":
        return written("off")
    if option.default is None:
        return None
    shape = shape_of(option.name, is_flag=option.is_flag, repeatable=option.multiple)
    return written(shape.spell(option.default))


def _about(option: Any) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    text = _ABOUT.get(option.name) or option.help
    default = default_of(option)
    if default is None:
        usual = option.show_default
        text += f" (default: {usual})" if isinstance(usual, str) else " (no default)"
        default = written(_SUCH_AS.get(option.name, option.metavar))
    yield from _prose(f"{text}.")
    yield f"#{option.name.replace('_', '-')} = {default}"


def _prose(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False)]
