"""What keeps strangers out: headers of every page, and no start of production on defaults."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django.http import HttpRequest, HttpResponse

MIN_SECRET = 32
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# The viewers of the API's documentation set styles of their own, and Redoc works in a worker.
VIEWER_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
VIEWERS = ("/api/docs/", "/api/redoc/")
WELL_KNOWN = {"guest", "password", "changeme", "secret", "admin"}


def send_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the browser runs and loads what is ours, and nothing that stands in a page."""

    def protected(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        viewer = request.path.startswith(VIEWERS)
        response.headers.setdefault("Content-Security-Policy", VIEWER_POLICY if viewer else POLICY)
        return response

    return protected


def find_defaults(settings: Mapping[str, Any]) -> Iterator[str]:
    """What of these settings must not be met in production, one sentence each that says what to set."""
    secret = settings["SECRET_KEY"]
    if (
        len(secret) < MIN_SECRET
        or len(set(secret)) < MIN_SECRET // 4
        or secret.startswith("development-only")
    ):
        yield f"SECRET_KEY is too easy to guess: set {MIN_SECRET} random characters (`openssl rand -hex 32`)."
    if "*" in settings["ALLOWED_HOSTS"] or not settings["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS allows every name: set it to the names under which the service is called."
    for name in ("BROKER_URL", "DATABASE_URL"):
        address = urlsplit(settings[name])
        user, password = unquote(address.username or ""), unquote(address.password or "")
        if user == "guest" or password.lower() in WELL_KNOWN:
            yield f"{name} logs in as {user!r} with a password that all know: set it to a user of its own."
        elif name == "BROKER_URL" and address.scheme.startswith("amqp") and not user:
            yield "BROKER_URL names no user, which means guest: set it to a user of its own."
