"""Pages of long lists."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as BadRequest
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

MAX_DIGITS = 100


class NewestFirst(CursorPagination):
    """Cursor pages: their cost does not grow with the page number, and no row is shown twice."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_page_size(self, request: Request) -> int:
        """As many as were asked for, up to a hundred; what is no number is a 400."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and int(text)):
            raise BadRequest({self.page_size_query_param: ["Use a whole number from 1."]})
        return min(int(text), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor; raise NotFound for one that was made up, which DRF takes for page one."""
        cursor = super().decode_cursor(request)
        if cursor is not None:
            written = parse_qs(urlsplit(self.encode_cursor(cursor)).query, keep_blank_values=True)
            if written[self.cursor_query_param] != [request.query_params[self.cursor_query_param]]:
                raise NotFound(self.invalid_cursor_message)
        return cursor

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The cursor and the size, with its bounds."""
        cursor, size = super().get_schema_operation_parameters(view)
        bounds = {"type": "integer", "minimum": 1, "default": self.page_size}
        return [cursor, size | {"schema": bounds, "description": "How many; more than 100 are 100."}]

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """A page, and where the others are."""
        page = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            page["properties"][name] |= {"example": "https://shop.example/api/listings/?cursor=cD00ODY%3D"}
        return page

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """A page; 404 for a cursor that somebody made up, whose position is no id."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError) as error:
            raise NotFound(self.invalid_cursor_message) from error
