"""Write the catalogs of translations from the code: `make messages`.

Messages are the arguments of gettext and its like, in Python and in templates. The catalogs are written by
Babel, so that GNU gettext need not be installed.
"""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import django
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings

from tools.source import ROOT

FOLDERS = ("listings", "microstore")
WRITTEN_AT = datetime(2026, 11, 29, tzinfo=UTC)
CATALOGS = ROOT / "listings/locale"
CALLS = {"gettext", "gettext_lazy", "gettext_noop", "_", "ngettext", "ngettext_lazy"}
TEXT = r"""(u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))"""
# As Django's `templatize` writes the tags of a template.
TAG = re.compile(rf"\b(n?)(p?)gettext\(\s*{TEXT}(?:\s*,\s*{TEXT})?(?:\s*,\s*{TEXT})?|\b_\(\s*{TEXT}")
Message = tuple[str | tuple[str, str], str | None]  # with its plural, and its context


def messages_of_python(source: str) -> Iterator[Message]:
    """Yield what a module marks for translation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in CALLS:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if texts:
                yield (texts[0] if len(texts) == 1 else (texts[0], texts[1])), None


def messages_of_template(source: str) -> Iterator[Message]:
    """Yield what a template marks for translation."""
    from django.utils.translation.template import templatize  # noqa: PLC0415  # it needs the settings

    for found in TAG.finditer(templatize(source)):
        plural, context = found[1], found[2]
        texts = [str(ast.literal_eval(text)) for text in found.groups()[2:] if text]
        named = texts.pop(0) if context else None
        yield ((texts[0], texts[1]) if plural else texts[0]), named


def find_messages() -> dict[Message, list[str]]:
    """Return every message of the code with the files that it is in."""
    found: dict[Message, list[str]] = {}
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            readers = {".py": messages_of_python, ".html": messages_of_template, ".txt": messages_of_template}
            reader = readers.get(file.suffix)
            if reader and "migrations" not in file.parts:
                for message in reader(file.read_text()):
                    places = found.setdefault(message, [])
                    places += [] if (name := file.relative_to(ROOT).as_posix()) in places else [name]
    return found


def update_catalog(file: Path, found: dict[Message, list[str]]) -> Catalog:
    """Return the catalog of a language with the messages of the code, its translations kept."""
    with file.open("rb") as opened:
        before = read_po(opened)
    # Always of one date, or each run would write another file.
    catalog = Catalog(
        before.locale,
        header_comment="# Written by `make messages`.",
        creation_date=WRITTEN_AT,
        revision_date=WRITTEN_AT,
        fuzzy=False,
    )
    for (text, context), places in found.items():
        known = before.get(text if isinstance(text, str) else text[0], context)
        locations = [(place, 0) for place in places]
        catalog.add(text, known.string if known else None, locations, context=context)
    return catalog


def files_of(catalog: Catalog) -> tuple[bytes, bytes]:
    """Return the catalog as the text that people edit, and as what Django reads."""
    text, compiled = BytesIO(), BytesIO()
    write_po(text, catalog, width=110, sort_output=True, include_lineno=False)
    write_mo(compiled, catalog)
    return without_placeholders(text.getvalue()), compiled.getvalue()


def without_placeholders(content: bytes) -> bytes:
    """Return a catalog's text without the header's lines that say nothing."""
    names = b"Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator"
    return re.sub(rb'(?m)^"(?:' + names + rb"|Language-Team|Generated-By): .*\n", b"", content)


def main() -> None:
    """Write the catalogs of all languages but English, or name those that `--check` finds outdated."""
    django.setup()
    found, outdated = find_messages(), []
    for language, _ in settings.LANGUAGES:
        if language == settings.LANGUAGE_CODE:
            continue
        file = CATALOGS / language / "LC_MESSAGES/django.po"
        text, compiled = files_of(update_catalog(file, found))
        for path, content in ((file, text), (file.with_suffix(".mo"), compiled)):
            if not path.exists() or path.read_bytes() != content:
                outdated.append(path.relative_to(ROOT).as_posix())
                path.write_bytes(content) if "--check" not in sys.argv else None
    if "--check" in sys.argv and outdated:
        sys.exit(f"make messages: {', '.join(outdated)} are not as the code says")


if __name__ == "__main__":
    main()
