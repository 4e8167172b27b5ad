"""Asking for a reason before something is done to what was selected in a list."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

from microstore.staff.actions import ReasonMissing, read_reason


def given_reason(request: HttpRequest) -> str | None:
    """The reason in the form that `ask_for_reason` shows; None where it was not given (yet)."""
    try:
        return read_reason(request.POST.get("reason"))
    except ReasonMissing:
        return None


def ask_for_reason(
    request: HttpRequest, model_admin: Any, *, title: str, action: str, rows: Sequence[Any]
) -> TemplateResponse:
    """A page that lists the selected rows and comes back with the same action and a reason."""
    context = admin.site.each_context(request) | {
        "title": title,
        "opts": model_admin.model._meta,
        "action": action,
        "rows": rows,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "missing": "reason" in request.POST,
    }
    return TemplateResponse(request, "staff/reason.html", context)
