"""The admin's page on which staff change their own password, whose current one is guarded as at a log-in."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import authenticate
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest

from microstore.refusal import TooManyFailures


class GuardedPasswordChangeForm(AdminPasswordChangeForm):
    """Django's form, which by itself checks the current password without a limit or a record."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        given: str = self.cleaned_data["old_password"]
        request = self.request
        try:
            user = authenticate(request, username=self.user.get_username(), password=given)
        except TooManyFailures as error:
            raise forms.ValidationError(str(error)) from error
        if user is None:
            raise forms.ValidationError(self.error_messages["password_incorrect"])
        return given


class GuardedPasswordChange(PasswordChangeView):
    """Django's view with the guarded form."""

    form_class = GuardedPasswordChangeForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}
