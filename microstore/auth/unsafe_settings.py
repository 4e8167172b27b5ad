"""Checks of settings that are unsafe in production: guessable secrets, hosts of others, unfit token keys."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from microstore.contracts.registry import QUEUES

MIN_SECRET = 32
MIN_PASSWORD = 12
MIN_RSA_BITS = 2048  # RFC 7518, 3.3
PEM = re.compile("-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)
# The first passwords that an attacker tries: those of tutorials, and those of this repository.
WELL_KNOWN = {
    *("guest", "password", "changeme", "secret", "admin", "administrator", "password1234", "123456789012"),
    *("microstore", "microstore_app", "microstore_owner", "microstore_reader"),
    *("postgres", "rabbitmq", "flower"),
    *QUEUES,
}


def find_unsafe_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each unsafe setting: its name and what to set."""
    for name in ("SECRET_KEY", "STAFF_KEY", "FEES_SIGNING_KEY", "PAYOUTS_SIGNING_KEY"):
        secret = settings.get(name, "")
        if (secret or name == "SECRET_KEY") and is_weak_secret(secret):
            yield f"{name} is too easy to guess: set {MIN_SECRET} random characters (`openssl rand -hex 32`)."
    if not settings["ALLOWED_HOSTS"] or any(map(is_too_wide, settings["ALLOWED_HOSTS"])):
        yield "ALLOWED_HOSTS allows every name: set it to the names under which the service is called."
    yield from find_weak_passwords(settings)
    yield from find_weak_keys(settings.get("SIMPLE_JWT", {}))


def find_weak_passwords(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each weak password of PostgreSQL, RabbitMQ and Flower."""
    # The broker's may name several nodes.
    addresses = [("BROKER_URL", url) for url in settings["BROKER_URL"].split(";")]
    for name, url in (*addresses, ("DATABASE_URL", settings["DATABASE_URL"])):
        address = urlsplit(url)
        user, password = unquote(address.username or ""), unquote(address.password or "")
        if name == "BROKER_URL" and not address.scheme.startswith("amqp"):
            continue
        if is_weak_password(user, password) and address.hostname:  # a Unix socket authenticates by user
            yield f"{name} logs in as {user!r} with a password that is easy to guess: set one of its own."
    if flower := settings.get("FLOWER_BASIC_AUTH", ""):
        user, _, password = flower.partition(":")
        if is_weak_password(user, password):
            yield f"FLOWER_BASIC_AUTH has a password that is easy to guess: set {MIN_PASSWORD} characters."


def is_weak_secret(secret: str) -> bool:
    """Return whether a key could be guessed: too short, of few characters, or a stand-in of a template."""
    return (
        len(secret) < MIN_SECRET
        or len(set(secret)) < MIN_SECRET // 4
        or secret.startswith(("development-only", "django-insecure-"))
    )


def is_weak_password(user: str, password: str) -> bool:
    """Return whether the password is short, the user's own name or well known."""
    return len(password) < MIN_PASSWORD or password.lower() in {user.lower(), *WELL_KNOWN}


def is_too_wide(host: str) -> bool:
    """Return whether the entry of ALLOWED_HOSTS matches other people's hosts: `*`, `.com`."""
    return host == "*" or (host.startswith(".") and "." not in host[1:].rstrip("."))


def find_weak_keys(jwt: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each fault of the token keys: too short, unreadable, or of two pairs."""
    signing, verifying = jwt.get("SIGNING_KEY", ""), jwt.get("VERIFYING_KEY", "")
    try:
        public = [load_pem_public_key(pem.encode()) for pem in PEM.findall(verifying)]
        own = load_pem_private_key(signing.encode(), password=None).public_key() if signing else None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        yield "JWT_PRIVATE_KEY or JWT_PUBLIC_KEY is no key in PEM: `make env` writes a pair."
        return
    if verifying and not public:
        yield "JWT_PUBLIC_KEY is no key in PEM: `make env` writes a pair."
    keys = [*public, *([own] if own else [])]
    if any(not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS for key in keys):
        yield f"JWT_PUBLIC_KEY has to be RSA of {MIN_RSA_BITS} bits or more: `make env` writes a pair."
    # Otherwise every service would refuse the tokens that this one signs.
    if own and public and own not in public:
        yield "JWT_PRIVATE_KEY is of another pair than JWT_PUBLIC_KEY: set both halves of one."
