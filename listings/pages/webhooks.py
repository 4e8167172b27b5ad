"""Pages of the visitor's webhooks: endpoints, their deliveries, and what they answered."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listings.models import WebhookEndpoint
from listings.pages.limits import limited
from listings.pages.page import page_of, redirect_into, render_page, shows_refusals, visitor_id
from listings.queries import find_account
from listings.webhooks import endpoints
from listings.webhooks.events import EVENT_TYPES
from listings.webhooks.serializers import EndpointSerializer
from microstore.refusal import Refusal


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limited("webhooks")
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the visitor's endpoints and a form; a POST makes one and shows its secret, once."""
    if request.method != "POST":
        return _list(request)
    given = {
        "url": request.POST.get("url", "").strip(),
        "description": request.POST.get("description", "").strip(),
        "events": request.POST.getlist("events"),
        "scope": request.POST.get("scope", WebhookEndpoint.Scope.OWN_SALES),
    }
    wanted = EndpointSerializer(data=given)
    if not wanted.is_valid():
        return _list(request, problems=wanted.errors, given=given, status=400)
    try:
        made = endpoints.make_endpoint(
            owner_id=visitor_id(request), viewer=request.user, **wanted.validated_data
        )
    except Refusal as error:
        return _list(request, problems={"url": [str(error)]}, given=given, status=error.status)
    return _detail(request, made, secret=made.secret)


@require_safe
@login_required
@shows_refusals
def webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Show one of the visitor's endpoints, with the log of its deliveries."""
    return _detail(request, endpoints.find_endpoint(endpoint_id, owner_id=visitor_id(request)))


@require_POST
@login_required
@limited("webhooks")
@shows_refusals
def change_webhook(request: HttpRequest, endpoint_id: str, action: str) -> HttpResponse:
    """Switch an endpoint on or off, ping it, give it a new secret, or delete it."""
    endpoint = endpoints.find_endpoint(UUID(endpoint_id), owner_id=visitor_id(request))
    if action == "rotate":
        endpoints.ensure_may_watch(endpoint.scope, request.user)
        rotated = endpoints.rotate_secret(endpoint)
        return _detail(request, rotated, secret=rotated.secret)
    if action == "delete":
        endpoints.delete_endpoint(endpoint)
        return redirect_into("webhooks", "webhooks")
    if action == "ping":
        endpoints.ping(endpoint)
    else:
        endpoints.change_endpoint(endpoint, {"enabled": action == "on"})
    return redirect_into("deliveries", "webhook", endpoint_id)


@require_POST
@login_required
@limited("webhooks")
@shows_refusals
def redeliver_webhook(request: HttpRequest, endpoint_id: str, delivery_id: str) -> HttpResponse:
    """Have a delivery sent again."""
    endpoint = endpoints.find_endpoint(UUID(endpoint_id), owner_id=visitor_id(request))
    endpoints.redeliver(endpoints.find_delivery(int(delivery_id), endpoint=endpoint))
    return redirect_into("deliveries", "webhook", endpoint_id)


def _list(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    user = find_account(visitor_id(request))
    shown = {
        "endpoints": endpoints.endpoints_of(user.pk).order_by("-id"),
        "event_types": EVENT_TYPES,
        "may_watch_all": endpoints.may_watch_all(request.user),
    }
    return render_page(request, "webhooks.html", shown | context, status=status)


def _detail(request: HttpRequest, endpoint: WebhookEndpoint, *, secret: str = "") -> HttpResponse:
    deliveries = endpoint.deliveries.prefetch_related(endpoints.log(newest_first=True))
    listed = page_of(request, deliveries, name="deliveries")
    response = render_page(request, "webhook.html", listed | {"endpoint": endpoint, "secret": secret})
    if secret:
        # Shown once: not again from the browser's cache.
        response.headers["Cache-Control"] = "no-store"
    return response
