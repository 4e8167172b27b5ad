"""Rules for the words of sellers, which stand in lists, mails and admin pages beside those of others."""

import unicodedata

from django.core.exceptions import ValidationError

# Embeddings, overrides and isolates turn the direction of what follows: "\u202eEUR 001" is read as 100 RUE.
# The marks of right-to-left scripts (U+200E, U+200F, U+061C) only concern their neighbours and may stay.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols by their category, and yet nothing is drawn for them.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
DRAWN = frozenset("LNPS")
LINE_ENDS = frozenset("\r\n\t")


def validate_line(text: str) -> None:
    """Raise ValidationError unless the text is one line that can be seen."""
    _refuse_turning(text)
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text):
        raise ValidationError("Write one line, without control characters.")
    if not any(unicodedata.category(each)[0] in DRAWN and each not in BLANK for each in text):
        raise ValidationError("Write something that can be seen.")


def validate_paragraphs(text: str) -> None:
    """Raise ValidationError where the text has control characters other than line ends."""
    _refuse_turning(text)
    if any(unicodedata.category(each) == "Cc" and each not in LINE_ENDS for each in text):
        raise ValidationError("Write text without control characters.")


def _refuse_turning(text: str) -> None:
    if not TURNING.isdisjoint(text):
        raise ValidationError("Write text without characters that change its direction.")
