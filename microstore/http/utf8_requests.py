"""Requests that are read as UTF-8, whatever their content type says."""

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.utils.http import parse_header_parameters


class Utf8(HttpRequest):
    """A request whose header chooses no codec; a content type that cannot be read counts as none."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        # Django would read the address and the form by any codec of Python that the header names, before the
        # first middleware: of `base64` or `idna` each request was a 500. So was a parameter in RFC 2231's
        # encoding, b*=x'y'z.
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, LookupError):
            meta["CONTENT_TYPE"] = self.content_type = ""
            self.content_params = {}


class Utf8WSGIRequest(Utf8, WSGIRequest):
    """A request of the API's server."""


class Utf8ASGIRequest(Utf8, ASGIRequest):
    """A request of the WebSocket server."""
