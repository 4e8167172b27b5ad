"""Every text of the shop's templates is marked for translation, and every message is translated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "listings/templates"
# The admin is English, as are its templates.
MARKED = [file for file in sorted(TEMPLATES.rglob("*.*")) if file.parent.name not in ("listings", "webhooks")]
CATALOGS = sorted((ROOT / "listings/locale").glob("*/LC_MESSAGES/django.po"))
NAMES = re.compile(r"\b(MicroStore|Micro|Store|API|UTC|IBAN|https://\S+)")
SHOWN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "label"}
LETTERS = re.compile(r"[^\W\d_]{2}")
BLOCKS = re.compile(r"{% blocktranslate.*?{% endblocktranslate %}|{#.*?#}", re.DOTALL)
TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
UNMARKED_FILTER = re.compile(r"""\|(?:default|default_if_none|pluralize|yesno):(["'])(.*?)\1""")
CLASSES = {"read,unread"}  # no texts
PLACEHOLDER = re.compile(r"%\(\w+\)s|{\w+}")


class Shown(HTMLParser):
    """Texts and attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SHOWN_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def unmarked(source: str) -> Iterator[str]:
    """The texts of a template that nobody can translate."""
    source = BLOCKS.sub("", source)
    for tag in TAGS.findall(source):
        for quoted in UNMARKED_FILTER.finditer(tag):
            if LETTERS.search(quoted[2]) and quoted[2] not in CLASSES:
                yield quoted[2]
    shown = Shown()
    # A mark stands for a tag, so that an attribute with nothing else in it stays one.
    shown.feed(TAGS.sub("", source))
    yield from (text.strip() for text in shown.found if LETTERS.search(NAMES.sub("", text)))


@pytest.mark.parametrize("file", MARKED, ids=lambda file: file.relative_to(TEMPLATES).as_posix())
def test_every_text_of_a_template_is_marked(file: Path) -> None:
    assert list(unmarked(file.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<img alt="A lamp">',
        '<a aria-label="Add {{ title }}">{% translate "Add" %}</a>',
        '{{ name|default:"nobody" }}',
        '{{ sold|yesno:"A sale,An order" }}',
        "<button>{% if new %}Save{% endif %}</button>",
    ],
)
def test_a_text_that_is_not_marked_is_found(source: str) -> None:
    assert len(list(unmarked(source))) == 1


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.parts[-3])
def test_every_message_is_translated_with_its_placeholders(file: Path) -> None:
    with file.open("rb") as opened:
        messages = [message for message in read_po(opened) if message.id]
    assert len(messages) > 300
    for message in messages:
        ids: Any = message.id if isinstance(message.id, tuple) else (message.id,)
        texts: Any = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        for text in texts:
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(ids[-1])), message.id
