"""Page of one customer for staff: what they bought, sold and reported, and notes about them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from listings.accounts.addresses import is_verified
from listings.accounts.history import events_of
from listings.accounts.suspension import MAY_SUSPEND
from listings.catalogue.seller_text import validate_line
from listings.models import CustomerNote, Listing, Order, Report
from microstore.staff.columns import peer_admin_url

SHOWN = 20  # rows of each table; each links to the list of all
MAX_NOTE = 1_000
ADD_NOTE = "listings.add_customernote"


def link_to_customer(user: User) -> SafeString:
    """Return the user's name as a link to the page of this customer."""
    url = reverse("admin:auth_user_customer", args=[user.pk])
    return format_html('<a href="{}">{}</a>', url, user.get_username())


def customer_page(request: HttpRequest, user_id: str) -> HttpResponse:
    """Show a customer as far as the viewer's role allows; a POST adds a note."""
    if not request.user.has_perm("listings.view_order"):
        raise PermissionDenied
    customer = get_object_or_404(User, pk=int(user_id))
    if request.method == "POST":
        return _add_note(request, customer)
    context = admin.site.each_context(request) | {
        "title": f"Customer {customer.get_username()}",
        "opts": User._meta,
        "customer": customer,
        "email_verified": is_verified(customer),
        "may_note": request.user.has_perm(ADD_NOTE),
        "may_suspend": request.user.has_perm(MAY_SUSPEND) and not customer.is_staff,
        "max_note": MAX_NOTE,
        "money": peer_admin_url("transactions"),
        **_tables(request, customer),
    }
    return TemplateResponse(request, "listings/customer.html", context)


def _tables(request: HttpRequest, customer: User) -> dict[str, QuerySet[Any]]:
    orders = Order.objects.select_related("listing", "past_edition", "buyer").order_by("-id")
    reports = Report.objects.select_related("listing", "reporter").order_by("-id")
    tables: dict[str, tuple[str, QuerySet[Any]]] = {
        "bought": ("listings.view_order", orders.filter(buyer=customer)),
        "sold": ("listings.view_order", orders.filter(listing__seller=customer)),
        "offered": ("listings.view_listing", Listing.objects.filter(seller=customer).order_by("-id")),
        "reports": ("listings.view_report", reports.filter(listing__seller=customer)),
        "reported": ("listings.view_report", reports.filter(reporter=customer)),
        "notes": ("listings.view_customernote", CustomerNote.objects.filter(user=customer).order_by("-id")),
        "events": ("auth.view_user", events_of(customer.pk).order_by("-id")),
    }
    return {
        name: rows[:SHOWN] if request.user.has_perm(permission) else rows.none()
        for name, (permission, rows) in tables.items()
    }


def _add_note(request: HttpRequest, customer: User) -> HttpResponse:
    if not request.user.has_perm(ADD_NOTE):
        raise PermissionDenied
    text = request.POST.get("note", "").strip()[:MAX_NOTE]
    try:
        validate_line(text)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        CustomerNote.objects.create(user=customer, by=request.user.get_username(), text=text)
    return redirect("admin:auth_user_customer", customer.pk)
