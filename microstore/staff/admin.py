"""Admin lists of staff actions, users and roles."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django_otp.plugins.otp_static import admin as static_admin
from django_otp.plugins.otp_totp import admin as totp_admin

from microstore.auth.names import ensure_unlike_others
from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff import second_factor
from microstore.staff.decisions import given_reason, show_reason_form
from microstore.staff.lists import FastAdmin
from microstore.staff.models import StaffAction

admin.site.unregister(User)
admin.site.unregister(Group)
# They show keys and recovery codes, and let somebody make a device for somebody else.
admin.site.unregister(static_admin.StaticDevice)
admin.site.unregister(totp_admin.TOTPDevice)


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnlyAdmin):
    """Read-only list of staff actions."""

    list_display = ("at", "by", "action", "target", "reason", "address")
    search_fields = ("by", "target")
    search_help_text = "A user, or a whole target such as `dead letter 7`."
    ordering = ("-id",)

    def find(self, queryset: QuerySet[StaffAction], term: str) -> QuerySet[StaffAction]:
        of_target = queryset.filter(target=term)
        return of_target if of_target.exists() else queryset.filter(by=term)


class AddForm(AdminUserCreationForm):  # type: ignore[type-arg]  # as UserAdmin below
    """Form of a new user, whose name must not look like another's."""

    def clean_username(self) -> Any:
        name = super().clean_username()
        if name:
            ensure_unlike_others(name)
        return name


class ChangeForm(UserChangeForm):  # type: ignore[type-arg]  # as UserAdmin below
    """Form of a user, whose new name must not look like another's."""

    def clean_username(self) -> Any:
        if "username" in self.changed_data:
            ensure_unlike_others(self.cleaned_data["username"], user_id=self.instance.pk)
        return self.cleaned_data["username"]

    def _get_validation_exclusions(self) -> set[str]:
        # A name of before the rules of today stays.
        unchanged = set() if "username" in self.changed_data else {"username"}
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return excluded | unchanged


@admin.register(User)
class PeopleAdmin(FastAdmin, UserAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """List of users, searched by the beginning of their name, so that it scales to a million of them."""

    add_form, form = AddForm, ChangeForm
    list_display: tuple[str, ...] = ("username", "is_staff", "is_active", "date_joined")
    list_filter = ()
    readonly_fields = ("last_login", "date_joined")
    ordering = ("-id",)
    search_help_text = "The beginning of the name, or the number of a user."
    actions: Sequence[str] = ("reset_second_factor",)

    def is_applicable(self, action: str, row: User) -> bool:
        return action != "reset_second_factor" or second_factor.has_enrolled(row)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may reset the second factor of others."""
        return request.user.is_superuser

    @admin.action(description="Reset the second factor", permissions=["reset"])
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Delete authenticator app and recovery codes of users, who then enrol anew."""
        reason = given_reason(request)
        if reason is None:
            return show_reason_form(request, self, action="reset_second_factor", rows=list(users))
        reset = second_factor.reset_all(users, by=request.user.get_username(), reason=reason)
        self.message_user(request, f"{reset} reset.", messages.SUCCESS if reset else messages.WARNING)
        return None

    def find(self, queryset: QuerySet[User], term: str) -> QuerySet[User]:
        found = queryset.filter(username__startswith=term)
        if term.isascii() and term.isdecimal() and len(term) <= 9:  # noqa: PLR2004  # a PostgreSQL integer
            found |= queryset.filter(pk=int(term))
        return found


@admin.register(Group)
class RolesAdmin(FastAdmin, GroupAdmin):
    """List of roles, which are Django's groups."""

    search_fields = ()  # there are three
