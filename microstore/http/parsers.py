"""Parser of JSON request bodies."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """JSON parser that bounds the body by DATA_UPLOAD_MAX_MEMORY_SIZE and its nesting by Python's stack."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = dict(parser_context or {})
        request = context["request"]
        request._request.body  # noqa: B018  # Django checks the size here, which reading the stream would not.
        try:
            # RFC 8259, 8.1: JSON is UTF-8, whatever charset its content type claims.
            return super().parse(request._request, media_type, {**context, "encoding": "utf-8"})
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error
