"""Tokens in the links of e-mails: random, stored as a hash, good once and for a while."""

import hashlib
import secrets
from datetime import timedelta

from listings.accounts.models import AccountMail

Kind = AccountMail.Kind
GOOD_FOR = {Kind.VERIFY_ADDRESS: timedelta(days=3), Kind.RESET_PASSWORD: timedelta(hours=1)}
PATHS = {Kind.VERIFY_ADDRESS: "/account/verify/", Kind.RESET_PASSWORD: "/account/reset/"}


def make_token(mail: AccountMail) -> str:
    """Return a new token, and set its hash and its end on the row, which the caller saves."""
    token = secrets.token_urlsafe(32)
    mail.token_hash, mail.expires_at = hash_of(token), mail.created_at + GOOD_FOR[Kind(mail.kind)]
    return token


def hash_of(token: str) -> str:
    """Return the form in which a token is stored: whoever reads the table gets no link."""
    # Not salted or slow: the token has 256 random bits, which nobody guesses.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
