"""Pages of the admin at which staff pass their second factor, enrol it and change it."""

from base64 import b32encode
from http import HTTPStatus

import segno
from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import SafeString, mark_safe

from microstore.staff import second_factor

WRONG = "This code is wrong, was used before, or is of another minute. Is the clock of your phone right?"


ATTRIBUTES = {"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "off"}


class CodeForm(forms.Form):
    """A code of six digits, or a recovery code."""

    code = forms.CharField(max_length=40, widget=forms.TextInput(attrs=ATTRIBUTES))


class EnrolForm(CodeForm):
    """The first code of an authenticator app, with the password."""

    field_order = ("password", "code")
    password = AdminAuthenticationForm.base_fields["password"]


def enter_code(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Serve the form for a code, which leads on to `next`."""
    if not second_factor.has_enrolled(request.user):
        return redirect(_with_next(request, "enrol-second-factor"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if second_factor.pass_with_code(request, form.cleaned_data["code"]):
            return HttpResponseRedirect(_wanted_next(request))  # `redirect` takes a text for a page's name
        form.add_error("code", WRONG)
    return _render(request, site, "second_factor.html", "Second factor", form=form)


def enrol(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Serve the key as a QR code and the form that confirms it; show the recovery codes, once."""
    if second_factor.has_enrolled(request.user):
        return redirect(_with_next(request, "second-factor"))
    form = EnrolForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if codes := second_factor.enrol(request, **form.cleaned_data):
            context = {"codes": codes, "onward": _wanted_next(request)}
            return _render(request, site, "recovery_codes.html", "Recovery codes", **context)
        form.add_error(None, "The password or the code is wrong.")
    device = second_factor.key_to_enrol(request)
    shown = {"qr_code": draw(device.config_url), "key": b32encode(device.bin_key).decode()}
    return _render(request, site, "enrol.html", "Enrol your second factor", form=form, **shown)


def draw(address: str) -> SafeString:
    """Return the address as a QR code in SVG, 4 pixels a module."""
    drawing = segno.make(address, error="m").svg_inline(scale=4, border=4, light="#fff")
    return mark_safe(drawing)  # noqa: S308  # it is made of numbers


def change(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Serve the page that replaces app and recovery codes of somebody who has passed; it needs a code."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if second_factor.pass_with_code(request, form.cleaned_data["code"]):
            by = request.user.get_username()
            second_factor.reset(request.user, by=by, reason="changed by its owner")
            return redirect("admin:enrol-second-factor")
        form.add_error("code", WRONG)
    left = second_factor.count_recovery_codes(request.user)
    return _render(request, site, "change_second_factor.html", "Your second factor", form=form, left=left)


def _render(
    request: HttpRequest, site: AdminSite, template: str, title: str, **context: object
) -> TemplateResponse:
    form = context.get("form")
    status = HTTPStatus.BAD_REQUEST if isinstance(form, forms.Form) and form.errors else HTTPStatus.OK
    context |= site.each_context(request) | {"title": title, "next": _wanted_next(request)}
    return TemplateResponse(request, f"staff/{template}", context, status=status)


def _with_next(request: HttpRequest, page: str) -> str:
    return f"{reverse(f'admin:{page}')}?{urlencode({'next': _wanted_next(request)})}"


def _wanted_next(request: HttpRequest) -> str:
    # Only addresses of this host, as the log-in does it.
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")
