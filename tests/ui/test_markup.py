"""HTML in which no text becomes markup."""

from html.parser import HTMLParser

import pytest

from asyncup.ui.markup import Markup, joined, tag
from tests.html_pages import HOSTILE


class Read(HTMLParser):
    """Collects what a browser would see of one element."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_a_text(text: str) -> None:
    """Inside an element and as an attribute, alone or joined with others."""
    read = Read(joined(tag("td", text, title=text), text))
    ((name, attributes),) = read.elements
    assert name == "td"
    assert read.text == f"{attributes['title']}" * 2
    assert read.text.isprintable()
    assert read.text.encode()
    if text.isprintable():
        assert attributes["title"] == text


def test_markup_stays_what_it_is() -> None:
    """An element inside an element, and pieces that are none."""
    inner = tag("b", "1 < 2")
    assert inner == "<b>1 &lt; 2</b>"
    assert tag("p", "so: ", inner, Markup("<hr>")) == "<p>so: <b>1 &lt; 2</b><hr></p>"


def test_attributes() -> None:
    """Words of Python, dashes and numbers; one that is None is left out."""
    drawn = tag("rect", class_="a", aria_label="b", viewBox="c", x=1.25, y=2.0, r=3, rx=None)
    assert drawn == '<rect class="a" aria-label="b" viewBox="c" x="1.2" y="2" r="3"></rect>'
