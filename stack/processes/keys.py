"""The secrets of a local run: made once, kept in one file."""

import base64
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stack.places import write_private

SECRETS = ("SECRET_KEY", "STAFF_KEY")


def keep_keys(folder: Path) -> dict[str, str]:
    """Return SECRET_KEY, STAFF_KEY, and the key pairs of tokens and bank details; made on the first call."""
    file = folder / "keys.json"
    kept = json.loads(file.read_text()) if file.exists() else make_jwt_keys()
    keys = {name: secrets.token_hex(32) for name in SECRETS} | make_bank_details_keys() | kept
    write_private(file, json.dumps(keys))
    return keys


def make_jwt_keys() -> dict[str, str]:
    """Return a new RSA key pair as PEM on one line each, with \\n for a line's end."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"JWT_PRIVATE_KEY": _on_one_line(private), "JWT_PUBLIC_KEY": _on_one_line(public)}


def make_bank_details_keys() -> dict[str, str]:
    """Return a new X25519 key pair as base64, by the names of its halves."""
    key = X25519PrivateKey.generate()
    halves = (key.private_bytes_raw(), key.public_key().public_bytes_raw())
    private, public = (base64.b64encode(half).decode() for half in halves)
    return {"BANK_DETAILS_PRIVATE_KEYS": private, "BANK_DETAILS_PUBLIC_KEY": public}


def _on_one_line(pem: bytes) -> str:
    return pem.decode().strip().replace("\n", "\\n")
