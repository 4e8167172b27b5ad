"""Cursor pagination of API lists."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as BadRequest
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

MAX_DIGITS = 100


class NewestFirst(CursorPagination):
    """Cursor pagination: the cost of a page does not grow with its number, and no row appears twice."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and int(text)):
            raise BadRequest({self.page_size_query_param: ["Use a whole number from 1."]})
        return min(int(text), self.max_page_size)

    def encode_cursor(self, cursor: Any) -> str:  # whose position the stubs take for a number
        # 486 is a place in every ordering: positions in another one than the newest first name it.
        if self._named_ordering and cursor.position is not None:
            cursor = cursor._replace(position=f"{self._named_ordering} {cursor.position}")
        return super().encode_cursor(cursor)

    def decode_cursor(self, request: Request) -> Any:
        cursor: Any = super().decode_cursor(request)
        if cursor is not None:
            if self._named_ordering and cursor.position is not None:
                cursor = cursor._replace(position=cursor.position.removeprefix(f"{self._named_ordering} "))
            # DRF takes some cursors that it did not write for the first page: a client would start again.
            written = parse_qs(urlsplit(self.encode_cursor(cursor)).query, keep_blank_values=True)
            if written[self.cursor_query_param] != [request.query_params[self.cursor_query_param]]:
                raise NotFound(self.invalid_cursor_message)
        return cursor

    @property
    def _named_ordering(self) -> str:
        field = "".join(self.ordering).replace("found_", "")  # one, as text or in a tuple
        return "" if field == NewestFirst.ordering else field

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        bounds = {"type": "integer", "minimum": 1, "default": self.page_size}
        return [cursor, size | {"schema": bounds, "description": "Rows of a page; more than 100 are 100."}]

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            page["properties"][name] |= {"example": "https://shop.example/api/listings/?cursor=cD00ODY%3D"}
        return page

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        # As DRF does, but before `narrow`, which may decode a cursor.
        self.base_url = request.build_absolute_uri()
        try:
            return super().paginate_queryset(self.narrow(queryset, request), request, view)
        # A forged cursor can hold a position that is no id of the table.
        except (ValueError, ValidationError) as error:
            raise NotFound(self.invalid_cursor_message) from error

    def narrow(self, rows: Any, request: Request) -> Any:
        """Return the rows that can be on the requested page, or more of them."""
        return rows
