"""Pages for signing up, logging in and out, and the token of the live feed of orders."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listings.accounts import profile
from listings.accounts.serializers import LogInSerializer, RegisterSerializer
from listings.models import Profile
from listings.pages.carts import Cart, keep
from listings.pages.limits import LimitsOfNetworks, limited
from listings.pages.page import render_page
from listings.refusals import WrongCredentials
from microstore.auth.tokens import BalanceToken, LiveToken
from microstore.refusal import TooManyFailures


@require_http_methods(["GET", "HEAD", "POST"])
@limited("register", by=LimitsOfNetworks)
def sign_up(request: HttpRequest) -> HttpResponse:
    """Show the form; create the account of a POST and log it in at once."""
    if request.method != "POST":
        return _form(request, "sign_up.html")
    given = {name: request.POST.get(name, "") for name in ("username", "email", "password")}
    account = RegisterSerializer(data=given)
    if not account.is_valid():
        return _form(request, "sign_up.html", status=400, problems=account.errors, given=given)
    user = account.save()
    if (language := get_language()) != settings.LANGUAGE_CODE:
        Profile.objects.create(user=user, language=language)
    return _log_in(request, user)


@require_http_methods(["GET", "HEAD", "POST"])
@limited("token", by=LimitsOfNetworks)
def log_in(request: HttpRequest) -> HttpResponse:
    """Show the form; check the name and password of a POST, 401 where they are wrong."""
    if request.method != "POST":
        return _form(request, "log_in.html")
    given = {name: request.POST.get(name, "") for name in ("username", "password")}
    try:
        user = profile.check_credentials(**_readable(given), request=request)
    except (WrongCredentials, TooManyFailures) as refusal:
        page = _form(request, "log_in.html", status=refusal.status, reason=str(refusal), given=given)
        if refusal.retry_after_seconds:
            page.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return page
    return _log_in(request, user)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the browser's session and empty its cart."""
    logout(request)
    return keep(Cart(), redirect("shop:catalogue"))


@require_safe
def live_token(request: HttpRequest) -> HttpResponse:
    """Return a token for `/ws/orders/`, which accepts no cookie; 401 without a session."""
    return _token(request, LiveToken)


@require_safe
def balance_token(request: HttpRequest) -> HttpResponse:
    """Return a token for balance, ledger and payouts in the transactions service; 401 without a session."""
    return _token(request, BalanceToken)


def _token(request: HttpRequest, kind: type[LiveToken | BalanceToken]) -> HttpResponse:
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "Log in first."}, status=401)
    # Not stored anywhere: the page keeps it in memory, and `no-store` keeps it out of the browser's cache.
    token = str(kind.for_user(request.user))
    return JsonResponse({"access": token}, headers={"Cache-Control": "no-store"})


def _readable(given: dict[str, str]) -> dict[str, str]:
    # The API's serializer, so that both accept the same; what it refuses is the password of no account.
    body = LogInSerializer(data=given)
    if not body.is_valid():
        raise WrongCredentials(profile.WRONG)
    return dict(body.validated_data)


def _form(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    return render_page(request, template, {"next": _wanted_next(request)} | context, status=status)


def _log_in(request: HttpRequest, user: User) -> HttpResponse:
    login(request, user)
    # Not by `redirect`, which takes a text without a slash for the name of a page: a 500 for `?next=x`.
    return HttpResponseRedirect(_wanted_next(request) or reverse("shop:catalogue"))


def _wanted_next(request: HttpRequest) -> str:
    # Only addresses of this host: a link to the log-in may come from anybody and must not lead elsewhere.
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""
