"""HTML and SVG, made such that no text in it can become markup, whatever a name holds."""

from html import escape

from asyncup.ui.text import clean


class Markup(str):
    """Text that is HTML already; any other text is shown as it is."""

    __slots__ = ()


Content = Markup | str | int | float
"""What an element may hold, or an attribute be."""


def tag(name: str, *content: Content, **attributes: Content | None) -> Markup:
    """Return an element.

    The name of an attribute may end in `_` where it is a word of Python, and has `_` for `-`; one
    that is None is left out.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Markup:
    """Return one piece of markup for many pieces and texts."""
    return Markup("".join(each if isinstance(each, Markup) else _text(each) for each in content))


def _text(value: Content) -> str:
    if isinstance(value, float):
        # A tenth of a pixel is finer than any screen.
        return f"{value:.1f}".removesuffix(".0")
    return escape(clean(str(value)))
