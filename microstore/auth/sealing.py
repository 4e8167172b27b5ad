"""Text that one process seals for another, which alone can open it (HPKE, RFC 9180)."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class CannotOpen(Exception):
    """None of the keys opens the text, or it was sealed for another purpose."""


def seal(text: str, public_key: str, *, purpose: str) -> str:
    """Return the text as base64, sealed for the holder of the private key and for this purpose."""
    key = X25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    return base64.b64encode(SUITE.encrypt(text.encode(), key, info=purpose.encode())).decode()


def open_sealed(sealed: str, private_keys: Sequence[str], *, purpose: str) -> str:
    """Return what was sealed for one of these keys; raises CannotOpen.

    There are several while one is exchanged for another.
    """
    for private_key in private_keys:
        key = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
        try:
            return SUITE.decrypt(base64.b64decode(sealed), key, info=purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            continue
    raise CannotOpen(f"None of {len(private_keys)} keys opens it.")


def public_half(private_key: str) -> str:
    """Return the public key that belongs to a private one, both as base64."""
    key = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()
