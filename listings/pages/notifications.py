"""Pages of the visitor's notifications and of their e-mail setting."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from listings.accounts import profile
from listings.notifications.reading import read_all, read_notification
from listings.pages import queries
from listings.pages.page import page_of, redirect_into, render_page, shows_refusals, visitor_id
from listings.queries import find_account


@require_safe
@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    """Show the visitor's notifications, newest first, with the e-mail setting."""
    listed = page_of(request, queries.notifications_of(visitor_id(request)), name="notifications")
    wanted = {"email_wanted": queries.wants_email(visitor_id(request))}
    return render_page(request, "notifications.html", listed | wanted)


@require_safe
def unread(request: HttpRequest) -> JsonResponse:
    """Return the number of unread notifications, 0 without a session."""
    return JsonResponse({"unread": queries.unread_of(request.user.pk)}, headers={"Cache-Control": "no-store"})


@require_POST
@login_required
@shows_refusals
def mark_read(request: HttpRequest, notification_id: str) -> HttpResponse:
    read_notification(int(notification_id), recipient_id=visitor_id(request))
    return redirect_into(f"notification-{int(notification_id)}", "notifications")


@require_POST
@login_required
def mark_all_read(request: HttpRequest) -> HttpResponse:
    read_all(recipient_id=visitor_id(request))
    return redirect_into("notifications", "notifications")


@require_POST
@login_required
def set_email(request: HttpRequest) -> HttpResponse:
    # A browser sends a checkbox only if it is ticked.
    wanted = {"email_notifications": "wanted" in request.POST}
    profile.change_profile(find_account(visitor_id(request)), wanted, request=request)
    if request.POST.get("next") == "account":
        return redirect_into("email", "account", query="saved=1")
    return redirect_into("by-email", "notifications", query="saved=1")
