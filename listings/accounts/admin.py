"""Users in the admin of the listings service: suspending one ends what they do at once."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.urls import re_path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from listings.accounts.customer import customer_page
from listings.accounts.open_sessions import end_all
from listings.live.push import push_reset
from microstore.staff.actions import record
from microstore.staff.admin import PeopleAdmin

admin.site.unregister(User)


@admin.register(User)
class ShopPeopleAdmin(PeopleAdmin):
    """List of users; a change of `active` suspends or reinstates the account."""

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
            if not obj.is_active:
                end_all(obj.pk)
            # Pages that show a listing of theirs look again what is on sale.
            transaction.on_commit(push_reset)
