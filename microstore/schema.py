"""What the API's schema says of things that drf-spectacular does not know."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """`Authorization: Bearer …`."""

    target_class = "microstore.authentication.TokenAuthentication"
    name = "token"
