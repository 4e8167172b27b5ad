"""E-mail addresses: whether an e-mail can be written to one."""

from email.errors import MessageError

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django.utils.translation import gettext

# Raised by Python's email package for an address or a header that it cannot write: a domain of 64 umlauts is
# a UnicodeError, a line break a ValueError, 250 brackets a RecursionError; its parser has raised each of the
# others.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)


def validate_address(address: str) -> None:
    """Raise ValidationError for an address for which no e-mail can be composed.

    An AppConfig adds it to the field of Django's user, so that forms and commands run it, too.
    """
    try:
        # The header, and the envelope that Django's SMTP backend makes of it.
        EmailMessage(to=[address]).message().as_bytes()
        sanitize_address(address, "utf-8").encode()
    except MALFORMED as error:
        raise ValidationError(gettext("No e-mail can be written to this address.")) from error
