"""Settings of accounts; `settings.py` takes them over."""

from microstore.environment import Environment

env = Environment()

AUTHENTICATION_BACKENDS = ["microstore.staff.login_guard.GuardedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
        for name in ("UserAttributeSimilarity", "CommonPassword", "NumericPassword")
    ),
    {"NAME": "microstore.auth.passwords.StrengthValidator"},
]
PASSWORD_HASHERS = ["microstore.auth.hashers.NormalisingHasher"]
ACCOUNT_HISTORY_DAYS = env.int("ACCOUNT_HISTORY_DAYS", 180)  # how long log-ins and changes are kept
MAX_MAILS_PER_HOUR = env.int("MAX_MAILS_PER_HOUR", 20)  # to one address; a digest has the rest
SELLERS_VERIFY_ADDRESS = env.bool("SELLERS_VERIFY_ADDRESS", False)
