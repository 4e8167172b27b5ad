"""Access and refresh tokens, signed and verified with the key ring."""

from datetime import timedelta

from rest_framework_simplejwt import tokens

from microstore.auth.keys import KeyRing, key_ring


class AccessToken(tokens.AccessToken):
    """Access token of an account, valid for ACCESS_TOKEN_LIFETIME."""

    @property
    def token_backend(self) -> KeyRing:
        return key_ring()


class LiveToken(AccessToken):
    """Token for `/ws/orders/` alone. It stands in a URL, which logs keep, so it opens little."""

    token_type = "live"  # noqa: S105  # no password
    lifetime = timedelta(minutes=2)


class BalanceToken(AccessToken):
    """Token for a seller's balance, ledger and payouts alone, which a page of the shop reads."""

    token_type = "balance"  # noqa: S105  # no password
    lifetime = timedelta(minutes=5)


class RefreshToken(tokens.RefreshToken):
    """Refresh token, exchanged once for an access token and the next refresh token of the same session."""

    access_token_class = AccessToken
    no_copy_claims = (*tokens.RefreshToken.no_copy_claims, "password")  # type: ignore[assignment]  # one more

    @property
    def token_backend(self) -> KeyRing:
        return key_ring()
