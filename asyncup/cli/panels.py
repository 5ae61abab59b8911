"""What makes the options of one panel of the help."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperOption

# White space, at which typer would split a list in a variable, is part of many values.
TyperOption.envvar_list_splitter = "\n"


def panel(title: str) -> Callable[..., Any]:
    """Return what makes options of one panel of the help.

    `flags` are separated by spaces; the first one also names the environment variable.
    """

    def option(flags: str, text: str, **more: Any) -> Any:  # noqa: ANN401 - typer's
        names = flags.split()
        variable = names[0].split("/")[0].lstrip("-").upper().replace("-", "_")
        more.setdefault("metavar", "")
        return typer.Option(
            *names,
            envvar=f"ASYNCUP_{variable}",
            help=text,
            rich_help_panel=title,
            show_envvar=False,
            **more,
        )

    return option
