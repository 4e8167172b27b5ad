"""Settings of accounts and of webhooks; `settings.py` takes them over."""

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

# ---- webhooks

# Not public, but webhooks may go there, by HTTP too.
WEBHOOK_NETWORKS = env.list("WEBHOOK_NETWORKS", default=[])
WEBHOOK_CONCURRENCY = env.int("WEBHOOK_CONCURRENCY", 50)  # calls of one sender at the same time
WEBHOOK_RETRY_SECONDS = env.list(
    "WEBHOOK_RETRY_SECONDS", cast=float, default=[5, 30, 300, 1_800, 7_200, 21_600, 43_200, 86_400]
)
WEBHOOK_OFF_AFTER_DAYS = env.float("WEBHOOK_OFF_AFTER_DAYS", 5.0)  # of failures an endpoint is switched off
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", 30)  # how long deliveries and their attempts are kept
MAX_WEBHOOKS = env.int("MAX_WEBHOOKS", 10)  # endpoints of one account
