"""Problem details (RFC 9457) in the API's schema."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from microstore.refusal import CONTENT_TYPE


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details of an error (RFC 9457)."""

    type = serializers.CharField(help_text="`urn:microstore:problem:…`, or `about:blank`.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="Explanation for people.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field of this name hides DRF's own errors
        required=False, help_text="By field, where the request is invalid."
    )


def problems(**described: str) -> dict[Any, Any]:
    """Return responses of an operation for its schema: `problems(_409="It is sold out.")`."""
    return {
        (int(status[1:]), CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description)
        for status, description in described.items()
    }
