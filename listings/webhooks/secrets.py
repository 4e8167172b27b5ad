"""Secrets that sign webhooks, in the form of Standard Webhooks."""

import base64
import secrets
from datetime import timedelta

SECRET_BYTES = 32
BOTH_ARE_GOOD_FOR = timedelta(days=1)


def make_secret() -> str:
    """Return a new secret, `whsec_` and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
