"""Validators for text of sellers, which stands in lists, mails and admin pages beside that of others."""

import re
import unicodedata
from itertools import groupby

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from microstore.database.texts import BLANK

# Bidirectional embeddings, overrides and isolates reverse what follows: "\u202eEUR 001" is read as 100 RUE.
# The marks of right-to-left scripts (U+200E, U+200F, U+061C) affect only adjacent characters and are allowed.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
VISIBLE = frozenset("LNPS")
# Nothing is drawn for tags, which can spell a whole text, but in flags: a black one, tags, and their end.
TAGS = re.compile("[\U000e0000-\U000e007f]")
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
# More than one letter has in any language: in hundreds they cover the lines above and below.
MOST_MARKS = 8
LINE_ENDS = frozenset("\r\n\t")


def validate_line(text: str) -> None:
    """Raise ValidationError unless the text is one line with at least one visible character."""
    _refuse_tricks(text)
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text):
        raise ValidationError(gettext("Write one line, without control characters."))
    if not any(unicodedata.category(each)[0] in VISIBLE and each not in BLANK for each in text):
        raise ValidationError(gettext("Write something that can be seen."))


def validate_paragraphs(text: str) -> None:
    """Raise ValidationError if the text has control characters other than line ends and tabs."""
    _refuse_tricks(text)
    if any(unicodedata.category(each) == "Cc" and each not in LINE_ENDS for each in text):
        raise ValidationError(gettext("Write text without control characters."))


def _refuse_tricks(text: str) -> None:
    if not BIDI_CONTROLS.isdisjoint(text):
        raise ValidationError(gettext("Write text without characters that change its direction."))
    if TAGS.search(FLAG.sub("", text)):
        raise ValidationError(gettext("Write text without control characters."))
    if not text.isascii() and _most_marks(text) > MOST_MARKS:
        raise ValidationError(gettext("Write text with fewer accents on one letter."))


def _most_marks(text: str) -> int:
    runs = groupby(text, key=lambda each: unicodedata.category(each) in ("Mn", "Me"))
    return max((sum(1 for _ in run) for is_mark, run in runs if is_mark), default=0)
