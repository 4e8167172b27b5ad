"""Users in the admin of the listings service: suspended or deleted for good."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import re_path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from listings.accounts.customer import customer_page
from listings.accounts.deletion import request_deletion
from listings.accounts.suspension import MAY_SUSPEND, follow_suspension, set_suspended
from listings.refusals import StaffAccount
from microstore.staff.actions import record
from microstore.staff.admin import PeopleAdmin
from microstore.staff.decisions import given_reason, show_reason_form

admin.site.unregister(User)


@admin.register(User)
class ShopPeopleAdmin(PeopleAdmin):
    """List of users, whose accounts actions suspend, reinstate and delete."""

    actions = ("suspend", "reinstate", *PeopleAdmin.actions, "delete_account")

    list_display = (*PeopleAdmin.list_display, "customer")

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(customer_page)
        return [
            re_path(r"^(?P<user_id>[0-9]{1,9})/customer/$", page, name="auth_user_customer"),
            *super().get_urls(),
        ]

    @admin.display(description="customer")
    def customer(self, user: User) -> SafeString:
        url = reverse("admin:auth_user_customer", args=[user.pk])
        return format_html('<a href="{}">orders and notes</a>', url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # Django's
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            action = "reinstated" if obj.is_active else "suspended"
            record(action, by=request.user.get_username(), target=f"user {obj.pk}")
            follow_suspension(obj)

    def is_applicable(self, action: str, row: User) -> bool:
        if action in ("suspend", "reinstate"):
            return not row.is_staff and row.is_active == (action == "suspend")
        return not row.is_staff if action == "delete_account" else super().is_applicable(action, row)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Of staff alone: the action below retires a shopper's name, and has the other services forget them.
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_staff)

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may suspend and reinstate accounts of shoppers."""
        return request.user.has_perm(MAY_SUSPEND)

    @admin.action(description="Suspend the account", permissions=["suspend"])
    def suspend(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """End sessions and sales of accounts until they are reinstated; orders so far still complete."""
        return self._suspend(request, users, True)

    @admin.action(description="Reinstate the account", permissions=["suspend"])
    def reinstate(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Let suspended accounts log in again, and put back on sale what was."""
        return self._suspend(request, users, False)

    def _suspend(self, request: HttpRequest, users: QuerySet[User], suspended: bool) -> HttpResponse | None:
        reason, rows = given_reason(request), list(users)
        action, done = ("suspend", "suspended") if suspended else ("reinstate", "reinstated")
        if reason is None:
            return show_reason_form(request, self, action=action, rows=rows)
        changed = 0
        for user in rows:
            try:
                changed += set_suspended(user.pk, suspended, by=request.user.get_username(), reason=reason)
            except StaffAccount as refusal:
                self.message_user(request, f"User {user.pk}: {refusal}", messages.WARNING)
        self.message_user(request, f"{changed} {done}.", messages.SUCCESS if changed else messages.WARNING)
        return None

    @admin.action(description="Delete the account for good", permissions=["delete"])
    def delete_account(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Delete accounts of shoppers; those of staff are left as they are."""
        reason = given_reason(request)
        if reason is None:
            return show_reason_form(request, self, action="delete_account", rows=list(users))
        by, deleted = request.user.get_username(), 0
        for user_id in users.values_list("pk", flat=True):
            try:
                with transaction.atomic():
                    request_deletion(user_id)
                    # By its number: actions of staff are kept, and the name must not be.
                    record("deleted an account", by=by, target=f"user {user_id}", reason=reason)
                    deleted += 1
            except StaffAccount as refusal:
                self.message_user(request, f"User {user_id}: {refusal}", messages.WARNING)
        self.message_user(request, f"{deleted} deleted.", messages.SUCCESS if deleted else messages.WARNING)
        return None
