"""Security headers of every response."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# The viewers of the API's documentation set styles of their own, and Redoc works in a worker.
VIEWER_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
VIEWERS = ("/api/docs/", "/api/redoc/")
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"


def send_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that lets a browser load and run files of this origin alone, and no script within a page."""

    def protected(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        viewer = request.path.startswith(VIEWERS)
        response.headers.setdefault("Content-Security-Policy", VIEWER_POLICY if viewer else POLICY)
        response.headers["Permissions-Policy"] = PERMISSIONS
        if is_somebodys_own(request, response):
            response.headers["Cache-Control"] = "no-store"
        return response

    return protected


def is_somebodys_own(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether neither a proxy nor the browser may store the response: it can hold one user's data.

    So can every answer to a token or a cookie, and each that sets a cookie, but for files that are the same
    for all: static files and public keys, which are marked as `public`.
    """
    if "HTTP_AUTHORIZATION" in request.META:
        return True
    has_cookies = "HTTP_COOKIE" in request.META or bool(response.cookies)
    return has_cookies and "public" not in response.headers.get("Cache-Control", "")
