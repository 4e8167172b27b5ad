"""The API's schema, generated once per process."""

import hashlib
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """OpenAPI schema as YAML or JSON, with an ETag: clients that have it get a 304."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        content, etag = rendered_schema(type(renderer))  # type: ignore[arg-type]  # a class is hashable
        name = f"{spectacular_settings.TITLE}.{renderer.format}"
        response = HttpResponse(
            content,
            content_type=renderer.media_type,
            headers={
                "Content-Disposition": f'inline; filename="{name}"',
                "ETag": etag,
                "Cache-Control": "no-cache",
                "Vary": "Accept",
            },
        )
        return get_conditional_response(request._request, etag, response=response) or response


@cache
def rendered_schema(renderer: type[BaseRenderer]) -> tuple[bytes, str]:
    """Return the schema in this renderer's format, and its ETag."""
    # Measured: generating it takes 0.1 s, as long as some thirty purchases, and anybody may fetch it.
    generator: Any = SpectacularAPIView.generator_class()
    content: Any = renderer().render(generator.get_schema(request=None, public=True), renderer_context={})
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
