"""Checks of settings that are unsafe in production: guessable secrets, hosts of others, unfit token keys."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from microstore.contracts.registry import QUEUES

MIN_SECRET = 32
MIN_PASSWORD = 12
# Of zxcvbn: a random character of letters and digits counts as ten guesses, seldom as three.
LOG10_OF_GUESSES_A_CHARACTER = 0.7
# Of a key's characters: by chance a third are words, of `change-me-to-a-random-key` more than half.
MOST_WORDS = 0.4
MOST_JUDGED = 72  # zxcvbn refuses more, and so many are judged in some milliseconds
HEX = re.compile("[0-9a-f]{32,}")
LEAST_STEPS = 14  # between neighbouring digits: 32 random ones have 18, counting has one, a repeated word few
MIN_RSA_BITS = 2048  # RFC 7518, 3.3
PEM = re.compile("-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)
OWN_WORDS = ("microstore", "postgres", "rabbitmq", "flower", "redis", *QUEUES)


class Login(NamedTuple):
    """Part of an address: who logs in, and where."""

    user: str
    password: str
    host: str


def find_unsafe_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each unsafe setting: its name and what to set."""
    for name in ("SECRET_KEY", "STAFF_KEY", "FEES_SIGNING_KEY", "PAYOUTS_SIGNING_KEY"):
        secret = settings.get(name, "")
        # While the fee function's key is exchanged there are several, of which the first one signs.
        keys = [key.strip() for key in secret.split(",")] if name == "FEES_SIGNING_KEY" else [secret]
        if (secret or name == "SECRET_KEY") and any(map(is_guessable_key, keys)):
            yield f"{name} is too easy to guess: set {MIN_SECRET} random characters (`openssl rand -hex 32`)."
    if not settings["ALLOWED_HOSTS"] or any(map(is_too_wide, settings["ALLOWED_HOSTS"])):
        yield "ALLOWED_HOSTS allows names of others: set it to the names under which the service is called."
    if any(map(is_too_wide, settings.get("CSRF_TRUSTED_ORIGINS", []))):
        yield "CSRF_TRUSTED_ORIGINS trusts sites of others: name each origin, without `*`."
    yield from find_weak_passwords(settings)
    if settings.get("SERVES_PAGES", True):  # no other process reads tokens
        yield from find_weak_keys(settings.get("SIMPLE_JWT", {}))


def find_weak_passwords(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each weak password of PostgreSQL, RabbitMQ, Redis and Flower."""
    for name, url in addresses_of(settings):
        login = login_of(url)
        # Redis may have none, and a Unix socket authenticates by user.
        needs_one = url.startswith(("amqp", "postgres")) and not login.host.startswith("/") and login.host
        if (login.password or needs_one) and is_guessable_password(login):
            yield f"{name} logs in as {login.user!r} with a password that is easy to guess: set another."
    if flower := settings.get("FLOWER_BASIC_AUTH", ""):
        user, _, password = flower.partition(":")
        if is_guessable_password(Login(user, password, host="")):
            yield f"FLOWER_BASIC_AUTH has a password that is easy to guess: set {MIN_PASSWORD} characters."


def addresses_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names of settings and the address of each server that they name."""
    # The broker's may name several nodes.
    for name in ("BROKER_URL", "CONTROL_BROKER_URL"):
        yield from ((name, url) for url in settings.get(name, "").split(";"))
    for name in ("DATABASE_URL", "CHANNEL_LAYER_URL", "LIMITS_URL"):
        yield name, settings.get(name, "")
    for service, url in settings.get("AUDITED_DATABASES", {}).items():
        if url != settings["DATABASE_URL"]:
            yield f"{service.upper()}_DATABASE_URL", url


def login_of(url: str) -> Login:
    """Return user, password and host of an address, which may stand in its query, too."""
    address = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(address.query).items()}
    user = unquote(address.username or "") or query.get("user") or query.get("username", "")
    password = unquote(address.password or "") or query.get("password", "")
    return Login(
        user, password, unquote(address.hostname or "") or query.get("host") or query.get("hostaddr", "")
    )


def is_guessable_password(login: Login) -> bool:
    """Return whether the password is short or made of well-known words, the user's name, repetitions."""
    if len(login.password) < MIN_PASSWORD:
        return True
    if is_random_hex(login.password):
        return False
    return is_guessable(_judge(login.password, own=(login.user, login.host)), least=MIN_PASSWORD)


def is_guessable_key(key: str) -> bool:
    """Return whether a key is no random one: too short, of a pattern, or a stand-in of a template."""
    if len(key) < MIN_SECRET or key.startswith(("development-only", "django-insecure-")):
        return True
    if is_random_hex(key):
        return False
    judged = _judge(key)
    words = (each["token"] for each in judged["sequence"] if each["pattern"] == "dictionary")
    in_words = sum(len(word) for word in words if len(word) > 2)  # noqa: PLR2004  # `is`
    return is_guessable(judged, least=MIN_SECRET) or in_words >= MOST_WORDS * len(judged["password"])


def is_random_hex(secret: str) -> bool:
    """Return whether this is a number as `openssl rand -hex 32` writes them, neither counted nor repeated.

    It has no words, so nothing is left for zxcvbn, which takes 70 ms and 14 MB of every process that starts.
    """
    digits = [int(digit, 16) for digit in secret] if HEX.fullmatch(secret) else []
    return len({after - before for before, after in pairwise(digits)}) >= LEAST_STEPS


def is_guessable(judged: Mapping[str, Any], *, least: int) -> bool:
    """Return whether what zxcvbn has judged takes fewer guesses than `least` random characters do."""
    return float(judged["guesses_log10"]) < least * LOG10_OF_GUESSES_A_CHARACTER


def _judge(secret: str, own: tuple[str, ...] = ()) -> dict[str, Any]:
    from zxcvbn import zxcvbn  # noqa: PLC0415  # its lists of words take 14 MB, which development can do without

    return dict(zxcvbn(secret[:MOST_JUDGED], user_inputs=[*filter(None, own), *OWN_WORDS]))


def is_too_wide(name: str) -> bool:
    """Return whether a host or an origin has a wildcard."""
    # `.shop.example` is refused, too: without a list of public suffixes `.co.uk` looks like it.
    return "*" in name or name.startswith(".")


def find_weak_keys(jwt: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each fault of the token keys: too short, unreadable, or of two pairs."""
    # It takes 34 ms to load, which workers and relays need not spend.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415

    signing, verifying = jwt.get("SIGNING_KEY", ""), jwt.get("VERIFYING_KEY", "")
    try:
        public = [serialization.load_pem_public_key(pem.encode()) for pem in PEM.findall(verifying)]
        private = serialization.load_pem_private_key(signing.encode(), password=None) if signing else None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        yield "JWT_PRIVATE_KEY or JWT_PUBLIC_KEY is no key in PEM: `make env` writes a pair."
        return
    if verifying and not public:
        yield "JWT_PUBLIC_KEY is no key in PEM: `make env` writes a pair."
    own = private.public_key() if private else None
    keys = [*public, *([own] if own else [])]
    if any(not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS for key in keys):
        yield f"JWT_PUBLIC_KEY has to be RSA of {MIN_RSA_BITS} bits or more: `make env` writes a pair."
    # Otherwise every service would refuse the tokens that this one signs.
    if own and public and own not in public:
        yield "JWT_PRIVATE_KEY is of another pair than JWT_PUBLIC_KEY: set both halves of one."
