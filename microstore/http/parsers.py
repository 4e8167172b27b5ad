"""Parser of JSON request bodies."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant


def load_json(body: bytes) -> Any:
    """Return the value of a JSON body.

    Raises ValueError for what is no JSON or names a field twice, of which `json` takes the last alone, and
    RecursionError for what is nested too deeply.
    """
    # RFC 8259, 8.1: JSON is UTF-8, whatever charset its content type claims.
    return json.loads(body.decode(), parse_constant=strict_constant, object_pairs_hook=_as_object)


def _as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is named twice")
    return fields


class BoundedJSONParser(JSONParser):
    """JSON parser that bounds the body by DATA_UPLOAD_MAX_MEMORY_SIZE and its nesting by Python's stack."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        try:
            # `body` checks the size, which reading the stream would not.
            return load_json(request._request.body)
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error
