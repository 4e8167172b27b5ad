"""Access and refresh tokens, signed and verified with the key ring."""

from rest_framework_simplejwt import tokens

from microstore.auth.keys import KeyRing, key_ring


class AccessToken(tokens.AccessToken):
    """Says who is asking, for half an hour."""

    @property
    def token_backend(self) -> KeyRing:
        """The process's keys."""
        return key_ring()


class RefreshToken(tokens.RefreshToken):
    """Gets a new access token, once: with it comes the next refresh token of the same session."""

    access_token_class = AccessToken
    no_copy_claims = (*tokens.RefreshToken.no_copy_claims, "sid")  # type: ignore[assignment]  # one more

    @property
    def token_backend(self) -> KeyRing:
        """The process's keys."""
        return key_ring()
