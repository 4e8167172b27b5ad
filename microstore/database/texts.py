"""Texts of people and of other programs, as PostgreSQL can store and a page can show them."""

REASON_CHARACTERS = 500


class ReasonMissing(Exception):
    """Give a reason: it is kept with the record of this action."""

    def __str__(self) -> str:
        return self.__doc__ or ""


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
