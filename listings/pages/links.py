"""Pages of the links in e-mails. A GET changes nothing: programs that check e-mails open every link."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from listings.accounts import links, mails, profile
from listings.accounts.mail_api import NewPasswordSerializer, ResetSerializer, TokenSerializer
from listings.pages.limits import LimitsOfNetworks, limited
from listings.pages.page import redirect_into, render_page, shows_refusals, visitor_id
from listings.queries import find_account
from listings.refusals import LinkOver

PAGE = require_http_methods(["GET", "HEAD", "POST"])


@PAGE
@limited("token", by=LimitsOfNetworks)
@shows_refusals
def verify(request: HttpRequest) -> HttpResponse:
    """Show a button; a POST verifies the address of the link."""
    if request.method != "POST":
        return _link(request, "verify.html")
    body = TokenSerializer(data={"token": request.POST.get("token", "")})
    if not body.is_valid():
        raise LinkOver(links.OVER)
    links.verify_address(body.validated_data["token"], request=request)
    return render_page(request, "done.html", {"title": gettext("Your address is confirmed")})


@require_POST
@login_required
@limited("mail")
def send_link(request: HttpRequest) -> HttpResponse:
    """Have the link sent again by which the visitor's address is verified."""
    mails.request_verification(find_account(visitor_id(request)))
    return redirect_into("email", "account", query="sent=1")


@PAGE
@limited("mail", by=LimitsOfNetworks)
def forgotten(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST has a link sent, and shows the same whether or not anybody has the address."""
    if request.method != "POST":
        return render_page(request, "forgotten.html")
    given = {"email": request.POST.get("email", "")}
    body = ResetSerializer(data=given)
    if not body.is_valid():
        return render_page(request, "forgotten.html", {"problems": body.errors, "given": given}, status=400)
    mails.request_reset(body.validated_data["email"])
    return render_page(request, "forgotten.html", {"requested": True})


@PAGE
@limited("token", by=LimitsOfNetworks)
@shows_refusals
def reset(request: HttpRequest) -> HttpResponse:
    """Show the form of the link; a POST sets the password and ends all sessions."""
    if request.method != "POST":
        return _link(request, "reset.html")
    given = {name: request.POST.get(name, "") for name in ("token", "new")}
    body = NewPasswordSerializer(data=given)
    if not body.is_valid():
        return _reset_again(request, given["token"], body.errors)
    try:
        links.reset_password(**body.validated_data, request=request)
    except ValidationError as error:
        return _reset_again(request, given["token"], {"new": error.messages})
    return render_page(request, "done.html", {"title": gettext("Your password is set"), "log_in": True})


# RFC 8058 has mail programs post without a cookie; the token in the link is known to nobody else.
@csrf_exempt
@PAGE
@limited("token", by=LimitsOfNetworks)
@shows_refusals
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """Show a button; a POST, also one of a mail program, ends the e-mails of notifications."""
    if request.method != "POST":
        return _link(request, "unsubscribe.html")
    # A mail program posts to the whole address; the form has the token inside.
    named = request.POST.get("token") or request.GET.get("token", "")
    try:
        profile.unsubscribe(UUID(named))
    except ValueError:
        raise LinkOver(links.OVER) from None
    return render_page(request, "done.html", {"title": gettext("You will get no more of these e-mails")})


def _link(request: HttpRequest, template: str) -> HttpResponse:
    return render_page(request, template, {"token": request.GET.get("token", "")})


def _reset_again(request: HttpRequest, token: str, problems: object) -> HttpResponse:
    return render_page(request, "reset.html", {"token": token, "problems": problems}, status=400)
