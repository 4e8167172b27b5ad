"""Validators for text of sellers, which stands in lists, mails and admin pages beside that of others."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

# Bidirectional embeddings, overrides and isolates reverse what follows: "\u202eEUR 001" is read as 100 RUE.
# The marks of right-to-left scripts (U+200E, U+200F, U+061C) affect only adjacent characters and are allowed.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Unicode counts these as letters and symbols, but fonts draw nothing for them.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
VISIBLE = frozenset("LNPS")
LINE_ENDS = frozenset("\r\n\t")


def validate_line(text: str) -> None:
    """Raise ValidationError unless the text is one line with at least one visible character."""
    _refuse_bidi_controls(text)
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text):
        raise ValidationError(gettext("Write one line, without control characters."))
    if not any(unicodedata.category(each)[0] in VISIBLE and each not in BLANK for each in text):
        raise ValidationError(gettext("Write something that can be seen."))


def validate_paragraphs(text: str) -> None:
    """Raise ValidationError if the text has control characters other than line ends and tabs."""
    _refuse_bidi_controls(text)
    if any(unicodedata.category(each) == "Cc" and each not in LINE_ENDS for each in text):
        raise ValidationError(gettext("Write text without control characters."))


def _refuse_bidi_controls(text: str) -> None:
    if not BIDI_CONTROLS.isdisjoint(text):
        raise ValidationError(gettext("Write text without characters that change its direction."))
