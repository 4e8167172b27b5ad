"""A pytest plugin, loaded before Django's: the environment of the service under test."""

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is; fixtures are of one test, and so are its examples.
settings.register_profile(
    "shared machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("shared machine")
LIMITED = ("register", "token", "mail", "buy", "checkout", "search", "images", "report", "anonymous")


def set_environment(service: str) -> None:
    """Point the settings at the real servers that `make test` has started."""
    try:
        database_url = os.environ[f"{service.upper()}_DATABASE_URL"]
        os.environ["BROKER_URL"], os.environ["CHANNEL_LAYER_URL"]  # only to see that they are set
    except KeyError as missing:
        raise pytest.UsageError(f"{missing} is not set: run `make test`, which starts the servers.") from None
    private, public = make_key_pair()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "microstore.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "tests: Vb3x kQ9 mZ7t pL2w rN8y cD5f gH4j",
        "SECURE_SSL_REDIRECT": "0",
        "STAFF_SECOND_FACTOR": "0",  # test_second_factor.py has it
        "ALLOWED_HOSTS": "testserver",
        "LIMITS": ",".join(f"{scope}=off" for scope in LIMITED),
        "JWT_PRIVATE_KEY": private,
        "JWT_PUBLIC_KEY": public,
        "BANK_DETAILS_PUBLIC_KEY": "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=",  # of the bytes 0, 1, 2, …
        "CURRENCIES": "EUR,JPY,KWD,XTS",  # XTS is ISO 4217's code for tests: no fee schedule knows it
    }


def make_key_pair(bits: int = 2048) -> tuple[str, str]:
    """A private and a public key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


if service_under_test := os.environ.get("MICROSTORE_SERVICE"):
    set_environment(service_under_test)
