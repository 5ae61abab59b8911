"""The profiles that the AWS configuration names, told without botocore: it takes long to import."""

import os
import shlex
from collections.abc import Iterator
from configparser import Error, RawConfigParser
from pathlib import Path


def profile_names() -> list[str]:
    """Return the names of all profiles; of a file that cannot be read, none.

    https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html.
    """
    config = _sections("AWS_CONFIG_FILE", "~/.aws/config")
    credentials = _sections("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    return sorted({*_named(config), *credentials})


def _named(sections: list[str]) -> Iterator[str]:
    """Yield the profiles of the configuration; it has other sections, too."""
    for section in sections:
        if section == "default":
            yield section
        elif section.startswith("profile"):
            try:
                _, *name = shlex.split(section)
            except ValueError:
                continue
            if len(name) == 1:
                yield name[0]


def _sections(variable: str, usual: str) -> list[str]:
    parser = RawConfigParser(default_section="", strict=False)
    try:
        path = Path(os.environ.get(variable) or usual).expanduser()
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, RuntimeError, UnicodeDecodeError, Error):
        return []
    return parser.sections()
