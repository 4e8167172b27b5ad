"""Reasons for which a webhook got no answer, in words for the owner of its endpoint."""

import ssl
from http.client import HTTPException

from django.utils.translation import gettext_noop
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from listings.webhooks.addresses import Forbidden

# The first that fits: some are kinds of later ones. Stored in English, and translated where they are shown.
WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (NameResolutionError, gettext_noop("No address is known for the name of the host.")),
    (NewConnectionError, gettext_noop("The host accepts no connection at this port.")),
    ((ConnectTimeoutError, TimeoutError), gettext_noop("The host did not answer in time.")),
    (ssl.SSLError, gettext_noop("The host does not speak TLS as it should.")),
    (ConnectionError, gettext_noop("The host ended the connection without a whole answer.")),
    ((HTTPException, HTTPError, OSError), gettext_noop("The host answered something that cannot be read.")),
)
UNSENT = gettext_noop("It could not be sent.")


def explain(error: Exception) -> str:
    """Return why there is no answer; of an error of ours only that it could not be sent."""
    if isinstance(error, Forbidden):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of the host is not accepted: {error.verify_message}"
    return next((words for kinds, words in WORDS if isinstance(error, kinds)), UNSENT)
