"""Where asyncup keeps and finds things on this system; the only door to platformdirs."""

from pathlib import Path

import platformdirs


def default_split_dir() -> Path:
    """Return where chunk files go unless told otherwise: below the user's cache directory."""
    return platformdirs.user_cache_path("asyncup") / "chunks"


def user_config_file() -> Path:
    """Return where a user's own configuration is looked for."""
    return platformdirs.user_config_path("asyncup") / "asyncup.toml"


def default_state_dir() -> Path:
    """Return where the journal is kept unless told otherwise: the user's state directory."""
    return platformdirs.user_state_path("asyncup")
