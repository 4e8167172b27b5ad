"""Settings of both services: MICROSTORE_SERVICE picks the app, its URLs, its queue and its database."""

import secrets
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

from django.core.exceptions import ImproperlyConfigured

from microstore.auth.account_settings import *  # noqa: F403  # so do Django's settings grow
from microstore.auth.unsafe_settings import find_unsafe_settings
from microstore.contracts.registry import REGISTRY, SERVICES
from microstore.database import timeouts
from microstore.environment import Environment, check_urls
from microstore.http import cors, default_limits, schema_settings
from microstore.messaging import topology
from microstore.messaging.celery_settings import *  # noqa: F403  # the same
from microstore.service import ServiceConfig, path_within
from microstore.telemetry import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
SERVICE = env.str("MICROSTORE_SERVICE", "")
if SERVICE not in SERVICES:
    raise ImproperlyConfigured(f"Set MICROSTORE_SERVICE to one of {', '.join(SERVICES)}; it is {SERVICE!r}.")
service = cast("ServiceConfig", ServiceConfig.create(SERVICE))

DEBUG = env.bool("DEBUG", False)
required = partial(env.required, debug=DEBUG)

# It signs sessions and forms. Processes that serve none get a random key, so that theirs cannot leak.
SERVES_PAGES = DEBUG or logs.process_name(sys.argv) in ("api", "live")
SECRET_KEY = (
    required("SECRET_KEY", development="development-only-" + "0" * 50)
    if SERVES_PAGES
    else env.str("SECRET_KEY", "") or secrets.token_hex(64)
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
STOREFRONT_ORIGINS = cors.ensure_origins(env.list("STOREFRONT_ORIGINS", default=[]))  # of browser apps
CORS_URLS_REGEX, CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS = cors.PATHS, cors.SENT, cors.READ
LIVE_URL = env.str("LIVE_URL", "")
# In links of e-mails, which must not go where a request's Host header says.
SHOP_URL = env.str("SHOP_URL", "http://localhost:8000" if DEBUG else f"https://{(*ALLOWED_HOSTS, '')[0]}")

INSTALLED_APPS = [
    "microstore.staff.apps.StaffConfig",  # before the admin, whose templates it extends
    "microstore.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_filters",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "microstore.messaging",
    "audit",
    SERVICE,
    *(["tools"] if DEBUG and (BASE_DIR / "tools").is_dir() else []),  # its commands; the image has none of it
]
MIDDLEWARE = [
    "microstore.metrics.requests.measure_requests",
    "microstore.telemetry.tracing.trace_requests",
    "corsheaders.middleware.CorsMiddleware",  # before others answer: a preflight must not be redirected
    "django.middleware.security.SecurityMiddleware",
    "microstore.http.security.send_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "microstore.http.max_body.bound_bodies",
    "microstore.http.languages.serve_language",
    "microstore.http.middleware.Sessions",
    "microstore.http.middleware.Common",
    "microstore.http.middleware.Csrf",
    "microstore.http.middleware.LogIn",
    "microstore.http.middleware.SecondFactor",
    "microstore.http.middleware.Messages",
    "microstore.http.middleware.Framing",
    "microstore.http.problems.answer_exceptions",
]
CSRF_FAILURE_VIEW = "microstore.http.problems.csrf_failure"
# These checks look for Django's middleware by name, and ours are subclasses of it.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    }
]
ROOT_URLCONF = "microstore.urls"
LOGIN_URL = service.login_url
WSGI_APPLICATION = "microstore.wsgi.application"
EXPRESS_LANE = service.fast_path  # before Django
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
# Of pages for shoppers alone; the API and the admin are English.
LANGUAGE_CODE, LANGUAGES = "en", [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / SERVICE / "locale"]  # before Django's apps: the admin has a "Save" of its own
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = True, "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_TZ = True
TIME_ZONE, FORMAT_MODULE_PATH = "UTC", "microstore.staff.formats"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bytes; an API body is a few hundred
MAX_BODY_BYTES = (5 * 1024 + 16) * 1024  # with files: an image of 5 MiB, and the form around it
BODY_SECONDS = env.float("BODY_SECONDS", 30.0)  # a request body that is not complete by then is given up

