"""Form for the reason of an admin action on selected rows."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse

from microstore.database.texts import reason_given


def given_reason(request: HttpRequest) -> str | None:
    """Return the reason of the form that `show_reason_form` renders; None where it is missing or blank."""
    return reason_given(request.POST.get("reason"))


def show_reason_form(
    request: HttpRequest, model_admin: Any, *, action: str, rows: Sequence[Any], **more: Any
) -> TemplateResponse:
    """Render the selected rows with a form that posts the same action again, with a reason.

    `more` is for the template: an `amount` to be written, its `problem`, and the `key` of the form.
    """
    label = model_admin.get_actions(request)[action][2]
    context = admin.site.each_context(request) | {
        "title": f"{label}: {count_rows(model_admin.model, len(rows))}",
        "opts": model_admin.model._meta,
        "action": action,
        "button": label,
        "rows": rows,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "missing": "reason" in request.POST and given_reason(request) is None,
        "reason": given_reason(request) or "",
        **more,
    }
    return TemplateResponse(request, "staff/reason.html", context)


def count_rows(model: type[Model], count: int) -> str:
    """Return a count with the model's name in its number: `1 payout`, `2 payouts`."""
    return f"{count} {model_ngettext(model._meta, count)}"
