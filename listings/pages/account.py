"""The pages of the visitor's own account: e-mail, password and sessions, payouts, data."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listings.accounts import exporting, history, open_sessions, profile
from listings.accounts.addresses import is_verified
from listings.accounts.bank_account import find_bank_account
from listings.accounts.bank_account_api import BankAccountSerializer
from listings.accounts.bank_account_change import change_bank_account
from listings.accounts.browser_sessions import LOG_IN
from listings.accounts.deletion import delete_own_account
from listings.accounts.export_api import respond_with
from listings.accounts.serializers import PasswordSerializer, ProfileSerializer
from listings.pages import queries
from listings.pages.limits import limited
from listings.pages.page import redirect_into, render_page, shows_refusals, visitor_id
from listings.queries import find_account
from microstore.refusal import Refusal

MAX_EVENTS = 20  # on the page; the API has all of them


@require_safe
@login_required
def show(request: HttpRequest, page: str) -> HttpResponse:
    """Show one of PAGES, which urls.py names."""
    return _page(request, page)


@require_POST
@login_required
@limited("token")
def set_password(request: HttpRequest) -> HttpResponse:
    """Change the password; this browser stays logged in, and every other session ends."""
    given = {name: request.POST.get(name, "") for name in ("current", "new")}
    body = PasswordSerializer(data=given)
    user = find_account(visitor_id(request))
    if not body.is_valid():
        return _page(request, "security", {"password_problems": body.errors}, status=400)
    try:
        profile.change_password(user, **body.validated_data, request=request)
    except Refusal as error:
        return _page(
            request, "security", {"password_problems": {"current": [str(error)]}}, status=error.status
        )
    except ValidationError as error:
        return _page(request, "security", {"password_problems": {"new": error.messages}}, status=400)
    update_session_auth_hash(request, user)
    return _saved("password", "security")


@require_POST
@login_required
@limited("token")
def set_address(request: HttpRequest) -> HttpResponse:
    """Change the e-mail address, for which the password is needed."""
    given = {name: request.POST.get(name, "") for name in ("email", "password")}
    user = find_account(visitor_id(request))
    body = ProfileSerializer(user, data=given, partial=True)
    if not body.is_valid():
        return _page(request, "profile", {"address_problems": body.errors, "given": given}, status=400)
    try:
        profile.change_profile(user, body.validated_data, request=request)
    except Refusal as error:
        problems = {"address_problems": {"password": [str(error)]}, "given": given}
        return _page(request, "profile", problems, status=error.status)
    return _saved("email", "account")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def archive(request: HttpRequest) -> HttpResponse:
    """Have the archive of the account's data made, or send it."""
    user_id = visitor_id(request)
    if request.method == "POST":
        exporting.find_or_request(user_id, request=request)
        return redirect_into("archive", "data")
    export = exporting.find_export(user_id)
    made = exporting.read_archive(export) if export else None
    return redirect_into("archive", "data") if made is None else respond_with(made)


@require_POST
@login_required
@limited("token")
def set_bank_account(request: HttpRequest) -> HttpResponse:
    """Change the bank account for payouts, for which the password is needed."""
    given = {name: request.POST.get(name, "") for name in ("holder", "iban", "password")}
    body, user = BankAccountSerializer(data=given), find_account(visitor_id(request))
    shown: dict[str, object] = {"bank_given": {name: given[name] for name in ("holder", "iban")}}
    if not body.is_valid():
        return _page(request, "payouts", shown | {"bank_problems": body.errors}, status=400)
    try:
        change_bank_account(user, **body.validated_data, request=request)
    except Refusal as error:
        problems: dict[str, object] = {"bank_problems": {"password": [str(error)]}}
        return _page(request, "payouts", shown | problems, status=error.status)
    return _saved("bank", "payouts")


@require_POST
@login_required
@limited("token")
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the account, for which the password is needed, and log out."""
    user, password = find_account(visitor_id(request)), request.POST.get("password", "")
    try:
        delete_own_account(user, password=password, request=request)
    except Refusal as error:
        return _page(request, "data", {"deletion_problems": [str(error)]}, status=error.status)
    logout(request)
    return render_page(request, "done.html", {"title": gettext("Your account is deleted")})


@require_POST
@login_required
@shows_refusals
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    open_sessions.end_session(session_id, user_id=visitor_id(request), request=request)
    return redirect_into("sessions", "security")


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    open_sessions.end_others(visitor_id(request), but=_own_session(request), request=request)
    return redirect_into("sessions", "security")


def _page(
    request: HttpRequest, page: str, context: dict[str, object] | None = None, *, status: int = 200
) -> HttpResponse:
    shown = {"account_page": page} | PAGES[page](request, visitor_id(request)) | (context or {})
    return render_page(request, f"account_page_{page}.html", shown, status=status)


def _show_profile(_request: HttpRequest, user_id: int) -> dict[str, Any]:
    return {
        "email_verified": is_verified(find_account(user_id)),
        "email_wanted": queries.wants_email(user_id),
    }


def _show_security(request: HttpRequest, user_id: int) -> dict[str, Any]:
    return {
        "sessions": open_sessions.sessions_of(user_id),
        "own_session": _own_session(request),
        "events": history.events_of(user_id).order_by("-id")[:MAX_EVENTS],
    }


def _show_payouts(_request: HttpRequest, user_id: int) -> dict[str, Any]:
    return {
        "bank_account": find_bank_account(user_id),
        "takes_bank_accounts": bool(settings.BANK_DETAILS_PUBLIC_KEY),
    }


def _show_data(_request: HttpRequest, user_id: int) -> dict[str, Any]:
    kept_hours = exporting.KEPT_FOR // timedelta(hours=1)
    return {"export": exporting.find_export(user_id), "kept_hours": kept_hours}


PAGES = {
    "profile": _show_profile,
    "security": _show_security,
    "payouts": _show_payouts,
    "data": _show_data,
}


def _saved(section: str, name: str) -> HttpResponse:
    return redirect_into(section, name, query="saved=1")


def _own_session(request: HttpRequest) -> UUID | None:
    named = request.session.get(LOG_IN, {}).get("public_id")
    return UUID(named) if named else None
