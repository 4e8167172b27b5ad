"""Access and refresh tokens, signed and verified with the key ring."""

from rest_framework_simplejwt import tokens

from microstore.auth.keys import KeyRing, key_ring


class AccessToken(tokens.AccessToken):
    """Access token of an account, valid for ACCESS_TOKEN_LIFETIME."""

    @property
    def token_backend(self) -> KeyRing:
        return key_ring()


class RefreshToken(tokens.RefreshToken):
    """Refresh token, exchanged once for an access token and the next refresh token of the same session."""

    access_token_class = AccessToken
    no_copy_claims = (*tokens.RefreshToken.no_copy_claims, "sid")  # type: ignore[assignment]  # one more

    @property
    def token_backend(self) -> KeyRing:
        return key_ring()
