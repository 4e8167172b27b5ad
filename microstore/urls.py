"""Addresses of both services; each service adds its own."""

from typing import Any

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from microstore.http.message_catalogue import download_messages, show_messages
from microstore.http.schema_view import SchemaView
from microstore.metrics import exposition
from microstore.service import path_within
from microstore.staff.peers import answer_peer
from microstore.telemetry import health


def serve_upload(request: HttpRequest, path: str, document_root: str) -> HttpResponseBase:
    """Serve an uploaded file in development; raises Http404 for a name that is none."""
    try:
        return serve(request, path, document_root=document_root)
    except OSError as error:  # longer than the file system allows
        raise Http404 from error


handler400 = "microstore.http.problems.bad_request"
handler403 = "microstore.http.problems.forbidden"
handler404 = "microstore.http.problems.not_found"
handler500 = "microstore.http.problems.server_error"

# Not OPTIONS, for which they have no template: a 500.
VIEWER: dict[str, Any] = {
    "authentication_classes": [],
    "permission_classes": [],
    "http_method_names": ["get", "head"],
}

admin.autodiscover()
admin.site.site_header = admin.site.site_title = f"MicroStore {settings.SERVICE}"

urlpatterns = [
    *([path("", include(f"{settings.SERVICE}.urls"))] if path_within(settings.SERVICE, "urls", "") else []),
    path("admin/", admin.site.urls),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(**VIEWER)),
    path(
        "api/redoc/",
        SpectacularRedocView.as_view(template_name="api/redoc.html", **VIEWER),
    ),
    path("api/messages/", show_messages),
    path("api/messages.yaml", download_messages),
    # Called by the other services, which sign the query and have no cookie.
    path("staff/trace", csrf_exempt(answer_peer)),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", exposition.view),
    *static(settings.MEDIA_URL, serve_upload, document_root=settings.MEDIA_ROOT),  # in development alone
]
