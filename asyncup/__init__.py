"""Upload huge files to S3 over links that break: in parts, resumable, proven.

    async with asyncup.Uploader() as uploader:
        result = await uploader.put("film.mov", "s3://bucket/films/")

See `asyncup.Uploader` for the rest; `asyncup.events` for what a listener hears.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from asyncup.core import events
    from asyncup.core.errors import AsyncupError
    from asyncup.core.events import Event, Listener
    from asyncup.core.model import ObjectAttributes, ObjectURI, Proof, UploadResult
    from asyncup.core.options import Adaptive, Limits, Options, Overwrite, S3Config
    from asyncup.core.rates import RateLimit
    from asyncup.engine.uploader import Uploader

_HOMES = {
    "Adaptive": "asyncup.core.options",
    "AsyncupError": "asyncup.core.errors",
    "Event": "asyncup.core.events",
    "Limits": "asyncup.core.options",
    "Listener": "asyncup.core.events",
    "ObjectAttributes": "asyncup.core.model",
    "ObjectURI": "asyncup.core.model",
    "Options": "asyncup.core.options",
    "Overwrite": "asyncup.core.options",
    "Proof": "asyncup.core.model",
    "RateLimit": "asyncup.core.rates",
    "S3Config": "asyncup.core.options",
    "UploadResult": "asyncup.core.model",
    "Uploader": "asyncup.engine.uploader",
}

__all__ = [
    "Adaptive",
    "AsyncupError",
    "Event",
    "Limits",
    "Listener",
    "ObjectAttributes",
    "ObjectURI",
    "Options",
    "Overwrite",
    "Proof",
    "RateLimit",
    "S3Config",
    "UploadResult",
    "Uploader",
    "events",
]


def __dir__() -> list[str]:
    """Tell the public names."""
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it may be anything of the above
    """Import a public name when it is first used: `asyncup --version` needs none of them."""
    from importlib import import_module

    if name == "events":
        return import_module("asyncup.core.events")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