# ---- database

database_url = required("DATABASE_URL", development=f"postgres://127.0.0.1/{SERVICE}")
DATABASES = {"default": env.database("DATABASE_URL", database_url)}
DATABASES["default"].update(ENGINE="microstore.postgresql", CONN_MAX_AGE=600, CONN_HEALTH_CHECKS=True)
DATABASES["default"]["OPTIONS"] = timeouts.POSTGRESQL | DATABASES["default"].get("OPTIONS", {})

# ---- uploaded files: a folder, unless another storage is named

MEDIA_URL = env.str("MEDIA_URL", "media/")
MEDIA_ROOT = env.str("MEDIA_ROOT", str(BASE_DIR / ".run/media"))
STORAGES = {
    "default": {
        "BACKEND": env.str("STORAGE_BACKEND", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("STORAGE_OPTIONS", default={}),
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# ---- security outside development

PROXIES = env.int("PROXIES", 0)  # in front of us, each of which adds to X-Forwarded-For
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    if PROXIES:  # without one the header is the client's own
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$", r"^staff/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
SESSION_ENGINE, SESSION_COOKIE_AGE = service.session_engine, 12 * 3600  # seconds: staff log in once a day
# Cookies know no ports: on one host the services would log their visitors out of each other.
# Browsers take `__Host-` from HTTPS alone, and from no other host under the same domain.
COOKIE_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}{SERVICE}_session", f"{COOKIE_PREFIX}{SERVICE}_csrf"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# ---- API

CHANNEL_LAYER_URL = env.str("CHANNEL_LAYER_URL", "redis://127.0.0.1:6379/1")
LIMITS_URL = env.str("LIMITS_URL", CHANNEL_LAYER_URL if service.limits_requests else "")
MAX_PIECES_PER_ORDER, MAX_OPEN_ORDERS = env.int("MAX_PIECES_PER_ORDER", 100), env.int("MAX_OPEN_ORDERS", 100)
MAX_OPEN_ORDERS_OF_LISTING = env.int("MAX_OPEN_ORDERS_OF_LISTING", 10)  # of one buyer; 0 is no bound
MAX_CANCELLATIONS_PER_HOUR = env.int("MAX_CANCELLATIONS_PER_HOUR", 20)
LIMITS = default_limits.changed_by(env.dict("LIMITS", default={}))

REST_FRAMEWORK = {
    "DEFAULT_THROTTLE_CLASSES": ["microstore.http.limits.Limits"] if LIMITS_URL else [],
    "NUM_PROXIES": PROXIES,
    "DEFAULT_AUTHENTICATION_CLASSES": ["microstore.auth.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["microstore.http.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["microstore.http.filters.KnownParameters"],
    "DEFAULT_SCHEMA_CLASS": "microstore.http.schema.Schema",
    "DEFAULT_PAGINATION_CLASS": "microstore.http.pagination.NewestFirst",
    "EXCEPTION_HANDLER": "microstore.http.problems.answer",
}
SPECTACULAR_SETTINGS = schema_settings.describe_api(SERVICE, enum_names=service.enum_names)
JWT_JWKS_URL = "" if service.signs_tokens else env.str("JWT_JWKS_URL", "")
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "SIGNING_KEY": env.str("JWT_PRIVATE_KEY", "", multiline=True) if service.signs_tokens else "",
    "VERIFYING_KEY": "" if JWT_JWKS_URL else required("JWT_PUBLIC_KEY", development=""),
    "ISSUER": "microstore",
    "LEEWAY": 10,  # seconds by which the clocks of two machines may differ
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "AUTH_TOKEN_CLASSES": ["microstore.auth.tokens.AccessToken"],
    "TOKEN_USER_CLASS": "microstore.auth.authentication.Account",
}

# ---- messages; the rest of Celery's settings is in messaging/celery_settings.py

BROKER_URL, CONTROL_BROKER_URL = env.str("BROKER_URL", "amqp://"), env.str("CONTROL_BROKER_URL", "")
if logs.process_name(sys.argv) in ("worker", "relay", "topology", "flower", "audit"):
    required("BROKER_URL", development=BROKER_URL)  # the others write to the outbox
HEARTBEAT_FILE = env.str("HEARTBEAT_FILE", "")  # touched by a worker or relay while it does its work
OUTBOX_BATCH = env.int("OUTBOX_BATCH", 200)  # events in one Celery message, at most
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", 5)  # of a message that fails by itself, with these delays between
RETRY_DELAYS_SECONDS = env.list("RETRY_DELAYS_SECONDS", cast=float, default=[5, 30, 60])
MESSAGING_REGISTRY = REGISTRY
MESSAGING_CONTRACTS = "microstore.contracts.registry"  # its CONTRACTS are compared between releases
MESSAGING_CELERY_APP = "microstore.celery.app"
MESSAGING_RECORD_DECISION = "microstore.staff.actions.record"
MESSAGING_FIND_DONE = path_within(SERVICE, "overview", "find_done")
CELERY_BROKER_URL: str = BROKER_URL
CELERY_TASK_QUEUES = topology.own_queues(REGISTRY, SERVICE, broker_url=BROKER_URL)
CELERY_TASK_DEFAULT_QUEUE = SERVICE

# ---- staff: one place to follow a purchase

STAFF_KEY = env.str("STAFF_KEY", "")  # the same in all services; empty: they do not query each other
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", not DEBUG)  # off: only of staff who have enrolled
OTP_TOTP_ISSUER = f"MicroStore {SERVICE}"
# Off: it locks the owner out with the attacker, and login_guard limits guesses.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
PEER_URLS = {peer: url for peer, url in env.dict("PEER_URLS", default={}).items() if peer != SERVICE}
PEER_ADMIN_URLS = env.dict("PEER_ADMIN_URLS", default={})  # the same for browsers, where that differs
# Pages of the service that signs tokens read the others' APIs with them, as storefronts do.
pages = [] if service.signs_tokens else [PEER_ADMIN_URLS.get(peer, url) for peer, url in PEER_URLS.items()]
CORS_ALLOWED_ORIGINS = [*STOREFRONT_ORIGINS, *cors.origins_of(pages)]
STAFF_LINKS = env.dict("STAFF_LINKS", default={})  # shown on the admin's front page, by name
LOG_FOLDER = env.str("LOG_FOLDER", "")  # where processes write SERVICE-….log
LOG_LINK = env.str("LOG_LINK", "")  # a log store's address with {trace_id} in it

# ---- e-mail of notifications

email_url = env.str("EMAIL_URL", "") or ("consolemail://" if DEBUG else "dummymail://")
globals().update(env.mail("EMAIL_URL", email_url))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", "MicroStore <noreply@localhost>")

# ---- reconcile and audit

RECONCILE_AFTER_SECONDS = env.int("RECONCILE_AFTER_SECONDS", 120)  # an order pending for longer is sent again
ORDER_EXPIRES_DAYS = env.int("ORDER_EXPIRES_DAYS", 7)  # then it is refused, unless it has a transaction
LIVE_EVENT_DAYS = env.int("LIVE_EVENT_DAYS", 7)  # how long live events are kept
NOTIFICATION_DAYS = env.int("NOTIFICATION_DAYS", 90)  # the same of notifications
PENDING_DEADLINE_SECONDS = env.int("PENDING_DEADLINE_SECONDS", 300)  # an audit calls it a disagreement then
OUTBOX_AGE_SECONDS = env.int("OUTBOX_AGE_SECONDS", 60)  # the same of a message that the relay has not taken
HOLD_DAYS = env.int("HOLD_DAYS", 7)  # a seller's income is available for payouts after so many days
PAYOUT_EVERY_DAYS = env.int("PAYOUT_EVERY_DAYS", 7)  # to one seller in one currency, at most
PAYOUT_MINIMUM_UNITS = env.int("PAYOUT_MINIMUM_UNITS", 10)  # whole euros, yens, dinars
PAYOUTS_URL = env.str("PAYOUTS_URL", "")  # of the payment provider; empty: files are written for a bank
PAYOUTS_SIGNING_KEY = env.str("PAYOUTS_SIGNING_KEY", "")  # the provider's too
PAYOUTS_TIMEOUT_SECONDS = (2.0, env.float("PAYOUTS_READ_TIMEOUT_SECONDS", 10.0))
PAYOUTS_FOLDER = env.str("PAYOUTS_FOLDER", str(BASE_DIR / ".run/payouts"))
PAYOUTS_FROM = env.json("PAYOUTS_FROM", default={})  # our own account: name, IBAN, BIC
BANK_DETAILS_WAIT_DAYS = env.int("BANK_DETAILS_WAIT_DAYS", 3)  # from a change to the first payout by it
BANK_DETAILS_PUBLIC_KEY = env.str("BANK_DETAILS_PUBLIC_KEY", "")  # of the first of the private ones
BANK_DETAILS_PRIVATE_KEYS = env.list("BANK_DETAILS_PRIVATE_KEYS", default=[])
if logs.process_name(sys.argv) == "payouts" and not BANK_DETAILS_PRIVATE_KEYS:
    required("BANK_DETAILS_PRIVATE_KEYS", development="")
AUDITED_DATABASES = dict.fromkeys(SERVICES, "") | {SERVICE: database_url}
AUDITED_DATABASES |= {
    service: env.str(f"{service.upper()}_DATABASE_URL", url) for service, url in AUDITED_DATABASES.items()
}

# ---- numbers for Prometheus

METRICS_FOLDER = env.str("METRICS_FOLDER", "")  # where the children of a process add up their numbers
METRICS_HOST = env.str("METRICS_HOST", "127.0.0.1")
METRICS_PORT = env.int("METRICS_PORT", 0) if env.str("METRICS_PORT", "") else 0  # 0: nowhere
OWN_GAUGES = path_within(SERVICE, "gauges", "gauges")
GAUGES = ["microstore.messaging.gauges.gauges", *filter(None, [OWN_GAUGES])]  # read at each scrape

# ---- live pages and the fee function

live_hosts = [{"address": CHANNEL_LAYER_URL} | timeouts.REDIS]
CHANNEL_LAYERS = {
    "default": {"BACKEND": "microstore.database.channel_layer.ChannelLayer", "CONFIG": {"hosts": live_hosts}}
}
LIVE_SOCKETS_PER_USER = env.int("LIVE_SOCKETS_PER_USER", 10)  # in one process
LIVE_UNSENT_FRAMES = env.int("LIVE_UNSENT_FRAMES", 1_000)  # of one socket: who reads slower is dropped
LIVE_SOCKETS_PER_ADDRESS = env.int("LIVE_SOCKETS_PER_ADDRESS", 200)  # the same of the public feed
FEES_URL = env.str("FEES_URL", "http://127.0.0.1:8003/")
FEES_SIGNING_KEY = env.str("FEES_SIGNING_KEY", "")  # the fee function's too; empty: calls are not signed
FEES_AWS_REGION = env.str("FEES_AWS_REGION", "")  # set: calls are signed as AWS wants it (SigV4)
FEES_TIMEOUT_SECONDS = (2.0, env.float("FEES_READ_TIMEOUT_SECONDS", 10.0))  # to connect, for the whole answer
FEES_HIGHEST_CENTS = env.int("FEES_HIGHEST_CENTS", 100_000)  # a fee above this and above the price is refused
QUOTE_TIMEOUT_SECONDS = env.float("QUOTE_TIMEOUT_SECONDS", 1.0)  # a page waits no longer for a total
CURRENCIES = env.list(
    "CURRENCIES", default=["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY", "KWD"]
)

check_urls(globals())
if logs.process_name(sys.argv) == "flower":
    FLOWER_BASIC_AUTH = required("FLOWER_BASIC_AUTH", development="none")  # it can stop workers
if logs.process_name(sys.argv) == "api" and service.signs_tokens:
    required("JWT_PRIVATE_KEY", development="")  # it signs tokens, and no other process does

if not DEBUG and not env.bool("ALLOW_DEFAULTS", False):
    unsafe = list(find_unsafe_settings({**globals(), "DATABASE_URL": database_url}))
    if unsafe:
        raise ImproperlyConfigured("This is production (DEBUG is off), but " + " ".join(unsafe))

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", among=logs.LEVELS)
LOGGING = logs.configuration(service=SERVICE, readable=DEBUG, level=LOG_LEVEL)
