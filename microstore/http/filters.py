"""Query filters that refuse invalid values, and describe the valid ones in the schema."""

import re
from collections.abc import Collection
from typing import Any

from django import forms
from django.db.models import QuerySet
from django_filters import BooleanFilter, NumberFilter
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

from microstore.http.serializers import name_unknown

MAX_ID = 2**63 - 1
# Not `\d`, which matches the digits of all alphabets; no bigint of PostgreSQL has more than 19.
WHOLE_NUMBER = re.compile("[0-9]{1,19}")
WORDS = {"true": True, "false": False, "": None}


def refuse_unknown(request: Request, *, known: Collection[str]) -> None:
    """Raise ValidationError for a misspelt query parameter, or a repeated one: each would be ignored."""
    unknown = sorted(set(request.query_params) - set(known) - {str(api_settings.URL_FORMAT_OVERRIDE)})
    if unknown:
        raise ValidationError(name_unknown(unknown, "Unknown parameter."))
    repeated = sorted(name for name, values in request.query_params.lists() if len(values) > 1)
    if repeated:
        raise ValidationError(name_unknown(repeated, "Name it once."))


class KnownParameters(DjangoFilterBackend):
    """Filter backend that refuses query parameters which a list does not know, and all of a single row."""

    def get_filterset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = super().get_filterset(request, queryset, view)
        names: set[str] = set()
        # A single row is found by this, too, and has neither filters nor pages.
        if getattr(view, "action", "list") == "list":
            names |= set(filterset.filters) if filterset else set()
            if pages := view.paginator:
                names |= {pages.cursor_query_param, pages.page_size_query_param}
        refuse_unknown(request, known=names)
        return filterset


class WholeNumberField(forms.IntegerField):
    """Form field for ASCII digits alone: neither an exponent nor another alphabet's digits."""

    def to_python(self, value: Any) -> int | None:
        if value not in self.empty_values and not WHOLE_NUMBER.fullmatch(str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class WholeNumberFilter(NumberFilter):
    """Filter by a whole number from `min_value` to `max_value`."""

    field_class = WholeNumberField

    def get_max_validator(self) -> None:  # the field has its own bounds
        return None


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID})
class IdFilter(WholeNumberFilter):
    """Filter by the id of a row; an id without a row finds nothing and is no error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=MAX_ID, **kwargs)


class StrictBooleanField(forms.Field):
    """Form field for `true` or `false`; any other text but an empty one is an error."""

    def to_python(self, value: str | None) -> bool | None:
        word = (value or "").lower()
        if word not in WORDS:
            raise forms.ValidationError("Use true or false.")
        return WORDS[word]


class StrictBooleanFilter(BooleanFilter):
    """Filter by a boolean; Django's own treats an invalid value as if none were given."""

    field_class = StrictBooleanField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=forms.TextInput, **kwargs)
