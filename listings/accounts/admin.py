"""Users in the admin of the listings service: suspending one ends what they do at once."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from listings.accounts.open_sessions import end_all
from listings.live.push import push_reset
from microstore.staff.actions import record
from microstore.staff.admin import PeopleAdmin

admin.site.unregister(User)


@admin.register(User)
class ShopPeopleAdmin(PeopleAdmin):
    """List of users; a change of `active` suspends or reinstates the account."""

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # Django's
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            action = "reinstated" if obj.is_active else "suspended"
            record(action, by=request.user.get_username(), target=f"user {obj.pk}")
            if not obj.is_active:
                end_all(obj.pk)
            # Pages that show a listing of theirs look again what is on sale.
            transaction.on_commit(push_reset)
