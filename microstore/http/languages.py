"""Language of pages, by the visitor's choice or else by the browser's `Accept-Language`."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from microstore.http.problems import is_api

ENGLISH = ("/admin/", "/staff/", "/health/", "/metrics", "/.well-known/")


def serve_language(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that sets the language of pages; the API's texts and the admin stay English."""

    def served(request: HttpRequest) -> HttpResponse:
        if is_api(request) or request.path_info.startswith(ENGLISH):
            return get_response(request)
        language = translation.get_language_from_request(request)
        # Until the response is made and no longer: the next request of this thread may be one of the API.
        with translation.override(language):
            response = get_response(request)
        response.headers["Content-Language"] = language
        patch_vary_headers(response, ("Accept-Language",))
        return response

    return served
