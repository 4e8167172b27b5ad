"""Filters that refuse what they do not understand, and say in the schema what they take."""

import re
from typing import Any

from django import forms
from django_filters import BooleanFilter, NumberFilter
from drf_spectacular.utils import extend_schema_field

MAX_ID = 2**63 - 1
WHOLE_NUMBER = re.compile("[0-9]{1,19}")
WORDS = {"true": True, "false": False, "": None}


class WholeNumberField(forms.IntegerField):
    """Digits, so few that they are a number of the database: no exponent and no other alphabet's digits."""

    def to_python(self, value: Any) -> int | None:
        if value not in self.empty_values and not WHOLE_NUMBER.fullmatch(str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class WholeNumberFilter(NumberFilter):
    """A whole number from `min_value` to `max_value`."""

    field_class = WholeNumberField

    def get_max_validator(self) -> None:  # the field has its own bounds
        return None


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID})
class IdFilter(WholeNumberFilter):
    """A row's number, whether there is such a row or not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=MAX_ID, **kwargs)


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
