"""Filters that refuse what they do not understand, and say in the schema what they take."""

from typing import Any

from django import forms
from django_filters import BooleanFilter, NumberFilter
from drf_spectacular.utils import extend_schema_field

MAX_ID = 2**63 - 1
WORDS = {"true": True, "false": False, "": None}


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID})
class IdFilter(NumberFilter):
    """A row's number, whether there is such a row or not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=MAX_ID, decimal_places=0, **kwargs)


class StrictBooleanField(forms.Field):
    """`true` or `false`; nothing else that could mean it."""

    def to_python(self, value: str | None) -> bool | None:
        """A bool, None where nothing was said, or an error."""
        word = (value or "").lower()
        if word not in WORDS:
            raise forms.ValidationError("Use true or false.")
        return WORDS[word]


class StrictBooleanFilter(BooleanFilter):
    """Django's own would take what it does not understand for nothing at all."""

    field_class = StrictBooleanField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=forms.TextInput, **kwargs)
