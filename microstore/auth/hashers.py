"""The hash of passwords."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from microstore.database.texts import nfkc


class NormalisingHasher(PBKDF2PasswordHasher):
    """PBKDF2 of the password in NFKC: keyboards that compose letters differently type one password.

    Setting and checking both come here, so that no door can forget it (NIST SP 800-63B, 5.1.1.2).
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        return super().encode(nfkc(password), salt, iterations)
