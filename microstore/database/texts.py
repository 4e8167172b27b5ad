"""Texts of people and of other programs, as PostgreSQL can store and a page can show them."""

import unicodedata

REASON_CHARACTERS = 500
# Unicode counts these as letters and symbols, but fonts draw nothing for them.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159")
NORMALISED_CHARACTERS = 4_096


class ReasonMissing(Exception):
    """Give a reason: it is kept with the record of this action."""

    def __str__(self) -> str:
        return self.__doc__ or ""


def nfkc(text: str) -> str:
    """Return the text in Unicode's NFKC; one of more than NORMALISED_CHARACTERS is returned as it is."""
    # Combining marks are sorted in quadratic time: a body of 256 KiB holds so many that it takes 14 s.
    return unicodedata.normalize("NFKC", text) if len(text) <= NORMALISED_CHARACTERS else text


def printable(text: str, *, instead: str = "") -> str:
    """Return the text as one line, with `instead` for each character that is not printable."""
    return "".join(each if each.isprintable() else instead for each in text)


def read_reason(text: str | None) -> str:
    """Return the reason as one line of 500 characters at most; raises ReasonMissing where it is blank."""
    # PostgreSQL takes no NUL, and a refund's reason is for its buyer to read.
    reason = printable(text or "", instead=" ").strip()
    if not reason:
        raise ReasonMissing
    return reason[:REASON_CHARACTERS]


def reason_given(text: str | None) -> str | None:
    """Return the reason as `read_reason` does; None where it is blank."""
    try:
        return read_reason(text)
    except ReasonMissing:
        return None
